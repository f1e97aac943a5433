"""Random ops: seeds as in TensorFlow, streams that go on from run to run, and the same bits from NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import philox
from graphc.graph import Graph
from graphc.ops.random import DEFAULT_GRAPH_SEED, GROUPS_PER_ELEMENT, get_seed
from tests.told import is_told

DRAWS: dict[str, tuple[Any, Any]] = {
    "uniform": (tf.random_uniform, philox.uniform),
    "normal": (tf.random_normal, philox.normal),
    "truncated normal": (tf.truncated_normal, philox.truncated_normal),
}


def _ulps(dtype: str) -> float:
    return 8 * float(np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DRAWS)
def test_a_session_draws_the_stream_of_the_seeds(name: str, dtype: str) -> None:
    draw, reference = DRAWS[name]
    with Graph().as_default() as graph:
        tf.set_random_seed(5)
        y = draw([3, 7], dtype=dtype, seed=9)
    with tf.Session(graph=graph) as session:
        first, second = session.run(y), session.run(y)
    position = 21 * GROUPS_PER_ELEMENT
    np.testing.assert_allclose(first, reference((3, 7), dtype, 5, 9, 0), rtol=0, atol=_ulps(dtype))
    np.testing.assert_allclose(second, reference((3, 7), dtype, 5, 9, position), rtol=0, atol=_ulps(dtype))
    if name == "uniform":
        np.testing.assert_array_equal(first, reference((3, 7), dtype, 5, 9, 0))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_whole_numbers(dtype: str) -> None:
    with Graph().as_default() as graph:
        y = tf.random_uniform([50], -3, 9, dtype, seed=2)
    with tf.Session(graph=graph) as session:
        value = session.run(y)
    np.testing.assert_array_equal(value, philox.uniform_int((50,), dtype, DEFAULT_GRAPH_SEED, 2, 0, -3, 9))
    assert value.dtype == dtype
    assert set(value) == set(range(-3, 9))


def test_a_new_session_begins_the_stream_again() -> None:
    with Graph().as_default() as graph:
        y = tf.random_normal([4], seed=1)
    draws = []
    for _ in range(2):
        with tf.Session(graph=graph) as session:
            draws.append(session.run(y))
    np.testing.assert_array_equal(draws[0], draws[1])


def test_without_seeds_every_program_draws_its_own() -> None:
    values = []
    for _ in range(2):
        with Graph().as_default() as graph:
            y = tf.random_uniform([8])
        with tf.Session(graph=graph) as session:
            values.append(session.run(y))
    assert not np.array_equal(values[0], values[1])


def test_two_ops_draw_their_own() -> None:
    with Graph().as_default() as graph:
        tf.set_random_seed(3)
        both = tf.random_uniform([8]), tf.random_uniform([8])
    with tf.Session(graph=graph) as session:
        first, second = session.run(both)
    assert not np.array_equal(first, second)


def test_one_op_fetched_twice_is_one_draw() -> None:
    with Graph().as_default() as graph:
        y = tf.random_uniform([8], seed=3)
        copies = [y + 0.0, y * 1.0]
    with tf.Session(graph=graph) as session:
        first, second = session.run(copies)
    np.testing.assert_array_equal(first, second)


def test_a_shape_that_follows_from_a_feed() -> None:
    with Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3])
        y = tf.random_uniform(tf.shape(x), seed=4)
    assert y.shape.as_list() == [None, 3]
    with tf.Session(graph=graph) as session:
        first = session.run(y, {x: np.zeros((2, 3), np.float32)})
        second = session.run(y, {x: np.zeros((4, 3), np.float32)})
    np.testing.assert_array_equal(first, philox.uniform((2, 3), "float32", DEFAULT_GRAPH_SEED, 4, 0))
    position = 6 * GROUPS_PER_ELEMENT
    np.testing.assert_array_equal(second, philox.uniform((4, 3), "float32", DEFAULT_GRAPH_SEED, 4, position))


def test_ranges_and_moments() -> None:
    with Graph().as_default() as graph:
        draws = [
            tf.random_uniform([20000], 2.0, 5.0, seed=1),
            tf.random_normal([20000], 3.0, 0.5, seed=2),
            tf.truncated_normal([20000], -1.0, 2.0, seed=3),
        ]
    with tf.Session(graph=graph) as session:
        uniform, normal, truncated = session.run(draws)
    assert uniform.min() >= 2 and uniform.max() < 5
    assert abs(uniform.mean() - 3.5) < 0.03 and abs(uniform.std() - 3 / np.sqrt(12)) < 0.03
    assert abs(normal.mean() - 3) < 0.02 and abs(normal.std() - 0.5) < 0.02
    # a normal cut at two deviations has 0.8796 of the deviation
    assert abs(truncated + 1).max() < 4
    assert abs(truncated.mean() + 1) < 0.05 and abs(truncated.std() - 2 * 0.8796) < 0.03


def test_seeds_follow_tensorflow() -> None:
    with Graph().as_default() as graph:
        assert get_seed(None) == (None, None)
        assert get_seed(7) == (DEFAULT_GRAPH_SEED, 7)
        graph.seed = 5
        assert get_seed(7) == (5, 7)
        assert get_seed(None) == (5, 0)
        tf.constant(1.0)
        assert get_seed(None) == (5, 1)
        graph.seed = 0
        assert get_seed(0) == (0, 2**31 - 1)
        graph.seed = 2**31
        assert get_seed(3) == (1, 3)


def test_no_gradient_flows_into_random_numbers() -> None:
    with Graph().as_default():
        scale = tf.placeholder(tf.float32, [])
        y = tf.random_normal([3], stddev=scale, seed=1)
        assert tf.gradients(y, scale)[0] is not None
        limit = tf.placeholder(tf.int32, [])
        drawn = tf.cast(tf.random_uniform([3], 0, limit, tf.int32, seed=1), tf.float32)
        assert tf.gradients(drawn, limit) == [None]


@pytest.mark.parametrize("call, error, text", [
    (lambda: tf.random_uniform([3], dtype=tf.int32), ValueError, "Must specify maxval for integer dtype int32"),
    (lambda: tf.random_uniform([3], 5, 5, tf.int32), ValueError, "random_uniform: Need minval < maxval, got 5 >= 5"),
    (lambda: tf.random_uniform([3], tf.constant(5), tf.constant(4), tf.int32), ValueError,
     "random_uniform: Need minval < maxval, got 5 >= 4"),
    (lambda: tf.random.stateless_uniform([3], [1, 2], 0, 0, tf.int32), ValueError,
     "stateless_random_uniform: Need minval < maxval, got 0 >= 0"),
    (lambda: tf.random_normal([3], dtype=tf.int32), TypeError, "random_normal gives float32 or float64, not int32"),
])  # fmt: skip
def test_texts_of_errors(call: Any, error: type[Exception], text: str) -> None:
    with Graph().as_default(), pytest.raises(error) as caught:
        call()
    assert is_told(caught.value, text), str(caught.value)


def test_fed_seeds_give_tensorflows_numbers() -> None:
    """The numbers are TensorFlow 2.21's."""
    seed = tf.placeholder(tf.int32, [2])
    with tf.Session() as session:
        drawn = session.run(tf.random.stateless_uniform([3], seed), {seed: [565656, 121212]})
    np.testing.assert_array_equal(drawn, np.array([0.63993382, 0.09785652, 0.043962836], np.float32))


@pytest.mark.parametrize(
    ("draw", "called"),
    [
        (lambda shape, most: tf.random_uniform(shape, 0, most, tf.int32), "random_uniform"),
        (lambda shape, most: tf.random.stateless_uniform(shape, [1, 2], 0, most, tf.int32), "stateless_random_uniform"),
    ],
    ids=["random_uniform", "stateless_uniform"],
)
def test_whole_numbers_of_no_range_are_refused_when_their_limit_is_fed(draw: Any, called: str) -> None:
    most, shape = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [1])
    known, counted = draw([3], most), draw(shape, most)
    with tf.Session() as session:
        assert session.run([known, counted], {most: 1, shape: [2]})[0].tolist() == [0, 0, 0]
        for y, limit in ((known, 0), (known, -5), (counted, 0)):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(y, {most: limit, shape: [2]})
            assert str(caught.value).startswith(f"{called} '")
            assert str(caught.value).endswith(f"): Need minval < maxval, got 0 >= {limit}")
        assert session.run(counted, {most: 0, shape: [0]}).tolist() == []  # none is drawn, so that any limit will do
