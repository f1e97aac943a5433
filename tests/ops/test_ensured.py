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


SPLIT = [
    ("split", lambda x: tf.split(x, 3), 3, r"axis 0 of f32\[{size}\] has size {size}, which 3 parts do not divide"),
    ("split of sizes", lambda x: tf.split(x, [2, 4]), 6, r"f32\[{size}\] is not compatible with expected shape \[6\]"),
    ("unstack", lambda x: tf.unstack(x, 3), 3, r"f32\[{size}\] is not compatible with expected shape \[3\]"),
]


@pytest.mark.parametrize("shape", [[None], None], ids=["of known rank", "of any rank"])
@pytest.mark.parametrize(("name", "cut", "unit", "text"), SPLIT, ids=[row[0] for row in SPLIT])
def test_parts_are_all_that_there_is(session, shape, name, cut, unit, text):
    """Sizes that no part would hold were left out in silence."""
    x = tf.placeholder(tf.float32, shape, name="x")
    parts = cut(x)
    for size in (3, 7, 6, 12, 9, 0, 5, 8, 10):
        value = np.arange(size, dtype=np.float32)
        if size == unit or (name == "split" and size % unit == 0):
            found = session.run(parts, {x: value})
            np.testing.assert_array_equal(np.concatenate([np.atleast_1d(part) for part in found]), value)
            continue
        pattern = text.format(size=size) if shape else "split|unstack|Unpack"
        with pytest.raises(REFUSED, match=pattern):
            session.run(parts, {x: value})


def test_parts_of_a_counted_size(session):
    x = tf.placeholder(tf.float32, [8])
    parts = tf.split(tf.boolean_mask(x, x > 0), 2)
    for count in (0, 2, 4, 8):
        found = session.run(parts, {x: np.where(np.arange(8) < count, 1, -1)})
        assert [part.shape for part in found] == [(count // 2,)] * 2
    with pytest.raises(REFUSED) as caught:
        session.run(parts, {x: np.where(np.arange(8) < 3, 1, -1)})
    text = "Split 'split/split' (declared at LINE): axis 0 of boolean_mask has a size that 2 parts do not divide"
    assert is_told(caught.value, text), str(caught.value)


def test_sums_are_of_one_shape(session):
    x, y = (tf.placeholder(tf.float32, [None, 3]) for _ in range(2))
    total = tf.add_n([x, y, x])
    np.testing.assert_array_equal(session.run(total, {x: np.ones([2, 3]), y: np.ones([2, 3])}), 3 * np.ones([2, 3]))
    with pytest.raises(REFUSED, match=r"the inputs must have one shape, not f32\[2,3\] and f32\[1,3\]"):
        session.run(total, {x: np.ones([2, 3]), y: np.ones([1, 3])})
    with pytest.raises(ValueError, match=r"fill needs a scalar, not i32\[2\].*declared at"):
        tf.fill([2], [1, 2])


def test_another_shape_is_refused_where_a_variable_is_declared_with_one(session):
    """TensorFlow takes it, and the variable then has another shape than its graph says."""
    v = tf.Variable(np.zeros([2, 3], np.float32), name="v")
    x = tf.placeholder(tf.float32, [None, None])
    hint = "a variable takes other shapes where it is declared with validate_shape=False"
    with pytest.raises(NotImplementedError, match=rf"^cannot assign f32\[3,2\] to variable 'v' .*; {hint}"):
        tf.assign(v, tf.ones([3, 2]), validate_shape=False)
    change = tf.assign(v, x, validate_shape=False)
    session.run(v.initializer)
    with pytest.raises(REFUSED, match=rf"variable 'v' has \[2,3\], not f32\[4,3\]; {hint}$"):
        session.run(change, {x: np.ones([4, 3])})
    session.run(change, {x: np.ones([2, 3])})
    np.testing.assert_array_equal(session.run(v), np.ones([2, 3]))
