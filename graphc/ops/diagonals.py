"""Diagonals of matrices: made, taken, set; and parts of matrices beside them."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, stack
from graphc.ops.base import convert_to_tensor, convert_together, graph_of
from graphc.ops.late import needs_ranks
from graphc.ops.reduction import reduce_prod, reduce_sum
from graphc.ops.reshaping import expand_dims, reshape, shape
from graphc.ops.sequences import range as iota


@needs_ranks("MatrixDiag", "diagonal")
def matrix_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Matrices with ``diagonal`` [..., n] on their diagonal and zeros elsewhere: [..., n, n]."""
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
def matrix_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonals of matrices [..., m, n]: [..., min(m, n)]."""
    x = _with_axes(input, 2, "matrix_diag_part")
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
def matrix_set_diag(input: Any, diagonal: Any, name: str | None = None) -> Tensor:
    """Matrices [..., m, n] with ``diagonal`` [..., min(m, n)] in place of their diagonals."""
    x = _with_axes(input, 2, "matrix_set_diag")
    x, values = convert_together(x, diagonal)
    with graph_of([x]).name_scope(name or "MatrixSetDiag") as scope:
        rows, columns = x.type.shape[-2:]  # type: ignore[index]
        is_tall = isinstance(rows, int) and isinstance(columns, int) and rows > columns
        spread = expand_dims(values, -2 if is_tall else -1)
        own, other = iota(shape(x)[-2]), iota(shape(x)[-1])
        return e.select(e.equal(expand_dims(own, 1), other), spread, x, name=scope)


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


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The vector products of vectors [..., 3]."""
    x, y = convert_together(a, b)
    for part in (x, y):
        if part.type.shape is not None and (not part.type.shape or part.type.shape[-1] not in (3, None)):
            raise ValueError(f"cross needs vectors of 3 elements, not {x.type} and {y.type}")
    with graph_of([x]).name_scope(name or "Cross") as scope:
        (a0, a1, a2), (b0, b1, b2) = ([part[..., n] for n in range(3)] for part in (x, y))
        return stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1, name=scope)
