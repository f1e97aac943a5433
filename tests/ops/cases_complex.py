"""Rows for complex numbers and Fourier transforms.

Most make complex numbers of real inputs and give the parts of the result, so that finite differences check adjoints;
several functions stand in one row, which is compiled as one program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops.base import apply
from graphc.ops.fourier import Fft, Irfft, Rfft
from tests.ops.harness import COMPLEX, FLOATS, Case, In

RNG = np.random.default_rng(5)
LOOSE = 8.0  # several functions of real numbers, one after the other
Functions = list[tuple[Callable[..., Any], Callable[..., Any]]]


def _parts(name: str, functions: Functions, *inputs: In, **more: Any) -> Case:
    """Functions of complex numbers, each made of two of the inputs; of NumPy and ours, one beside the other."""

    def build(*xs: Any) -> list[Any]:
        values = [tf.complex(re, im) for re, im in zip(xs[::2], xs[1::2], strict=True)]
        results = [ours(*values) for ours, _ in functions]
        return [part for y in results for part in ([tf.real(y), tf.imag(y)] if y.dtype.is_complex else [y])]

    def reference(*xs: Any) -> list[Any]:
        values = [re + 1j * im for re, im in zip(xs[::2], xs[1::2], strict=True)]
        results = [np.asarray(numpy(*values)) for _, numpy in functions]
        parts = [part for y in results for part in ([y.real, y.imag] if y.dtype.kind == "c" else [y])]
        return [part.astype(xs[0].dtype) for part in parts]

    return Case(name, build, reference, inputs, more.pop("dtypes", FLOATS), loose=LOOSE, **more)


def _row(name: str, build: Any, reference: Any, *inputs: In, **more: Any) -> Case:
    return Case(name, build, reference, inputs, more.pop("dtypes", COMPLEX), loose=more.pop("loose", LOOSE), **more)


def _kept(function: Any) -> Any:
    """NumPy's function, in the dtype of the input."""
    return lambda x, *rest: function(x, *rest).astype(x.dtype)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _fft(axis: int, inverse: bool = False, scaled: bool = False) -> tuple[Any, Any]:
    norm = ("backward" if scaled else "forward") if inverse else ("forward" if scaled else "backward")
    function = np.fft.ifft if inverse else np.fft.fft
    return lambda x: apply(Fft(axis, inverse, scaled), x), lambda x: function(x, axis=axis, norm=norm)


X, Y = In((3, 4)), In((3, 4))
FAR = In((3, 4), low=0.5)  # away from zeros and cuts
ARITHMETIC: Functions = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b, lambda a, b: a - b),
    (lambda a, b: a * b, lambda a, b: a * b),
    (lambda a, b: a / b, lambda a, b: a / b),
    (lambda a, b: tf.negative(a) * (2 - 1j), lambda a, b: -a * (2 - 1j)),
    (lambda a, b: tf.square(a) * tf.reciprocal(b), lambda a, b: a * a / b),
    (lambda a, b: tf.conj(a) * b + 0.5, lambda a, b: np.conj(a) * b + 0.5),
    (lambda a, b: tf.pow(a, b), lambda a, b: a**b),
]
FUNCTIONS: Functions = [
    (tf.exp, np.exp),
    (tf.expm1, np.expm1),
    (tf.log, np.log),
    (tf.log1p, np.log1p),
    (tf.sqrt, np.sqrt),
    (tf.rsqrt, lambda x: 1 / np.sqrt(x)),
    (tf.abs, np.abs),
    (tf.angle, np.angle),
    (tf.sigmoid, _sigmoid),
]
CIRCLES: Functions = [
    *((getattr(tf, name), getattr(np, name)) for name in ("sin", "cos", "tan", "tanh", "sinh", "cosh")),
    (tf.asin, np.arcsin),
    (tf.acos, np.arccos),
    (tf.atan, np.arctan),
    (tf.asinh, np.arcsinh),
    (tf.acosh, np.arccosh),
    (tf.atanh, np.arctanh),
]
MOVES: Functions = [
    (lambda a, b: tf.reshape(a, [2, 6])[:, 1:4], lambda a, b: a.reshape(2, 6)[:, 1:4]),
    (lambda a, b: tf.transpose(a, conjugate=True), lambda a, b: a.T.conj()),
    (lambda a, b: tf.concat([a, b], 1), lambda a, b: np.concatenate([a, b], 1)),
    (lambda a, b: tf.stack([a, b], 1)[:, 0], lambda a, b: a),
    (lambda a, b: tf.gather(a, [2, 0]), lambda a, b: a[[2, 0]]),
    (lambda a, b: tf.where(tf.equal(tf.range(4) % 2, 0), a[0], b[1]), lambda a, b: np.where([1, 0, 1, 0], a[0], b[1])),
    (lambda a, b: tf.pad(a, [[1, 0], [0, 2]]), lambda a, b: np.pad(a, [(1, 0), (0, 2)])),
    (lambda a, b: tf.cumsum(a, 1), lambda a, b: np.cumsum(a, 1)),
    (lambda a, b: tf.reverse(a, [1]), lambda a, b: a[:, ::-1]),
]
SUMS: Functions = [
    (lambda a, b: tf.reduce_sum(a, 1), lambda a, b: a.sum(1)),
    (lambda a, b: tf.reduce_mean(a, 0, keepdims=True), lambda a, b: a.mean(0, keepdims=True)),
    (lambda a, b: tf.reduce_prod(a), lambda a, b: a.prod()),
    (lambda a, b: tf.reduce_prod(b, 0), lambda a, b: b.prod(0)),
    (lambda a, b: tf.matmul(a, b, adjoint_a=True), lambda a, b: a.T.conj() @ b),
    (lambda a, b: tf.matmul(a, b, transpose_b=True), lambda a, b: a @ b.T),
    (lambda a, b: tf.matmul(a, tf.cast(tf.ones([4, 2], tf.real(a).dtype), a.dtype)), lambda a, b: a @ np.ones((4, 2))),
]
TRANSFORMS: Functions = [_fft(-1), _fft(-2, True, True), _fft(-1, True), _fft(-2, False, True)]
SQUARES = In(values=RNG.uniform(-1, 1, (2, 3, 3)) + 4 * np.eye(3))
POINTS = np.array([0, 1, -1, 1j, -1j, complex(-1, -0.0), 1e-30, 3e18 + 4e18j, 3e-20 - 4e-20j])

CASES: list[Case] = [
    _parts("complex arithmetic", ARITHMETIC, FAR, X, FAR, Y),
    _parts("complex functions", FUNCTIONS, FAR, Y),
    _parts("complex functions of circles", CIRCLES, In((3, 4), low=0.2, high=0.8), Y),
    _parts("complex arrays", MOVES, X, Y, X, Y),
    _parts("complex sums and products", SUMS, X, Y, X, Y),
    _parts("complex systems of equations", [
        (tf.matrix_solve, np.linalg.solve),
        (lambda a, b: tf.matrix_solve(a, b, adjoint=True), lambda a, b: np.linalg.solve(a.conj().swapaxes(1, 2), b)),
        (lambda a, b: tf.matrix_inverse(a), lambda a, b: np.linalg.inv(a)),
    ], SQUARES, In((2, 3, 3)), In((2, 3, 4)), In((2, 3, 4)), known_sizes=True),
    _parts("complex transforms", TRANSFORMS, In((3, 4, 6)), In((3, 4, 6))),
    _parts("complex transform of a product of lengths", [_fft(-1)], In((2, 70)), In((2, 70)), dtypes=("float64",)),
    _row("complex parts", lambda x: [tf.real(x), tf.imag(x), tf.conj(x)], lambda x: [x.real, x.imag, x.conj()], X),
    _row("complex comparisons", lambda x, y: [tf.equal(x, y), tf.not_equal(x, x), tf.sign(x)],
         lambda x, y: [x == y, x != x, x / np.abs(x)], X, Y),
    _row("complex casts", lambda x: [tf.cast(x, tf.float32), tf.cast(x, tf.complex64), tf.cast(x, tf.complex128),
                                     tf.cast(tf.cast(x, tf.int32), tf.complex64)],
         lambda x: [x.real.astype(np.float32), x.astype(np.complex64), x.astype(np.complex128),
                    x.real.astype(np.int32).astype(np.complex64)], X),
    _row("complex special values", lambda x: [tf.abs(x), tf.sqrt(x), tf.sign(x), tf.angle(x)],
         lambda x: [np.abs(x), np.sqrt(x), np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x))).astype(x.dtype),
                    np.angle(x)], In(values=POINTS)),
    _row("real transform", lambda x: [part(apply(Rfft(), y)) for part in (tf.real, tf.imag) for y in (x, x[..., 1:])],
         lambda x: [part(np.fft.rfft(y)).astype(x.dtype) for part in (np.real, np.imag) for y in (x, x[..., 1:])],
         In((2, 3, 10)), dtypes=FLOATS),
    _parts("inverse real transforms", [
        (lambda x: apply(Irfft(10), x), lambda x: np.fft.irfft(x, 10)),
        (lambda x: apply(Irfft(11, False), x), lambda x: np.fft.irfft(x, 11) * 11),
    ], In((2, 6)), In((2, 6)), known_sizes=True),
    _row("Fourier transforms", lambda x: [apply(Fft(), x), apply(Fft(-2, True, True), x)],
         lambda x: [np.fft.fft(x).astype(x.dtype), np.fft.ifft(x, axis=-2).astype(x.dtype)], In((2, 5, 12))),
]  # fmt: skip
