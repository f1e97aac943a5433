"""Which compiled version serves which shapes: ranks that change from run to run."""

import numpy as np
import pytest

import graphc as tf

SHAPES = [(3,), (5,), (), (2, 2), (4, 3), (7,), (1,), (0, 2), (6,), (), (5, 6)]
ORDERS = [SHAPES, SHAPES[::-1], SHAPES[2:] + SHAPES[:2], SHAPES[3::2] + SHAPES[::2]]


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def _values(shape: tuple[int, ...], first: int) -> np.ndarray:
    return np.arange(first, first + np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("order", ORDERS)
def test_a_placeholder_of_unknown_rank_takes_every_rank_in_any_order(session, order):
    x = tf.placeholder(tf.float32)
    more, total = session.make_callable(x + 1, [x]), session.make_callable(tf.reduce_sum(x) * 2, [x])
    for first, shape in enumerate(order * 2):
        value = _values(shape, first)
        np.testing.assert_array_equal(more(value), value + 1, strict=True)
        assert total(value) == 2 * value.sum()


@pytest.mark.parametrize("order", ORDERS)
def test_two_placeholders_of_unknown_rank_broadcast_as_they_come(session, order):
    x, w = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    product = session.make_callable(x * w, [x, w])
    for first, shape in enumerate(order):
        for other in (shape, ()):
            value, factor = _values(shape, first), _values(other, first + 2)
            for a, b in ((value, factor), (factor, value)):
                np.testing.assert_array_equal(product(a, b), a * b, strict=True)


@pytest.mark.parametrize("order", ORDERS)
def test_a_variable_of_unknown_rank_takes_every_rank_in_any_order(session, order):
    x, new = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    variable = tf.Variable(tf.placeholder_with_default(np.float32(0), None), validate_shape=False)
    assign, product = tf.assign(variable, new, validate_shape=False), variable * x
    session.run(variable.initializer)
    for first, shape in enumerate(order):
        value = _values(shape, first)
        session.run(assign.op, {new: value})
        for factor in (np.float32(3), _values(shape, first + 2)):
            np.testing.assert_array_equal(session.run(product, {x: factor}), value * factor, strict=True)


def test_a_rank_seen_again_is_served_by_its_symbols(session):
    x = tf.placeholder(tf.float32)
    more = x + 1
    for shape in ((3,), (4,), (2, 2), (3, 4), (), (9,), (8, 7)):
        session.run(more, {x: _values(shape, 0)})
    (plan,) = session._plans.values()
    assert plan.versions.compilations == 5  # vectors and matrices: once as numbers, once as symbols; scalars once
