"""Gradients that a body takes of what it captures: Jacobians by rows, descents in a loop, choices of losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

X = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]], np.float32)


def variable() -> Any:
    return tf.get_variable("w", initializer=np.array([[0.5, -0.25], [1.0, 0.75]], np.float32))


def products(x: Any) -> Any:
    return tf.reduce_sum(tf.square(x), 1) * tf.exp(x[:, 0]) + tf.reduce_sum(x)


def layers(x: Any) -> Any:
    return tf.tanh(tf.matmul(tf.tanh(tf.matmul(x, variable())), variable_again()))[:, 1]


def variable_again() -> Any:
    with tf.variable_scope("", reuse=True):
        return tf.get_variable("w")


def scanned(x: Any) -> Any:
    return tf.scan(lambda total, row: total * 0.5 + row * row, x)[:, 0]


def chosen(x: Any) -> Any:
    return tf.cond(x[0, 0] > 0, lambda: tf.sin(x), lambda: x * 2)[:, 1]


def looked_up(x: Any) -> Any:
    return tf.reduce_sum(tf.gather(x * x, [2, 0, 2]), 1)


def mapped(x: Any) -> Any:
    return tf.map_fn(lambda row: tf.reduce_sum(tf.gradients(row[0] * row[1] ** 2, row)[0]), x)


def row_of(y: Any, i: Any, x: Any) -> Any:
    return tf.convert_to_tensor(tf.gradients(y[i], x)[0])


@pytest.mark.parametrize("function", [products, layers, scanned, chosen, looked_up])
def test_a_jacobian_by_rows_is_the_unrolled_one(function: Callable[[Any], Any]) -> None:
    """Itself and its derivative."""
    x = tf.placeholder(tf.float32, [None, 2])
    y = function(x)
    looped = tf.map_fn(lambda i: row_of(y, i, x), tf.range(tf.shape(y)[0]), dtype=tf.float32)
    unrolled = tf.stack([row_of(y, i, x) for i in range(3)])
    slopes = [tf.gradients(tf.reduce_sum(tf.square(j)), x)[0] for j in (looped, unrolled)]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found, wanted, slope, slope_wanted = session.run([looped, unrolled, *slopes], {x: X})
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(slope, slope_wanted, rtol=1e-5, atol=1e-5)


def test_a_jacobian_of_what_a_loop_saves() -> None:
    """The loop around takes the values that the loop inside has saved in each iteration; twice it cannot yet."""
    x = tf.placeholder(tf.float32, [None, 2])
    y = mapped(x)
    looped = tf.map_fn(lambda i: row_of(y, i, x), tf.range(tf.shape(y)[0]), dtype=tf.float32)
    unrolled = tf.stack([row_of(y, i, x) for i in range(3)])
    with tf.Session() as session:
        np.testing.assert_allclose(*session.run([looped, unrolled], {x: X}), rtol=1e-6)
    with pytest.raises(NotImplementedError, match="the second derivative of While 'map/while'"):
        tf.gradients(tf.reduce_sum(tf.square(looped)), x)


def test_by_variables_in_bodies_in_bodies() -> None:
    """Of l = sum((w x)^2): dl/dw = 2 w x^2, where w is read outside, in the loop, or in both."""
    x = tf.constant([0.5, 1.0, 2.0])
    w = tf.get_variable("w", initializer=np.array([1.0, 2.0, 3.0], np.float32))
    loss = tf.reduce_sum(tf.square(w * x))
    flag = tf.placeholder(tf.bool, [])

    def turn(i: Any, total: Any) -> Any:
        both = tf.cond(flag, lambda: tf.gradients(loss * total[0] + tf.reduce_sum(w), w)[0], lambda: tf.zeros([3]))
        return i + 1, total + both

    _, total = tf.while_loop(lambda i, _: i < 2, turn, [0, tf.ones([3])])
    stopped = tf.while_loop(
        lambda i, _: i < 1, lambda i, g: (i + 1, tf.gradients(loss * g[0] + w[0], w, stop_gradients=[loss])[0]),
        [0, tf.ones([3])],
    )[1]  # fmt: skip
    with tf.Session() as session:
        session.run(w.initializer)
        slope = 2 * np.array([1.0, 2.0, 3.0]) * np.array([0.25, 1, 4])
        once = 1 + slope + 1
        np.testing.assert_allclose(session.run(total, {flag: True}), once + slope * once[0] + 1, rtol=1e-6)
        np.testing.assert_array_equal(session.run(total, {flag: False}), np.ones(3))
        np.testing.assert_array_equal(session.run(stopped), [1, 0, 0])


def test_what_does_not_depend_has_no_gradient() -> None:
    x, z = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [3])
    y = tf.square(x)
    found: list[Any] = []

    def body(i: Any) -> Any:
        found.extend(tf.gradients([y[0] * z[1], x[i]], [z, x, i]))
        found.extend(tf.gradients(y[i], z))
        return i + 1

    tf.while_loop(lambda i: i < 3, body, [0])
    assert [g is None for g in found] == [False, False, True, True]


@pytest.mark.peer("tensorflow")
def test_jacobians_and_hessians_are_tensorflows() -> None:
    import tensorflow.compat.v1 as v1

    def values(tf: Any) -> Any:
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, 2])
            y = products(x) if tf is not v1 else (
                v1.reduce_sum(v1.square(x), 1) * v1.exp(x[:, 0]) + v1.reduce_sum(x)
            )  # fmt: skip
            jacobian = tf.map_fn(lambda i: tf.gradients(y[i], x)[0], tf.range(tf.shape(y)[0]), dtype=tf.float32)
            with tf.Session() as session:
                return session.run([jacobian, tf.hessians(y, x)[0]], {x: X})

    for found, wanted in zip(values(tf), values(v1), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
