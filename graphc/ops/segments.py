"""Parts of an array that belong together, by their ids: sums, means, products, extremes of each segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones_like
from graphc.ops.base import apply, check_dtype, convert_to_tensor, graph_of
from graphc.ops.checks import Refused
from graphc.ops.copies import whole
from graphc.ops.indexing import INDICES, unsorted_segment_sum
from graphc.ops.lookup import gather
from graphc.ops.measured import measure
from graphc.ops.reduction import reduce_max
from graphc.ops.reshaping import broadcast_to, dim_value, expand_dims, reshape, shape
from graphc.ops.scatter import Scatter, checked, with_depth
from graphc.ops.shape_values import shape_from, static_sizes
from graphc.records import record
from graphc.shapes import TensorType


@record
class CheckOrder(Op):
    """``y = x``, a vector; an element that is negative or less than the one before is an error when the graph runs.

    ``strict``: one that is equal to it, too, and none is negative.
    """

    called: str
    strict: bool = False

    @property
    def type(self) -> str:
        return self.called

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, INDICES, "what must be in order")
        if x.rank not in (1, None):
            raise ValueError(f"ids must be a vector, not {x}")
        return x

    def evaluate(self, x: Any) -> Any:
        wrong = np.flatnonzero(self._wrong(x, None))
        if wrong.size:
            raise InvalidArgumentError(message=f"element {wrong[0]} is out of order: {x[wrong[0]]}")
        return x

    def _wrong(self, x: Any, _: Any) -> Any:
        falls = x[1:] <= x[:-1] if self.strict else x[1:] < x[:-1]
        return np.concatenate([np.zeros(min(len(x), 1), bool), falls]) | (x < 0)

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where an element is less than the one before."""
        label = node.inputs[0].user_label
        if self.strict:
            return f"indices must be in row-major order, each once; counted through the shape, as {label}, they are not"
        return f"{label} must be at least 0 and must not decrease, and does"

    def refused(self, node: Operation) -> Refused:
        """An element out of order."""
        return Refused(0, self._wrong)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


@record
class CountedSize(Op):
    """``y = count``, a number that the step finds out, as a size: at most the elements of a second input, if any."""

    def infer(self, count: TensorType, *most: TensorType) -> TensorType:
        return TensorType(dtypes.int64, ())

    def evaluate(self, count: Any, *most: Any) -> Any:
        return count

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The size that the step counts."""
        most = inputs[1].type.elements if len(inputs) > 1 else None
        return dim_value(measure(inputs[0], most), dtypes.int64)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None] * len(node.inputs)


def number_of(ids: Tensor) -> Tensor:
    """One more than the greatest id; 0 where there is none."""
    return apply(CountedSize(), reduce_max(concat([[-1], e.cast(ids, dtypes.int64)], 0)) + 1)


def _reduced(how: str, start: Callable[[Any], Any], x: Tensor, ids: Tensor, number: Any, called: str) -> Tensor:
    """Each segment's elements combined, beginning with ``start`` of the dtype's limits."""
    if ids.type.rank is None:
        raise ValueError(f"{called} needs segment ids of known rank, not {ids.type}")
    check_dtype(x.type, dtypes.NUMBERS, called)
    limits: Any = np.finfo(x.dtype.numpy) if x.dtype.is_floating else np.iinfo(x.dtype.numpy)
    sizes = static_sizes(number)
    if sizes is not None and all(isinstance(size, int) for size in sizes):
        shape_from(sizes, called)  # a negative number of segments is refused here
    number = convert_to_tensor(number)
    check_dtype(number.type, INDICES, f"num_segments of {called}")
    shaped = concat([reshape(e.cast(number, dtypes.int64), [1]), shape(x, out_type=dtypes.int64)[ids.type.rank :]], 0)
    array = broadcast_to(convert_to_tensor(np.asarray(start(limits)).item(), x.dtype), shaped)
    places = checked(ids, array, called, "segment_ids", whole=False, negative=True)
    return apply(Scatter(how), array, with_depth(places), x)


_STARTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "max": ("max", lambda limits: limits.min),
    "min": ("min", lambda limits: limits.max),
    "prod": ("mul", lambda limits: limits.dtype.type(1)),
}


def _unsorted(fn: str, data: Any, segment_ids: Any, num_segments: Any, name: str | None) -> Tensor:
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    called = f"UnsortedSegment{fn.capitalize()}"
    with graph_of([x]).name_scope(name or called) as scope:
        how, start = _STARTS[fn]
        return e.identity(_reduced(how, start, x, ids, num_segments, called), name=scope)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The greatest of the parts of ``data`` with each id below ``num_segments``; the dtype's least where there is none.

    Negative ids are dropped; one that is too large is an ``InvalidArgumentError`` when the graph runs.
    """
    return _unsorted("max", data, segment_ids, num_segments, name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The least of the parts of ``data`` with each id; the dtype's greatest where there is none."""
    return _unsorted("min", data, segment_ids, num_segments, name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The product of the parts of ``data`` with each id; 1 where there is none."""
    return _unsorted("prod", data, segment_ids, num_segments, name)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The mean of the parts of ``data`` with each id; 0 where there is none.

    That of whole numbers is of the dtype that :func:`truediv` gives: float32 for those of 8 and 16 bits, else float64.
    """
    x = convert_to_tensor(data)
    with graph_of([x]).name_scope(name or "UnsortedSegmentMean") as scope:
        if x.dtype.is_integer:
            x = e.cast(x, dtypes.float32 if x.dtype.size <= 2 else dtypes.float64)
        return _weighed(x, segment_ids, num_segments, lambda count: count, "UnsortedSegmentMean", scope)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the parts of ``data`` with each id divided by the root of their number; 0 where there is none."""
    x = convert_to_tensor(data)
    with graph_of([x]).name_scope(name or "UnsortedSegmentSqrtN") as scope:
        return _weighed(x, segment_ids, num_segments, e.sqrt, "UnsortedSegmentSqrtN", scope)


def _weighed(
    x: Tensor, ids: Any, number: Any, weight: Callable[[Tensor], Tensor], called: str, name: str | None
) -> Tensor:
    ids = convert_to_tensor(ids)
    check_dtype(x.type, dtypes.FIELD, f"the data of {called}")
    count = e.maximum(_counts(ids, number, x), convert_to_tensor(1, dtypes.int64))
    divisor = weight(e.cast(count, x.dtype.real_dtype))
    return e.realdiv(unsorted_segment_sum(x, ids, number), e.cast(divisor, x.dtype), name=name)


def _counts(ids: Tensor, number: Any, x: Tensor) -> Tensor:
    """How many parts each segment has, as int64 whatever the dtype of ``x``, with axes beside those of its parts."""
    counts = unsorted_segment_sum(ones_like(ids, dtypes.int64), ids, number)
    if x.type.rank is None or ids.type.rank is None:
        raise ValueError(f"segments need known ranks, not {x.type} and {ids.type}")
    for _ in range(x.type.rank - ids.type.rank):
        counts = expand_dims(counts, -1)
    return counts


def _in_order(data: Any, segment_ids: Any, called: str) -> tuple[Tensor, Tensor, Tensor]:
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    ids = apply(CheckOrder(called), ids, name="segment_ids")
    return x, ids, number_of(ids)


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The sum of the parts of ``data`` with each id, of which there is one more than the last.

    ``segment_ids`` is a vector that does not decrease; gaps in it give zeros. Ids that fall or are negative are an
    ``InvalidArgumentError`` when the graph runs.
    """
    with graph_of([convert_to_tensor(data)]).name_scope(name or "SegmentSum") as scope:
        return unsorted_segment_sum(*_in_order(data, segment_ids, "SegmentSum"), name=scope)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The mean of the parts of ``data`` with each id, as for :func:`segment_sum`; of whole numbers towards zero."""
    with graph_of([convert_to_tensor(data)]).name_scope(name or "SegmentMean") as scope:
        x, ids, number = _in_order(data, segment_ids, "SegmentMean")
        if not x.dtype.is_integer:
            return unsorted_segment_mean(x, ids, number, name=scope)
        # sums and counts are taken in 64 bits: those of 8 or 16 would wrap
        wide = x.dtype if x.dtype.size == 8 else dtypes.int64
        total = unsorted_segment_sum(e.cast(x, wide), ids, number)
        count = e.maximum(_counts(ids, number, x), convert_to_tensor(1, dtypes.int64))
        return e.cast(e.truncatediv(total, e.cast(count, wide)), x.dtype, name=scope)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The product of the parts of ``data`` with each id, 1 in gaps, as for :func:`segment_sum`."""
    with graph_of([convert_to_tensor(data)]).name_scope(name or "SegmentProd") as scope:
        return unsorted_segment_prod(*_in_order(data, segment_ids, "SegmentProd"), name=scope)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The greatest of the parts of ``data`` with each id, 0 in gaps, as for :func:`segment_sum`."""
    return _extreme(unsorted_segment_max, data, segment_ids, name, "SegmentMax")


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The least of the parts of ``data`` with each id, 0 in gaps, as for :func:`segment_sum`."""
    return _extreme(unsorted_segment_min, data, segment_ids, name, "SegmentMin")


def _extreme(reduce: Callable[..., Tensor], data: Any, segment_ids: Any, name: str | None, called: str) -> Tensor:
    with graph_of([convert_to_tensor(data)]).name_scope(name or called) as scope:
        x, ids, number = _in_order(data, segment_ids, called)
        found = reduce(x, ids, number)
        present = e.greater(_counts(ids, number, x), convert_to_tensor(0, dtypes.int64))
        return e.select(present, found, convert_to_tensor(0, x.dtype), name=scope)


def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sum of the parts ``indices`` of ``data`` with each id; of ``num_segments`` ids, where that is given."""
    return _of_rows(unsorted_segment_sum, data, indices, segment_ids, num_segments, name, "SparseSegmentSum")


@telling_line
def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The mean of the parts ``indices`` of ``data`` with each id."""
    return _of_rows(unsorted_segment_mean, data, indices, segment_ids, num_segments, name, "SparseSegmentMean")


@telling_line
def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sum of the parts ``indices`` of ``data`` with each id divided by the root of their number."""
    return _of_rows(unsorted_segment_sqrt_n, data, indices, segment_ids, num_segments, name, "SparseSegmentSqrtN")


def _of_rows(
    reduce: Callable[..., Tensor], data: Any, indices: Any, segment_ids: Any, number: Any, name: str | None, called: str
) -> Tensor:
    x = convert_to_tensor(data)
    if reduce is not unsorted_segment_sum:
        check_dtype(x.type, dtypes.FIELD, f"the data of {called}")
    with graph_of([x]).name_scope(name or called) as scope:
        rows, ids, counted = _in_order(gather(whole(x), indices), segment_ids, called)
        return reduce(rows, ids, counted if number is None else number, name=scope)
