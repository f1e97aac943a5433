"""Kernels that write or add to some rows of an array and leave the others as they are, or that change their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Apply, Check, Expression, If, IndexValue, LoadedIndex, Statement, Store
from graphc.codegen.lower.values import Index, Root, literal, loops, offset
from graphc.dims import atom
from graphc.nodes import Op, Operation
from graphc.ops.grown_rows import FewerRows, MoreRows
from graphc.ops.row_writes import AddRows, WriteRows

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _write_rows(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every row written where its index says; an index outside is an error."""
    return _rows(nest, node, None, lookup=True)


def _add_rows(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every row added where its index says: a negative one nowhere, one that is refused is an error."""
    kind: AddRows = node.kind  # type: ignore[assignment]
    return _rows(nest, node, "add", kind.lookup)


def _rows(nest: Nest, node: Operation, combine: str | None, lookup: bool) -> tuple[Statement, ...]:
    _, indices, rows = node.inputs
    buffer, sizes = nest.outputs[node.outputs[0]], node.outputs[0].type.sizes

    def row(middle: Index) -> tuple[Statement, ...]:
        wanted = nest.values.at(indices, middle)
        zero, count = literal(0, wanted.dtype), IndexValue(sizes[0], wanted.dtype)
        above, beyond = Apply("ge", (wanted, zero), "bool"), Apply("ge", (wanted, count), "bool")
        below = Apply("lt", (wanted, zero), "bool")
        wrong: Expression = Apply("logical_or", (below, beyond), "bool") if lookup else beyond
        errors, code = nest.errors(node)
        checks = nest.with_checks(Check(wrong, errors, code))
        inside = Apply("logical_and", (above, Apply("lt", (wanted, count), "bool")), "bool")

        def element(around: Index) -> tuple[Statement, ...]:
            place = offset((atom(LoadedIndex(wanted)), *around), sizes)
            value = nest.values.at(rows, (*middle, *around))
            return nest.with_checks(Store(buffer, place, value, combine=combine))

        return (*checks, If(inside, loops("j", sizes[1:], element)))

    return loops("i", indices.type.sizes, row)


def _more_rows(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Zeros behind the last row."""
    buffer, sizes = nest.outputs[node.outputs[0]], node.outputs[0].type.sizes
    before = node.inputs[0].type.sizes[0]
    zero = literal(0, node.inputs[0].dtype.short)

    def element(index: Index) -> tuple[Statement, ...]:
        return nest.with_checks(Store(buffer, offset((index[0] + before, *index[1:]), sizes), zero))

    return loops("i", (sizes[0] - before, *sizes[1:]), element)


def _fewer_rows(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Zeros in the rows that are kept and named."""
    indices = node.inputs[1]
    buffer, sizes = nest.outputs[node.outputs[0]], node.outputs[0].type.sizes
    zero = literal(0, node.inputs[0].dtype.short)

    def row(middle: Index) -> tuple[Statement, ...]:
        wanted = nest.values.at(indices, middle)
        kept = Apply("lt", (wanted, IndexValue(sizes[0], wanted.dtype)), "bool")

        def element(around: Index) -> tuple[Statement, ...]:
            return nest.with_checks(Store(buffer, offset((atom(LoadedIndex(wanted)), *around), sizes), zero))

        return (If(kept, loops("j", sizes[1:], element)),)

    return loops("i", indices.type.sizes, row)


ROOTS: dict[type[Op], Root] = {
    WriteRows: _write_rows,
    AddRows: _add_rows,
    MoreRows: _more_rows,
    FewerRows: _fewer_rows,
}
