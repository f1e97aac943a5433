"""Axes, permutations, steps and sizes that are fed, or count from the end of an unknown rank: declared when known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.interpret import evaluate

DATA = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
Row = tuple[Callable[[Any, Any], Any], Any, Callable[[Any], Any]]

# How a program declares it, what it is fed, and what NumPy gives.
ROWS: dict[str, Row] = {
    "sum": (lambda x, a: tf.reduce_sum(x, a), 1, lambda d: d.sum(1)),
    "sum over several": (
        lambda x, a: tf.reduce_sum(x, a, keepdims=True), [-1, 0], lambda d: d.sum((0, 2), keepdims=True)),
    "sum from the end": (lambda x, a: tf.reduce_sum(x, [-1]), 0, lambda d: d.sum(-1)),
    "product": (lambda x, a: tf.reduce_prod(x, a), -2, lambda d: d.prod(-2)),
    "max": (lambda x, a: tf.reduce_max(x, a), 2, lambda d: d.max(2)),
    "mean": (lambda x, a: tf.reduce_mean(x, a), [-1], lambda d: d.mean(-1)),
    "mean from the end": (lambda x, a: tf.reduce_mean(x, -1, keepdims=True), 0, lambda d: d.mean(-1, keepdims=True)),
    "logsumexp": (lambda x, a: tf.reduce_logsumexp(x, a), -1, lambda d: np.log(np.exp(d).sum(-1))),
    "any": (lambda x, a: tf.reduce_any(x > 1.0, a), -1, lambda d: (d > 1).any(-1)),
    "argmax": (lambda x, a: tf.argmax(x, a), -1, lambda d: d.argmax(-1)),
    "argmin": (lambda x, a: tf.argmin(x, -2, output_type=tf.int32), 0, lambda d: d.argmin(-2).astype(np.int32)),
    "transpose": (lambda x, a: tf.transpose(x, a), [2, 0, 1], lambda d: d.transpose(2, 0, 1)),
    "transpose all": (lambda x, a: tf.transpose(x), 0, lambda d: d.T),
    "matrix_transpose": (lambda x, a: tf.matrix_transpose(x), 0, lambda d: d.swapaxes(1, 2)),
    "reverse": (lambda x, a: tf.reverse(x, a), [1, -1], lambda d: d[:, ::-1, ::-1]),
    "strided_slice": (
        lambda x, a: tf.strided_slice(x, [0, 2, 0], [2, 0, 4], a), [1, -1, 2], lambda d: d[:2, 2:0:-1, :4:2]),
    "step": (lambda x, a: x[:, None, ::a, 0], -2, lambda d: d[:, None, ::-2, 0]),
    "step between tensors": (lambda x, a: x[1, a // 2 : 4 : a], 2, lambda d: d[1, 1:4:2]),
    "expand_dims": (lambda x, a: tf.expand_dims(x, a), -1, lambda d: d[..., None]),
    "squeeze": (lambda x, a: tf.squeeze(x[:1]), 0, lambda d: d[0]),
    "squeeze from the end": (lambda x, a: tf.squeeze(x[..., :1], -1), 0, lambda d: d[..., 0]),
    "concat": (lambda x, a: tf.concat([x, 2.0 * x], a), 1, lambda d: np.concatenate([d, 2 * d], 1)),
    "concat at the end": (lambda x, a: tf.concat([x, 2.0 * x], -1), 0, lambda d: np.concatenate([d, 2 * d], -1)),
    "stack": (lambda x, a: tf.stack([x, 2.0 * x], -1), 0, lambda d: np.stack([d, 2 * d], -1)),
    "unstack": (lambda x, a: tf.unstack(x, 3, -2)[1], 0, lambda d: d[:, 1]),
    "split by sizes": (lambda x, a: tf.split(x, a, 1)[1], [1, 2], lambda d: d[:, 1:]),
    "split by a list of tensors": (lambda x, a: tf.split(x, [a, 3 - a], 1)[1], 1, lambda d: d[:, 1:]),
    "split with a rest of tensors": (lambda x, a: tf.split(x, (1, a, -1), -1)[2], 2, lambda d: d[..., 3:]),
    "split with a rest": (lambda x, a: tf.split(x, [1, -1], a)[1], 1, lambda d: d[:, 1:]),
    "split evenly": (lambda x, a: tf.split(x, 2, -1)[1], 0, lambda d: d[..., 2:]),
    "tile": (lambda x, a: tf.tile(x, a), [1, 2, 1], lambda d: np.tile(d, (1, 2, 1))),
    "gather": (lambda x, a: tf.gather(x, [[1, 0]], axis=a), -1, lambda d: d[..., [[1, 0]]]),
    "cumsum": (lambda x, a: tf.cumsum(x, a, exclusive=True), -2, lambda d: np.cumsum(d, 1) - d),
}  # fmt: skip


@pytest.mark.parametrize("shape", [None, [None] * 3, [2, 3, 4]], ids=["rank", "sizes", "nothing"])
@pytest.mark.parametrize("name", ROWS)
def test_the_value_and_both_derivatives(name: str, shape: Any) -> None:
    """``shape``: whether the rank, the sizes or nothing is unknown while declaring."""
    declare, given, meaning = ROWS[name]
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x, a = tf.placeholder(tf.float32, shape), tf.placeholder(tf.int32, np.shape(given))
        y = declare(x, a)
        feeds = {x: DATA, a: np.array(given, np.int32)}
        (by_numpy,), value = evaluate(graph, feeds, [y]), session.run(y, feeds)
        wanted = meaning(DATA)
        assert y.shape.ndims in (None, wanted.ndim)
        for came in (by_numpy, value):
            assert came.dtype == wanted.dtype
            np.testing.assert_allclose(came, wanted, rtol=1e-5, atol=1e-6)
        if y.dtype.is_floating:
            assert tf.test.compute_gradient_error(x, DATA.shape, y, wanted.shape, extra_feed_dict={a: given}) < 2e-2
            first = tf.gradients(y * y, x)[0]
            second = tf.gradients(first * first, x)[0]
            np.testing.assert_allclose(
                session.run([first, second], feeds), evaluate(graph, feeds, [first, second]), rtol=1e-4, atol=1e-3
            )


@pytest.mark.parametrize("name", ROWS)
def test_beside_a_branch_and_a_loop(name: str) -> None:
    """Where there are such, each node is asked for whether it is needed: so is what is declared late."""
    declare, given, meaning = ROWS[name]
    with tf.Graph().as_default(), tf.Session() as session:
        x, a = tf.placeholder(tf.float32), tf.placeholder(tf.int32, np.shape(given))
        branch = tf.cond(tf.size(a) > 9, lambda: x, lambda: x * 2.0)
        _, loop = tf.while_loop(lambda i, _: i < 2, lambda i, v: (i + 1, v + 1.0), (0, 1.0))
        feeds = {x: DATA, a: np.array(given, np.int32)}
        twice, three, value = session.run([branch, loop, declare(x, a)], feeds)
        np.testing.assert_array_equal(twice, DATA * 2)
        assert three == 3
        np.testing.assert_allclose(value, meaning(DATA), rtol=1e-5, atol=1e-6)


def test_each_value_that_is_fed_has_a_version() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, axis = tf.placeholder(tf.float32, [2, 3, 4]), tf.placeholder(tf.int32, [])
        total = tf.reduce_sum(x, axis)
        for value in (0, 1, -1, 1):
            np.testing.assert_allclose(session.run(total, {x: DATA, axis: value}), DATA.sum(value), rtol=1e-6)


def test_one_program_serves_every_size_of_a_rank() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        mean = tf.reduce_mean(tf.nn.relu(x), -1)
        for rows in (3, 5, 6, 7):
            value = np.ones((rows, 4), np.float32)
            np.testing.assert_array_equal(session.run(mean, {x: value}), np.ones(rows, np.float32))
        (plan,) = session._plans.values()
        assert plan.versions.compilations == 2  # the first size, and all others


def test_names_do_not_meet_those_of_the_inputs() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, other = tf.placeholder(tf.float32, name="y"), tf.placeholder(tf.float32, name="y_1")
        mean = tf.reduce_mean(x, -1, name="z") + tf.reduce_sum(other)
        np.testing.assert_allclose(session.run(mean, {x: DATA, other: DATA}), DATA.mean(-1) + DATA.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "declare, given, text",
    [
        (lambda x, a: tf.reduce_sum(x, a, name="y"), 7,
         "Sum 'y' (declared at LINE): Sum of 'x:0' (f32[2,3,4]): Invalid reduction dimension 7 for input with "
         "3 dimensions; wanted a whole number in [-3, 3)"),
        (lambda x, a: tf.reduce_sum(x, a, name="y"), [1, -2],
         "Sum 'y' (declared at LINE): Sum of 'x:0' (f32[2,3,4]): an axis stands twice in [1, -2]"),
        (lambda x, a: tf.transpose(x, a, name="y"), [0, 0, 1],
         "Transpose 'y' (declared at LINE): perm [0, 0, 1] is not an order of the 3 axes of f32[2,3,4]"),
        (lambda x, a: tf.strided_slice(x, [0], [2], a, name="y"), [0],
         "StridedSlice 'y' (declared at LINE): the step of a slice must be a whole number other than 0, not 0"),
        (lambda x, a: tf.expand_dims(x, a, name="y"), [0, 1],
         "ExpandDims 'y' (declared at LINE): wanted one axis, not [0, 1]"),
        (lambda x, a: tf.argmax(x, tf.reduce_sum(tf.cast(x, tf.int32)), name="y"), 0,
         "ArgMax 'y' (declared at LINE): its axes, sizes or steps depend on data; wanted numbers that follow from "
         "the feeds"),
    ],
    ids=["outside", "twice", "perm", "step", "vector", "data"],
)  # fmt: skip
def test_what_is_said_of_values_that_do_not_fit(declare: Any, given: Any, text: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, a = tf.placeholder(tf.float32, name="x"), tf.placeholder(tf.int32, np.shape(given))
        y = declare(x, a)
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(y, {x: DATA, a: given})
        assert str(caught.value) == text.replace("LINE", str(y.op.origin))
