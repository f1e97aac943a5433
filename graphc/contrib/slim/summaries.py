"""``slim.summaries``: summaries of tensors under names that follow from theirs, and lines that print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import summary
from graphc.nn.regularisation import zero_fraction
from graphc.ops.base import convert_to_tensor
from graphc.ops.printing import print_v1

__all__ = [
    "add_histogram_summaries", "add_histogram_summary", "add_image_summaries", "add_image_summary",
    "add_scalar_summaries", "add_scalar_summary", "add_zero_fraction_summaries", "add_zero_fraction_summary",
]  # fmt: skip


def _named(tensor: Any, name: str | None, prefix: str | None) -> str:
    name = name or tensor.op.name
    return f"{prefix}/{name}" if prefix else name


def add_histogram_summary(tensor: Any, name: str | None = None, prefix: str | None = None) -> Any:
    """A histogram."""
    return summary.histogram(_named(tensor, name, prefix), tensor)


def add_image_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Any:
    """Pictures."""
    called = _named(tensor, name, prefix)
    return summary.image(called, print_v1(tensor, [tensor], called) if print_summary else tensor)


def add_scalar_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Any:
    """A number; with ``print_summary`` it is printed too when summaries are made."""
    called = _named(tensor, name, prefix)
    value = print_v1(tensor, [tensor], called) if print_summary else tensor
    return summary.scalar(called, value)


def add_zero_fraction_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Any:
    """The share of zeros."""
    called = _named(tensor, name, prefix) + "/Fraction_of_Zero_Values"
    return add_scalar_summary(zero_fraction(convert_to_tensor(tensor)), called, None, print_summary)


def add_histogram_summaries(tensors: Sequence[Any], prefix: str | None = None) -> list[Any]:
    """A histogram of each."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


def add_image_summaries(tensors: Sequence[Any], prefix: str | None = None) -> list[Any]:
    """Pictures of each."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


def add_scalar_summaries(tensors: Sequence[Any], prefix: str | None = None, print_summary: bool = False) -> list[Any]:
    """A number of each."""
    return [add_scalar_summary(tensor, prefix=prefix, print_summary=print_summary) for tensor in tensors]


def add_zero_fraction_summaries(tensors: Sequence[Any], prefix: str | None = None) -> list[Any]:
    """The share of zeros of each."""
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]
