"""Moments, batch normalisation, bias, lengths: values against NumPy and derivatives against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session
from tests.told import is_told

X = np.random.RandomState(0).standard_normal((3, 4, 5, 2))
SCALE, OFFSET = np.array([2.0, 0.5]), np.array([-1.0, 3.0])


def run(*tensors: Any) -> list[Any]:
    return Session().run(list(tensors))


def numeric_gradient(function: Callable[[Any], float], x: Any) -> Any:
    """Central differences."""
    slope = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        slope[index] = (function(x + step) - function(x - step)) / 2e-6
    return slope


@pytest.mark.parametrize("axes", [[0], [0, 1, 2], [3], [-1, 0]])
@pytest.mark.parametrize("keep", [False, True])
def test_moments(axes: list[int], keep: bool) -> None:
    mean, variance = run(*tf.nn.moments(tf.constant(X), axes, keep_dims=keep))
    np.testing.assert_allclose(mean, X.mean(tuple(axes), keepdims=keep), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(variance, X.var(tuple(axes), keepdims=keep), rtol=1e-12)


def test_second_derivative_of_the_variance() -> None:
    """The derivative of ``v * 2 (x - mean) / n`` is ``2 (v - mean(v)) / n``: the mean depends on x."""
    values, v = np.array([1.0, 4.0, -2.0]), np.array([1.0, 2.0, 5.0])
    x = tf.constant(values)
    (grad,) = tf.gradients(tf.nn.moments(x, [0])[1], x)
    first, second = run(grad, tf.gradients(grad * v, x)[0])
    np.testing.assert_allclose(first, 2 * (values - 1) / 3, rtol=1e-12)
    np.testing.assert_allclose(second, 2 * (v - v.mean()) / 3, rtol=1e-12)


def test_weighted_moments() -> None:
    weights = np.random.RandomState(1).uniform(0, 2, (3, 1, 5, 1))
    mean, variance = run(*tf.nn.weighted_moments(tf.constant(X), [0, 1, 2], tf.constant(weights)))
    spread = np.broadcast_to(weights, X.shape)
    wanted = np.average(X, (0, 1, 2), spread)
    np.testing.assert_allclose(mean, wanted, rtol=1e-12)
    np.testing.assert_allclose(variance, np.average((X - wanted) ** 2, (0, 1, 2), spread), rtol=1e-12)


def test_sufficient_statistics_give_the_moments() -> None:
    number, total, squares, shift = tf.nn.sufficient_statistics(tf.constant(X), [0, 1, 2], shift=0.5)
    mean, variance = run(*tf.nn.normalize_moments(number, total, squares, shift))
    np.testing.assert_allclose(mean, X.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(variance, X.var((0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize(("offset", "scale"), [(OFFSET, SCALE), (None, SCALE), (OFFSET, None), (None, None)])
def test_batch_normalization(offset: Any, scale: Any) -> None:
    mean, variance = X.mean((0, 1, 2)), X.var((0, 1, 2))
    (y,) = run(tf.nn.batch_normalization(tf.constant(X), mean, variance, offset, scale, 1e-3))
    wanted = (X - mean) / np.sqrt(variance + 1e-3) * (1 if scale is None else scale) + (0 if offset is None else offset)
    np.testing.assert_allclose(y, wanted, rtol=1e-11, atol=1e-13)


def test_gradient_through_batch_normalization() -> None:
    weights = np.random.RandomState(1).standard_normal((6, 2))

    def loss_of(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, [0])
        return tf.reduce_sum(tf.nn.batch_normalization(x, mean, variance, OFFSET, SCALE, 1e-3) * weights)

    def loss_by_numpy(x: Any) -> float:
        return float(np.sum(((x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3) * SCALE + OFFSET) * weights))

    values = np.random.RandomState(2).standard_normal((6, 2))
    x = tf.constant(values)
    (grad,) = run(tf.gradients(loss_of(x), x)[0])
    np.testing.assert_allclose(grad, numeric_gradient(loss_by_numpy, values), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_fused_batch_norm(data_format: str) -> None:
    x = X if data_format == "NHWC" else X.transpose(0, 3, 1, 2)
    y, mean, variance = run(*tf.nn.fused_batch_norm(tf.constant(x), SCALE, OFFSET, data_format=data_format))
    wanted = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 1e-3) * SCALE + OFFSET
    wanted = wanted if data_format == "NHWC" else wanted.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, wanted, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(mean, X.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(variance, X.var((0, 1, 2), ddof=1), rtol=1e-12)


def test_fused_batch_norm_by_given_moments() -> None:
    y, mean, variance = run(
        *tf.nn.fused_batch_norm(tf.constant(X), SCALE, OFFSET, mean=[1.0, 2.0], variance=[3.0, 4.0], is_training=False)
    )
    wanted = (X - [1, 2]) / np.sqrt(np.array([3, 4]) + 1e-3) * SCALE + OFFSET
    np.testing.assert_allclose(y, wanted, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal([mean, variance], [[1, 2], [3, 4]])


def test_bias_add() -> None:
    last, first = run(
        tf.nn.bias_add(tf.constant(X), OFFSET),
        tf.nn.bias_add(tf.constant(X.transpose(0, 3, 1, 2)), OFFSET, data_format="NCHW"),
    )
    np.testing.assert_array_equal(last, X + OFFSET)
    np.testing.assert_array_equal(first, (X + OFFSET).transpose(0, 3, 1, 2))


def test_l2_normalize() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0], [1e-9, 0.0]])
    (rows,) = run(tf.nn.l2_normalize(tf.constant(x), axis=1))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [1e-3, 0]], rtol=1e-12)
    (whole,) = run(tf.nn.l2_normalize(tf.constant(x)))
    np.testing.assert_allclose(whole, x / 5, rtol=1e-12)


def test_local_response_normalization() -> None:
    x = np.random.RandomState(1).standard_normal((2, 2, 3, 6))
    (y,) = run(tf.nn.lrn(tf.constant(x), depth_radius=2, bias=1.5, alpha=0.1, beta=0.75))
    squares = np.stack([(x[..., max(0, c - 2) : c + 3] ** 2).sum(-1) for c in range(6)], -1)
    np.testing.assert_allclose(y, x / (1.5 + 0.1 * squares) ** 0.75, rtol=1e-6)


ERRORS: list[tuple[Callable[[Any], Any], str]] = [
    (
        lambda x: tf.nn.bias_add(x, [1.0, 2.0]),
        "bias_add to Placeholder 'x' (declared at {line}) of type f32[?,3]: the bias has type f32[2]; "
        "wanted 3 elements, one for each channel",
    ),
    (
        lambda x: tf.nn.bias_add(x, tf.constant([[1.0]], name="b")),
        "bias_add: the bias Const 'b' (declared at {line}) has type f32[1,1]; wanted one axis",
    ),
    (
        lambda x: tf.nn.bias_add(x, [1.0, 2.0, 3.0], data_format="NCWH"),
        "data_format must be NHWC or NCHW, not 'NCWH'",
    ),
    (
        lambda x: tf.nn.lrn(x),
        "lrn of Placeholder 'x' (declared at {line}): its type is f32[?,3]; wanted 4 axes and a known number of "
        "channels",
    ),
    (
        lambda x: tf.nn.fused_batch_norm(x, [1.0], [1.0], is_training=False),
        "Both 'mean' and 'variance' must be a 1D tensor when is_training is False.",
    ),
]


@pytest.mark.parametrize(("declare", "text"), ERRORS)
def test_errors(declare: Callable[[Any], Any], text: str) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with pytest.raises(ValueError) as caught:
        declare(x)
    assert is_told(caught.value, text.format(line="LINE"))
