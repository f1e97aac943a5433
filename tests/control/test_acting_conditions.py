"""Conditions of loops that assign, draw or check: they do so once before the loop and after each iteration."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_a_condition_that_assigns() -> None:
    v = tf.Variable(0.0, name="v")
    turns = tf.while_loop(lambda i: v.assign_add(1.0) < 3.0, lambda i: i + 1, [0])
    with tf.control_dependencies([turns]):
        after = v.read_value()
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([turns, after]) == [2, 3.0]


def test_a_condition_that_draws() -> None:
    """Numbers differ from one iteration to the next, and the structure is the body's."""
    draws = tf.while_loop(
        lambda i, a: (tf.random_uniform([], seed=1) < 2.0) & (i < 4),
        lambda i, a: (i + 1, a.write(i, tf.random_uniform([], seed=2))),
        [0, tf.TensorArray(tf.float32, 4)],
    )[1].stack()
    with tf.Session() as session:
        assert len(set(session.run(draws))) == 4
    alone = tf.while_loop(lambda i: tf.random_uniform([]) < 2.0, lambda i: i + 1, [0], maximum_iterations=5)
    listed = tf.while_loop(lambda i: tf.random_uniform([]) > 2.0, lambda i: i, [7], return_same_structure=True)
    with tf.Session() as session:
        assert session.run([alone, listed]) == [5, [7]]


def test_a_condition_that_checks() -> None:
    """Sizes may grow, derivatives pass, and what does not hold is said."""
    x = tf.placeholder(tf.float32, [None])
    most = tf.placeholder(tf.int32, [])

    def goes_on(i: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.Assert(i < most, ["too far"])]):
            return tf.reduce_sum(v) < 20.0

    shapes = [tf.TensorShape([]), tf.TensorShape([None])]
    i, y = tf.while_loop(goes_on, lambda i, v: (i + 1, tf.concat([v * v, v], 0)), [0, x], shapes)
    (slope,) = tf.gradients(y, x)
    with tf.Session() as session:
        found = session.run([i, y, slope], {x: [1, 2], most: 9})
        assert found[0] == 2
        np.testing.assert_array_equal(found[1], [1, 16, 1, 4, 1, 4, 1, 2])
        np.testing.assert_array_equal(found[2], [4 + 2 + 2 + 1, 32 + 4 + 4 + 1])
        with pytest.raises(tf.errors.InvalidArgumentError, match="too far"):
            session.run(y, {x: [1, 2], most: 1})


def test_a_condition_within_a_body() -> None:
    """Loops in loops, and checks that ops make of their own."""
    order = tf.placeholder(tf.int32, [None])

    def inner(i: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda j: tf.invert_permutation(order)[0] + j < 3 + i, lambda j: j + 1, [0])

    total = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + inner(i)), [0, 0])[1]
    with tf.Session() as session:
        assert session.run(total, {order: [1, 0, 2]}) == 2 + 3 + 4
        with pytest.raises(tf.errors.InvalidArgumentError, match="is duplicated in the input"):
            session.run(total, {order: [0, 0, 2]})
