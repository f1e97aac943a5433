"""Writing and adding to some rows of an array: what a TensorArray is made of.

As values these are whole arrays; compiled, only the rows are touched where the array may be updated in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import DType, as_dtype
from graphc.errors import InvalidArgumentError
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const, apply, check_dtype, check_same_dtype, constant
from graphc.ops.branches import Undefined
from graphc.ops.checks import Refused, beyond, outside
from graphc.ops.indexing import INDICES, GatherV2
from graphc.ops.reshaping import BroadcastTo, broadcast_like
from graphc.ops.shape_values import shape_from, sizes_from
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType


@record
class NewRows(Op):
    """An array of as many rows as the input says, all zeros. The shape of a row may be learnt from the first one."""

    dtype: DType
    row: Shape = None
    count: Size = None

    type = "TensorArrayV3"
    size_inputs = slice(0, 1)

    def infer(self, count: TensorType) -> TensorType:
        check_dtype(count, INDICES, "the size of a TensorArray")
        return TensorType(self.dtype, None if self.row is None else (self.count, *self.row))

    def evaluate(self, count: Any) -> Any:
        row = (0,) if self.row is None else tuple(0 if size is None else size for size in self.row)
        return np.full((int(count), *row), self.dtype.zero, self.dtype.numpy)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """Zeros, where the shape of a row is known."""
        if self.row is None or None in self.row:
            return None
        return zero_rows(self.dtype, (*shape_from(values[0], "TensorArray"), *self.row))

    def retyped(self, array: Tensor, type: TensorType) -> Tensor:
        """The same array, now that the shape of its rows is known."""
        count = array.op.inputs[0].op.kind
        rows = int(count.value) if isinstance(count, Const) else getattr(count, "dim", type.sizes[0])
        return zero_rows(type.dtype, (rows, *type.sizes[1:]))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


def zero_rows(dtype: DType, sizes: tuple[Any, ...]) -> Tensor:
    return apply(BroadcastTo(sizes), constant(dtype.zero, dtype))


@record
class WriteRows(Op):
    """``array`` with ``array[indices] = rows``; of equal indices the last counts.

    The last input, where it is given, is the number of rows, for an array whose shape is not known yet.
    """

    type = "TensorArrayWriteV3"
    size_inputs = slice(3, None)

    def infer(
        self, array: TensorType, indices: TensorType, rows: TensorType, count: TensorType | None = None
    ) -> TensorType:
        check_dtype(indices, INDICES, "the index of a TensorArray")
        check_same_dtype((array, rows))
        if rows.shape is None or indices.shape is None:
            return array
        row = rows.shape[len(indices.shape) :]
        if array.shape is None:
            return TensorType(array.dtype, (None, *row))
        if len(row) != len(array.shape) - 1 or any(_differ(a, b) for a, b in zip(row, array.shape[1:])):
            raise ValueError(f"rows {rows} do not fit the TensorArray {array}: all its elements have one shape")
        return array

    def evaluate(self, array: Any, indices: Any, rows: Any, count: Any = None) -> Any:
        row = rows.shape[np.ndim(indices) :]
        empty = as_dtype(array.dtype).zero
        result = array.copy() if array.shape[1:] == row else np.full((array.shape[0], *row), empty, array.dtype)
        if np.any(indices < 0) or np.any(indices >= array.shape[0]):
            raise InvalidArgumentError(message=f"an index is not in [0, {array.shape[0]}), the places of a TensorArray")
        result[indices, ...] = rows
        return result

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where an index is outside."""
        array, indices = node.inputs[:2]
        count = array.type.sizes[0] if size is None else size
        return f"an index in {indices.user_label} is not in [0, {count}), the places of a TensorArray"

    def refused(self, node: Operation) -> Refused:
        """An index outside the array."""
        return Refused(1, outside, node.inputs[0].type.sizes[0])

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With an array of known shape."""
        array, indices, rows = inputs[:3]
        if array.type.is_exact:
            return None if len(inputs) == 3 else apply(WriteRows(), array, indices, rows)
        count = sizes_from(values[3], "TensorArray") if len(inputs) > 3 else ()
        type = TensorType(array.dtype, (*count, *rows.type.sizes[len(indices.type.sizes) :]))
        return apply(WriteRows(), in_shape(array, type), indices, rows)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        indices, rows = node.inputs[1:3]
        own = apply(GatherV2(0), grad, indices)
        others = apply(WriteRows(), grad, indices, broadcast_like(constant(0, rows.dtype), rows))
        return [others, None, own, None][: len(node.inputs)]


def in_shape(array: Tensor, type: TensorType) -> Tensor:
    """An array of rows whose shape was not known, in the shape that it has."""
    while array.op.type == "Identity":
        array = array.op.inputs[0]
    retyped = getattr(array.op.kind, "retyped", None)
    return retyped(array, type) if retyped else apply(Undefined(type.dtype, type.shape))


@record
class AddRows(Op):
    """``array`` with ``array[indices] += rows``, one after the other; a negative index adds nothing.

    For the adjoint of a ``lookup`` a negative index is an error.
    """

    lookup: bool = False

    def infer(self, array: TensorType, indices: TensorType, rows: TensorType) -> TensorType:
        return array

    def evaluate(self, array: Any, indices: Any, rows: Any) -> Any:
        result = array.copy()
        flat = np.reshape(indices, -1).astype(np.int64)
        kept = flat >= 0
        if np.any(flat >= array.shape[0]) or (self.lookup and not kept.all()):
            raise InvalidArgumentError(message=f"an index is none of the {array.shape[0]} rows of an array")
        if flat.size:
            np.add.at(result, flat[kept], rows.reshape(-1, *array.shape[1:])[kept])
        return result

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where an index is too large."""
        array, indices = node.inputs[:2]
        count = array.type.sizes[0] if size is None else size
        return f"an index in {indices.user_label} is none of the {count} rows of an array"

    def refused(self, node: Operation) -> Refused:
        """An index that is too large, and a negative one of a lookup."""
        return Refused(1, outside if self.lookup else beyond, node.inputs[0].type.sizes[0])


def _differ(a: Size, b: Size) -> bool:
    return a is not None and b is not None and a != b
