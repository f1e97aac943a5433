"""Writing rows of an array that grows: a TensorArray of ``dynamic_size``.

Before a row is written the array gets more rows; its adjoint gets fewer. As values these are new arrays; compiled, a
loop variable stays where it is, in memory that has room for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike
from graphc.dtypes import as_dtype
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant
from graphc.ops.indexing import GatherV2
from graphc.ops.measured import measure
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import broadcast_like, dim_value, shape
from graphc.ops.row_writes import WriteRows, in_shape
from graphc.ops.shape_values import sizes_from
from graphc.records import record
from graphc.shapes import TensorType


@record
class MoreRows(Op):
    """``array`` with zeros behind its last row: ``count`` rows, which are at least as many."""

    count: DimLike

    def infer(self, array: TensorType) -> TensorType:
        return TensorType(array.dtype, (self.count, *array.sizes[1:]))

    def evaluate(self, array: Any) -> Any:
        more = np.full((self.count - len(array), *array.shape[1:]), as_dtype(array.dtype).zero, array.dtype)
        return np.concatenate([array, more])


@record
class GrownRows(Op):
    """``array`` with ``array[indices] = rows``, and as many rows as that needs: new ones are zeros."""

    becomes = WriteRows  # of the same index, which is what a message is about

    def infer(self, array: TensorType, indices: TensorType, rows: TensorType) -> TensorType:
        written = WriteRows().infer(array, indices, rows)
        return TensorType(array.dtype, None if written.shape is None else (None, *written.shape[1:]))

    def evaluate(self, array: Any, indices: Any, rows: Any) -> Any:
        row = rows.shape[np.ndim(indices) :]
        count = max(array.shape[0], int(np.max(indices, initial=-1)) + 1)
        grown = np.full((count, *row), as_dtype(array.dtype).zero, array.dtype)
        if array.shape[1:] == row:
            grown[: array.shape[0]] = array
        return WriteRows().evaluate(grown, indices, rows)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """More rows behind those of the array, then a write."""
        array, indices, rows = inputs
        row = rows.type.sizes[len(indices.type.sizes) :]
        if not array.type.is_exact:  # one whose loop will learn its shape begins without rows
            array = in_shape(array, TensorType(array.dtype, (0, *row)))
        before, known = array.type.sizes[0], values[1]
        if isinstance(before, int) and known is not None and all(isinstance(n, int) for n in known.reshape(-1)):
            if min(known.reshape(-1), default=0) < 0:
                raise ValueError(f"an index of a TensorArray is at least 0, not {min(known.reshape(-1))}")
            count: DimLike = max([before, *(n + 1 for n in known.reshape(-1))])
        else:
            last = e.cast(indices, dtypes.int64)
            last = (
                last if indices.type.shape == () else apply(Reduce("Max", tuple(range(len(indices.type.sizes)))), last)
            )
            count = measure(e.maximum(e.add(last, 1), dim_value(before, dtypes.int64)), None)
        if count != before:
            array = apply(MoreRows(count), array)
        return apply(WriteRows(), array, indices, rows)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        array, indices, _ = node.inputs
        own = apply(GatherV2(0), grad, indices)
        return [apply(FewerRows(), grad, indices, shape(array)[0]), None, own]


@record
class FewerRows(Op):
    """The first ``count`` rows of ``array``, zeros in those of them that ``indices`` names.

    That is the adjoint of an array before rows were written, some behind its last one. The count is the last input,
    until it is known.
    """

    count: DimLike | None = None

    size_inputs = slice(2, None)

    def infer(self, array: TensorType, indices: TensorType, count: TensorType | None = None) -> TensorType:
        return TensorType(array.dtype, None if array.shape is None else (self.count, *array.shape[1:]))

    def evaluate(self, array: Any, indices: Any, count: Any = None) -> Any:
        kept = array[: self.count if count is None else int(count)].copy()
        flat = np.reshape(indices, -1)
        kept[flat[flat < len(kept)]] = as_dtype(array.dtype).zero
        return kept

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With a count that is known."""
        if self.count is not None:
            return None
        (count,) = sizes_from(values[2], "TensorArray")
        return apply(FewerRows(count), *inputs[:2])

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        array, indices = node.inputs[:2]
        zeros = broadcast_like(constant(0, array.dtype), apply(GatherV2(0), array, indices))
        return [apply(GrownRows(), grad, indices, zeros), None, None]
