"""Variables that a step reads and gives another shape, in one run: what was there is read, what comes is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "a row behind": lambda v, x: tf.concat([v, x], 0),
    "a row before": lambda v, x: tf.concat([x, v], 0),
    "backwards and longer": lambda v, x: tf.concat([v[::-1], x * 2, v], 0),
    "without the first": lambda v, x: v[1:] if x is None else tf.concat([v[1:], x[:0]], 0),
    "every other": lambda v, x: v[::2] + 1,
    "sums beside": lambda v, x: tf.concat([tf.cumsum(v, 0), tf.reduce_sum(v, 0, keepdims=True), x], 0),
    "repeated": lambda v, x: tf.tile(v, [2, 1]) - tf.reduce_mean(v),
    "turned": lambda v, x: tf.concat([tf.matmul(v, v, transpose_b=True)[:, :3], x], 0)[:, :3],
    "sorted": lambda v, x: tf.nn.top_k(tf.transpose(tf.concat([v, x], 0)), tf.shape(v)[0] + 1)[0][:, ::-1],
    "another": lambda v, x: x,
}  # fmt: skip
MEANINGS: dict[str, Callable[[Any, Any], Any]] = {
    "a row behind": lambda v, x: np.concatenate([v, x]),
    "a row before": lambda v, x: np.concatenate([x, v]),
    "backwards and longer": lambda v, x: np.concatenate([v[::-1], x * 2, v]),
    "without the first": lambda v, x: v[1:],
    "every other": lambda v, x: v[::2] + 1,
    "sums beside": lambda v, x: np.concatenate([np.cumsum(v, 0), v.sum(0, keepdims=True), x]),
    "repeated": lambda v, x: np.tile(v, (2, 1)) - v.mean(),
    "turned": lambda v, x: np.concatenate([(v @ v.T)[:, :3], x]),
    "sorted": lambda v, x: np.sort(np.concatenate([v, x]), 0).T,
    "another": lambda v, x: x,
}


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def _variable(rows: int) -> tuple[Any, Any]:
    first = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
    v = tf.Variable(first, validate_shape=False, name="v")
    return v, first


@pytest.mark.parametrize("name", FORMS)
def test_what_was_there_is_read(session, name):
    v, value = _variable(5)
    x = tf.placeholder(tf.float32, [None, 3])
    held = tf.reshape(v, [-1, 3])
    change, before = tf.assign(v, FORMS[name](held, x), validate_shape=False), held * 2
    session.run(v.initializer)
    for turn in range(3):
        if value.ndim != 2 or value.shape[1] != 3 or not value.size:
            break  # of another width after the first turn
        fed = np.random.default_rng(turn).normal(size=(1 + turn, 3)).astype(np.float32)
        if name == "sorted":
            fed = fed[:1]
        wanted = MEANINGS[name](value, fed)
        twice, found = session.run([before, change], {x: fed})
        np.testing.assert_allclose(twice, value * 2, rtol=1e-6)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(session.run(v), wanted, rtol=1e-4, atol=1e-5)
        value = session.run(v)


def test_a_run_that_fails_leaves_the_variable_as_it_was(session):
    v, value = _variable(4)
    x = tf.placeholder(tf.float32, [None, 3])
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), ["positive"])]):
        change = tf.assign(v, tf.concat([tf.reshape(v, [-1, 3]), x], 0), validate_shape=False)
    session.run(v.initializer)
    for size in (1, 2, 3):
        with pytest.raises(tf.errors.InvalidArgumentError, match="positive"):
            session.run(change, {x: -np.ones([size, 3])})
        np.testing.assert_array_equal(session.run(v), value)
        value = session.run(change, {x: np.ones([size, 3])})
        assert value.shape == session.run(v).shape
