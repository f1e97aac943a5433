"""Looking up by position: gather and its adjoint, the sum of what goes to each position; one_hot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, apply, axis_of, check_dtype, constant, convert_to_tensor, graph_of
from graphc.ops.blocks import along
from graphc.ops.checks import Refused, beyond, not_negative, outside
from graphc.ops.late import is_late, late, number
from graphc.ops.reduction import reduce_all, reduce_sum
from graphc.ops.reshaping import ExpandDims, Squeeze, reshape, shape
from graphc.ops.sequences import Iota
from graphc.ops.sequences import range as iota
from graphc.ops.shape_values import DependsOnData, sizes_from, static_axis, static_sizes
from graphc.records import record
from graphc.shapes import Size, TensorType, merge

INDICES = (dtypes.int32, dtypes.int64)


@record
class GatherV2(Op):
    """``y[outer, i, inner] = x[outer, indices[i], inner]``, where ``axis`` comes after the outer axes.

    An index outside the axis is an error when the graph runs. ``slices``: it stands for ``x[..., i, ...]``.
    """

    axis: int = 0
    slices: bool = False

    @property
    def type(self) -> str:
        return "StridedSlice" if self.slices else "GatherV2"

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, INDICES, "indices")
        if x.rank is not None and self.axis >= x.rank:
            raise ValueError(f"axis {self.axis} is out of range for {x}, which has {x.rank} axes")
        if x.shape is None or indices.shape is None:
            return TensorType(x.dtype, None)
        return TensorType(x.dtype, (*x.shape[: self.axis], *indices.shape, *x.shape[self.axis + 1 :]))

    def evaluate(self, x: Any, indices: Any) -> Any:
        _check_indices(indices, 0, x.shape[self.axis])
        return np.take(x, indices.astype(np.int64), axis=self.axis)

    def runtime_error(self, node: Operation) -> str:
        """What went wrong where an index is outside."""
        x, indices = node.inputs
        size = x.type.sizes[self.axis]
        if self.slices:
            return f"a position along axis {self.axis} of {x.user_label} {x.type} is not in [0, {size})"
        return f"an index in {indices.user_label} is not in [0, {size}), the positions of {x.user_label} {x.type}"

    def refused(self, node: Operation) -> Refused:
        """An index outside the axis."""
        return Refused(1, outside, node.inputs[0].type.sizes[self.axis])

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, indices = node.inputs
        return [_put_back(grad, indices, x, self.axis), None]


@record
class ScatterAdd(Op):
    """``y[outer, j, inner] = sum of x[outer, i, inner] over all i with indices[i] == j``, for ``0 <= j < size``.

    A negative index drops its part; one of ``size`` or more is an error when the graph runs. As the adjoint of a
    ``lookup`` it is of indices that a gather has read: there a negative one is an error too.
    """

    axis: int = 0
    size: Size = None
    lookup: bool = False

    type = "UnsortedSegmentSum"
    size_inputs = slice(2, None)

    def infer(self, x: TensorType, indices: TensorType, size: TensorType | None = None) -> TensorType:
        check_dtype(indices, INDICES, "segment_ids")
        check_dtype(x, dtypes.NUMBERS, "the data")
        if x.shape is None or indices.shape is None:
            return TensorType(x.dtype, None)
        end = self.axis + len(indices.shape)
        try:
            merge(x.shape[self.axis : end], indices.shape)
        except ValueError:
            raise ValueError(f"the segment ids {indices} do not fit the data {x} from axis {self.axis} on") from None
        return TensorType(x.dtype, (*x.shape[: self.axis], self.size, *x.shape[end:]))

    def evaluate(self, x: Any, indices: Any, size: Any = None) -> Any:
        count: Any = self.size if size is None else int(size)
        _check_indices(indices if self.lookup else np.maximum(indices, 0), 0, count, "segment_ids")
        end = self.axis + indices.ndim
        result = np.zeros((*x.shape[: self.axis], count, *x.shape[end:]), x.dtype)
        places = indices.reshape(-1).astype(np.int64)
        rows = x.reshape(*x.shape[: self.axis], -1, *x.shape[end:]) if places.size else result[..., :0]
        kept = places >= 0
        before = (slice(None),) * self.axis
        if places.size:
            np.add.at(result, (*before, places[kept]), rows[(*before, kept)])
        return result

    def runtime_error(self, node: Operation) -> str:
        """What went wrong where a segment id is too large, or an index of a lookup is outside."""
        label = node.inputs[1].user_label
        if self.lookup:
            return f"an index in {label} is not in [0, {self.size}), the positions that are looked up"
        return f"a segment id in {label} is not below {self.size}, the number of segments"

    def refused(self, node: Operation) -> Refused:
        """An id that is too large, and a negative index of a lookup."""
        assert self.size is not None
        return Refused(1, outside if self.lookup else beyond, self.size)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        indices = node.inputs[1]
        if self.lookup:
            return [apply(GatherV2(self.axis), grad, indices), *([None] * (len(node.inputs) - 1))]
        zero = convert_to_tensor(0, indices.dtype)
        taken = apply(GatherV2(self.axis), grad, e.maximum(indices, zero))
        outside = e.less(indices, zero)
        inner = (grad.type.rank or 0) - self.axis - 1
        if inner and indices.type.rank is not None:
            outside = apply(ExpandDims(tuple(indices.type.rank + i for i in range(inner))), outside)
        return [e.select(outside, convert_to_tensor(0, grad.dtype), taken), *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the number of segments written in."""
        if self.size is not None:
            return None
        size = sizes_from(values[2], "unsorted_segment_sum")[0]
        return apply(ScatterAdd(self.axis, size, self.lookup), *inputs[:2])


@record
class CheckLabels(Op):
    """``y = labels``; a label that is not in ``[0, size)`` is an error when the graph runs."""

    def infer(self, labels: TensorType, size: TensorType) -> TensorType:
        return labels

    def evaluate(self, labels: Any, size: Any) -> Any:
        wrong = labels[(labels < 0) | (labels >= size)]
        if wrong.size:
            raise InvalidArgumentError(
                message=f"Received a label value of {wrong[0]} which is outside the valid range of [0, {size})"
            )
        return labels

    def runtime_error(self, node: Operation) -> str:
        """What went wrong where a label is outside."""
        labels, size = node.inputs
        most = size.op.kind.value if isinstance(size.op.kind, Const) else "the number of classes"
        return f"a label in {labels.user_label} is outside the valid range of [0, {most})"

    def refused(self, node: Operation) -> Refused:
        """A label that is no class."""
        size = node.inputs[1].op.kind
        return Refused(0, outside, int(size.value) if isinstance(size, Const) else getattr(size, "dim", None))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None, None]


def _check_indices(indices: Any, low: int, size: int, what: str = "indices") -> None:
    wrong = np.argwhere((indices < low) | (indices >= size))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        shown = "" if not place else "[" + ",".join(str(p) for p in place) + "]"
        raise InvalidArgumentError(message=f"{what}{shown} = {indices[place]} is not in [{low}, {size})")


def scatter_add(x: Tensor, indices: Tensor, size: DimLike, axis: int = 0) -> Tensor:
    """The sum of what ``indices`` sends to each of ``size`` positions along ``axis``."""
    return apply(ScatterAdd(axis, size), x, indices)


def _put_back(grad: Tensor, indices: Tensor, looked_up: Tensor, axis: int) -> Tensor:
    """The sum of what belongs to each position along ``axis`` of what a gather has looked up."""
    size = None if looked_up.type.shape is None else looked_up.type.shape[axis]
    if size is not None:
        return apply(ScatterAdd(axis, size, lookup=True), grad, indices)
    number = apply(Squeeze((0,)), along(shape(looked_up), 0, axis, axis + 1))
    return apply(ScatterAdd(axis, lookup=True), grad, indices, number)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """``params`` at the positions ``indices`` of ``axis`` (the first after ``batch_dims`` where None)."""
    x, places = convert_to_tensor(params), convert_to_tensor(indices)
    axis = batch_dims if axis is None else axis
    if is_late(axis, x):
        return _gather_later(x, places, axis, batch_dims, name or "GatherV2")
    position = _axis_of(x, axis)
    if not batch_dims:
        return apply(GatherV2(position), x, places, name=name or "GatherV2")
    if position != batch_dims or x.type.rank is None or places.type.rank is None:
        raise ValueError(f"gather with batch_dims {batch_dims} needs known ranks and axis {batch_dims}, not {position}")
    with graph_of([x]).name_scope(name or "GatherV2") as scope:
        return _batched_gather(x, places, batch_dims, scope)


def _gather_later(x: Tensor, places: Tensor, axis: Any, batch_dims: int, name: str) -> Tensor:
    def build(x: Tensor, places: Tensor, axis: Any) -> Tensor:
        return gather(x, places, axis=number(axis), batch_dims=batch_dims)

    return late("GatherV2", build, [x, places], [axis], TensorType(x.dtype, None), name=name)[0]


def _axis_of(x: Tensor, axis: Any) -> int:
    position = static_axis(axis, "gather")
    return position if x.type.rank is None else axis_of(x, position, "gather")


def _batched_gather(x: Tensor, places: Tensor, batch: int, scope: str) -> Tensor:
    """A gather from the batch axes and the next as one axis, at positions counted through."""
    if not (x.type.is_exact and places.type.is_exact):
        raise ValueError(f"gather with batch_dims needs known sizes, not {x.type} and {places.type}")
    sizes: Any = x.type.sizes
    rows = math.prod(sizes[:batch])
    flat = reshape(x, (rows * sizes[batch], *sizes[batch + 1 :]))
    starts = np.arange(rows, dtype=places.dtype.numpy) * sizes[batch]
    offsets = constant(starts.reshape(*sizes[:batch], *([1] * (len(places.type.sizes) - batch))))
    # an index outside its own row must not reach a neighbour's
    inside = e.logical_and(e.greater_equal(places, 0), e.less(places, sizes[batch]))
    return gather(flat, e.select(inside, places + offsets, convert_to_tensor(-1, places.dtype)), name=scope)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """``params`` at ``indices`` along the last axis of ``indices``, for each position of the axes before."""
    places = convert_to_tensor(indices)
    if places.type.rank is None:
        raise ValueError(f"batch_gather needs indices of known rank, not {places.type}")
    return gather(params, places, name=name, batch_dims=places.type.rank - 1)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The parts of ``params`` at the coordinates that stand along the last axis of ``indices``."""
    x, places = convert_to_tensor(params), convert_to_tensor(indices)
    depth = places.type.shape[-1] if places.type.shape else None
    if batch_dims or not isinstance(depth, int) or not x.type.is_exact or depth > (x.type.rank or 0):
        raise ValueError(f"gather_nd needs known sizes of params and depth of indices, not {x.type}, {places.type}")
    sizes: Any = x.type.sizes
    with graph_of([x]).name_scope(name or "GatherNd") as scope:
        strides = np.array([math.prod(sizes[i + 1 : depth]) for i in range(depth)])
        limits = constant(np.array(sizes[:depth], places.dtype.numpy))
        inside = e.logical_and(e.greater_equal(places, convert_to_tensor(0, places.dtype)), e.less(places, limits))
        position = reduce_sum(places * constant(strides.astype(places.dtype.numpy)), axis=-1)
        checked = e.select(reduce_all(inside, axis=-1), position, convert_to_tensor(-1, places.dtype))
        flat = reshape(x, (math.prod(sizes[:depth]), *sizes[depth:]))
        return gather(flat, checked, name=scope)


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A new axis of size ``depth`` that holds ``on_value`` at the position ``indices`` and ``off_value`` elsewhere.

    A position outside ``[0, depth)`` gives ``off_value`` everywhere.
    """
    positions = convert_to_tensor(indices)
    wanted = _one_hot_dtype(on_value, off_value, dtype)
    check_dtype(positions.type, dtypes.INTEGERS, "the input of one_hot")
    number_of = static_sizes(depth)
    if number_of is not None and any(isinstance(size, int) and size < 0 for size in number_of):
        raise ValueError(f"one_hot needs a depth of at least 0, not {number_of[0]}")
    with graph_of([positions]).name_scope(name or "one_hot") as scope:
        if positions.type.rank is None:
            raise ValueError(f"one_hot needs indices of known rank, not {positions.type}")
        rank = positions.type.rank
        place = axis_of(positions, -1 if axis is None else int(axis), "one_hot", extra=1)
        spread = apply(ExpandDims((place,)), positions)
        if number_of is None or not isinstance(number_of[0], int):
            depth = not_negative(convert_to_tensor(depth), "one_hot needs a depth of at least 0")
        choices = e.cast(iota(depth), positions.dtype)
        if place < rank:
            choices = apply(ExpandDims(tuple(range(1, rank - place + 1))), choices)
        chosen = e.equal(spread, choices)
        on = convert_to_tensor(1 if on_value is None else on_value, wanted)
        off = convert_to_tensor(0 if off_value is None else off_value, wanted)
        return e.select(chosen, on, off, name=scope)


def _one_hot_dtype(on_value: Any, off_value: Any, dtype: Any) -> DType:
    if dtype is not None:
        return dtypes.as_dtype(dtype)
    given = next((value for value in (on_value, off_value) if value is not None), None)
    return dtypes.float32 if given is None else convert_to_tensor(given).dtype


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the parts of ``data`` with each id from 0 to ``num_segments - 1``; negative ids are dropped."""
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    sizes = static_sizes(num_segments)
    if sizes is not None and len(sizes) == 1 and isinstance(sizes[0], int):
        return apply(ScatterAdd(0, sizes[0]), x, ids, name=name)
    return apply(ScatterAdd(0), x, ids, convert_to_tensor(num_segments), name=name)


def slice_by_gather(x: Tensor, begin: Tensor, counts: Sequence[Any]) -> Tensor:
    """The block of ``x`` at a begin that depends on data, by a gather along each axis of which it takes a part."""
    for axis, places in _positions(x.type.sizes, begin, counts):
        x = apply(GatherV2(axis, slices=True), x, places)
    return x


def put_back_by_scatter(grad: Tensor, begin: Tensor, sizes: Sequence[DimLike]) -> Tensor:
    """Zeros of these sizes with ``grad`` at a begin that depends on data."""
    for axis, places in _positions(sizes, begin, grad.type.sizes):
        grad = apply(ScatterAdd(axis, sizes[axis], lookup=True), grad, places)
    return grad


def _positions(sizes: Sequence[DimLike], begin: Tensor, counts: Sequence[Any]) -> list[tuple[int, Tensor]]:
    found = []
    for axis, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        if count == -1:
            raise DependsOnData("slice to the end from a begin that depends on data gives a shape that depends on data")
        if count != size:
            found.append((axis, apply(Iota(count, begin.dtype)) + along(begin, 0, axis, axis + 1)))
    return found
