"""The different elements of vectors, by sorting: unique, with counts, and the difference of two lists."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import check_dtype, convert_to_tensor, convert_together, graph_of
from graphc.ops.indexing import INDICES
from graphc.ops.lookup import gather
from graphc.ops.positions import positions
from graphc.ops.reduction import reduce_any
from graphc.ops.reshaping import expand_dims, shape
from graphc.ops.segments import unsorted_segment_sum
from graphc.ops.sequences import cumsum
from graphc.ops.sequences import range as iota
from graphc.ops.sorting import argsort


class Unique(NamedTuple):
    """The different elements in the order in which they first come, and which of them each element is."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """The same, and how often each different element comes."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]  # hides the method of tuples, as in TensorFlow


class ListDiff(NamedTuple):
    """What is left of a list, and where that stood."""

    out: Tensor
    idx: Tensor


@telling_line
def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """The different elements of the vector ``x`` in the order in which they first come: ``x[i] == y[idx[i]]``."""
    values = _vector(x, "unique", out_idx)
    with graph_of([values]).name_scope(name or "Unique"):
        y, idx = _distinct(values)
        return Unique(y, e.cast(idx, out_idx))


@telling_line
def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> UniqueWithCounts:
    """The different elements of the vector ``x``, which of them each element is, and how often each comes."""
    values = _vector(x, "unique_with_counts", out_idx)
    with graph_of([values]).name_scope(name or "UniqueWithCounts"):
        y, idx = _distinct(values)
        ones = e.cast(e.equal(idx, idx), out_idx)
        return UniqueWithCounts(y, e.cast(idx, out_idx), unsorted_segment_sum(ones, idx, shape(y)[0]))


def _vector(x: Any, called: str, out_idx: Any) -> Tensor:
    values = convert_to_tensor(x)
    if values.type.rank not in (1, None):
        raise ValueError(f"{called} expects a 1D vector, not {values.type}")
    if dtypes.as_dtype(out_idx) not in INDICES:
        raise TypeError(f"{called}: out_idx must be int32 or int64, not {dtypes.as_dtype(out_idx).name}")
    return e.stop_gradient(values)


def _distinct(x: Tensor) -> tuple[Tensor, Tensor]:
    """The different elements, and for each element its number among them.

    Equal elements stand side by side when sorted; the first of a group is its first in ``x``, since sorting keeps the
    order of equals. Groups are then numbered in the order of these.
    """
    order = argsort(x)
    ranked = gather(x, order)
    place = iota(shape(x)[0])
    before = gather(ranked, e.maximum(place - 1, 0))
    is_first = e.logical_or(e.equal(place, 0), e.not_equal(ranked, before))
    group = cumsum(e.cast(is_first, dtypes.int32)) - 1
    firsts = gather(order, positions(is_first))
    by_place = argsort(firsts)
    number = gather(argsort(by_place), group)  # an order's own order undoes it
    return gather(x, gather(firsts, by_place)), gather(number, argsort(order))


@telling_line
def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> ListDiff:
    """The elements of the vector ``x`` that are not in the vector ``y``, and their positions, in the order of ``x``."""
    a, b = convert_together(x, y)
    for part in (a, b):
        if part.type.rank != 1:
            raise ValueError(f"setdiff1d expects 1D vectors, not {part.type}")
    check_dtype(a.type, (*dtypes.NUMBERS, dtypes.uint8, dtypes.bool), "x")
    with graph_of([a]).name_scope(name or "ListDiff"):
        is_there = reduce_any(e.equal(expand_dims(a, 1), expand_dims(b, 0)), axis=1)
        left = positions(e.logical_not(is_there))
        return ListDiff(gather(e.stop_gradient(a), left), e.cast(left, index_dtype))


listdiff = setdiff1d
