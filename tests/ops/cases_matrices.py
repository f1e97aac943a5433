"""Rows for factorisations and what is solved with them; of vectors that have no sign, products are compared."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import graphc as tf
from tests.ops.harness import Case, In

RNG = np.random.default_rng(8)
SQUARE = In(values=RNG.uniform(-1, 1, (2, 3, 3)) + 2 * np.eye(3))
ONE = In(values=RNG.uniform(-1, 1, (4, 4)) + 2 * np.eye(4))
RIGHT = In((2, 3, 2))
TALL = In(values=RNG.uniform(-1, 1, (2, 5, 3)))
WIDE = In(values=RNG.uniform(-1, 1, (3, 5)))


def _turned(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _positive(x: Any) -> Any:
    return tf.matmul(x, x, transpose_b=True) + np.eye(x.shape.as_list()[-1] or 3).astype(x.dtype.as_numpy_dtype)


def _np_positive(x: Any) -> Any:
    return x @ _turned(x) + np.eye(x.shape[-1], dtype=x.dtype)


def _np_triangle(lower: bool, adjoint: bool) -> Any:
    def solve(a: Any, b: Any) -> Any:
        triangle = np.tril(a) if lower else np.triu(a)
        return np.linalg.solve(_turned(triangle) if adjoint else triangle, b)

    return solve


def _eigen(x: Any) -> Any:
    """The square root of a positive definite matrix, which does not depend on the signs of eigenvectors."""
    w, v = tf.linalg.eigh(_positive(x))
    return [w, tf.matmul(v * tf.sqrt(w)[..., None, :], v, transpose_b=True)]


def _np_eigen(x: Any) -> Any:
    w, v = np.linalg.eigh(_np_positive(x))
    return [w, (v * np.sqrt(w)[..., None, :]) @ _turned(v)]


def _svd(x: Any) -> Any:
    """The singular values, and the matrix with each of them squared."""
    s, u, v = tf.svd(x)
    return [s, tf.matmul(u * tf.square(s)[..., None, :], v, transpose_b=True)]


def _np_svd(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return [s, (u * (s * s)[..., None, :]) @ vh]


def _lu(x: Any) -> Any:
    found, order = tf.linalg.lu(x)
    return [found, order, tf.linalg.lu_matrix_inverse(found, order)]


def _np_lu(x: Any) -> Any:
    factors, orders = [], []
    for matrix in x:
        w, n = matrix.astype(np.float64), matrix.shape[-1]
        order = np.arange(n)
        for k in range(n):
            pivot = k + int(np.argmax(np.abs(w[k:, k])))
            w[[k, pivot]], order[[k, pivot]] = w[[pivot, k]], order[[pivot, k]]
            w[k + 1 :, k] /= w[k, k]
            w[k + 1 :, k + 1 :] -= np.outer(w[k + 1 :, k], w[k, k + 1 :])
        factors.append(w)
        orders.append(order)
    return [np.array(factors).astype(x.dtype), np.array(orders, np.int32), np.linalg.inv(x)]


def _norms(orders: Any, x: Any) -> Any:
    return [tf.norm(x, ord=ord, axis=[-2, -1]) for ord in orders]


def _np_norms(orders: Any, x: Any) -> Any:
    return [np.array([np.linalg.norm(m, ord) for m in x], x.dtype) for ord in orders]


CASES: list[Case] = [
    Case("cholesky", lambda x: tf.cholesky(_positive(x)), lambda x: np.linalg.cholesky(_np_positive(x)), (SQUARE,),
         known_sizes=True),
    Case("cholesky of one", tf.cholesky, np.linalg.cholesky, (In(values=[[4.0, 9], [1, 3]]),), differentiable=()),
    Case("cholesky of numbers", tf.cholesky, np.sqrt, (In(values=[[[4.0]], [[2.0]]]),)),
    Case("cholesky_solve", tf.cholesky_solve, lambda a, b: np.linalg.solve(np.tril(a) @ _turned(np.tril(a)), b),
         (SQUARE, RIGHT)),
    *(Case(f"matrix_triangular_solve {lower} {adjoint}",
           lambda a, b, low=lower, t=adjoint: tf.matrix_triangular_solve(a, b, low, t), _np_triangle(lower, adjoint),
           (SQUARE, RIGHT)) for lower in (True, False) for adjoint in (True, False)),
    Case("matrix_solve", tf.matrix_solve, np.linalg.solve, (SQUARE, RIGHT)),
    Case("matrix_solve adjoint", lambda a, b: tf.matrix_solve(a, b, adjoint=True),
         lambda a, b: np.linalg.solve(_turned(a), b), (ONE, In((4, 1)))),
    Case("matrix_inverse", tf.matrix_inverse, np.linalg.inv, (SQUARE,)),
    Case("matrix_inverse of nothing", tf.matrix_inverse, lambda x: x, (In((0, 3, 3)),), differentiable=()),
    Case("matrix_determinant", tf.matrix_determinant, np.linalg.det, (SQUARE,)),
    Case("slogdet", tf.linalg.slogdet, lambda x: list(np.linalg.slogdet(x)), (ONE,)),
    Case("logdet", lambda x: tf.linalg.logdet(_positive(x)), lambda x: np.linalg.slogdet(_np_positive(x))[1], (SQUARE,),
         known_sizes=True),
    Case("lu", _lu, _np_lu, (SQUARE,), loose=4),
    Case("qr", tf.qr, lambda x: list(np.linalg.qr(x)), (TALL,), loose=2),
    Case("qr of a wide matrix", tf.qr, lambda x: list(np.linalg.qr(x)), (WIDE,), differentiable=(), loose=2),
    Case("qr in full", lambda x: tf.qr(x, full_matrices=True), lambda x: list(np.linalg.qr(x, mode="complete")),
         (TALL,), differentiable=(), loose=2),
    Case("self_adjoint_eig", _eigen, _np_eigen, (SQUARE,), known_sizes=True, loose=4),
    Case("self_adjoint_eigvals", tf.self_adjoint_eigvals, np.linalg.eigvalsh, (ONE,), differentiable=(), loose=4),
    Case("svd", _svd, _np_svd, (TALL,), loose=4),
    Case("svd of a wide matrix", _svd, _np_svd, (WIDE,), loose=4),
    Case("singular values", lambda x: tf.svd(x, compute_uv=False), lambda x: np.linalg.svd(x, compute_uv=False),
         (TALL,), loose=4),
    *(Case(name, partial(_norms, orders), partial(_np_norms, orders), (TALL,), loose=4, second=False, known_sizes=True)
      for name, orders in {"norms of matrices": ("fro", 1, 2, np.inf), "nuclear norms": ("nuc",)}.items()),
    Case("matrix_solve_ls", tf.matrix_solve_ls, lambda a, b: np.linalg.pinv(a) @ b, (TALL, In((2, 5, 2))), loose=8),
    Case("matrix_solve_ls of a wide matrix", tf.matrix_solve_ls, lambda a, b: np.linalg.pinv(a) @ b, (WIDE, In((3, 2))),
         loose=8),
    Case("matrix_solve_ls by singular values", lambda a, b: tf.matrix_solve_ls(a, b, fast=False),
         lambda a, b: np.linalg.pinv(a) @ b, (TALL, In((2, 5, 2))), loose=16, second=False),
]  # fmt: skip
