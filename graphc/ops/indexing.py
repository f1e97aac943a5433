"""Looking up by position and its adjoint, the sum of what goes to each position, whole or as rows; one_hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, apply, axis_of, check_dtype, convert_to_tensor, graph_of
from graphc.ops.blocks import along
from graphc.ops.checks import Refused, beyond, in_numbers, not_negative, outside
from graphc.ops.late import late, number
from graphc.ops.reshaping import ExpandDims, Squeeze, reshape, shape
from graphc.ops.reshaping import size as size_of
from graphc.ops.sequences import Iota
from graphc.ops.sequences import range as iota
from graphc.ops.shape_values import DependsOnData, shape_from, static_sizes
from graphc.ops.tensor_groups import TensorGroup
from graphc.records import record
from graphc.shapes import Size, TensorShape, TensorType, merge

INDICES = (dtypes.int32, dtypes.int64)


@record
class GatherV2(Op):
    """``y[outer, i, inner] = x[outer, indices[i], inner]``, where ``axis`` comes after the outer axes.

    An index outside the axis is an error when the graph runs. ``slices``: it stands for ``x[..., i, ...]``;
    ``inside``: the indices are numbers that are known to be within the axis, and are not looked at again.
    """

    axis: int = 0
    slices: bool = False
    inside: bool = False

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

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where an index is outside."""
        x, indices = node.inputs
        known, label = in_numbers(x, self.axis, size), indices.user_label
        size = x.type.sizes[self.axis] if size is None else size
        if self.slices:
            return f"a position along axis {self.axis} of {known} is not in [0, {size})"
        return f"an index in {label} is not in [0, {size}), the positions of {known}"

    def refused(self, node: Operation) -> Refused:
        """An index outside the axis."""
        return Refused(1, outside, node.inputs[0].type.sizes[self.axis])

    def gradient(self, node: Operation, grad: Tensor) -> list[Any]:
        """Of rows that are looked up, the rows alone: what is made of them is decided where they are needed."""
        x, indices = node.inputs
        if self.axis == 0 and not self.slices and x.type.rank is not None:
            return [RowAdjoint(grad, indices, x), None]
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
        check_dtype(x, dtypes.RING, "the data")
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

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where a segment id is too large, or an index of a lookup is outside."""
        label, size = node.inputs[1].user_label, self.size if size is None else size
        if self.lookup:
            return f"an index in {label} is not in [0, {size}), the positions that are looked up"
        return f"a segment id in {label} is not below {size}, the number of segments"

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
        size = shape_from(values[2], "unsorted_segment_sum")[0]
        return apply(ScatterAdd(self.axis, size, self.lookup), *inputs[:2])


class RowAdjoint(NamedTuple):
    """The adjoint of what a gather has looked up rows of: ``grad`` [indices..., row...], by the indices."""

    grad: Tensor
    indices: Tensor
    looked_up: Tensor

    def dense(self) -> Tensor:
        """As a tensor of the shape of what was looked up."""
        return _put_back(self.grad, self.indices, self.looked_up, 0)

    def slices(self) -> IndexedSlices:
        """As rows and their positions."""
        grad, indices, x = self
        if indices.type.rank != 1:
            row: Any = x.type.shape[1:]  # type: ignore[index]
            if not all(isinstance(size, int) and size > 0 for size in row):
                row = [size_of(indices), *(shape(x)[axis] for axis in range(1, x.type.rank or 0))]
                grad = reshape(grad, convert_to_tensor(row))
            else:
                grad = reshape(grad, [-1, *row])
            indices = reshape(indices, [-1])
        result = IndexedSlices(grad, indices, shape(x))
        result.are_looked_up = True
        return result


class IndexedSlices(TensorGroup):
    """``dense[indices[i]] += values[i]`` for each i: a gradient of which only some rows are not zero.

    ``values`` is [n, row...], ``indices`` [n], ``dense_shape`` the shape of the whole, or None where it is not known.
    Where a tensor is wanted it becomes the dense one. A negative index stands for no row.
    """

    are_looked_up = False  # whether a gather has read the indices: then a negative one is an error already

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self._values = convert_to_tensor(values)
        self._indices = convert_to_tensor(indices)
        self._dense_shape = None if dense_shape is None else convert_to_tensor(dense_shape)

    @property
    def values(self) -> Tensor:
        """The rows, [n, row...]."""
        return self._values

    @property
    def indices(self) -> Tensor:
        """Where each row belongs, [n]."""
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the whole, a vector; None where it is not known."""
        return self._dense_shape

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return (self._values, self._indices, *(() if self._dense_shape is None else (self._dense_shape,)))

    def value_of(self, values: Any) -> IndexedSlicesValue:
        return IndexedSlicesValue(*values)

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape of the whole while declaring."""
        sizes = None if self._dense_shape is None else static_sizes(self._dense_shape)
        return TensorShape(sizes)

    def get_shape(self) -> TensorShape:
        """What is known of the shape of the whole while declaring."""
        return self.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._values.dtype

    @property
    def name(self) -> str:
        """The name of the values."""
        return self._values.name

    @property
    def op(self) -> Operation:
        """The operation that makes the values."""
        return self._values.op

    @property
    def device(self) -> str:
        """The device asked for; accepted and without effect."""
        return self._values.device

    def with_parts(self, values: Tensor, indices: Tensor | None = None) -> IndexedSlices:
        """Other rows of the same whole, at the same places or at others."""
        result = IndexedSlices(values, self._indices if indices is None else indices, self._dense_shape)
        result.are_looked_up = self.are_looked_up
        return result

    def __neg__(self) -> IndexedSlices:
        return self.with_parts(e.negative(self._values))

    def _as_tensor(self) -> Tensor:
        """The whole, with zeros where no row belongs; ``ValueError`` where its shape is not known."""
        if self._dense_shape is None:
            raise ValueError(
                f"Tensor conversion requested for IndexedSlices without dense_shape: {self._values.op.describe()}"
            )
        rows = None if not self.shape.sizes else self.shape.sizes[0]
        if rows is not None:
            dense = apply(ScatterAdd(0, rows, self.are_looked_up), self._values, self._indices)
        else:
            count = apply(Squeeze((0,)), along(self._dense_shape, 0, 0, 1))
            dense = apply(ScatterAdd(0, lookup=self.are_looked_up), self._values, self._indices, count)
        dense.set_shape(self.shape)
        return dense

    def __repr__(self) -> str:
        whole = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{whole})"


class IndexedSlicesValue(NamedTuple):
    """The arrays of IndexedSlices: what is fetched."""

    values: Any
    indices: Any
    dense_shape: Any = None


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """``value`` as IndexedSlices where it is, else as a tensor; None stays None in lists of gradients."""
    if isinstance(value, IndexedSlices):
        if dtype is not None and dtypes.as_dtype(dtype) is not value.dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{value.dtype.name}"
            )
        return value
    return convert_to_tensor(value, dtype, name)


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

    def runtime_error(self, node: Operation, size: Any = None) -> str:
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


@telling_line
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
            return _one_hot_later(positions, depth, on_value, off_value, axis, wanted, scope)
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


def _one_hot_later(
    indices: Tensor, depth: Any, on_value: Any, off_value: Any, axis: Any, dtype: DType, name: str | None
) -> Tensor:
    """The one-hot rows of indices whose rank is known only when they are fed."""
    on = convert_to_tensor(1 if on_value is None else on_value, dtype)
    off = convert_to_tensor(0 if off_value is None else off_value, dtype)

    def build(indices: Tensor, on: Tensor, off: Tensor, depth: Any) -> Tensor:
        return one_hot(indices, number(depth), on, off, axis)

    return late("OneHot", build, [indices, on, off], [depth], TensorType(dtype, None), name=name)[0]


def _one_hot_dtype(on_value: Any, off_value: Any, dtype: Any) -> DType:
    if dtype is not None:
        return dtypes.as_dtype(dtype)
    given = next((value for value in (on_value, off_value) if value is not None), None)
    return dtypes.float32 if given is None else convert_to_tensor(given).dtype


@telling_line
def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the parts of ``data`` with each id from 0 to ``num_segments - 1``; negative ids are dropped."""
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    sizes = static_sizes(num_segments)
    if sizes is not None and len(sizes) == 1 and isinstance(sizes[0], int):
        return apply(ScatterAdd(0, shape_from(sizes, "unsorted_segment_sum")[0]), x, ids, name=name)
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
