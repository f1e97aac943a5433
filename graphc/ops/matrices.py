"""Linear equations: Cholesky's and LU factors, solving, inverses and determinants; of batches of matrices.

Every op takes matrices in the last two axes. Adjoints are the textbook's (Giles, "Collected matrix derivative results
for forward and reverse mode algorithmic differentiation", 2008; Murray, "Differentiation of the Cholesky
decomposition", 2016), said with the same ops, so that they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import (
    apply,
    check_dtype,
    check_same_dtype,
    convert_to_tensor,
    convert_together,
    graph_of,
)
from graphc.ops.checks import Refused
from graphc.ops.contraction import matmul
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import broadcast_like, matrix_transpose, shape
from graphc.ops.sequences import range as ramp
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType, merge


def check_matrices(x: TensorType, called: str, square: bool = False, allowed: Sequence[DType] = dtypes.FLOATS) -> None:
    """``TypeError`` unless floats, ``ValueError`` unless matrices; ``square`` ones where that is asked."""
    check_dtype(x, allowed, f"the matrix of {called}")
    if x.rank is not None and x.rank < 2:
        raise ValueError(f"{called} needs matrices in the last two axes, not {x}: Shape must be at least rank 2")
    if square and x.shape is not None:
        rows, columns = x.shape[-2:]
        if rows is not None and columns is not None and rows != columns:
            raise ValueError(f"{called} needs square matrices, not {x}: Dimensions must be equal")


def _same_batches(a: TensorType, b: TensorType, called: str, allowed: Sequence[DType] = dtypes.FLOATS) -> Shape:
    """The shape of a result of b's columns; ``ValueError`` where the matrices do not fit."""
    check_same_dtype((a, b))
    check_matrices(b, called, allowed=allowed)
    if a.shape is None or b.shape is None:
        return None
    try:
        rows = merge((*a.shape[:-2], a.shape[-1]), b.shape[:-1])
    except ValueError:
        raise ValueError(f"{called}: the right sides {b} do not fit the matrices {a}") from None
    return (*rows, b.shape[-1])  # type: ignore[misc]


@record
class _OfMatrices(Op):
    """What the ops of this file share: which matrices they refuse."""

    def refused(self, node: Operation) -> Refused:
        """The matrices with which the op cannot go on."""
        return Refused(0, self.wrong)

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where a matrix was refused."""
        return f"{node.inputs[0].user_label} {node.inputs[0].type} has a matrix that is not invertible"

    def wrong(self, matrices: Any, _: Any) -> Any:
        """Where a matrix has a pivot of zero."""
        return np.linalg.slogdet(matrices)[0] == 0


@record
class Cholesky(_OfMatrices):
    """The lower triangular l with ``l l^T = a``; of a, the lower triangle is read."""

    def infer(self, a: TensorType) -> TensorType:
        check_matrices(a, "cholesky", square=True)
        return a

    def evaluate(self, a: Any) -> Any:
        if np.any(self.wrong(a, None)):
            raise ArithmeticError("Cholesky decomposition was not successful. The input might not be valid.")
        return np.linalg.cholesky(_from_lower(a)).astype(a.dtype)

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        label = f"{node.inputs[0].user_label} {node.inputs[0].type}"
        return f"Cholesky decomposition was not successful: {label} has a matrix that is not positive definite"

    def wrong(self, matrices: Any, _: Any) -> Any:
        """Where a matrix is not positive definite."""
        flat = _from_lower(matrices).reshape(-1, *matrices.shape[-2:])
        return np.array([not _is_positive(matrix) for matrix in flat], bool).reshape(matrices.shape[:-2])

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``s + s^T`` halved, of ``s = l^-T phi(l^T g) l^-1`` where phi takes the lower half."""
        l = node.outputs[0]  # noqa: E741
        middle = _lower_half(matmul(l, grad, transpose_a=True))
        left = matrix_triangular_solve(l, middle, adjoint=True)
        both = matrix_transpose(matrix_triangular_solve(l, matrix_transpose(left), adjoint=True))
        return [0.5 * (both + matrix_transpose(both))]


def _from_lower(a: Any) -> Any:
    below = np.tril(a)
    return below + np.swapaxes(np.tril(a, -1), -1, -2)


def _is_positive(matrix: Any) -> bool:
    try:
        return bool(np.all(np.isfinite(np.linalg.cholesky(matrix))))
    except np.linalg.LinAlgError:
        return False


@record
class TriangularSolve(_OfMatrices):
    """The x with ``a x = b``, or ``a^T x = b`` as ``adjoint``, of the ``lower`` triangle of a or the upper one."""

    lower: bool = True
    adjoint: bool = False

    type = "MatrixTriangularSolve"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_matrices(a, "matrix_triangular_solve", square=True)
        return TensorType(a.dtype, _same_batches(a, b, "matrix_triangular_solve"))

    def evaluate(self, a: Any, b: Any) -> Any:
        if np.any(self.wrong(a, None)):
            raise ArithmeticError("Input matrix is not invertible.")
        triangle = np.tril(a) if self.lower else np.triu(a)
        return np.linalg.solve(np.swapaxes(triangle, -1, -2) if self.adjoint else triangle, b).astype(a.dtype)

    def wrong(self, matrices: Any, _: Any) -> Any:
        """Where a matrix has a zero in its diagonal."""
        return np.any(np.diagonal(matrices, axis1=-2, axis2=-1) == 0, axis=-1)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``g_b = a^-T g`` and ``g_a = -g_b x^T`` in the triangle that is read."""
        a, x = node.inputs[0], node.outputs[0]
        to_b = apply(TriangularSolve(self.lower, not self.adjoint), a, grad)
        to_a = -matmul(x, to_b, transpose_b=True) if self.adjoint else -matmul(to_b, x, transpose_b=True)
        return [_triangle(to_a, self.lower), to_b]


@record
class MatrixSolve(_OfMatrices):
    """The x with ``a x = b``, or ``a^T x = b`` as ``adjoint``, with conjugates where numbers are complex."""

    adjoint: bool = False

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_matrices(a, "matrix_solve", True, dtypes.FIELD)
        return TensorType(a.dtype, _same_batches(a, b, "matrix_solve", dtypes.FIELD))

    def evaluate(self, a: Any, b: Any) -> Any:
        if np.any(self.wrong(a, None)):
            raise ArithmeticError("Input matrix is not invertible.")
        return np.linalg.solve(np.conj(np.swapaxes(a, -1, -2)) if self.adjoint else a, b).astype(a.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``g_b = a^-T g`` and ``g_a = -g_b x^T``."""
        a, x = node.inputs[0], node.outputs[0]
        to_b = apply(MatrixSolve(not self.adjoint), a, grad)
        return [-matmul(x, to_b, adjoint_b=True) if self.adjoint else -matmul(to_b, x, adjoint_b=True), to_b]


@record
class LogMatrixDeterminant(Op):
    """The sign of the determinant, and the logarithm of its absolute value, in a last axis of two."""

    def infer(self, a: TensorType) -> TensorType:
        check_matrices(a, "the determinant", square=True)
        return TensorType(a.dtype, None if a.shape is None else (*a.shape[:-2], 2))

    def evaluate(self, a: Any) -> Any:
        return np.stack(np.linalg.slogdet(a), axis=-1).astype(a.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``g a^-T``; the sign does not move."""
        return [grad[..., 1, None, None] * matrix_inverse(node.inputs[0], adjoint=True)]


@record
class Lu(_OfMatrices):
    """The factors l (below the diagonal, which is 1) and u of a with its rows in another order, given in a last row."""

    def infer(self, a: TensorType) -> TensorType:
        check_matrices(a, "lu", square=True)
        if a.shape is None:
            return a
        rows: Any = a.shape[-2]
        return TensorType(a.dtype, (*a.shape[:-2], None if rows is None else rows + 1, a.shape[-1]))

    def evaluate(self, a: Any) -> Any:
        if np.any(self.wrong(a, None)):
            raise ArithmeticError("Input is not invertible.")
        flat = [_lu(matrix) for matrix in a.reshape(-1, *a.shape[-2:])]
        n = a.shape[-1]
        return np.array(flat, a.dtype).reshape(*a.shape[:-2], n + 1, n)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``p^T l^-T (tril(l^T g_l, -1) + triu(g_u u^T)) u^-T``."""
        packed = node.outputs[0]
        factors, g = packed[..., :-1, :], grad[..., :-1, :]
        lower = _triangle(factors, True, strictly=True) + identity_like(factors)
        upper = _triangle(factors, False)
        inner = _triangle(matmul(lower, _triangle(g, True, strictly=True), transpose_a=True), True, strictly=True)
        inner = inner + _triangle(matmul(_triangle(g, False), upper, transpose_b=True), False)
        left = apply(TriangularSolve(True, True), e.identity(lower), inner)
        both = matrix_transpose(apply(TriangularSolve(False, False), upper, matrix_transpose(left)))
        return [matmul(permutation(packed), both, transpose_a=True)]


def _lu(matrix: Any) -> Any:
    w, n = matrix.astype(np.float64), matrix.shape[-1]
    order = np.arange(n)
    for k in range(n):
        column = np.abs(w[k:, k])
        pivot = k + int(np.argmax(np.where(np.isnan(column), np.inf, column)))
        w[[k, pivot]], order[[k, pivot]] = w[[pivot, k]], order[[pivot, k]]
        w[k + 1 :, k] /= w[k, k]
        w[k + 1 :, k + 1 :] -= np.outer(w[k + 1 :, k], w[k, k + 1 :])
    return np.vstack([w, order])


def _sizes(x: Tensor) -> tuple[Any, Any]:
    """The last two sizes of matrices: numbers where they are known, else scalars."""
    known: tuple[Size, ...] = x.type.shape[-2:] if x.type.shape is not None else (None, None)
    return tuple(shape(x)[place - 2] if size is None else size for place, size in enumerate(known))  # type: ignore[return-value]


def _places(x: Tensor) -> tuple[Tensor, Tensor]:
    """The positions of rows, as a column, and of columns."""
    rows, columns = _sizes(x)
    return ramp(rows)[:, None], ramp(columns)


def _triangle(x: Tensor, lower: bool, strictly: bool = False) -> Tensor:
    """The lower or upper triangle of matrices, zeros elsewhere; ``strictly`` without the diagonal."""
    row, column = _places(x)
    more, less = (row, column) if lower else (column, row)
    kept = e.greater(more, less) if strictly else e.greater_equal(more, less)
    return e.select(kept, x, convert_to_tensor(0, x.dtype))


def _lower_half(x: Tensor) -> Tensor:
    """The lower triangle with half of the diagonal."""
    return 0.5 * (_triangle(x, True) + _triangle(x, True, strictly=True))


def identity_like(x: Tensor) -> Tensor:
    """A matrix with ones in its diagonal, of the sizes and the dtype of the matrices ``x``."""
    row, column = _places(x)
    return e.cast(e.equal(row, column), x.dtype)


def permutation(packed: Tensor) -> Tensor:
    """The matrix that brings rows into the order of an LU factorisation."""
    order = e.cast(packed[..., -1, :], dtypes.int32)
    return e.cast(e.equal(order[..., None], ramp(_sizes(packed)[1])), packed.dtype)


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular matrix whose product with its transpose is ``input``.

    Only the lower triangle is read. ``InvalidArgumentError`` where a matrix is not positive definite.
    """
    return apply(Cholesky(), convert_to_tensor(input), name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """The x with ``a x = rhs``, given ``chol = cholesky(a)``."""
    factor, right = convert_together(chol, rhs)
    with graph_of([factor]).name_scope(name or "cholesky_solve") as scope:
        first = matrix_triangular_solve(factor, right)
        return matrix_triangular_solve(factor, first, adjoint=True, name=scope)


def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The x with ``matrix x = rhs`` (or the transpose of ``matrix`` as ``adjoint``), reading one triangle of it.

    ``InvalidArgumentError`` where the diagonal has a zero.
    """
    a, b = convert_together(matrix, rhs)
    return apply(TriangularSolve(bool(lower), bool(adjoint)), a, b, name=name)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The x with ``matrix x = rhs`` (or the transpose of ``matrix`` as ``adjoint``).

    ``InvalidArgumentError`` where a matrix is not invertible.
    """
    a, b = convert_together(matrix, rhs)
    return apply(MatrixSolve(bool(adjoint)), a, b, name=name)


@telling_line
def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse of matrices, or of their transposes as ``adjoint``; ``InvalidArgumentError`` where there is none."""
    a = convert_to_tensor(input)
    check_matrices(a.type, "matrix_inverse", True, dtypes.FIELD)
    with graph_of([a]).name_scope(name or "MatrixInverse") as scope:
        return apply(MatrixSolve(bool(adjoint)), a, broadcast_like(identity_like(a), a), name=scope)


def slogdet(input: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The sign of the determinant, and the logarithm of its absolute value (-inf where that is 0)."""
    a = convert_to_tensor(input)
    with graph_of([a]).name_scope(name or "LogMatrixDeterminant"):
        both = apply(LogMatrixDeterminant(), a)
        return e.stop_gradient(both[..., 0]), both[..., 1]


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinants of matrices."""
    a = convert_to_tensor(input)
    with graph_of([a]).name_scope(name or "MatrixDeterminant") as scope:
        sign, size = slogdet(a)
        return e.multiply(sign, e.exp(size), name=scope)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinant of positive definite matrices, from their Cholesky factors."""
    a = convert_to_tensor(matrix)
    with graph_of([a]).name_scope(name or "logdet") as scope:
        factor = cholesky(a)
        diagonal = reduce_sum(factor * identity_like(factor), -1)
        return e.multiply(reduce_sum(e.log(diagonal), -1), convert_to_tensor(2, a.dtype), name=scope)
