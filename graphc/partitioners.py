"""How many parts a large variable would have on several machines; here variables are whole, and scopes take them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.dtypes import as_dtype
from graphc.mistakes import telling_line
from graphc.shapes import TensorShape

__all__ = ["fixed_size_partitioner", "min_max_variable_partitioner", "variable_axis_size_partitioner"]

Partitioner = Callable[..., list[int]]


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """``num_shards`` parts along an axis, or as many as it is long."""

    def partitions(shape: Any, **_: Any) -> list[int]:
        sizes = _sizes(shape)
        return _parts(len(sizes), axis, min(num_shards, sizes[axis]))

    return partitions


@telling_line
def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """As few parts along an axis as keep each at ``max_shard_bytes``; ``ValueError`` for numbers below 1."""
    _at_least_one(max_shard_bytes, "max_shard_bytes")
    _at_least_one(bytes_per_string_element, "bytes_per_string_element")
    if max_shards is not None:
        _at_least_one(max_shards, "max_shards")

    def partitions(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes(shape)
        slice_bytes = math.prod(sizes) // sizes[axis] * _item(dtype, bytes_per_string_element)
        per_part = max(1, max_shard_bytes // slice_bytes)
        count = -(-sizes[axis] // per_part)
        return _parts(len(sizes), axis, count if max_shards is None else min(count, max_shards))

    return partitions


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Partitioner:
    """As many parts along an axis as leave each ``min_slice_size`` bytes, at most ``max_partitions``."""
    _at_least_one(max_partitions, "max_partitions")
    _at_least_one(min_slice_size, "min_slice_size")
    _at_least_one(bytes_per_string_element, "bytes_per_string_element")

    def partitions(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes(shape)
        total = math.prod(sizes) * _item(dtype, bytes_per_string_element)
        return _parts(len(sizes), axis, min(sizes[axis], max_partitions, max(1, -(-total // min_slice_size))))

    return partitions


def _sizes(shape: Any) -> list[int]:
    known = TensorShape(shape)
    if not known.is_fully_defined():
        raise ValueError(f"shape is not fully defined: {known}")
    return [int(size) for size in known]


def _item(dtype: Any, bytes_of_string: int) -> int:
    kind = as_dtype(dtype)
    return bytes_of_string if kind.is_string else kind.size


def _parts(rank: int, axis: int, count: int) -> list[int]:
    parts = [1] * rank
    parts[axis] = max(1, count)
    return parts


def _at_least_one(number: int, what: str) -> None:
    if number < 1:
        raise ValueError(f"{what} must be at least 1, not {number}")
