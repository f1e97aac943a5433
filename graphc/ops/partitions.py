"""Rows sent to partitions by number, and put together again; rows repeated by number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import as_sizes, concat, entries_of, zeros
from graphc.ops.base import (
    axis_of,
    check_dtype,
    constant,
    convert_to_tensor,
    convert_together,
    graph_of,
    is_tensor_like,
)
from graphc.ops.late import late
from graphc.ops.lookup import gather
from graphc.ops.positions import positions
from graphc.ops.reshaping import broadcast_to, expand_dims, reshape, shape
from graphc.ops.scatter import changed, checked
from graphc.ops.segments import number_of, unsorted_segment_sum
from graphc.ops.sequences import cumsum
from graphc.ops.shape_values import static_axis, static_sizes
from graphc.shapes import TensorType, is_compatible


@telling_line
def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """The parts of ``data`` with each number in ``partitions``, in their order: ``outputs[p]`` is [count, row...].

    ``partitions`` (int32) has the leading axes of ``data``; a number outside ``[0, num_partitions)`` is an
    ``InvalidArgumentError`` when the graph runs. Differentiable by ``data``.
    """
    x, numbers = convert_to_tensor(data), convert_to_tensor(partitions)
    check_dtype(numbers.type, (dtypes.int32,), "partitions")
    if num_partitions < 1:
        raise ValueError(f"num_partitions must be at least 1, not {num_partitions}")
    rank = numbers.type.rank
    if rank is None or x.type.shape is None:
        raise ValueError(f"dynamic_partition needs known ranks, not {x.type} and {numbers.type}")
    if not is_compatible(x.type.shape[:rank], numbers.type.shape):
        raise ValueError(f"data.shape must start with partitions.shape, got {x.type} and {numbers.type}")
    with graph_of([x]).name_scope(name or "DynamicPartition"):
        sizes = entries_of(shape(x), x.type.shape)
        rows = reshape(x, as_sizes([-1, *sizes[rank:]]))
        flat = checked(reshape(numbers, [-1]), zeros([num_partitions]), "DynamicPartition", "partitions", whole=False)
        return [gather(rows, positions(e.equal(flat, number))) for number in range(num_partitions)]


@telling_line
def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """One tensor with ``merged[indices[m][i]] = data[m][i]``; of equal indices the last counts.

    It has as many rows as the greatest index says, none without an index; what no index names is 0. A negative index is
    an ``InvalidArgumentError`` when the graph runs. Differentiable by ``data``.
    """
    places = [convert_to_tensor(part) for part in indices]
    parts = convert_together(*data)
    if not places or len(places) != len(parts):
        raise ValueError(f"dynamic_stitch needs as many data as indices, at least one, not {len(parts)}, {len(places)}")
    for where, part in zip(places, parts, strict=True):
        check_dtype(where.type, (dtypes.int32,), "indices")
        if where.type.rank is None or part.type.shape is None:
            build = lambda *inputs: dynamic_stitch(inputs[: len(places)], inputs[len(places) :])  # noqa: E731
            kind = TensorType(parts[0].dtype, None)
            return late("DynamicStitch", build, [*places, *parts], [], kind, name=name)[0]
        if not is_compatible(part.type.shape[: where.type.rank], where.type.shape):
            raise ValueError(f"data.shape must start with indices.shape, got {part.type} and {where.type}")
    with graph_of(places).name_scope(name or "DynamicStitch") as scope:
        flat = concat([reshape(where, [-1]) for where in places], 0)
        rows = [_as_rows(part, where.type.rank or 0) for where, part in zip(places, parts, strict=True)]
        row = entries_of(shape(rows[0]), rows[0].type.shape)[1:]  # type: ignore[arg-type]
        count = e.cast(number_of(flat), dtypes.int32)
        empty = broadcast_to(convert_to_tensor(0, parts[0].dtype), as_sizes([count, *row]))
        return e.identity(changed("update", empty, flat, concat(rows, 0), "DynamicStitch", whole=False), name=scope)


def parallel_dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """``dynamic_stitch``; of equal indices it need not be the last that counts, and here it is."""
    return dynamic_stitch(indices, data, name or "ParallelDynamicStitch")


def _as_rows(x: Tensor, axes: int) -> Tensor:
    """``x`` with its first axes as one."""
    sizes = entries_of(shape(x), x.type.shape)  # type: ignore[arg-type]
    count = reduce(mul, sizes[:axes], 1)  # not -1, which says nothing where a row has no elements
    return reshape(x, as_sizes([count, *sizes[axes:]]))


@telling_line
def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each part of ``input`` along ``axis`` as often as ``repeats`` says, one number for all or one for each.

    Without ``axis``, the elements of ``input`` as a vector.
    """
    x, times = convert_to_tensor(input), convert_to_tensor(repeats)
    check_dtype(times.type, dtypes.INTEGERS, "repeats")
    if times.type.rank not in (0, 1):
        raise ValueError(f"repeats must be a scalar or a vector of known rank, not {times.type}")
    if axis is not None and x.type.rank is None:
        inputs = [x, times] if is_tensor_like(repeats) else [x]
        later = lambda x, times=repeats: repeat(x, times, axis)  # noqa: E731
        return late("Repeat", later, inputs, [], TensorType(x.dtype, None), name=name)[0]
    with graph_of([x]).name_scope(name or "Repeat") as scope:
        if axis is None:
            x, place = reshape(x, [-1]), 0
        else:
            place = axis_of(x, static_axis(axis, "repeat"), "repeat")
        sizes = static_sizes(repeats)
        if times.type.rank == 0 and sizes is not None and isinstance(sizes[0], int):  # as often each: a view
            return _all_repeated(x, place, sizes[0], scope)
        count = shape(x)[place]
        each = broadcast_to(e.maximum(e.cast(times, dtypes.int64), 0), reshape(count, [1]))
        return e.identity(gather(x, _repeated(each), axis=place), name=scope)


def _all_repeated(x: Tensor, place: int, times: int, name: str) -> Tensor:
    """``[a, b] -> [a, a, b, b]`` along an axis."""
    if times < 0:
        raise ValueError(f"repeats must not be negative, but is {times}")
    wide = expand_dims(x, place + 1)
    sizes = shape(wide)
    spread = broadcast_to(wide, concat([sizes[: place + 1], [times], sizes[place + 2 :]], 0))
    return reshape(spread, concat([sizes[:place], [sizes[place] * times], sizes[place + 2 :]], 0), name=name)


def _repeated(times: Tensor) -> Tensor:
    """0 to n - 1, each as often as it says: how many of the others end before a position."""
    ends = cumsum(times)
    total = reshape(concat([constant(np.zeros(1, np.int64)), ends], 0)[-1:], [])
    inside = e.less(ends, total)
    starts = e.select(inside, ends, convert_to_tensor(-1, dtypes.int64))
    passed = unsorted_segment_sum(e.cast(inside, dtypes.int64), starts, e.cast(total, dtypes.int32))
    return cumsum(passed)
