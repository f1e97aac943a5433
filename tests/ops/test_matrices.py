"""What the table cannot say of matrices: errors, larger sizes, threads, operators, and TensorFlow beside graphc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.ops.peer import compare

RNG = np.random.default_rng(2)


def _run(build: Callable[..., Any], *arrays: Any, threads: int | None = None) -> Any:
    with tf.Graph().as_default() as graph:
        inputs = [tf.placeholder(a.dtype, [None] * (a.ndim - 2) + list(a.shape[-2:]), name="a") for a in arrays]
        outputs = build(*inputs)
    config = None if threads is None else tf.ConfigProto(intra_op_parallelism_threads=threads)
    with tf.Session(graph=graph, config=config) as session:
        return session.run(outputs, dict(zip(inputs, arrays, strict=True)))


def test_a_matrix_that_is_not_positive_definite_is_named() -> None:
    a = np.stack([np.eye(3), np.diag([1.0, -1, 1]), np.eye(3)]).astype(np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _run(tf.cholesky, a)
    assert "Cholesky decomposition was not successful" in str(caught.value)
    assert str(caught.value).endswith("has a matrix that is not positive definite: a[1]")
    assert caught.value.op.type == "Cholesky"


@pytest.mark.parametrize("build", [tf.matrix_inverse, lambda a: tf.matrix_solve(a, a), tf.linalg.lu])
def test_a_singular_matrix_is_named(build: Callable[..., Any]) -> None:
    a = np.stack([np.eye(2), np.array([[1.0, 2], [2, 4]])])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not invertible: a\[1\]$"):
        _run(build, a)


def test_a_triangle_with_a_zero_in_its_diagonal_is_named() -> None:
    a = np.array([[1.0, 0], [3, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not invertible$"):
        _run(lambda a: tf.matrix_triangular_solve(a, a), a)


@pytest.mark.parametrize(
    "build",
    [tf.cholesky, tf.matrix_inverse, tf.matrix_determinant, tf.self_adjoint_eig, tf.linalg.lu],
)
def test_matrices_that_are_not_square_fail_while_declaring(build: Callable[..., Any]) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match="square"):
        build(tf.placeholder(tf.float32, [2, 3]))


def test_right_sides_must_fit() -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match="do not fit the matrices"):
        tf.matrix_solve(tf.zeros([3, 3]), tf.zeros([4, 1]))


def test_whole_numbers_are_no_matrices() -> None:
    with tf.Graph().as_default(), pytest.raises(TypeError, match="float32, float64"):
        tf.cholesky(tf.constant([[1]]))


@pytest.mark.parametrize("size", [33, 70])
def test_larger_matrices(size: int) -> None:
    a = RNG.normal(size=(2, size, size))
    positive = a @ np.swapaxes(a, -1, -2) + np.eye(size)
    u, s, v = _run(lambda x: [tf.svd(x)[1], tf.svd(x)[0], tf.svd(x)[2]], a)
    assert np.allclose((u * s[:, None, :]) @ np.swapaxes(v, -1, -2), a, atol=1e-11)
    assert np.allclose(_run(tf.self_adjoint_eigvals, positive), np.linalg.eigvalsh(positive), rtol=1e-10)
    q, r = _run(tf.qr, a)
    assert np.allclose(q @ r, a, atol=1e-12)
    assert np.allclose(np.swapaxes(q, -1, -2) @ q, np.eye(size), atol=1e-12)
    assert np.allclose(_run(tf.cholesky, positive), np.linalg.cholesky(positive), atol=1e-10)
    assert np.allclose(_run(tf.matrix_inverse, positive) @ positive, np.eye(size), atol=1e-8)


def test_the_vectors_of_singular_values_that_are_zero_are_orthonormal() -> None:
    s, u, v = _run(lambda a: tf.svd(a, full_matrices=True), np.ones((4, 3)))
    assert np.allclose(s, [np.sqrt(12), 0, 0])
    assert np.allclose(u.T @ u, np.eye(4)) and np.allclose(v.T @ v, np.eye(3))


def test_values_that_are_no_numbers_stay_so_and_crash_nothing() -> None:
    a = np.eye(4)
    a[2, 1] = np.nan
    for build in (tf.svd, tf.qr, tf.matrix_inverse, tf.matrix_determinant):
        found = _run(lambda x, build=build: [tf.convert_to_tensor(y) for y in _listed(build(x))], a)
        assert any(np.isnan(value).any() for value in found)
        again = _run(lambda x, build=build: [tf.convert_to_tensor(y) for y in _listed(build(x))], a)
        assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(found, again, strict=True))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("constant", [True, False])
def test_a_matrix_that_is_not_finite_has_no_eigenvalues(value: float, constant: bool) -> None:
    """As in TensorFlow; singular values are NaN, where LAPACK may search them for ever."""
    a = np.stack([np.eye(4), np.eye(4)]).astype(np.float32)
    a[1, 2, 1] = value
    x = tf.constant(a) if constant else tf.placeholder(tf.float32, [2, 4, 4])
    feeds = {} if constant else {x: a}
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"decomposition was not successful\. The input might"):
            session.run(tf.self_adjoint_eigvals(x), feeds)
        assert session.run(tf.self_adjoint_eigvals(tf.matrix_transpose(x)), feeds).tolist() == [[1.0] * 4] * 2
        found = session.run(tf.svd(x, compute_uv=False), feeds)
    assert found[0].tolist() == [1.0] * 4 and np.isnan(found[1]).all()


def _listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def test_bits_do_not_depend_on_threads() -> None:
    a = RNG.normal(size=(64, 12, 12)).astype(np.float32)

    def build(x: Any) -> Any:
        return [*tf.qr(x), *tf.svd(x), tf.matrix_inverse(x), tf.matrix_determinant(x)]

    for one, two in zip(_run(build, a, threads=1), _run(build, a, threads=2), strict=True):
        assert np.array_equal(one, two)


def test_linear_operators() -> None:
    a, x = RNG.normal(size=(2, 3, 3)) + 2 * np.eye(3), RNG.normal(size=(2, 3, 4))
    low, diagonal = np.tril(a), np.eye(3) * a
    dense = {
        tf.linalg.LinearOperatorFullMatrix: (a, a),
        tf.contrib.linalg.LinearOperatorTriL: (a, low),
        tf.linalg.LinearOperatorDiag: (np.diagonal(a, axis1=-2, axis2=-1), diagonal),
    }
    for kind, (given, matrix) in dense.items():
        with tf.Graph().as_default(), tf.Session() as session:
            operator = kind(given)
            assert operator.shape.as_list() == [2, 3, 3]
            found = session.run(
                [
                    operator.to_dense(), operator.matmul(x), operator.solve(x), operator.solve(x, adjoint=True),
                    operator.determinant(), operator.log_abs_determinant(), operator.trace(),
                    operator.matvec(x[..., 0]), operator.inverse().to_dense(), operator.H.to_dense(),
                    operator.diag_part(),
                ]
            )  # fmt: skip
        turned = np.swapaxes(matrix, -1, -2)
        wanted = [
            matrix, matrix @ x, np.linalg.solve(matrix, x), np.linalg.solve(turned, x), np.linalg.det(matrix),
            np.log(np.abs(np.linalg.det(matrix))), np.trace(matrix, axis1=-2, axis2=-1), (matrix @ x)[..., 0],
            np.linalg.inv(matrix), turned, np.diagonal(matrix, axis1=-2, axis2=-1),
        ]  # fmt: skip
        for came, true in zip(found, wanted, strict=True):
            assert np.allclose(came, true), kind


def test_the_rank_and_the_pseudo_inverse() -> None:
    a = np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1], [0, 0, 0]])
    rank, inverse = _run(lambda a: [tf.linalg.matrix_rank(a), tf.linalg.pinv(a)], a)
    assert rank == 2 and np.allclose(inverse, np.linalg.pinv(a))


def _expm(x: Any) -> Any:
    """By the series, of a matrix divided by 2^8, squared as often."""
    y = x.astype(np.float64) / 256
    term = total = np.eye(x.shape[-1]) + 0 * y
    for k in range(1, 20):
        term = term @ y / k
        total = total + term
    for _ in range(8):
        total = total @ total
    return total.astype(x.dtype)


@pytest.mark.parametrize("size", [0.1, 3.0, 40.0])
def test_exponentials(size: float) -> None:
    a = np.stack([RNG.uniform(-size, size, (4, 4)) / 4, 0.01 * np.eye(4)])
    assert np.allclose(_run(tf.linalg.expm, a), _expm(a), rtol=1e-9)


A = (RNG.uniform(-1, 1, (2, 3, 3)) + 2 * np.eye(3)).astype(np.float64)
SYMMETRIC = A @ np.swapaxes(A, -1, -2)
PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "cholesky": (lambda tf, x: tf.cholesky(x), [SYMMETRIC]),
    "cholesky_solve": (lambda tf, x, y: tf.cholesky_solve(tf.cholesky(x), y), [SYMMETRIC, A]),
    "triangular": (lambda tf, x, y: [tf.matrix_triangular_solve(x, y, lower=low, adjoint=turn)
                                     for low in (True, False) for turn in (True, False)], [A, A[:, :, :2]]),
    "solve": (lambda tf, x, y: [tf.matrix_solve(x, y), tf.matrix_solve(x, y, adjoint=True)], [A, A[:, :, :1]]),
    "inverse": (lambda tf, x: [tf.matrix_inverse(x), tf.matrix_inverse(x, adjoint=True)], [A]),
    "determinants": (lambda tf, x: [tf.matrix_determinant(x), *tf.linalg.slogdet(x)], [A]),
    "logdet": (lambda tf, x: tf.linalg.logdet(x), [SYMMETRIC]),
    "least squares": (lambda tf, x, y: tf.matrix_solve_ls(x, y, l2_regularizer=0.3), [A[:, :, :2], A]),
    "qr": (lambda tf, x: list(tf.qr(x)), [A]),
    "eigenvalues": (lambda tf, x: [tf.self_adjoint_eigvals(x), tf.abs(tf.self_adjoint_eig(x)[1])], [SYMMETRIC]),
    "svd": (lambda tf, x: [tf.svd(x)[0], tf.abs(tf.svd(x)[1]), tf.abs(tf.svd(x)[2])], [A]),
    "singular values": (lambda tf, x: tf.svd(x, compute_uv=False), [A[:, :2]]),
    "norms": (lambda tf, x: [tf.norm(x), tf.norm(x, ord=3, axis=1), *(
        tf.reduce_sum(tf.norm(x, kind, axes, keepdims=True))
        for kind, axes in ((1, [1, 2]), (2, [1, 2]), (np.inf, [0, 2]))
    )], [A]),
    "expm": (lambda tf, x: tf.linalg.expm(x), [3 * A]),
}  # fmt: skip


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_tensorflow_gives_the_same(name: str) -> None:
    compare(*PROGRAMS[name], factor=256.0)
