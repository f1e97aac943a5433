"""Putting elements in order: argsort, sort, and the greatest elements along the last axis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.assertions import provided
from graphc.ops.base import apply, axis_of, check_dtype, constant, convert_to_tensor, graph_of
from graphc.ops.late import is_late, late, number
from graphc.ops.lookup import take_along_rows
from graphc.ops.reduction import reduce_max, reduce_min, reduce_sum
from graphc.ops.reshaping import shape, transpose
from graphc.ops.shape_values import static_axis, static_sizes
from graphc.records import record
from graphc.shapes import TensorType

MOST_ROUNDS = 16  # each costs three passes over the input and ten nodes; beyond, everything is sorted


@record
class Argsort(Op):
    """The positions of the elements of each row (along the last axis) in their order; equal ones keep theirs.

    Zeros of both signs are equal; NaN comes last, in either direction.
    """

    descending: bool = False

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, dtypes.NUMBERS, "what is sorted")
        if x.rank == 0:
            raise ValueError(f"a scalar cannot be sorted: {x}")
        return TensorType(dtypes.int32, x.shape)

    def evaluate(self, x: Any) -> Any:
        keys = x
        if self.descending:
            keys = np.where(np.isnan(x), x, -x) if x.dtype.kind == "f" else ~x
        return np.argsort(keys, axis=-1, kind="stable").astype(np.int32)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


@telling_line
def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The positions along ``axis`` of the elements in order (int32); equal elements keep theirs.

    ``direction`` is ``ASCENDING`` or ``DESCENDING``; NaN comes last in both. Any numbers can be sorted.
    """
    x = convert_to_tensor(values)
    descending = _descends(direction)
    with graph_of([x]).name_scope(name or "argsort") as scope:
        if is_late(axis, x):
            build = lambda x, axis: argsort(x, number(axis), direction)  # noqa: E731
            return late("argsort", build, [x], [axis], TensorType(dtypes.int32, x.type.shape), name=scope)[0]
        order = _swapped(x, axis, "argsort")
        found = apply(Argsort(descending), _sortable(x if order is None else transpose(x, order)), name=scope)
        return found if order is None else transpose(found, order)


@telling_line
def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements in order along ``axis``; ``direction`` is ``ASCENDING`` or ``DESCENDING``."""
    x = convert_to_tensor(values)
    descending = _descends(direction)
    with graph_of([x]).name_scope(name or "sort"):
        if is_late(axis, x):
            return late("sort", lambda x, axis: sort(x, number(axis), direction), [x], [axis], x.type)[0]
        order = _swapped(x, axis, "sort")
        rows = x if order is None else transpose(x, order)
        found = take_along_rows(rows, apply(Argsort(descending), _sortable(rows)))
        return found if order is None else transpose(found, order)


def _descends(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Unrecognized direction: {direction}")
    return direction == "DESCENDING"


def _swapped(x: Tensor, axis: Any, what: str) -> list[int] | None:
    """The axes in the order in which ``axis`` changes places with the last; None where it is the last."""
    place = static_axis(axis, what)
    if x.type.rank is None:
        raise ValueError(f"{what} along axis {place} needs a known rank, not {x.type}")
    place = axis_of(x, place, what)
    order = list(range(x.type.rank))
    order[place], order[-1] = order[-1], order[place]
    return None if place == x.type.rank - 1 else order


def _sortable(x: Tensor) -> Tensor:
    """Small whole numbers as int32, in the same order."""
    return x if x.dtype not in (dtypes.uint8, dtypes.bool) else e.cast(x, dtypes.int32)


class TopKV2(NamedTuple):
    """The greatest elements, and where they are."""

    values: Tensor
    indices: Tensor


@telling_line
def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """The ``k`` greatest elements along the last axis, the greatest first, and their positions.

    Of equal elements the one with the lower position comes first; NaN counts as the least.
    """
    x = convert_to_tensor(input)
    sizes = static_sizes(k)
    if sizes is None or not isinstance(sizes[0], int):
        with graph_of([x]).name_scope(name or "TopKV2"):
            return TopKV2(*_by_sorting(x, _fitting_number(x, convert_to_tensor(k))))
    number = static_axis(k, "top_k")
    size = x.type.shape[-1] if x.type.shape else None
    if number < 0 or x.type.rank == 0 or (isinstance(size, int) and size < number):
        raise ValueError(f"top_k of {x.op.describe()}: input must have last dimension >= k = {number} but is {x.type}")
    if not isinstance(size, int):
        taken = None if x.type.shape is None else (*x.type.shape[:-1], number)
        kinds = TensorType(x.dtype, taken), TensorType(dtypes.int32, taken)
        return TopKV2(*late("TopKV2", lambda x: top_k(x, number), [x], [], *kinds, name=name))
    with graph_of([x]).name_scope(name or "TopKV2"):
        places = constant(np.arange(size, dtype=np.int32))
        ranked = _by_rounds(x, places, number) if number <= MOST_ROUNDS else _by_sorting(x, number)
        return TopKV2(*ranked)


def _fitting_number(x: Tensor, k: Tensor) -> Tensor:
    """``k``, of which the step finds out whether the last axis of ``x`` has as many."""
    size = e.cast(shape(x)[-1], k.dtype)
    fits = e.logical_and(e.less_equal(convert_to_tensor(0, k.dtype), k), e.less_equal(k, size))
    return provided(k, fits, "TopKV2", ["top_k needs 0 <= k <= last dimension: k =", k, "and last dimension =", size])


def _by_rounds(x: Tensor, places: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Each round takes the greatest of what comes after the one before: smaller, or equal and further on."""
    lowest = convert_to_tensor(-np.inf if x.dtype.is_floating else int(np.iinfo(x.dtype.numpy).min), x.dtype)
    fixed = e.stop_gradient(x)
    if x.dtype.is_floating:  # NaN is neither greater nor equal: it counts as the least, as where elements are sorted
        fixed = e.select(e.is_nan(fixed), lowest, fixed)
    none = convert_to_tensor(np.iinfo(np.int32).max, dtypes.int32)
    left: Any = None
    values, indices = [], []
    for _ in range(k):
        rest = fixed if left is None else e.select(left, fixed, lowest)
        greatest = reduce_max(rest, -1, keepdims=True)
        is_it = e.equal(fixed, greatest)
        is_it = is_it if left is None else e.logical_and(is_it, left)
        place = reduce_min(e.select(is_it, places, none), -1, keepdims=True)
        values.append(reduce_sum(e.select(e.equal(places, place), x, convert_to_tensor(0, x.dtype)), -1))
        indices.append(reduce_max(place, -1))
        further = e.logical_and(e.equal(fixed, greatest), places > place)
        left = e.logical_or(fixed < greatest, further)
    if not k:
        return x[..., :0], e.cast(x[..., :0], dtypes.int32)
    return stack(values, -1), stack(indices, -1)


def _by_sorting(x: Tensor, k: Any) -> tuple[Tensor, Tensor]:
    """All elements in order, of which the first ``k`` are taken."""
    places = apply(Argsort(descending=True), _sortable(x))[..., :k]
    return take_along_rows(x, places), places
