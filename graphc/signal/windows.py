"""Windows that fade a stretch of a signal in and out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.sequences import range as ramp
from graphc.ops.shape_values import static_sizes


@telling_line
def hann_window(
    window_length: Any, periodic: bool = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """``0.5 - 0.5 cos(2 pi k / n)``; ``periodic`` windows of even length repeat without a seam."""
    return _raised_cosine(window_length, periodic, dtype, name or "hann_window", 0.5, 0.5)


@telling_line
def hamming_window(
    window_length: Any, periodic: bool = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """``0.54 - 0.46 cos(2 pi k / n)``; ``periodic`` windows of even length repeat without a seam."""
    return _raised_cosine(window_length, periodic, dtype, name or "hamming_window", 0.54, 0.46)


def _raised_cosine(length: Any, periodic: bool, dtype: Any, name: str, a: float, b: float) -> Tensor:
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {wanted!r}")
    known = static_sizes(length)
    if known is not None and len(known) == 1 and known[0] is not None:
        return convert_to_tensor(_values(int(known[0]), bool(periodic), a, b), wanted, name=name)  # type: ignore[arg-type]
    with graph_of([convert_to_tensor(length)]).name_scope(name):
        return _computed(e.cast(length, dtypes.int32), bool(periodic), wanted, a, b)


def _values(length: int, periodic: bool, a: float, b: float) -> Any:
    if length == 1:
        return np.ones(1)
    turns = np.arange(length) / _period(length, periodic)
    return a - b * np.cos(2 * np.pi * turns)


def _period(length: int, periodic: bool) -> int:
    """TensorFlow's: a window of odd length ends where it began in any case."""
    return length if periodic and length % 2 == 0 else length - 1


def _computed(length: Tensor, periodic: bool, dtype: Any, a: float, b: float) -> Tensor:
    even = 1 - length % 2 if periodic else convert_to_tensor(0)
    period = e.maximum(length + even - 1, 1)
    turns = e.cast(ramp(length), dtype) * (2 * math.pi) / e.cast(period, dtype)
    return e.select(e.equal(length, 1), convert_to_tensor(1, dtype), a - b * e.cos(turns))
