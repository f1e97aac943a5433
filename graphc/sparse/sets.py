"""``tf.sets``: the last axis of tensors as sets: their sizes, unions, intersections and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.indexing import unsorted_segment_sum
from graphc.ops.lookup import gather
from graphc.ops.positions import positions
from graphc.ops.reduction import reduce_max, reduce_prod
from graphc.ops.reshaping import expand_dims, reshape, shape
from graphc.ops.scans import cumprod
from graphc.ops.sequences import cumsum
from graphc.ops.sequences import range as iota
from graphc.ops.sorting import argsort
from graphc.ops.sparse_tensor import SparseTensor

__all__ = [
    "difference", "intersection", "set_difference", "set_intersection", "set_size", "set_union", "size", "union",
]  # fmt: skip

_ELEMENTS = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16)


class _Sets:
    """Elements beside the number of the set that each is in, counted through the axes before the last."""

    def __init__(self, value: Any, called: str, what: str):
        given = value.values if isinstance(value, SparseTensor) else convert_to_tensor(value)
        if given.dtype not in _ELEMENTS:
            raise TypeError(
                f"{called}: {what} must be whole numbers, {given.op.describe()} has {given.type}; "
                "tf.string_to_hash_bucket_fast makes numbers of strings"
            )
        if isinstance(value, SparseTensor):
            self.values = value.values
            sizes = value.dense_shape[:-1]
            self.rows = e.cast(_flat(value.indices[:, :-1], sizes), dtypes.int64)
            self.sizes, self.rank = sizes, (value.dense_shape.type.shape or (None,))[0]
        else:
            x = given
            if x.type.rank in (0, 1, None):
                raise ValueError(f"{called}: {what} must have at least 2 axes, {x.op.describe()} has {x.type}")
            whole = shape(x, out_type=dtypes.int64)
            self.values, self.sizes, self.rank = reshape(x, [-1]), whole[:-1], x.type.rank
            self.rows = e.floordiv(iota(shape(self.values, out_type=dtypes.int64)[0]), e.maximum(whole[-1], 1))


def _flat(coordinates: Tensor, sizes: Tensor) -> Tensor:
    """The row-major number of each coordinate."""
    steps = cumprod(sizes, exclusive=True, reverse=True)
    return e.cast(_sum_of_columns(coordinates * steps), dtypes.int64)


def _sum_of_columns(x: Tensor) -> Tensor:
    from_start = cumsum(x, axis=1)
    return from_start[:, -1]


@telling_line
def set_size(a: Any, validate_indices: bool = True) -> Tensor:
    """How many different elements each set of the SparseTensor ``a`` has, int32, in the shape of the axes before."""
    if not isinstance(a, SparseTensor):
        raise TypeError(f"set_size: a must be a SparseTensor, not {a!r}; tf.contrib.layers.dense_to_sparse makes one")
    sets = _Sets(a, "set_size", "a")
    with graph_of([sets.values]).name_scope("set_size"):
        rows, _, _ = _distinct(sets.rows, sets.values, None)
        counts = unsorted_segment_sum(e.cast(e.equal(rows, rows), dtypes.int32), rows, reduce_prod(sets.sizes))
        result = reshape(counts, sets.sizes)
        if isinstance(sets.rank, int):
            result.set_shape([None] * (sets.rank - 1))
        return result


def set_intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The elements of each set of ``a`` that are in that of ``b`` too, in order, as a SparseTensor.

    Tensors or SparseTensors of whole numbers, equal in all axes but the last; ``TypeError``, ``ValueError`` otherwise.
    """
    return _combined(a, b, "set_intersection", e.logical_and)


def set_union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The elements of each set of ``a`` and of ``b``, in order; see :func:`set_intersection`."""
    return _combined(a, b, "set_union", e.logical_or)


def set_difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """The elements of each set of ``a`` that are not in that of ``b`` (or the reverse, where ``aminusb`` is False)."""
    if not aminusb:
        a, b = b, a
    return _combined(a, b, "set_difference", lambda first, second: e.logical_and(first, e.logical_not(second)))


size, union, intersection, difference = set_size, set_union, set_intersection, set_difference


def _combined(a: Any, b: Any, called: str, keep: Callable[[Tensor, Tensor], Tensor]) -> SparseTensor:
    first, second = _Sets(a, called, "a"), _Sets(b, called, "b")
    if first.values.dtype is not second.values.dtype:
        raise TypeError(f"{called}: a has elements {first.values.dtype.name}, b {second.values.dtype.name}")
    if isinstance(first.rank, int) and isinstance(second.rank, int) and first.rank != second.rank:
        raise ValueError(f"{called}: a has {first.rank} axes and b {second.rank}; wanted as many")
    with graph_of([first.values]).name_scope(called):
        rows = concat([first.rows, second.rows], 0)
        values = concat([first.values, second.values], 0)
        is_first = concat([e.equal(first.rows, first.rows), e.not_equal(second.rows, second.rows)], 0)
        rows, values, both = _distinct(rows, values, is_first)
        assert both is not None
        kept = positions(keep(*both))
        return _as_sparse(gather(rows, kept), gather(values, kept), first.sizes)


def _distinct(
    rows: Tensor, values: Tensor, is_first: Tensor | None
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]:
    """Each element of each row once, in order, and whether there is one like it that is first, and one that is not."""
    rows, values = e.stop_gradient(rows), e.stop_gradient(values)
    order = argsort(values)
    order = gather(order, argsort(gather(rows, order)))  # sorting keeps the order of equals
    rows, values = gather(rows, order), gather(values, order)
    before = e.maximum(iota(shape(rows)[0]) - 1, 0)
    differs = e.logical_or(e.not_equal(rows, gather(rows, before)), e.not_equal(values, gather(values, before)))
    starts = e.logical_or(differs, e.equal(iota(shape(rows)[0]), 0))
    heads = positions(starts)
    both = None
    if is_first is not None:
        group, count = cumsum(e.cast(starts, dtypes.int32)) - 1, shape(heads)[0]
        of_first = e.cast(gather(is_first, order), dtypes.int32)
        both = unsorted_segment_sum(of_first, group, count) > 0, unsorted_segment_sum(1 - of_first, group, count) > 0
    return gather(rows, heads), gather(values, heads), both


def _as_sparse(rows: Tensor, values: Tensor, sizes: Tensor) -> SparseTensor:
    """The elements, in the order of their rows, as the entries of a SparseTensor."""
    ones = e.cast(e.equal(rows, rows), dtypes.int64)
    number = e.cast(cumsum(ones), dtypes.int64) - 1
    counts = unsorted_segment_sum(ones, rows, reduce_prod(sizes))
    place = number - gather(cumsum(counts, exclusive=True), rows)
    steps = cumprod(sizes, exclusive=True, reverse=True)
    coordinates = e.floormod(e.floordiv(expand_dims(rows, 1), expand_dims(steps, 0)), expand_dims(sizes, 0))
    indices = concat([coordinates, expand_dims(place, 1)], 1)
    longest = reduce_max(concat([counts, convert_to_tensor([0], dtypes.int64)], 0))
    return SparseTensor(indices, values, concat([sizes, expand_dims(longest, 0)], 0))
