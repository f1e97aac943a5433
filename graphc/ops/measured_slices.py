"""Slices whose length is known only while the step runs: positions are clipped as Python does, then looked up.

    y = x[begin:end:stride]   ->   first, stop = clip(begin), clip(end);  n = max(0, ceil((stop - first) / stride))
                                   y[i] = x[first + i * stride] for i < n

The adjoint puts back by the same positions.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc import dtypes
from graphc.dims import Dim, DimLike, is_bounded
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant
from graphc.ops.blocks import Block, SliceFrom, StridedSlice, StridedSliceFrom, along
from graphc.ops.indexing import GatherV2, ScatterAdd
from graphc.ops.measured import CheckSize, measure, require_count, settle
from graphc.ops.reshaping import dim_value, reshape
from graphc.ops.sequences import Iota


def take(block: Block, inputs: Sequence[Tensor]) -> Tensor:
    """What the block takes of its first input, one lookup along each axis of which it takes a part."""
    x, *bounds = inputs
    for axis, places in _places(block, x.type.sizes, bounds):
        x = apply(GatherV2(axis, slices=True), x, places)
    return x


def put_back(block: Block, inputs: Sequence[Tensor]) -> Tensor:
    """Zeros of the shape of the second input, with the first where the block takes it from."""
    grad, like, *bounds = inputs
    sizes = like.type.sizes
    for axis, places in _places(block, sizes, bounds):
        settle(places.type.sizes[0], grad.type.sizes[axis])
        grad = apply(ScatterAdd(axis, sizes[axis], lookup=True), grad, places)
    return grad


def _places(block: Block, sizes: Sequence[DimLike], bounds: Sequence[Tensor]) -> list[tuple[int, Tensor]]:
    """The positions taken along each axis that is not taken as a whole."""
    found = []
    for axis, size in enumerate(sizes):
        places = _along(block, axis, dim_value(size, dtypes.int64), size, bounds)
        if places is not None:
            found.append((axis, places))
    return found


def _along(block: Block, axis: int, whole: Tensor, size: DimLike, bounds: Sequence[Tensor]) -> Tensor | None:
    limit = size if is_bounded(size) else None
    if isinstance(block, SliceFrom):
        begin, count = (_entry(vector, axis) for vector in bounds)
        taken = e.select(e.equal(count, _number(-1)), whole - begin, count)
        _require_all_of_at_least_0(begin, taken, whole - begin - taken)
        return _positions(begin, begin + e.minimum(taken, whole), 1, limit)
    if isinstance(block, StridedSlice):
        if axis >= len(block.begin):
            return None
        ends, stride = (block.begin[axis], block.end[axis]), block.strides[axis]
        limit = _most_taken(*ends, stride, size)
        parts = [None if end is None else _number(end) for end in ends]
        if axis in block.index_axes:
            assert ends[0] is not None and parts[0] is not None
            return reshape(parts[0] if ends[0] >= 0 else whole + parts[0], (1,))
    else:
        assert isinstance(block, StridedSliceFrom), block
        if axis >= len(block.strides):
            return None
        stride = block.strides[axis]
        is_open = block.open_begin[axis], block.open_end[axis]
        parts = [None if free else _entry(vector, axis) for free, vector in zip(is_open, bounds, strict=True)]
    if parts == [None, None] and stride == 1:
        return None
    low, high = (_number(0), whole) if stride > 0 else (_number(-1), whole - 1)
    first = _clipped(parts[0], whole, low, high, low if stride > 0 else high)
    stop = _clipped(parts[1], whole, low, high, high if stride > 0 else low)
    return _positions(first, stop, stride, limit)


def _clipped(part: Tensor | None, whole: Tensor, low: Tensor, high: Tensor, default: Tensor) -> Tensor:
    """A bound counted from the front, within the axis."""
    if part is None:
        return default
    counted = e.select(e.less(part, _number(0)), part + whole, part)
    return e.maximum(low, e.minimum(counted, high))


def _most_taken(begin: int | None, end: int | None, stride: int, size: DimLike) -> DimLike | None:
    """What a slice has at most: what is known of the size of its axis, or the distance of its ends."""
    first = 0 if begin is None else begin
    last = 0 if end is None and first < 0 else end
    counted_alike = last is not None and (first < 0) == (last < 0 or end is None)
    known = size if is_bounded(size) else None
    if stride < 0 or last is None or not counted_alike or isinstance(known, Dim):
        return known
    found = max(0, -(-(last - first) // stride))
    return found if known is None else min(known, found)


def _positions(first: Tensor, stop: Tensor, stride: int, limit: DimLike | None) -> Tensor:
    steps = e.floordiv(stop - first + _number(stride - (1 if stride > 0 else -1)), _number(stride))
    count = measure(e.maximum(steps, _number(0)), limit)
    return apply(Iota(count, dtypes.int64)) * _number(stride) + first


def _require_all_of_at_least_0(first: Tensor, *others: Tensor) -> None:
    """It is an error of the step where one of the numbers is negative."""
    for other in others:
        first = e.minimum(first, other)
    require_count(apply(CheckSize(), first))


def _entry(vector: Tensor, axis: int) -> Tensor:
    return e.cast(reshape(along(vector, 0, axis, axis + 1), ()), dtypes.int64)


def _number(value: int) -> Tensor:
    return constant(value, dtypes.int64)
