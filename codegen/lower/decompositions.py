"""Orthogonal factors: QR by Householder's reflections, eigenvalues and singular values by Jacobi's rotations.

Columns stand as rows of the working memory, so that the innermost loops run along memory. A rotation of two rows
copies them first: what a vector loop stores, it does not read elsewhere. Jacobi's sweeps end when no pair is
turned any more; the number of sweeps is bounded, as convergence is quadratic (Golub and Van Loan, 2013, 8.5 and 8.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Statement
from graphc.codegen.lower.algebra import Block, Number, Sheet
from graphc.codegen.lower.values import Index, Root
from graphc.dims import DimLike
from graphc.nodes import Op, Operation
from graphc.ops.decompositions import Qr, SelfAdjointEig, Svd

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest

SWEEPS = {"f32": 12, "f64": 16}
EPSILON = {"f32": 2.0**-24, "f64": 2.0**-53}


def _qr(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Reflections ``1 - 2 v v^T / (v^T v)`` that leave nothing below the diagonal; their product is q."""
    kind: Qr = node.kind  # type: ignore[assignment]
    sheet, out, x = Sheet(nest), node.outputs[0], node.inputs[0]
    *batch, m, n = x.type.sizes
    count, columns = kind.reflections(x.type), kind.columns(x.type)
    dtype, result = out.dtype.short, sheet.output(out)
    w = sheet.scratch(dtype, n, m)
    with sheet.batch(*batch) as b:
        a = sheet.input(x, b)
        with sheet.loops(n, m) as (c, r):
            sheet.store(w, (c, r), a(r, c))
        q = _orthogonal(sheet, w, n, m, count, columns)
        with sheet.loops(m, columns) as (r, c):
            sheet.store(result, (*b, r, c), q.at(c, r))
        with sheet.loops(columns, n) as (r, c):
            above = sheet.position(r).greater(sheet.position(c)).opposite()
            sheet.store(result, (*b, m + r, c), above.choose(w.at(c, r), 0))
    return sheet.statements


def _orthogonal(sheet: Sheet, w: Block, n: DimLike, m: DimLike, count: DimLike, columns: DimLike) -> Block:
    """The n columns in w become those of r; gives columns of q."""
    dtype = w.buffer.dtype
    v, weight = sheet.scratch(dtype, count, m), sheet.scratch(dtype, count)
    q = sheet.scratch(dtype, columns, m)
    with sheet.loop(count) as k:
        _reflection(sheet, w, v, weight, k, m)
        with sheet.loop(n - k) as rest:
            _reflect(sheet, w, k + rest, v, weight, k, m)
    with sheet.loops(columns, m) as (c, r):
        sheet.store(q, (c, r), sheet.position(c).equals(sheet.position(r)).cast(dtype))
    with sheet.loop(count) as step, sheet.loop(columns) as c:
        _reflect(sheet, q, c, v, weight, count - 1 - step, m)
    return q


def _reflection(sheet: Sheet, w: Block, v: Block, weight: Block, k: DimLike, m: DimLike) -> None:
    """The v whose reflection leaves column k of w nothing below the diagonal, and ``2 / v^T v``."""
    zero = sheet.number(0, w.buffer.dtype)
    below = sheet.sum(m - k - 1, lambda i: w.at(k, k + 1 + i) * w.at(k, k + 1 + i), zero)
    below = sheet.let(below)
    head = sheet.let(w.at(k, k))
    length = (below + head * head).sqrt()
    moved = below.greater(0)
    pivot = sheet.let(moved.choose(head + head.less(0).choose(-length, length), 1))
    with sheet.loop(m - k) as i:
        sheet.store(v, (k, k + i), w.at(k, k + i))
    with sheet.loop(1):
        sheet.store(v, (k, k), pivot)
        sheet.store(weight, (k,), moved.choose(2.0 / (pivot * pivot + below), 0))


def _reflect(sheet: Sheet, w: Block, column: DimLike, v: Block, weight: Block, k: DimLike, m: DimLike) -> None:
    """The reflection k of one column."""
    zero = sheet.number(0, w.buffer.dtype)
    dot = sheet.sum(m - k, lambda i: v.at(k, k + i) * w.at(column, k + i), zero)
    factor = sheet.let(dot * weight.at(k))
    with sheet.loop(m - k) as i:
        sheet.store(w, (column, k + i), w.at(column, k + i) - factor * v.at(k, k + i))


def _angle(app: Number, aqq: Number, apq: Number) -> tuple[Number, Number]:
    """Cosine and sine of the rotation that makes the element between p and q zero."""
    theta = (aqq - app) / (apq * 2.0)
    size = theta.abs() + (theta * theta + 1.0).sqrt()
    tangent = theta.less(0).choose(-1.0 / size, 1.0 / size)
    cosine = 1.0 / (tangent * tangent + 1.0).sqrt()
    return cosine, tangent * cosine


def _rotate(
    sheet: Sheet, w: Block, p: DimLike, q: DimLike, cosine: Number, sine: Number, length: DimLike, copies: Block
) -> None:
    """Rows p and q of w turned: ``c p - s q`` and ``s p + c q``."""
    with sheet.loop(length) as j:
        sheet.store(copies, (0, j), w.at(p, j))
        sheet.store(copies, (1, j), w.at(q, j))
    with sheet.loop(length) as j:
        sheet.store(w, (p, j), cosine * copies.at(0, j) - sine * copies.at(1, j))
        sheet.store(w, (q, j), sine * copies.at(0, j) + cosine * copies.at(1, j))


def _identity(sheet: Sheet, w: Block, n: DimLike) -> None:
    with sheet.loops(n, n) as (i, j):
        sheet.store(w, (i, j), sheet.position(i).equals(sheet.position(j)).cast(w.buffer.dtype))


def _eigen(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every element off the diagonal is turned to zero, again and again, until all of them are."""
    sheet, out, x = Sheet(nest), node.outputs[0], node.inputs[0]
    *batch, n, _ = x.type.sizes
    dtype, result = out.dtype.short, sheet.output(out)
    w, v, copies = sheet.scratch(dtype, n, n), sheet.scratch(dtype, n, n), sheet.scratch(dtype, 2, n)
    with sheet.batch(*batch) as b:
        a = sheet.input(x, b)
        with sheet.loops(n, n) as (i, j):
            below = sheet.position(j).greater(sheet.position(i)).opposite()
            sheet.store(w, (i, j), below.choose(a(i, j), a(j, i)))
        _identity(sheet, v, n)
        with sheet.loop(SWEEPS[dtype]), sheet.loop(n) as p, sheet.loop(n - p - 1) as rest:
            q = p + 1 + rest
            app, aqq, apq = sheet.let(w.at(p, p)), sheet.let(w.at(q, q)), sheet.let(w.at(p, q))
            least = (app.abs() + aqq.abs()) * (EPSILON[dtype] / 16)
            with sheet.when(apq.abs().exceeds(least)):
                cosine, sine = (sheet.let(part) for part in _angle(app, aqq, apq))
                _rotate(sheet, w, p, q, cosine, sine, n, copies)
                _turn_columns(sheet, w, p, q, cosine, sine, n)
                _rotate(sheet, v, p, q, cosine, sine, n, copies)
        _fill(sheet, result, b, n + 1, n)
        _sorted_vectors(sheet, result, b, n, lambda k: w.at(k, k), v, n)
    return sheet.statements


def _turn_columns(sheet: Sheet, w: Block, p: DimLike, q: DimLike, cosine: Number, sine: Number, n: DimLike) -> None:
    with sheet.loop(n) as j:
        old_p, old_q = sheet.let(w.at(j, p)), sheet.let(w.at(j, q))
        sheet.store(w, (j, p), cosine * old_p - sine * old_q)
        sheet.store(w, (j, q), sine * old_p + cosine * old_q)


def _fill(sheet: Sheet, block: Block, b: Index, rows: DimLike, columns: DimLike) -> None:
    """NaN everywhere: values that are NaN have no rank, and what they would have been written to says so."""
    with sheet.loops(rows, columns) as (i, j):
        sheet.store(block, (*b, i, j), sheet.number(float("nan"), block.buffer.dtype))


def _rank(sheet: Sheet, count: DimLike, value: object, k: DimLike, descending: bool = False) -> Number:
    """How many of the values come before the one at k; of equals, the first comes first."""
    own = sheet.let(value(k))  # type: ignore[operator]

    def comes_before(j: DimLike) -> Number:
        other: Number = value(j)  # type: ignore[operator]
        ahead = other.greater(own) if descending else other.less(own)
        earlier = sheet.position(j).less(sheet.position(k))
        return ahead.either(other.equals(own).both(earlier)).cast("i64")

    return sheet.let(sheet.sum(count, comes_before, sheet.number(0, "i64")))


def _sorted_vectors(
    sheet: Sheet, result: Block, b: Index, n: DimLike, value: object, v: Block, length: DimLike
) -> None:
    """The eigenvectors as columns from the least eigenvalue to the greatest, and below them the eigenvalues."""
    with sheet.loop(n) as k:
        place = _rank(sheet, n, value, k).place()
        sheet.store(result, (*b, length, place), value(k))  # type: ignore[operator]
        with sheet.loop(length) as i:
            sheet.store(result, (*b, i, place), v.at(k, i))


def _svd(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Pairs of columns are turned until all are orthogonal: their lengths are the singular values (Hestenes, 1958)."""
    sheet, out, x = Sheet(nest), node.outputs[0], node.inputs[0]
    *batch, m, n = x.type.sizes  # m >= n
    columns = node.kind.columns(x.type)  # type: ignore[attr-defined]
    dtype, result = out.dtype.short, sheet.output(out)
    w, v, copies = sheet.scratch(dtype, n, m), sheet.scratch(dtype, n, n), sheet.scratch(dtype, 2, m)
    lengths, u = sheet.scratch(dtype, n), sheet.scratch(dtype, n, m)
    zero = sheet.number(0, dtype)
    with sheet.batch(*batch) as b:
        a = sheet.input(x, b)
        with sheet.loops(n, m) as (c, r):
            sheet.store(w, (c, r), a(r, c))
        _identity(sheet, v, n)
        with sheet.loop(SWEEPS[dtype]), sheet.loop(n) as p, sheet.loop(n - p - 1) as rest:
            q = p + 1 + rest
            app = sheet.let(sheet.sum(m, lambda i: w.at(p, i) * w.at(p, i), zero))
            aqq = sheet.let(sheet.sum(m, lambda i: w.at(q, i) * w.at(q, i), zero))
            apq = sheet.let(sheet.sum(m, lambda i: w.at(p, i) * w.at(q, i), zero))
            with sheet.when((apq * apq).exceeds(app * aqq * (4 * EPSILON[dtype] ** 2))):
                cosine, sine = (sheet.let(part) for part in _angle(app, aqq, apq))
                _rotate(sheet, w, p, q, cosine, sine, m, copies)
                _rotate(sheet, v, p, q, cosine, sine, n, copies)
        with sheet.loop(n) as k:
            sheet.store(lengths, (k,), sheet.sum(m, lambda i: w.at(k, i) * w.at(k, i), zero).sqrt())
        _fill(sheet, result, b, m + n + 1, columns)
        _fill(sheet, u, (), n, m)
        with sheet.loop(n) as k:
            place = _rank(sheet, n, lengths.at, k, descending=True).place()
            length = sheet.let(lengths.at(k))
            sheet.store(result, (*b, m + n, place), length)
            with sheet.loop(m) as i:
                sheet.store(u, (place, i), length.greater(0).choose(w.at(k, i) / length, 0))
            with sheet.loop(n) as i:
                sheet.store(result, (*b, m + i, place), v.at(k, i))
        # Where a singular value is zero, its vector and those beyond the n columns are any that complete the basis.
        basis = _orthogonal(sheet, u, n, m, n, columns)
        with sheet.loops(m, columns) as (r, c):
            sheet.store(result, (*b, r, c), basis.at(c, r))
        with sheet.loop(n) as c:
            turned = sheet.let(u.at(c, c).less(0))
            with sheet.loop(m) as r:
                sheet.store(result, (*b, r, c), turned.choose(-basis.at(c, r), basis.at(c, r)))
    return sheet.statements


ROOTS: dict[type[Op], Root] = {Qr: _qr, SelfAdjointEig: _eigen, Svd: _svd}
