"""Shapes that a value must have: tf.ensure_shape, and what is assigned to a variable; each refused run says both."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from tests.told import is_told

REFUSED = tf.errors.InvalidArgumentError


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_a_shape_is_known_from_there_on(session):
    x = tf.placeholder(tf.float32, [None, None], name="x")
    y = tf.ensure_shape(x, [None, 3], name="y")
    total = tf.reduce_sum(y)
    assert y.shape.as_list() == [None, 3]
    for rows in (1, 2, 4, 5):
        assert session.run(total, {x: np.ones([rows, 3])}) == 3 * rows
        with pytest.raises(REFUSED) as caught:
            session.run(total, {x: np.ones([rows, 2])})
        text = f"Shape of tensor f32[{rows},2] is not compatible with expected shape [?,3]"
        assert is_told(caught.value, f"EnsureShape 'y' (declared at LINE): {text}"), str(caught.value)
    with pytest.raises(ValueError) as caught_early:
        tf.ensure_shape(y, [None, 2])
    assert is_told(
        caught_early.value,
        "EnsureShape 'EnsureShape': Shape of tensor f32[?,3] is not compatible with expected shape [?,2]",
    )


def test_a_variable_keeps_the_shape_that_it_was_declared_with(session):
    v = tf.Variable([1.0, 2.0], name="v")
    x = tf.placeholder(tf.float32, [None], name="x")
    changes = [tf.assign(v, x), tf.assign_add(v, x)]
    session.run(tf.global_variables_initializer())
    for size in (3, 1, 0, 4):
        for change in changes:
            with pytest.raises(REFUSED) as caught:
                session.run(change, {x: np.ones(size)})
            text = f"Assign requires shapes of both tensors to match: variable 'v' has [2], not f32[{size}]"
            assert is_told(caught.value, f"Assign '{change.op.name}' (declared at LINE): {text}"), str(caught.value)
    np.testing.assert_array_equal(session.run(v), [1, 2])
    for change, wanted in zip(changes, ([3, 4], [6, 8]), strict=True):
        np.testing.assert_array_equal(session.run(change, {x: [3, 4]}), wanted)


def test_a_variable_without_a_shape_takes_any(session):
    v = tf.Variable([1.0, 2.0], validate_shape=False)
    x = tf.placeholder(tf.float32, [None])
    change = tf.assign(v, x, validate_shape=False)
    session.run(tf.global_variables_initializer())
    for size in (3, 1, 4):
        assert session.run(change, {x: np.ones(size)}).shape == session.run(v).shape == (size,)


@pytest.mark.parametrize("fits", [1, 2], ids=["in a sum", "alone"])
def test_a_counted_size_must_be_that_of_the_variable(session, fits):
    v = tf.Variable([0.0, 0.0])
    x = tf.placeholder(tf.float32, [5])
    counted = tf.boolean_mask(x, x > 0)
    change = tf.assign(v, counted if fits == 2 else tf.concat([counted, [9.0]], 0))
    session.run(tf.global_variables_initializer())
    for positive in (0, 1, 2, 3):
        value = np.where(np.arange(5) < positive, 1, -1)
        if positive == fits:
            np.testing.assert_array_equal(session.run(change, {x: value}), [1, 1] if fits == 2 else [1, 9])
            continue
        with pytest.raises(REFUSED, match="a size that is told while the step runs is not"):
            session.run(change, {x: value})


def test_in_branches_and_loops(session):
    v = tf.Variable([1.0, 2.0])
    x = tf.placeholder(tf.float32, [None])
    branch = tf.cond(tf.size(x) > 5, lambda: v.read_value(), lambda: tf.assign(v, x))
    turn = lambda i: tf.tuple([i + 1], control_inputs=[tf.assign(v, x + tf.cast(i, tf.float32))])[0]  # noqa: E731
    loop = tf.while_loop(lambda i: i < 3, turn, [0])
    session.run(tf.global_variables_initializer())
    for step in (branch, loop):
        with pytest.raises(REFUSED, match=r"Assign '.*' \(declared at .* has \[2\], not f32\[3\]"):
            session.run(step, {x: [1, 2, 3]})
    np.testing.assert_array_equal(session.run(branch, {x: [7, 8]}), [7, 8])
    np.testing.assert_array_equal(session.run(v), [7, 8])
    assert session.run(loop, {x: [0, 1]}) == 3
    np.testing.assert_array_equal(session.run(v), [2, 3])


def test_gradients_pass(session):
    x = tf.placeholder(tf.float32)
    (slope,) = tf.gradients(tf.ensure_shape(x, [2]) ** 2, x)
    np.testing.assert_array_equal(session.run(slope, {x: [1, 2]}), [2, 4])
    with pytest.raises(REFUSED):
        session.run(slope, {x: [1, 2, 3]})
