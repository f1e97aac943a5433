"""Complex numbers and signals in TensorFlow and in graphc: values, dtypes and gradients agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.peer import Program, compare

RNG = np.random.default_rng(2)


def _complex(*shape: int) -> Any:
    return (RNG.uniform(-2, 2, (*shape, 2)) @ [1, 1j]).astype(np.complex64)


def _floats(*shape: int) -> Any:
    return RNG.uniform(-2, 2, shape).astype(np.float32)


def _weighed(tf: Any, *values: Any) -> list[Any]:
    """The values, and real numbers that depend on each part of them."""
    weights = [np.arange(1, 1 + np.prod(y.shape.as_list())).reshape(y.shape.as_list()) for y in values]
    pairs = zip(values, weights, strict=True)
    return [*values, *(tf.real(y * (w - 0.5j * w).astype(y.dtype.as_numpy_dtype)) for y, w in pairs)]


Z, W = _complex(3, 4), _complex(3, 4)
FRAMES = _floats(2, 50)
PROGRAMS: dict[str, tuple[Program, list[Any]]] = {
    "arithmetic": (lambda tf, z, w: _weighed(
        tf, z + w, z - w, z * w, z / w, -z, tf.square(z), tf.reciprocal(w), tf.conj(z) * w), [Z, W]),
    "powers": (lambda tf, z, w: _weighed(tf, tf.pow(z, w), tf.sqrt(z), tf.rsqrt(w)), [Z, W]),
    "functions": (lambda tf, z: _weighed(
        tf, tf.exp(z), tf.log(z), tf.log1p(z), tf.sin(z), tf.cos(z), tf.tanh(z), tf.sigmoid(z), tf.sinh(z), tf.cosh(z),
        tf.tan(z), tf.expm1(z)), [Z / 2]),
    "inverse functions": (lambda tf, z: _weighed(tf, tf.asinh(z), tf.acosh(z), tf.atanh(z)), [Z / 2]),
    "parts": (lambda tf, z: [tf.real(z), tf.imag(z), tf.abs(z), tf.angle(z), tf.sign(z)], [Z]),
    "made of parts": (lambda tf, x, y: [tf.abs(tf.complex(x, y)), *_weighed(tf, tf.complex(x, y) ** 2)],
                      [_floats(3, 4), _floats(3, 4)]),
    "casts": (lambda tf, z, x: [
        tf.cast(z, tf.float32), tf.cast(z, tf.complex128), tf.cast(x, tf.complex64),
        tf.real(tf.cast(x, tf.complex64) * z), tf.equal(z, z), tf.not_equal(z, tf.conj(z))], [Z, _floats(3, 4)]),
    "sums": (lambda tf, z: _weighed(
        tf, tf.reduce_sum(z, 0), tf.reduce_mean(z, 1), tf.reduce_prod(z, 1), tf.cumsum(z, 1)), [Z]),
    "matrices": (lambda tf, z, w: _weighed(
        tf, tf.matmul(z, w, adjoint_b=True), tf.matmul(z, w, transpose_a=True),
        tf.transpose(z, conjugate=True), tf.einsum("ij,ik->jk", z, w)), [Z, W]),
    "systems of equations": (lambda tf, z, w: _weighed(
        tf, tf.matrix_solve(z, w), tf.matrix_solve(z, w, adjoint=True), tf.matrix_inverse(z, adjoint=True)),
        [_complex(3, 3) + 4 * np.eye(3, dtype=np.complex64), _complex(3, 2)]),
    "moves": (lambda tf, z, w: _weighed(
        tf, tf.concat([z, w], 0), tf.stack([z, w], 1), tf.gather(z, [2, 0, 2]), tf.where(tf.real(z) > 0.0, z, w),
        tf.pad(z, [[1, 0], [0, 1]], constant_values=2 - 1j), tf.tile(z, [1, 2])[:, 1::2], tf.reverse(z, [0])), [Z, W]),
    "transforms": (lambda tf, z: _weighed(
        tf, tf.signal.fft(z), tf.signal.ifft(z), tf.signal.fft2d(z), tf.signal.ifft2d(z), tf.signal.fft3d(z),
        tf.signal.ifft3d(z)), [_complex(2, 6, 10)]),
    "transforms of real numbers": (lambda tf, x: _weighed(
        tf, tf.signal.rfft(x), tf.signal.rfft2d(x)), [_floats(2, 6, 10)]),
    "transforms of other lengths": (lambda tf, x, z: [
        tf.signal.rfft(x, [9]), tf.signal.rfft(x, [14]), tf.signal.rfft2d(x, [4, 12]), tf.signal.irfft(z, [7]),
        tf.signal.irfft2d(z, [4, 12]), tf.signal.rfft3d(x), tf.signal.irfft3d(z, [2, 6, 8])],
        [_floats(2, 6, 10), _complex(2, 6, 5)]),
    "inverse real transforms": (lambda tf, z: [
        tf.signal.irfft(z), tf.signal.irfft(z, [9]), tf.signal.irfft2d(z, [6, 8])], [_complex(2, 6, 5)]),
    "cosine transforms": (lambda tf, x: [
        tf.signal.dct(x), tf.signal.dct(x, norm="ortho"), tf.signal.dct(x, n=7), tf.signal.dct(x, 3, norm="ortho"),
        tf.signal.dct(x, 1), tf.signal.idct(x), tf.signal.idct(x, 3, n=15)], [_floats(2, 12)]),
    "frames": (lambda tf, x: [
        tf.signal.frame(x, 7, 3), tf.signal.frame(x, 7, 3, pad_end=True, pad_value=1), tf.signal.frame(x, 1, 1, axis=0),
        tf.signal.overlap_and_add(tf.signal.frame(x, 8, 5), 3)], [FRAMES]),
    "windows": (lambda tf: [
        window(*arguments) for window in (tf.signal.hann_window, tf.signal.hamming_window)
        for arguments in ((6,), (7,), (1,), (6, False), (7, False))], []),
    "spectrograms": (lambda tf, x: [
        tf.abs(tf.signal.stft(x, 16, 8)), tf.abs(tf.signal.stft(x, 12, 5, 32, pad_end=True)),
        tf.signal.inverse_stft(tf.signal.stft(x, 16, 8), 16, 8, window_fn=tf.signal.inverse_stft_window_fn(8)),
        tf.signal.inverse_stft(tf.signal.stft(x, 10, 4), 10, 4)], [FRAMES]),
    "mel": (lambda tf, x: [
        tf.signal.linear_to_mel_weight_matrix(), tf.signal.linear_to_mel_weight_matrix(8, 33, 16000, 80.0, 7600.0),
        tf.signal.mfccs_from_log_mel_spectrograms(x)], [FRAMES]),
}  # fmt: skip
# The first have none; of the second, TensorFlow's own fail.
WITHOUT_GRADIENTS = ("windows", "transforms of other lengths")


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_values_and_gradients(name: str) -> None:
    compare(*PROGRAMS[name], gradients=name not in WITHOUT_GRADIENTS)
