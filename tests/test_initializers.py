"""Initialisers: values, spreads, seeds, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.initializers.rotations import ConvolutionDeltaOrthogonal
from tests.interpreted import InterpretedSession


def run(tensor: Any) -> Any:
    return InterpretedSession().run(tensor)


def test_fixed_values() -> None:
    zeros = tf.zeros_initializer()([2, 3], dtype=tf.int32)
    ones = tf.ones_initializer(tf.float64)([2])
    filled = tf.constant_initializer([1.0, 2.0])([2, 2])
    eye = tf.initializers.identity(gain=2.0)([2, 3])
    assert (zeros.dtype, ones.dtype, filled.dtype) == (tf.int32, tf.float64, tf.float32)
    np.testing.assert_array_equal(run(zeros), np.zeros((2, 3)))
    np.testing.assert_array_equal(run(ones), [1, 1])
    np.testing.assert_array_equal(run(filled), [[1, 2], [2, 2]])
    np.testing.assert_array_equal(run(eye), [[2, 0, 0], [0, 2, 0]])


SHAPE = (60, 80)
EVEN = math.sqrt(1 / 3)
# initialiser, bound (None where there is none), standard deviation
SPREADS: dict[str, tuple[Callable[..., Any], float | None, float]] = {
    "uniform": (lambda seed: tf.random_uniform_initializer(-2.0, 2.0, seed=seed), 2, 2 * EVEN),
    "normal": (lambda seed: tf.random_normal_initializer(0.0, 3.0, seed=seed), None, 3),
    "truncated": (lambda seed: tf.truncated_normal_initializer(0.0, 3.0, seed=seed), 6, 3 * 0.8796),
    "glorot uniform": (tf.glorot_uniform_initializer, math.sqrt(6 / 140), math.sqrt(2 / 140)),
    "glorot normal": (tf.glorot_normal_initializer, 2 * math.sqrt(2 / 140) / 0.8796, math.sqrt(2 / 140)),
    "he uniform": (tf.initializers.he_uniform, math.sqrt(6 / 60), math.sqrt(2 / 60)),
    "he normal": (tf.initializers.he_normal, 2 * math.sqrt(2 / 60) / 0.8796, math.sqrt(2 / 60)),
    "lecun uniform": (tf.initializers.lecun_uniform, math.sqrt(3 / 60), math.sqrt(1 / 60)),
    "lecun normal": (tf.initializers.lecun_normal, 2 * math.sqrt(1 / 60) / 0.8796, math.sqrt(1 / 60)),
    "unit scaling": (
        lambda seed: tf.uniform_unit_scaling_initializer(2.0, seed),
        2 * math.sqrt(3 / 60),
        2 / math.sqrt(60),
    ),
    "fan out": (
        lambda seed: tf.variance_scaling_initializer(3.0, "fan_out", "untruncated_normal", seed),
        None,
        math.sqrt(3 / 80),
    ),
}


@pytest.mark.parametrize("name", SPREADS)
def test_spread(name: str) -> None:
    make, bound, deviation = SPREADS[name]
    value = run(make(seed=5)(SHAPE))
    assert value.dtype == np.float32
    assert abs(value.mean()) < 4 * deviation / math.sqrt(value.size)
    assert abs(value.std() / deviation - 1) < 0.05
    if bound is not None:
        assert bound * 0.9 < abs(value).max() <= bound * 1.0001


def test_seeds_give_the_same_values_again() -> None:
    first, second, other = (tf.glorot_uniform_initializer(seed)([4, 4]) for seed in (1, 1, 2))
    values = InterpretedSession().run([first, second, other])
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()


def test_windows_count_as_inputs_and_outputs() -> None:
    assert tf.initializers.fans([3, 3, 8, 16]) == (72, 144)
    assert tf.initializers.fans([7]) == (7, 7)
    assert tf.initializers.fans([]) == (1, 1)


def test_configurations_make_equal_initialisers() -> None:
    for make in (
        tf.zeros_initializer(tf.int32),
        tf.constant_initializer(3.0),
        tf.random_uniform_initializer(-1, 1, 3),
        tf.truncated_normal_initializer(1.0, 2.0),
        tf.variance_scaling_initializer(2.0, "fan_avg", "uniform", 4),
        tf.glorot_uniform_initializer(7),
    ):
        again = type(make).from_config(make.get_config())
        assert again.get_config() == make.get_config()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: tf.variance_scaling_initializer(0.0), ValueError, "`scale` must be positive float, not 0.0"),
        (
            lambda: tf.variance_scaling_initializer(mode="fan"),
            ValueError,
            "Invalid `mode` argument: fan; wanted fan_in, fan_out or fan_avg",
        ),
        (
            lambda: tf.variance_scaling_initializer(distribution="even"),
            ValueError,
            "Invalid `distribution` argument: even; wanted uniform, truncated_normal or untruncated_normal",
        ),
        (
            lambda: tf.glorot_uniform_initializer(dtype=tf.int32),
            ValueError,
            "Expected floating point type, got <dtype: 'int32'>.",
        ),
        (
            lambda: tf.zeros_initializer()([None, 2]),
            ValueError,
            "an initializer needs a fully known shape, not [None, 2]",
        ),
        (
            lambda: tf.initializers.identity()([2, 2, 2]),
            ValueError,
            "Identity matrix initializer can only be used for 2D matrices, not for shape [2, 2, 2].",
        ),
        (
            lambda: tf.constant_initializer(tf.float32),
            TypeError,
            "Invalid type for initial value: <class 'graphc.dtypes.DType'> "
            "(expected Python scalar, list of values, or NumPy array).",
        ),
        (
            lambda: tf.orthogonal_initializer()([3]),
            ValueError,
            "The tensor to initialize must be at least two-dimensional, not of shape [3]",
        ),
    ],
)
def test_errors(make: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4), (4, 4)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(tf.orthogonal_initializer(2.0, seed=1)(shape))
    assert found.shape == shape
    matrix = found.reshape(-1, shape[-1])
    square = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(square, 4 * np.eye(len(square)), atol=1e-5)


def test_orthogonal_in_the_middle_of_a_filter() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(ConvolutionDeltaOrthogonal(seed=1)([3, 4, 2, 5]))
    np.testing.assert_allclose(found[1, 1] @ found[1, 1].T, np.eye(2), atol=1e-6)
    assert np.count_nonzero(found.any((2, 3))) == 1
    with pytest.raises(ValueError, match="In_filters cannot be greater"):
        ConvolutionDeltaOrthogonal()([3, 3, 5, 2])


@pytest.mark.peer("tensorflow")
def test_orthogonal_values_are_tensorflows() -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    values = []
    for module in (tf, v1):
        with module.Graph().as_default(), module.Session() as session:
            module.set_random_seed(3)
            values.append(session.run(module.orthogonal_initializer(1.5, seed=2)([4, 6])))
    np.testing.assert_allclose(values[0], values[1], atol=2e-6)
