"""Activations against their formulas: values, slopes at and beside zero, large arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session

X = np.array([-1000.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 7.0, 1000.0])
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
BOUNDED = np.clip(X, -50, 50)
CDF = np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in X])
PDF = np.exp(-X * X / 2) / math.sqrt(2 * math.pi)
SIGMOID = 1 / (1 + np.exp(-np.clip(X, -700, 700)))
BELOW = np.exp(np.minimum(X, 0))

# function, values, slopes
CASES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "relu": (tf.nn.relu, np.maximum(X, 0), (X > 0) * 1.0),
    "relu6": (tf.nn.relu6, np.clip(X, 0, 6), ((X > 0) & (X <= 6)) * 1.0),
    "leaky_relu": (tf.nn.leaky_relu, np.where(X > 0, X, 0.2 * X), np.where(X > 0, 1, 0.2)),
    "elu": (tf.nn.elu, np.where(X > 0, X, BELOW - 1), np.where(X > 0, 1, BELOW)),
    "selu": (
        tf.nn.selu,
        SCALE * np.where(X > 0, X, ALPHA * (BELOW - 1)),
        SCALE * np.where(X >= 0, 1, ALPHA * BELOW),
    ),
    "gelu": (tf.nn.gelu, X * CDF, CDF + X * PDF),
    "softsign": (tf.nn.softsign, X / (1 + abs(X)), 1 / (1 + abs(X)) ** 2),
    "softplus": (tf.nn.softplus, np.logaddexp(0, X), SIGMOID),
    "swish": (tf.nn.swish, X * SIGMOID, SIGMOID + X * SIGMOID * (1 - SIGMOID)),
    "log_sigmoid": (tf.math.log_sigmoid, -np.logaddexp(0, -X), 1 - SIGMOID),
    "tanh": (tf.nn.tanh, np.tanh(X), 1 - np.tanh(X) ** 2),
    "sigmoid": (tf.nn.sigmoid, SIGMOID, SIGMOID * (1 - SIGMOID)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_slope(name: str) -> None:
    function, values, slopes = CASES[name]
    x = tf.constant(X)
    y = function(x)
    got, slope = Session().run([y, tf.gradients(y, x)[0]])
    np.testing.assert_allclose(got, values, rtol=1e-12, atol=1e-15)
    inside = X != 0 if name in ("softsign",) else slice(None)
    np.testing.assert_allclose(slope[inside], slopes[inside], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_are_finite(name: str) -> None:
    x = tf.constant(X)
    (grad,) = tf.gradients(CASES[name][0](x), x)
    (second,) = tf.gradients(grad, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert np.isfinite(Session().run(second)).all()


def test_names_are_those_of_the_functions() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    names = [tf.nn.elu(x).name, tf.nn.relu6(x, name="six").name, tf.nn.leaky_relu(x).name, tf.nn.leaky_relu(x).name]
    assert names == ["Elu:0", "six:0", "LeakyRelu:0", "LeakyRelu_1:0"]


def test_gelu_by_tanh() -> None:
    x = np.linspace(-3, 3, 7)
    wanted = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(Session().run(tf.nn.gelu(x, approximate=True)), wanted, rtol=1e-6)


def test_crelu_puts_both_halves_along_the_axis() -> None:
    x = np.array([[1.0, -2.0], [-3.0, 4.0]])
    last, first = Session().run([tf.nn.crelu(x), tf.nn.crelu(x, axis=0)])
    np.testing.assert_array_equal(last, [[1, 0, 0, 2], [0, 4, 3, 0]])
    np.testing.assert_array_equal(first, [[1, 0], [0, 4], [0, 2], [3, 0]])


def test_linear_layers() -> None:
    random = np.random.RandomState(0)
    x, w, b = random.standard_normal((4, 3)), random.standard_normal((3, 2)), random.standard_normal(2)
    plain, rectified = Session().run([tf.nn.xw_plus_b(x, w, b), tf.nn.relu_layer(x, w, b)])
    np.testing.assert_allclose(plain, x @ w + b, rtol=1e-12)
    np.testing.assert_allclose(rectified, np.maximum(x @ w + b, 0), rtol=1e-12)
