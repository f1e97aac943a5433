"""Writing rows of an array that grows: a TensorArray of ``dynamic_size``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike
from graphc.dtypes import as_dtype
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import apply, constant
from graphc.ops.indexing import GatherV2
from graphc.ops.measured import measure
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import broadcast_like, dim_value, shape
from graphc.ops.row_writes import WriteRows, in_shape, zero_rows
from graphc.records import record
from graphc.shapes import TensorType


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
            array = apply(ConcatV2(0), array, zero_rows(array.dtype, (count - before, *row)))
        return apply(WriteRows(), array, indices, rows)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        array, indices, rows = node.inputs
        own = apply(GatherV2(0), grad, indices)
        others = apply(WriteRows(), grad, indices, broadcast_like(constant(0, rows.dtype), rows))
        return [others[: shape(array)[0]], None, own]
