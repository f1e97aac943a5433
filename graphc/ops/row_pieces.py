"""Pieces of an array's rows, of unequal lengths: what a TensorArray is whose elements differ in their first size.

    rows      all rows, as they were written: [?, ...]
    begins    where each piece begins: [count]
    lengths   how many rows each piece has: [count]

It is made of other operations, and so is its adjoint: a piece is a slice of the rows, and rows are written behind the
last one.
"""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.dtypes import DType
from graphc.nodes import Op, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.assertions import provided
from graphc.ops.base import apply, constant, convert_to_tensor
from graphc.ops.grown_rows import GrownRows
from graphc.ops.lookup import gather
from graphc.ops.rearranging import searchsorted
from graphc.ops.reduction import reduce_all, reduce_max, reduce_sum
from graphc.ops.reshaping import reshape, shape
from graphc.ops.row_writes import NewRows
from graphc.ops.sequences import cumsum
from graphc.ops.sequences import range as iota
from graphc.records import record


@record(eq=False)
class Pieces:
    """``count`` pieces of rows."""

    rows: Tensor
    begins: Tensor
    lengths: Tensor

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """What a loop carries."""
        return self.rows, self.begins, self.lengths

    @staticmethod
    def empty(dtype: DType, count: Tensor, known: Any) -> Pieces:
        """So many pieces, none of which has a row; a row's shape is learnt from the first one written."""
        none = apply(NewRows(dtype), constant(0))
        zeros = [apply(NewRows(dtypes.int32, (), known), count) for _ in range(2)]
        return Pieces(none, *zeros)

    @staticmethod
    def of(value: Tensor, lengths: Any, count: Tensor | None) -> Pieces:
        """The pieces of ``value`` of these lengths, ``count`` of them; an error of the step where that is not so."""
        sizes = e.cast(convert_to_tensor(lengths), dtypes.int32)
        rows, wanted = shape(value)[0], shape(sizes)[0]
        fit = e.logical_and(e.equal(reduce_sum(sizes), rows), reduce_all(e.greater_equal(sizes, 0)))
        told = ["the lengths of a TensorArray's pieces must add up to the rows of value:", sizes, rows]
        sizes = provided(sizes, fit, "TensorArray", told)
        if count is not None:
            told = ["a TensorArray's size is not equal to the number of lengths:", count, wanted]
            sizes = provided(sizes, e.equal(count, wanted), "TensorArray", told)
        return Pieces(value, cumsum(sizes, exclusive=True), sizes)

    @staticmethod
    def equal(values: Tensor) -> Pieces:
        """The elements of ``values`` along its first axis, which are of one length."""
        sizes = shape(values)
        count, length = sizes[0], sizes[1]
        rows = reshape(values, concat([reshape(count * length, [1]), sizes[2:]], 0))
        begins = iota(count) * length
        return Pieces(rows, begins, begins * 0 + length)

    def written(self, write: Op, index: Tensor, value: Tensor) -> Pieces:
        """The pieces with ``value`` at ``index``, or its elements at several; ``write`` writes numbers of pieces."""
        used = shape(self.rows)[0]
        new = Pieces.equal(value) if index.type.rank else Pieces(value, constant(0), shape(value)[0])
        rows = apply(GrownRows(), self.rows, iota(used, used + shape(new.rows)[0]), new.rows)
        begins = apply(write, self.begins, index, used + new.begins)
        return Pieces(rows, begins, apply(write, self.lengths, index, new.lengths))

    def read(self, index: Tensor, name: str) -> Tensor:
        """The piece at ``index``."""
        begin, length = (gather(x, index) for x in (self.begins, self.lengths))
        return e.identity(self.rows[begin : begin + length], name=name)

    def joined(self, name: str) -> Tensor:
        """All rows, one piece after the other; an error of the step where a piece was written more than once."""
        written = shape(self.rows)[0]
        once = e.equal(reduce_sum(self.lengths), written)
        told = ["an element was written again: now", self.lengths, "rows stand there, and", written, "were written"]
        lengths = provided(self.lengths, once, "TensorArray", told)
        ends = cumsum(lengths)
        places = iota(shape(self.rows)[0])
        piece = searchsorted(ends, places, side="right")
        moved = gather(self.begins, piece) - (gather(ends, piece) - gather(lengths, piece))
        return gather(self.rows, places + moved, name=name, axis=0)

    def stacked(self) -> Tensor:
        """The pieces along a new first axis; an error of the step where they are not of one length."""
        length = reduce_max(self.lengths)
        alike = reduce_all(e.equal(self.lengths, length))
        told = ["the elements of a TensorArray differ in size:", self.lengths]
        rows = provided(self.joined("rows"), alike, "TensorArray", told)
        sizes = concat([reshape(shape(self.lengths)[0], [1]), reshape(length, [1]), shape(self.rows)[1:]], 0)
        return reshape(rows, sizes)
