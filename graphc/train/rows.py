"""Some rows of a variable and of its slots: what a rule for whole variables is applied to when a gradient has few rows.

The rows of a gradient are summed where they belong together, and stand at as many places as there were rows; places
that are left over are -1, and what is computed for them goes nowhere. So all sizes follow from the gradient's.
"""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros_like
from graphc.ops.base import apply, convert_to_tensor
from graphc.ops.indexing import IndexedSlices, unsorted_segment_sum
from graphc.ops.lookup import gather
from graphc.ops.positions import positions
from graphc.ops.reshaping import ExpandDims, shape
from graphc.ops.scatter import Scatter, checked
from graphc.ops.sequences import cumsum
from graphc.ops.sequences import range as iota
from graphc.ops.sorting import Argsort
from graphc.ops.state import assigned
from graphc.ops.state_scatter import AssignScatter
from graphc.shapes import TensorShape
from graphc.variables import Variable


class RowsOf:
    """Some rows of a variable: read, assigned and counted as the variable would be."""

    def __init__(self, variable: Variable, places: Tensor, assignments: list[Operation]):
        """``assignments`` is where the operations are noted that change the variable."""
        self.variable = variable
        self.places = places
        self.assignments = assignments

    def beside(self, variable: Variable) -> RowsOf:
        """The same rows of a slot."""
        return RowsOf(variable, self.places, self.assignments)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.variable.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole variable."""
        return self.variable.shape

    @property
    def graph(self) -> Graph:
        """The graph that the variable is declared in."""
        return self.variable.graph

    @property
    def op(self) -> Operation:
        """The operation that is the variable's place."""
        return self.variable.op

    @property
    def name(self) -> str:
        """The name of the variable."""
        return self.variable.name

    def read_value(self) -> Tensor:
        """The rows at this place in the order of effects."""
        return gather(self.variable.read_value(), e.maximum(self.places, convert_to_tensor(0, self.places.dtype)))

    def assign(self, value: Any) -> Tensor:
        """The rows become ``value``; the result is that."""
        rows = convert_to_tensor(value, self.dtype)
        self._change("update", rows)
        return rows

    def assign_add(self, delta: Any) -> Tensor:
        """``delta`` is added to the rows; the result is the sum."""
        self._change("add", convert_to_tensor(delta, self.dtype))
        return self.read_value() + delta

    def assign_sub(self, delta: Any) -> Tensor:
        """``delta`` is taken from the rows; the result is the difference."""
        self._change("sub", convert_to_tensor(delta, self.dtype))
        return self.read_value() - delta

    def _change(self, how: str, rows: Tensor) -> None:
        kind = AssignScatter(how=how, checks=False)
        self.assignments.append(assigned(kind, self.variable, [self.places, rows], None).op)


def summed_rows(grad: IndexedSlices, variable: Variable) -> tuple[Tensor, RowsOf]:
    """The sums of the gradient's rows that belong to the same row of the variable, and those rows.

    An index outside the variable is an ``InvalidArgumentError`` when the graph runs.
    """
    indices = _narrow(checked(grad.indices, variable.value(), "SparseUpdate", "indices", whole=False), variable)
    order = apply(Argsort(), indices)
    ordered = gather(indices, order)
    positions = iota(shape(indices)[0])
    before = gather(ordered, e.maximum(positions - 1, 0))
    is_first = e.logical_or(e.equal(positions, 0), e.not_equal(ordered, before))
    number = cumsum(e.cast(is_first, dtypes.int32)) - 1  # of the row that each in order belongs to
    group = _put(zeros_like(number), order, number)
    values = unsorted_segment_sum(grad.values, group, shape(indices)[0])
    places = _put(zeros_like(indices) - 1, number, ordered)
    return values, RowsOf(variable, places, [])


def unique_rows(grad: IndexedSlices, variable: Variable) -> IndexedSlices:
    """The sums of the gradient's rows that belong to the same row, in the order of the rows, and no others."""
    values, rows = summed_rows(grad, variable)
    taken = positions(e.greater_equal(rows.places, convert_to_tensor(0, rows.places.dtype)))
    return IndexedSlices(gather(values, taken), gather(rows.places, taken), grad.dense_shape)


def _narrow(indices: Tensor, variable: Variable) -> Tensor:
    """Indices as int32 where they fit: shorter keys are sorted faster."""
    rows = variable.shape.sizes[0] if variable.shape.sizes else None
    return e.cast(indices, dtypes.int32) if isinstance(rows, int) and rows <= dtypes.int32.max else indices


def _put(array: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """``array`` with ``array[places[i]] = values[i]``."""
    return apply(Scatter(), array, apply(ExpandDims((1,)), places), values)
