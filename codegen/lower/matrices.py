"""Solving with matrices: Cholesky's and LU factors, triangular systems, determinants.

The innermost loops run along rows: products of two rows for Cholesky's factor and for triangular systems (whose
unknowns are kept transposed), and a multiple of the pivot's row subtracted from each row below for elimination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Statement
from graphc.codegen.lower.algebra import Block, Number, Sheet
from graphc.codegen.lower.values import Index, Root
from graphc.dims import DimLike
from graphc.nodes import Op, Operation
from graphc.ops.matrices import Cholesky, LogMatrixDeterminant, Lu, MatrixSolve, TriangularSolve

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _cholesky(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """``l[i, j] = (a[i, j] - sum of l[i, k] l[j, k] over k < j) / l[j, j]``, row by row."""
    sheet, out = Sheet(nest), node.outputs[0]
    *batch, n, _ = out.type.sizes
    dtype, result = out.dtype.short, sheet.output(node.outputs[0])
    l = sheet.scratch(dtype, n, n)  # noqa: E741
    with sheet.batch(*batch) as b:
        a = sheet.input(node.inputs[0], b)
        with sheet.loop(n) as i:
            with sheet.loop(i) as j:
                total = sheet.sum(j, lambda k, i=i, j=j: -(l.at(i, k) * l.at(j, k)), a(i, j))  # type: ignore[misc]
                sheet.store(l, (i, j), total / l.at(j, j))
            total = sheet.sum(i, lambda k, i=i: -(l.at(i, k) * l.at(i, k)), a(i, i))  # type: ignore[misc]
            sheet.refuse_where(total.greater(0).opposite(), node)
            sheet.store(l, (i, i), total.sqrt())
        with sheet.loops(n, n) as (i, j):
            below = sheet.position(j).greater(sheet.position(i)).opposite()
            sheet.store(result, (*b, i, j), below.choose(l.at(i, j), 0))
    return sheet.statements


def _triangular_solve(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Unknowns from the first to the last where the triangle that is used, or its transpose, is the lower one."""
    kind: TriangularSolve = node.kind  # type: ignore[assignment]
    sheet, out = Sheet(nest), node.outputs[0]
    *batch, n, columns = out.type.sizes
    dtype, result = out.dtype.short, sheet.output(node.outputs[0])
    m, x = sheet.scratch(dtype, n, n), sheet.scratch(dtype, columns, n)
    forward = kind.lower != kind.adjoint
    with sheet.batch(*batch) as b:
        a, right = sheet.input(node.inputs[0], b), sheet.input(node.inputs[1], b)
        with sheet.loops(n, n) as (i, j):
            sheet.store(m, (i, j), a(j, i) if kind.adjoint else a(i, j))
        with sheet.loop(n) as i:
            sheet.refuse_where(a(i, i).equals(0), node)
        with sheet.loops(columns, n) as (c, step):
            i = step if forward else n - 1 - step
            first = 0 if forward else i + 1
            total = sheet.sum(
                step,
                lambda k, i=i, c=c, first=first: -(m.at(i, first + k) * x.at(c, first + k)),  # type: ignore[misc]
                right(i, c),
            )
            sheet.store(x, (c, i), total / m.at(i, i))
        with sheet.loops(n, columns) as (i, c):
            sheet.store(result, (*b, i, c), x.at(c, i))
    return sheet.statements


def _eliminate(sheet: Sheet, w: Block, n: DimLike, width: DimLike, dtype: str) -> tuple[Block, Block]:
    """Gauss's elimination with the greatest pivot of each column in the first n columns of ``w``, in place.

    Below the diagonal stand the factors. Gives the pivots' rows as they were chosen, and a row of working memory.
    """
    pivots, row = sheet.scratch("i64", n), sheet.scratch(dtype, width)
    with sheet.loop(n) as k:
        _, place = sheet.greatest(n - k, lambda i, k=k: w.at(k + i, k).abs(), dtype)  # type: ignore[misc]
        chosen = sheet.let(place + sheet.position(k))
        sheet.store(pivots, (k,), chosen)
        with sheet.loop(width) as j:  # the rows change places
            sheet.store(row, (j,), w.at(chosen.place(), j))
            sheet.store(w, (chosen.place(), j), w.at(k, j))
        with sheet.loop(width) as j:
            sheet.store(w, (k, j), row.at(j))
        pivot = sheet.let(row.at(k))
        with sheet.loop(n - k - 1) as below:
            i = k + 1 + below
            factor = sheet.let(pivot.equals(0).choose(w.at(i, k) * 0, w.at(i, k) / pivot))
            with sheet.loop(width - k - 1) as rest:
                j = k + 1 + rest
                sheet.store(w, (i, j), w.at(i, j) - factor * row.at(j))
            sheet.store(w, (i, k), factor)
    return pivots, row


def _load(sheet: Sheet, node: Operation, b: Index, w: Block, n: DimLike, adjoint: bool = False) -> None:
    """The first input, or its adjoint, as the first n columns of ``w``."""
    a = sheet.input(node.inputs[0], b)
    with sheet.loops(n, n) as (i, j):
        sheet.store(w, (i, j), a(j, i) if adjoint else a(i, j))


def _solve(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The right sides stand beside the matrix while it is eliminated; then the unknowns, from the last to the first."""
    kind: MatrixSolve = node.kind  # type: ignore[assignment]
    sheet, out = Sheet(nest), node.outputs[0]
    *batch, n, columns = out.type.sizes
    dtype, result = out.dtype.short, sheet.output(node.outputs[0])
    w = sheet.scratch(dtype, n, n + columns)
    with sheet.batch(*batch) as b:
        _load(sheet, node, b, w, n, kind.adjoint)
        right = sheet.input(node.inputs[1], b)
        with sheet.loops(n, columns) as (i, c):
            sheet.store(w, (i, n + c), right(i, c))
        _, row = _eliminate(sheet, w, n, n + columns, dtype)
        with sheet.loop(n) as i:
            sheet.refuse_where(w.at(i, i).equals(0), node)
        with sheet.loop(n) as step:
            k = n - 1 - step
            with sheet.loop(columns) as c:
                sheet.store(row, (c,), w.at(k, n + c) / w.at(k, k))
            with sheet.loop(columns) as c:
                sheet.store(result, (*b, k, c), row.at(c))
            with sheet.loop(k) as i:
                factor = sheet.let(w.at(i, k))
                with sheet.loop(columns) as c:
                    sheet.store(w, (i, n + c), w.at(i, n + c) - factor * row.at(c))
    return sheet.statements


def _log_determinant(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The sign and the logarithm of the product of the pivots; each exchange of rows turns the sign."""
    sheet, out = Sheet(nest), node.outputs[0]
    *batch, n, _ = node.inputs[0].type.sizes
    dtype, result = out.dtype.short, sheet.output(out)
    w = sheet.scratch(dtype, n, n)
    with sheet.batch(*batch) as b:
        _load(sheet, node, b, w, n)
        pivots, _ = _eliminate(sheet, w, n, n, dtype)

        def turned(k: DimLike) -> Number:
            sign = w.at(k, k).sign()
            return pivots.at(k).differs(sheet.position(k)).choose(-sign, sign)

        sign = sheet.combined("mul", n, turned, sheet.number(1, dtype))
        size = sheet.sum(n, lambda k: w.at(k, k).abs().log(), sheet.number(0, dtype))
        sheet.store(result, (*b, 0), sign)
        sheet.store(result, (*b, 1), size)
    return sheet.statements


def _lu(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The eliminated matrix with its factors, and below it the rows in their new order."""
    sheet, out = Sheet(nest), node.outputs[0]
    *batch, _, n = out.type.sizes
    dtype, result = out.dtype.short, sheet.output(out)
    w, order = sheet.scratch(dtype, n, n), sheet.scratch(dtype, n)
    with sheet.batch(*batch) as b:
        _load(sheet, node, b, w, n)
        pivots, _ = _eliminate(sheet, w, n, n, dtype)
        with sheet.loop(n) as i:
            sheet.refuse_where(w.at(i, i).equals(0), node)
        with sheet.loop(n) as i:
            sheet.store(order, (i,), sheet.position(i, dtype))
        with sheet.loop(n) as k:
            here, there = sheet.let(order.at(k)), sheet.let(order.at(pivots.at(k).place()))
            with sheet.when(pivots.at(k).differs(sheet.position(k))):
                sheet.store(order, (k,), there)
                sheet.store(order, (pivots.at(k).place(),), here)
        with sheet.loops(n, n) as (i, j):
            sheet.store(result, (*b, i, j), w.at(i, j))
        with sheet.loop(n) as j:
            sheet.store(result, (*b, n, j), order.at(j))
    return sheet.statements


ROOTS: dict[type[Op], Root] = {
    Cholesky: _cholesky,
    TriangularSolve: _triangular_solve,
    MatrixSolve: _solve,
    LogMatrixDeterminant: _log_determinant,
    Lu: _lu,
}
