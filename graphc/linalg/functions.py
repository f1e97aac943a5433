"""Functions of matrices that are formulas over factorisations: least squares, norms, exponentials, pseudo-inverses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.composites import squared_size
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, convert_to_tensor, convert_together, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.decompositions import self_adjoint_eig, self_adjoint_eigvals, svd
from graphc.ops.late import late
from graphc.ops.loops import while_loop
from graphc.ops.matrices import (
    Lu,
    TriangularSolve,
    check_matrices,
    cholesky,
    cholesky_solve,
    identity_like,
    matrix_solve,
    permutation,
)
from graphc.ops.reduction import reduce_max, reduce_sum
from graphc.ops.reshaping import broadcast_like, matrix_transpose, transpose
from graphc.shapes import TensorType, normalise_axis

eigh, eigvalsh = self_adjoint_eig, self_adjoint_eigvals


class LuFactors(NamedTuple):
    """``lu``: both factors in one matrix, the diagonal of the lower one is 1; ``p``: the rows' new order."""

    lu: Tensor
    p: Tensor


def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> LuFactors:
    """The factors with ``(l u)[i] = input[p[i]]``; ``InvalidArgumentError`` where a matrix is not invertible."""
    x = convert_to_tensor(input)
    with graph_of([x]).name_scope(name or "Lu"):
        packed = apply(Lu(), x)
        order = e.cast(e.stop_gradient(packed[..., -1, :]), dtypes.as_dtype(output_idx_type))
        return LuFactors(packed[..., :-1, :], order)


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The x with ``a x = rhs``, given the factors and the order of rows that :func:`lu` gives of ``a``."""
    factors, right = convert_together(lower_upper, rhs)
    with graph_of([factors]).name_scope(name or "lu_solve") as scope:
        order = e.cast(convert_to_tensor(perm), factors.dtype)
        moved = matmul(permutation(order[..., None, :]), right)
        lower = factors * (1.0 - identity_like(factors)) + identity_like(factors)
        first = apply(TriangularSolve(True, False), lower, moved)
        return apply(TriangularSolve(False, False), factors, first, name=scope)


@telling_line
def matrix_solve_ls(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """The x that makes ``|matrix x - rhs|^2 + l2_regularizer |x|^2`` least; of several such x, the shortest.

    ``fast``: by Cholesky's factor of the normal equations, for matrices of full rank that are not near to singular.
    Else by the pseudo-inverse without a regulariser, which copes with every matrix.
    """
    a, b = convert_together(matrix, rhs)
    weight = convert_to_tensor(l2_regularizer, a.dtype)
    sizes = _sizes(a, "matrix_solve_ls")
    if sizes is None or a.type.rank is None or b.type.rank is None:
        known = a.type.shape is not None and b.type.shape
        shape = (*a.type.shape[:-2], a.type.shape[-1], b.type.shape[-1]) if known else None  # type: ignore[index]
        build = lambda a, b, weight: matrix_solve_ls(a, b, weight, fast)  # noqa: E731
        return late("MatrixSolveLs", build, [a, b, weight], [], TensorType(a.dtype, shape), name=name)[0]
    with graph_of([a]).name_scope(name or "matrix_solve_ls") as scope:
        if not fast:
            return matmul(pinv(a), b, name=scope)
        turned = matrix_transpose(a)
        if sizes[0] >= sizes[1]:
            return cholesky_solve(_normal(turned, a, weight), matmul(turned, b), name=scope)
        return matmul(turned, cholesky_solve(_normal(a, turned, weight), b), name=scope)


def _sizes(x: Tensor, called: str) -> tuple[int, int] | None:
    """The rows and columns of matrices; None where they are not known while declaring."""
    check_matrices(x.type, called)
    if x.type.shape is None:
        return None
    rows, columns = x.type.shape[-2:]
    return (rows, columns) if isinstance(rows, int) and isinstance(columns, int) else None


def _normal(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Cholesky's factor of ``a b + weight``."""
    product = matmul(a, b)
    return cholesky(product + weight * identity_like(product))


@telling_line
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose; singular values up to ``rcond`` times the greatest count as zero."""
    x = convert_to_tensor(a)
    sizes = _sizes(x, "pinv")
    if sizes is None:
        shape = None if x.type.shape is None else (*x.type.shape[:-2], x.type.shape[-1], x.type.shape[-2])
        inputs = [x] if rcond is None else [x, convert_to_tensor(rcond, x.dtype)]
        return late("pinv", pinv, inputs, [], TensorType(x.dtype, shape), name=name)[0]
    with graph_of([x]).name_scope(name or "pinv") as scope:
        if rcond is None:
            rcond = 10.0 * max(sizes) * np.finfo(x.dtype.numpy).eps
        s, u, v = svd(x)
        limit = convert_to_tensor(rcond, x.dtype)[..., None] * reduce_max(s, -1, keepdims=True)
        kept = e.greater(s, limit)
        one, zero = convert_to_tensor(1, x.dtype), convert_to_tensor(0, x.dtype)
        inverse = e.select(kept, 1.0 / e.select(kept, s, one), zero)
        return matmul(v * inverse[..., None, :], u, transpose_b=True, name=scope)


@telling_line
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """How many singular values are above ``tol``."""
    x = convert_to_tensor(a)
    sizes = _sizes(x, "matrix_rank")
    if sizes is None:
        shape = None if x.type.shape is None else x.type.shape[:-2]
        inputs = [x] if tol is None else [x, convert_to_tensor(tol, x.dtype)]
        return late("matrix_rank", matrix_rank, inputs, [], TensorType(dtypes.int32, shape), name=name)[0]
    with graph_of([x]).name_scope(name or "matrix_rank") as scope:
        s = svd(x, compute_uv=False)
        if tol is None:
            tol = reduce_max(s, -1, keepdims=True) * float(max(sizes) * np.finfo(x.dtype.numpy).eps)
        return reduce_sum(e.cast(e.greater(s, tol), dtypes.int32), -1, name=scope)


# Coefficients of the approximation of order 13 (Higham, "The scaling and squaring method for the matrix exponential
# revisited", 2005), which is exact to double precision up to a norm of 5.37.
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_PADE_NORM = 5.371920351148152


def expm(input: Any, name: str | None = None) -> Tensor:
    """The exponential of matrices, by scaling and squaring."""
    a = convert_to_tensor(input)
    with graph_of([a]).name_scope(name or "matrix_exponential") as scope:
        size = reduce_max(reduce_sum(e.abs(e.stop_gradient(a)), -2), -1)[..., None, None]
        halvings = e.maximum(e.ceil(e.log(e.maximum(size, 1e-30) / _PADE_NORM) / math.log(2)), 0.0)
        x = a * e.exp(halvings * -math.log(2))
        one = broadcast_like(identity_like(x), x)
        x2 = matmul(x, x)
        x4 = matmul(x2, x2)
        x6 = matmul(x4, x2)
        b = _PADE
        odd = matmul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one
        even = matmul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
        odd = matmul(x, odd)
        power = matrix_solve(even - odd, even + odd)
        most = e.cast(reduce_max(halvings), dtypes.int32)

        def square(turn: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            again = e.less(e.cast(turn, a.dtype), halvings)
            return turn + 1, e.select(again, matmul(y, y), y)

        _, result = while_loop(lambda turn, y: e.less(turn, most), square, (convert_to_tensor(0), power))
        return e.identity(result, name=scope)


@telling_line
def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The transpose of matrices, of complex numbers with each conjugate."""
    return matrix_transpose(matrix, name=name or "adjoint", conjugate=True)


@telling_line
def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The length of vectors along ``axis`` (of all elements where None), or the norm of matrices in a pair of axes.

    ``ord`` is "euclidean", 1, 2, inf, of vectors any positive number, and of matrices "fro" or "nuc" too.
    """
    x = convert_to_tensor(tensor)
    keep = bool(keep_dims if keepdims is None else keepdims)
    pair = isinstance(axis, (list, tuple)) and len(axis) == 2
    if isinstance(axis, (list, tuple)) and len(axis) not in (1, 2):
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    if not _is_norm(ord, pair):
        kind = "matrix norm in ['euclidean', 'fro', 'nuc', 1, 2, inf]" if pair else "vector norm"
        raise ValueError(f"'ord' must be a supported {kind}, got {ord}")
    with graph_of([x]).name_scope(name or "norm") as scope:
        if ord in ("fro", "euclidean") or (ord == 2 and not pair):
            return e.sqrt(reduce_sum(squared_size(x), axis, keep), name=scope)
        if pair:
            return _matrix_norm(x, ord, axis, keep, scope)
        if ord == 1:
            return reduce_sum(e.abs(x), axis, keep, name=scope)
        if math.isinf(ord):
            return reduce_max(e.abs(x), axis, keep, name=scope)
        return e.pow(reduce_sum(e.pow(e.abs(x), float(ord)), axis, keep), 1.0 / ord, name=scope)


def _is_norm(ord: Any, pair: bool) -> bool:
    if isinstance(ord, str):
        return ord == "euclidean" or ord == "fro" or (pair and ord == "nuc")
    if pair:
        return ord in (1, 2, math.inf)
    return isinstance(ord, (int, float)) and ord > 0


def _matrix_norm(x: Tensor, ord: Any, axis: Sequence[int], keep: bool, scope: str) -> Tensor:
    if ord in (1, math.inf):
        row = axis[0] if ord == 1 else axis[1]
        sums = reduce_sum(e.abs(x), row, keepdims=True)
        return reduce_max(sums, list(axis), keep, name=scope) if keep else reduce_max(sums, list(axis), name=scope)
    if x.type.rank is None:
        raise ValueError(f"norm with ord={ord!r} needs to know how many axes its tensor has, not {x.type}")
    rows, columns = (normalise_axis(a, x.type.rank) for a in axis)
    others = [a for a in range(x.type.rank) if a not in (rows, columns)]
    values = svd(transpose(x, [*others, rows, columns]), compute_uv=False)
    found = reduce_sum(values, -1) if ord == "nuc" else reduce_max(values, -1)
    if keep:
        for place in sorted((rows, columns)):
            found = found[(*[slice(None)] * place, None)]
    return e.identity(found, name=scope)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The inverse of the matrices whose factors and order of rows :func:`lu` gives."""
    factors = convert_to_tensor(lower_upper)
    with graph_of([factors]).name_scope(name or "lu_matrix_inverse"):
        return lu_solve(factors, perm, broadcast_like(identity_like(factors), factors))
