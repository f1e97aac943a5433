"""Transforms of all sorts of lengths against NumPy's in float64, frames, windows and what they are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.passes.fourier import factors

RNG = np.random.default_rng(3)
# Our own error beside the exact transform, as a part of the greatest result: a few roundings for each of the steps.
ERROR = {"complex64": 8e-7, "complex128": 2e-15}


def run(fetches: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        return session.run(fetches, feeds)


def numbers(*shape: int) -> Any:
    return RNG.normal(size=(*shape, 2)) @ [1, 1j]


def off(came: Any, wanted: Any) -> float:
    return float(np.abs(came - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("dtype", ERROR)
@pytest.mark.parametrize("n", [1, 2, 3, 61, 64, 70, 1024, 167])
def test_transforms_are_as_exact_as_stated(n: int, dtype: str) -> None:
    value = numbers(2, n).astype(dtype)
    x = tf.constant(value)
    exact = np.fft.fft(value.astype(complex))
    ours, back, half = run([tf.fft(x), tf.ifft(tf.fft(x)), tf.signal.rfft(tf.real(x))])
    assert off(ours, exact) < ERROR[dtype]
    assert off(back, value) < 2 * ERROR[dtype]
    assert off(half, np.fft.rfft(value.real.astype(float))) < ERROR[dtype]


@pytest.mark.parametrize("n", [1009, 334, 3 * 331])
def test_primes_too_long_for_one_product_are_chirps(n: int) -> None:
    value = numbers(2, n).astype(np.complex64)
    assert off(run(tf.fft(tf.constant(value))), np.fft.fft(value.astype(complex))) < ERROR["complex64"]


def test_steps_multiply_to_the_length_and_stay_short() -> None:
    assert factors(1024) == (32, 32)
    assert factors(48) == (48,)
    for n in (1, 60, 1000, 4096, 2 * 3 * 5 * 7 * 11 * 13, 2**20):
        assert np.prod(factors(n)) == n
        assert max(factors(n)) <= 64
    # n log n: twice the length costs one number more for each
    assert sum(factors(2**18)) <= 2 * sum(factors(2**9))


def test_whole_numbers_over_quarter_turns_are_exact() -> None:
    value = np.arange(8, dtype=np.complex64).reshape(2, 4)
    np.testing.assert_array_equal(
        run(tf.fft(tf.constant(value))), [[6, -2 + 2j, -2, -2 - 2j], [22, -2 + 2j, -2, -2 - 2j]]
    )


def test_transforms_over_several_axes() -> None:
    value = numbers(2, 4, 6, 5).astype(np.complex64)
    x, real = tf.constant(value), tf.constant(value.real)
    two, three, back, half = run([tf.fft2d(x), tf.fft3d(x), tf.ifft3d(tf.fft3d(x)), tf.spectral.rfft2d(real, [4, 8])])
    assert off(two, np.fft.fft2(value)) < ERROR["complex64"]
    assert off(three, np.fft.fftn(value, axes=(1, 2, 3))) < ERROR["complex64"]
    assert off(back, value) < ERROR["complex64"]
    assert off(half, np.fft.rfft2(value.real, [4, 8])) < ERROR["complex64"]


def test_each_length_that_is_fed_is_a_program_of_its_own() -> None:
    x = tf.placeholder(tf.float32, [None, None])
    y = tf.signal.irfft(tf.signal.rfft(x, [12]), [12])
    z = tf.signal.dct(x)
    with tf.Session() as session:
        for rows, n in ((2, 10), (3, 10), (4, 16), (5, 12)):
            value = RNG.normal(size=(rows, n)).astype(np.float32)
            fitted, cosines = session.run([y, z], {x: value})
            np.testing.assert_allclose(
                fitted, np.pad(value, [(0, 0), (0, 12)])[:, :12] * (np.arange(12) < n), atol=2e-6
            )
            np.testing.assert_allclose(cosines, value @ _cosines(n), atol=2e-5)


def test_ahead_of_time_the_length_must_be_known(tmp_path: Any) -> None:
    x = tf.placeholder(tf.complex64, [None])
    with pytest.raises(tf.errors.UnimplementedError, match="a Fourier transform is another program for each"):
        aot.compile(tf.fft(x), [x], tmp_path, name="transform", max_batch=8)


def _cosines(n: int) -> Any:
    """The matrix of the cosine transform of type II."""
    k, j = np.arange(n), np.arange(n)[:, None]
    return 2 * np.cos(np.pi * k * (2 * j + 1) / (2 * n))


def test_cosine_transforms_by_their_sums() -> None:
    n = 9
    x = tf.constant(RNG.normal(size=(2, n)))
    second, ortho, third, back, first = run([
        tf.signal.dct(x), tf.signal.dct(x, norm="ortho"), tf.signal.dct(x, 3), tf.signal.idct(tf.signal.dct(x)),
        tf.signal.dct(x, 1)])  # fmt: skip
    value = run(x)
    scale = np.where(np.arange(n) == 0, np.sqrt(1 / (4 * n)), np.sqrt(1 / (2 * n)))
    np.testing.assert_allclose(second, value @ _cosines(n), atol=1e-13)
    np.testing.assert_allclose(ortho, value @ _cosines(n) * scale, atol=1e-13)
    np.testing.assert_allclose(third, value @ (_cosines(n) * np.where(np.arange(n) == 0, 0.5, 1)).T, atol=1e-13)
    np.testing.assert_allclose(back, 2 * n * value, atol=1e-12)
    ends = np.where((np.arange(n) == 0) | (np.arange(n) == n - 1), 1, 2)[:, None]
    angles = np.pi * np.outer(np.arange(n), np.arange(n)) / (n - 1)
    np.testing.assert_allclose(first, value @ (ends * np.cos(angles)), atol=1e-13)


@pytest.mark.parametrize("known", [True, False])
def test_frames_and_their_sum(known: bool) -> None:
    value = np.arange(22.0, dtype=np.float32).reshape(2, 11)
    x = tf.placeholder(tf.float32, [2, 11] if known else [None, None])
    frames, padded = tf.signal.frame(x, 4, 3), tf.signal.frame(x, 4, 3, pad_end=True, pad_value=-1)
    cut, filled, total = run([frames, padded, tf.signal.overlap_and_add(frames, 3)], {x: value})
    np.testing.assert_array_equal(cut, np.stack([value[:, n : n + 4] for n in (0, 3, 6)], 1))
    longer = np.pad(value, [(0, 0), (0, 2)], constant_values=-1)
    np.testing.assert_array_equal(filled, np.stack([longer[:, n : n + 4] for n in (0, 3, 6, 9)], 1))
    twice = np.where(np.isin(np.arange(10), (3, 6)), 2, 1)
    np.testing.assert_array_equal(total, value[:, :10] * twice)


def test_a_spectrogram_and_back() -> None:
    value = RNG.normal(size=(3, 64)).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 64])
    spectrum = tf.contrib.signal.stft(x, frame_length=16, frame_step=8)
    window = tf.contrib.signal.inverse_stft_window_fn(8)
    came, frames = run([tf.contrib.signal.inverse_stft(spectrum, 16, 8, window_fn=window), spectrum], {x: value})
    np.testing.assert_allclose(came[:, 8:-8], value[:, 8:-8], atol=1e-6)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(16) / 16)
    np.testing.assert_allclose(frames[:, 2], np.fft.rfft(value[:, 16:32] * hann), atol=5e-6)


def test_windows_of_a_length_that_is_fed() -> None:
    n = tf.placeholder(tf.int32, [])
    window = tf.signal.hamming_window(n)
    with tf.Session() as session:
        for size in (1, 6, 7):
            np.testing.assert_allclose(session.run(window, {n: size}), run(tf.signal.hamming_window(size)), atol=1e-6)


X = np.zeros((2, 6), np.float32)
REFUSED = [
    (lambda: tf.fft(X), TypeError, "the input has type f32"),
    (lambda: tf.fft(tf.constant(1j)), ValueError, "needs at least 1 axes"),
    (lambda: tf.fft2d(X[0].astype(complex)), ValueError, "needs at least 2 axes"),
    (lambda: tf.fft(np.zeros((2, 0), complex)), ValueError, "there is nothing to transform"),
    (lambda: tf.signal.rfft(X, [4, 4]), ValueError, "fft_length must be 1 sizes of at least 1"),
    (lambda: tf.signal.dct(X, 5), ValueError, "Types I, II and III"),
    (lambda: tf.signal.dct(X, 1, norm="ortho"), ValueError, "Normalization is not supported for the Type-I DCT"),
    (lambda: tf.signal.dct(X, axis=0), NotImplementedError, "axis must be -1"),
    (lambda: tf.signal.dct(X, norm="max"), ValueError, "Unknown normalization"),
    (lambda: tf.signal.frame(X, 0, 1), ValueError, "frame_length must be at least 1"),
    (lambda: tf.signal.overlap_and_add(X[0], 2), ValueError, "signal must have at least 2 known axes"),
    (lambda: tf.signal.hann_window(4, dtype=tf.int32), ValueError, "dtype must be a floating point type"),
    (lambda: tf.signal.linear_to_mel_weight_matrix(upper_edge_hertz=9e3), ValueError, "Nyquist"),
]


@pytest.mark.parametrize("call, error, text", REFUSED, ids=[text for _, _, text in REFUSED])
def test_what_does_not_fit_is_refused(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
