"""Orthogonal factors of matrices: QR, eigenvalues of symmetric matrices, singular values.

Each op gives its factors side by side in one array of rows, which the functions take apart. Adjoints follow Walter and
Lehmann ("Algorithmic differentiation of linear algebra functions", 2012) for QR, Giles (2008) for eigenvalues and
Townsend ("Differentiating the singular value decomposition", 2016), as TensorFlow's do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.dims import DimLike
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.assertions import provided
from graphc.ops.base import apply, convert_to_tensor, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.late import late
from graphc.ops.matrices import TriangularSolve, _triangle, check_matrices, identity_like
from graphc.ops.reduction import reduce_all
from graphc.ops.reshaping import matrix_transpose
from graphc.records import record
from graphc.shapes import TensorType


class QrFactors(NamedTuple):
    """``q`` with orthonormal columns and the upper triangular ``r``."""

    q: Tensor
    r: Tensor


def _known(x: TensorType) -> bool:
    """Whether the sizes of the matrices are known while declaring."""
    return x.shape is not None and all(isinstance(size, int) for size in x.shape[-2:])


def _inner(x: TensorType) -> tuple[Any, Any]:
    """The rows and columns of the matrices, which are known."""
    assert x.shape is not None
    rows, columns = x.shape[-2:]
    return rows, columns


def _packed(x: TensorType, rows: Any, columns: Any) -> TensorType:
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape[:-2], rows, columns))


@record
class Qr(Op):
    """q, and below it r in its first columns; ``full``: q is square."""

    full: bool = False

    def reflections(self, x: TensorType) -> DimLike:
        """How many columns have something below the diagonal, or are on it."""
        return min(_inner(x))

    def columns(self, x: TensorType) -> DimLike:
        """The columns of q, which are the rows of r."""
        return _inner(x)[0] if self.full else self.reflections(x)

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x, "qr")
        rows, columns = _inner(x)
        middle: Any = self.columns(x)
        return _packed(x, rows + middle, max(columns, middle))

    def evaluate(self, x: Any) -> Any:
        q, r = np.linalg.qr(x, mode="complete" if self.full else "reduced")
        width = max(q.shape[-1], r.shape[-1])
        return np.concatenate([_widened(q, width), _widened(r, width)], axis=-2).astype(x.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``q (g_r + tril(m - m^T) r^-T) + (g_q - q q^T g_q) r^-T`` with ``m = q^T g_q + r g_r^T``."""
        x = node.inputs[0].type
        (rows, columns), middle = _inner(x), self.columns(x)
        if rows < columns or (self.full and rows != columns):
            raise NotImplementedError(
                "qr has a gradient where the matrix has at least as many rows as columns and full_matrices=False"
            )
        q, r = _parts(node.outputs[0], rows, middle, columns)
        g_q, g_r = _parts(grad, rows, middle, columns)
        inside = matmul(q, g_q, transpose_a=True)
        m = inside + matmul(r, g_r, transpose_b=True)
        first = g_r + _over(_triangle(m - matrix_transpose(m), True, strictly=True), r)
        return [matmul(q, first) + _over(g_q - matmul(q, inside), r)]


def _over(x: Tensor, r: Tensor) -> Tensor:
    """``x r^-T``."""
    return matrix_transpose(apply(TriangularSolve(False, False), r, matrix_transpose(x)))


def _widened(x: Any, width: int) -> Any:
    return np.concatenate([x, np.zeros((*x.shape[:-1], width - x.shape[-1]), x.dtype)], axis=-1)


def _parts(packed: Tensor, rows: Any, middle: Any, columns: Any) -> tuple[Tensor, Tensor]:
    """q and r of what :class:`Qr` gives."""
    return packed[..., :rows, :middle], packed[..., rows:, :columns]


def _finite(x: Any) -> tuple[Any, Any]:
    """The matrices, zeros in place of those that are not finite, and which these are: LAPACK may never end with one."""
    is_wrong = ~np.isfinite(x).all(axis=(-2, -1))
    return np.where(is_wrong[..., None, None], np.zeros((), x.dtype), x), is_wrong


@record
class SelfAdjointEig(Op):
    """The eigenvectors as columns, and below them the eigenvalues, from the least to the greatest."""

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x, "self_adjoint_eig", square=True)
        assert x.shape is not None
        return _packed(x, x.shape[-2] + 1, x.shape[-1])  # type: ignore[operator]

    def evaluate(self, x: Any) -> Any:
        x, is_wrong = _finite(np.tril(x))
        values, vectors = np.linalg.eigh(x)
        packed = np.concatenate([vectors, values[..., None, :]], axis=-2)
        packed[is_wrong] = np.nan
        return packed

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``v (diag(g_w) + f (v^T g_v)) v^T`` with ``f[i, j] = 1 / (w[j] - w[i])``, folded into the lower triangle."""
        v, w = node.outputs[0][..., :-1, :], node.outputs[0][..., -1, :]
        g_v, g_w = grad[..., :-1, :], grad[..., -1, :]
        inner = _inverse_or_zero(w[..., None, :] - w[..., :, None]) * matmul(v, g_v, transpose_a=True)
        inner = inner + identity_like(v) * g_w[..., None, :]
        whole = matmul(matmul(v, inner), v, transpose_b=True)
        both = whole + matrix_transpose(whole)
        return [0.5 * (_triangle(both, True) + _triangle(both, True, strictly=True))]


def _inverse_or_zero(x: Tensor) -> Tensor:
    """``1 / x``, and 0 where x is 0."""
    is_zero = e.equal(x, convert_to_tensor(0, x.dtype))
    return e.select(is_zero, convert_to_tensor(0, x.dtype), 1.0 / e.select(is_zero, convert_to_tensor(1, x.dtype), x))


@record
class Svd(Op):
    """u, below it v in its first columns, and below that the singular values; there are at least as many rows."""

    full: bool = False

    def columns(self, x: TensorType) -> DimLike:
        """The columns of u."""
        return _inner(x)[0] if self.full else _inner(x)[1]

    def infer(self, x: TensorType) -> TensorType:
        check_matrices(x, "svd")
        rows, columns = _inner(x)
        return _packed(x, rows + columns + 1, self.columns(x))

    def evaluate(self, x: Any) -> Any:
        x, is_wrong = _finite(x)
        u, s, vh = np.linalg.svd(x, full_matrices=self.full)
        width = u.shape[-1]
        parts = [u, _widened(np.swapaxes(vh, -1, -2), width), _widened(s[..., None, :], width)]
        packed = np.concatenate(parts, axis=-2).astype(x.dtype)
        packed[is_wrong] = np.nan
        return packed

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``u (skew(u^T g_u) s + s skew(v^T g_v) + diag(g_s)) v^T + (1 - u u^T) g_u s^-1 v^T``.

        Here ``skew(m)[i, j] = (m - m^T)[i, j] / (s[j]^2 - s[i]^2)``.
        """
        x = node.inputs[0].type
        if self.full and _inner(x)[0] != _inner(x)[1]:
            raise NotImplementedError("svd of matrices that are not square has a gradient with full_matrices=False")
        (u, v, s), (g_u, g_v, g_s) = _svd_parts(node.outputs[0], x), _svd_parts(grad, x)
        squares = e.square(s)
        f = _inverse_or_zero(squares[..., None, :] - squares[..., :, None])
        inside = matmul(u, g_u, transpose_a=True)
        turned = matmul(v, g_v, transpose_a=True)
        middle = f * (inside - matrix_transpose(inside)) * s[..., None, :]
        middle = middle + s[..., :, None] * (f * (turned - matrix_transpose(turned)))
        middle = middle + identity_like(middle) * g_s[..., None, :]
        outside = (g_u - matmul(u, inside)) * _inverse_or_zero(s)[..., None, :]
        return [matmul(matmul(u, middle) + outside, v, transpose_b=True)]


def _svd_parts(packed: Tensor, x: TensorType) -> tuple[Tensor, Tensor, Tensor]:
    """u, v and s of what :class:`Svd` gives."""
    rows, columns = _inner(x)
    return packed[..., :rows, :], packed[..., rows:-1, :columns], packed[..., -1, :columns]


def _when_known(called: str, build: Any, x: Tensor, ranks: tuple[int, ...], name: str | None) -> Any:
    """The outputs once sizes are known; ``ranks`` say how many axes beyond the batch's they have."""
    batch = None if x.type.shape is None else x.type.shape[:-2]
    kinds = [TensorType(x.dtype, None if batch is None else (*batch, *[None] * rank)) for rank in ranks]
    return late(called, build, [x], [], *kinds, name=name)


@telling_line
def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> QrFactors:
    """The orthonormal ``q`` and the upper triangular ``r`` with ``q r = input``; ``full_matrices``: q is square.

    As in LAPACK, the diagonal of r has the signs that Householder's reflections give it.
    """
    x = convert_to_tensor(input)
    check_matrices(x.type, "qr")
    if not _known(x.type):
        return QrFactors(*_when_known("Qr", lambda x: qr(x, full_matrices), x, (2, 2), name))
    with graph_of([x]).name_scope(name or "Qr"):
        kind = Qr(bool(full_matrices))
        rows, columns = x.type.shape[-2:]  # type: ignore[index]
        return QrFactors(*_parts(apply(kind, x), rows, kind.columns(x.type), columns))


@telling_line
def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues of symmetric matrices, from the least on, and the eigenvectors as columns.

    Only the lower triangle is read. A vector is known up to its sign. ``errors.InvalidArgumentError`` when the graph
    runs where an eigenvalue is not finite.
    """
    x = convert_to_tensor(tensor)
    check_matrices(x.type, "self_adjoint_eig", square=True)
    if not _known(x.type):
        return tuple(_when_known("SelfAdjointEigV2", self_adjoint_eig, x, (1, 2), name))
    with graph_of([x]).name_scope(name or "SelfAdjointEigV2"):
        packed = apply(SelfAdjointEig(), x)
        is_found = reduce_all(e.is_finite(packed[..., -1, :]))
        said = "Self-adjoint eigen decomposition was not successful. The input might not be valid."
        packed = provided(packed, is_found, "SelfAdjointEigV2", [said])
        return packed[..., -1, :], packed[..., :-1, :]


@telling_line
def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices, from the least to the greatest."""
    return self_adjoint_eig(tensor, name)[0]


@telling_line
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular values s from the greatest on, and u and v with ``u diag(s) v^T = tensor``; s alone without
    ``compute_uv``.

    Vectors are known up to their sign; ``full_matrices``: u and v are square.
    """
    x = convert_to_tensor(tensor)
    check_matrices(x.type, "svd")
    if not _known(x.type):
        ranks = (1, 2, 2) if compute_uv else (1,)
        found = _when_known("Svd", lambda x: svd(x, full_matrices, compute_uv), x, ranks, name)
        return tuple(found) if compute_uv else found[0]
    with graph_of([x]).name_scope(name or "Svd"):
        rows, columns = x.type.shape[-2:]  # type: ignore[index]
        wide = rows < columns  # type: ignore[operator]
        tall = matrix_transpose(x) if wide else x
        u, v, s = _svd_parts(apply(Svd(bool(full_matrices and compute_uv)), tall), tall.type)
        if not compute_uv:
            return s
        return (s, v, u) if wide else (s, u, v)
