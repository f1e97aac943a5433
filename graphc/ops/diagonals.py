"""Diagonals of matrices: made, taken, set; and parts of matrices beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, stack
from graphc.ops.base import convert_to_tensor, convert_together, graph_of
from graphc.ops.late import needs_ranks
from graphc.ops.lookup import gather
from graphc.ops.reduction import reduce_prod, reduce_sum
from graphc.ops.reshaping import expand_dims, reshape, shape
from graphc.ops.sequences import range as iota


@needs_ranks("MatrixDiag", "diagonal")
def matrix_diag(
    diagonal: Any, name: str | None = None, k: Any = 0, num_rows: int = -1, num_cols: int = -1, padding_value: Any = 0
) -> Tensor:
    """Matrices with ``diagonal`` [..., n] on their diagonal and zeros elsewhere: [..., n, n].

    ``k`` moves it above (positive) or below the main one; a pair of numbers is a band, whose diagonals are the rows of
    ``diagonal`` [..., number, longest], the highest first, each beginning at the left. Of sizes that are not given the
    least that hold the diagonals are taken, and as many rows as columns where neither is given.
    """
    if not _is_plain(k, padding_value) or (num_rows, num_cols) != (-1, -1):
        return _band_matrix(diagonal, k, num_rows, num_cols, padding_value, name or "MatrixDiag")
    x = _with_axes(diagonal, 1, "matrix_diag")
    with graph_of([x]).name_scope(name or "MatrixDiag") as scope:
        places = iota(shape(x)[-1])
        on_diagonal = e.equal(expand_dims(places, 1), places)
        return e.select(on_diagonal, expand_dims(x, -1), convert_to_tensor(_nothing(x), x.dtype), name=scope)


def _nothing(x: Tensor) -> Any:
    return False if x.dtype is dtypes.bool else 0


def _with_axes(value: Any, least: int, what: str) -> Tensor:
    x = convert_to_tensor(value)
    if x.type.rank is None or x.type.rank < least:
        raise ValueError(f"{what} needs at least {least} {'axis' if least == 1 else 'axes'}, not {x.type}")
    return x


@needs_ranks("MatrixDiagPart", "input")
def matrix_diag_part(input: Any, name: str | None = None, k: Any = 0, padding_value: Any = 0) -> Tensor:
    """The diagonals of matrices [..., m, n]: [..., min(m, n)].

    ``k`` and the order of the diagonals of a band as in :func:`matrix_diag`; shorter ones are filled up.
    """
    x = _with_axes(input, 2, "matrix_diag_part")
    if not _is_plain(k, padding_value):
        return _band_of(x, k, padding_value, name or "MatrixDiagPart")
    with graph_of([x]).name_scope(name or "MatrixDiagPart") as scope:
        rows, columns = x.type.shape[-2:]  # type: ignore[index]
        if isinstance(rows, int) and isinstance(columns, int):
            length = min(rows, columns)
            if length == 0:
                return e.identity(x[..., :length, 0] if columns else x[..., 0, :length], name=scope)
            flat = reshape(x, concat([shape(x)[:-2], [rows * columns]], 0))
            return e.identity(flat[..., : (length - 1) * (columns + 1) + 1 : columns + 1], name=scope)
        own, other = iota(shape(x)[-2]), iota(shape(x)[-1])
        on_diagonal = e.equal(expand_dims(own, 1), other)
        found = reduce_sum(e.select(on_diagonal, x, convert_to_tensor(0, x.dtype)), -1)
        return e.identity(found[..., : e.minimum(shape(x)[-2], shape(x)[-1])], name=scope)


@needs_ranks("MatrixSetDiag", "input", "diagonal")
def matrix_set_diag(input: Any, diagonal: Any, name: str | None = None, k: Any = 0) -> Tensor:
    """Matrices [..., m, n] with ``diagonal`` [..., min(m, n)] in place of their diagonals; ``k`` as in matrix_diag."""
    x = _with_axes(input, 2, "matrix_set_diag")
    x, values = convert_together(x, diagonal)
    if not _is_plain(k, 0):
        with graph_of([x]).name_scope(name or "MatrixSetDiag") as scope:
            is_inside, spread = _spread(values, shape(x)[-2], shape(x)[-1], *_band(k, "matrix_set_diag"))
            return e.select(is_inside, spread, x, name=scope)
    with graph_of([x]).name_scope(name or "MatrixSetDiag") as scope:
        rows, columns = x.type.shape[-2:]  # type: ignore[index]
        is_tall = isinstance(rows, int) and isinstance(columns, int) and rows > columns
        spread = expand_dims(values, -2 if is_tall else -1)
        own, other = iota(shape(x)[-2]), iota(shape(x)[-1])
        return e.select(e.equal(expand_dims(own, 1), other), spread, x, name=scope)


# -- bands of several diagonals ---------------------------------------------------------------------------


def _is_plain(k: Any, padding_value: Any) -> bool:
    """Whether the main diagonal is meant, with zeros around."""
    return isinstance(k, int) and k == 0 and isinstance(padding_value, (int, float)) and padding_value == 0


def _band(k: Any, what: str) -> tuple[int, int]:
    """The lowest and the highest diagonal of a band."""
    try:
        ends = [int(end) for end in (k if isinstance(k, (list, tuple, np.ndarray)) else [k])]
    except TypeError:
        ends = []
    if len(ends) not in (1, 2) or ends[0] > ends[-1]:
        raise ValueError(f"{what} needs k as a number or as a pair, the lower one first, not {k!r}")
    return ends[0], ends[-1]


def _spread(diagonals: Tensor, rows: Any, columns: Any, lowest: int, highest: int) -> tuple[Tensor, Tensor]:
    """Which places [rows, columns] are in the band, and for those the numbers of ``diagonals``."""
    if lowest == highest:
        diagonals = expand_dims(diagonals, -2)  # diagonals: [..., number, longest]
    longest = shape(diagonals)[-1]
    row, column = expand_dims(iota(rows), 1), iota(columns)
    above = e.subtract(column, row)  # how far above the main diagonal: [rows, columns]
    is_inside = e.logical_and(e.greater_equal(above, lowest), e.less_equal(above, highest))
    which, place = e.subtract(highest, above), e.minimum(row, column)  # the n-th of a diagonal is n from an edge
    there = e.select(is_inside, e.add(e.multiply(which, longest), place), convert_to_tensor(0))
    flat = reshape(diagonals, concat([shape(diagonals)[:-2], [-1]], 0))
    return is_inside, gather(flat, there, axis=-1)


def _band_matrix(diagonal: Any, k: Any, num_rows: int, num_cols: int, padding_value: Any, name: str) -> Tensor:
    lowest, highest = _band(k, "matrix_diag")
    x = _with_axes(diagonal, 1 if lowest == highest else 2, "matrix_diag")
    with graph_of([x]).name_scope(name) as scope:
        longest = shape(x)[-1]
        rows: Any = longest + max(-highest, 0)
        columns: Any = longest + max(lowest, 0)
        if num_rows == num_cols == -1:
            rows = columns = e.maximum(rows, columns)
        rows, columns = rows if num_rows == -1 else num_rows, columns if num_cols == -1 else num_cols
        is_inside, spread = _spread(x, rows, columns, lowest, highest)
        return e.select(is_inside, spread, _padding(x, padding_value), name=scope)


def _band_of(x: Tensor, k: Any, padding_value: Any, name: str) -> Tensor:
    lowest, highest = _band(k, "matrix_diag_part")
    with graph_of([x]).name_scope(name) as scope:
        rows, columns = shape(x)[-2], shape(x)[-1]
        longest = e.minimum(rows + min(highest, 0), columns - max(lowest, 0))
        above = e.subtract(highest, expand_dims(iota(highest - lowest + 1), 1))
        row = e.add(iota(longest), e.maximum(e.negative(above), 0))  # [number, longest]
        column = e.add(iota(longest), e.maximum(above, 0))
        is_there = e.logical_and(e.less(row, rows), e.less(column, columns))
        flat = reshape(x, concat([shape(x)[:-2], [-1]], 0))
        place = e.select(is_there, e.add(e.multiply(row, columns), column), convert_to_tensor(0))
        found = e.select(is_there, gather(flat, place, axis=-1), _padding(x, padding_value))
        return e.identity(found[..., 0, :] if lowest == highest else found, name=scope)


def _padding(x: Tensor, value: Any) -> Tensor:
    return convert_to_tensor(bool(value) if x.dtype is dtypes.bool else value, x.dtype)


@telling_line
@needs_ranks("MatrixBandPart", "input", "num_lower", "num_upper")
def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices with zeros outside ``num_lower`` diagonals below the main one and ``num_upper`` above; -1 keeps all."""
    x = _with_axes(input, 2, "matrix_band_part")
    with graph_of([x]).name_scope(name or "MatrixBandPart") as scope:
        lower = e.cast(convert_to_tensor(num_lower), dtypes.int64)
        upper = e.cast(convert_to_tensor(num_upper), dtypes.int64)
        rows, columns = (e.cast(iota(shape(x)[axis]), dtypes.int64) for axis in (-2, -1))
        below = expand_dims(rows, 1) - columns
        kept = e.logical_and(
            e.logical_or(e.less(lower, 0), e.less_equal(below, lower)),
            e.logical_or(e.less(upper, 0), e.less_equal(e.negative(below), upper)),
        )
        return e.select(kept, x, convert_to_tensor(_nothing(x), x.dtype), name=scope)


@telling_line
@needs_ranks("Diag", "diagonal")
def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """``y[i..., i...] = diagonal[i...]`` and zeros elsewhere."""
    x = _with_axes(diagonal, 1, "diag")
    with graph_of([x]).name_scope(name or "Diag") as scope:
        whole = matrix_diag(reshape(x, [-1]))
        return reshape(whole, concat([shape(x), shape(x)], 0), name=scope)


@needs_ranks("DiagPart", "input")
def diag_part(input: Any, name: str | None = None) -> Tensor:
    """``y[i...] = input[i..., i...]``: of an even number of axes, whose halves are alike."""
    x = _with_axes(input, 2, "diag_part")
    rank: Any = x.type.rank
    half = x.type.shape[: rank // 2]  # type: ignore[index]
    if rank % 2 or any(a != b and None not in (a, b) for a, b in zip(half, x.type.shape[rank // 2 :], strict=True)):  # type: ignore[index]
        raise ValueError(f"diag_part needs axes whose first half is like the second, not {x.type}")
    with graph_of([x]).name_scope(name or "DiagPart") as scope:
        sizes = shape(x)[: rank // 2]
        count = reduce_prod(sizes)
        return reshape(matrix_diag_part(reshape(x, stack([count, count]))), sizes, name=scope)


@needs_ranks("Trace", "x")
def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of matrices [..., m, n]."""
    matrix = _with_axes(x, 2, "trace")
    with graph_of([matrix]).name_scope(name or "Trace") as scope:
        return reduce_sum(matrix_diag_part(matrix), -1, name=scope)


@telling_line
def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The vector products of vectors [..., 3]."""
    x, y = convert_together(a, b)
    for part in (x, y):
        if part.type.shape is not None and (not part.type.shape or part.type.shape[-1] not in (3, None)):
            raise ValueError(f"cross needs vectors of 3 elements, not {x.type} and {y.type}")
    with graph_of([x]).name_scope(name or "Cross") as scope:
        (a0, a1, a2), (b0, b1, b2) = ([part[..., n] for n in range(3)] for part in (x, y))
        return stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1, name=scope)
