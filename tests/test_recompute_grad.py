"""Segments that are computed again for their gradient: the same values and gradients, and less memory."""

import numpy as np
import pytest

import graphc as tf
from graphc import profile
from graphc.testing import compute_gradient_error

WIDTH, BATCH = 64, 256
VALUE = WIDTH * BATCH * 4


def _layers(count, each, seed=0):
    """Layers of tanh, in segments of ``each`` (None: one piece, nothing computed again)."""
    draw = np.random.RandomState(seed)
    x = tf.placeholder(tf.float32, [BATCH, WIDTH])
    weights = [tf.Variable(draw.randn(WIDTH, WIDTH).astype(np.float32) / 8) for _ in range(count)]

    def segment(part):
        def layers(h):
            for w in part:
                h = tf.tanh(tf.matmul(h, w))
            return h

        return tf.recompute_grad(layers) if each else layers

    h = x
    for first in range(0, count, each or count):
        h = segment(weights[first : first + (each or count)])(h)
    return x, weights, tf.reduce_mean(tf.square(h))


def _arena(count, each):
    with tf.Graph().as_default():
        x, weights, loss = _layers(count, each)
        train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss, var_list=weights)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return profile.memory(session, [loss, train], {x: np.ones((BATCH, WIDTH), np.float32)}).arena


def test_memory_grows_with_the_root_of_the_number_of_layers():
    kept = {count: _arena(count, None) / VALUE for count in (8, 32, 128)}
    again = {count: _arena(count, each) / VALUE for count, each in ((8, 3), (32, 6), (128, 11))}
    assert all(value > count for count, value in kept.items()), kept
    assert all(value < 2.3 * count**0.5 + 1 for count, value in again.items()), again


def test_training_is_the_same_with_and_without():
    losses = []
    for each in (None, 1, 4):
        with tf.Graph().as_default():
            x, weights, loss = _layers(8, each)
            train = tf.train.GradientDescentOptimizer(0.5).minimize(loss, var_list=weights)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                feeds = {x: np.random.RandomState(1).randn(BATCH, WIDTH).astype(np.float32)}
                losses.append([session.run([loss, train], feeds)[0] for _ in range(4)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-5)


def _one(x, scale):
    return tf.tanh(x * scale) * tf.exp(0.1 * x)


@pytest.fixture
def point():
    x = tf.placeholder(tf.float64, [3, 4])
    scale = tf.Variable(np.linspace(0.5, 1.5, 4))
    feeds = {x: np.random.RandomState(2).randn(3, 4)}
    return x, scale, feeds


def _values(session, tensors, feeds):
    session.run(tf.global_variables_initializer())
    return session.run(tensors, feeds)


def test_gradients_by_arguments_variables_and_captured_tensors(point):
    x, scale, feeds = point
    captured = tf.square(x)
    plain = _one(x, scale) * captured
    again = tf.recompute_grad(lambda x: _one(x, scale) * captured)(x)
    wanted, found = (tf.gradients(y, [x, scale._handle, captured]) for y in (plain, again))
    with tf.Session() as session:
        values = _values(session, [plain, again, *wanted, *found], feeds)
    np.testing.assert_array_equal(values[0], values[1])
    for a, b in zip(values[2:5], values[5:], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12)


def test_second_order(point):
    x, scale, feeds = point
    results = []
    for f in (_one, tf.recompute_grad(_one)):
        (first,) = tf.gradients(f(x, scale), x)
        results += tf.gradients(tf.square(first), [x, scale])
    with tf.Session() as session:
        a, b, c, d = _values(session, results, feeds)
    np.testing.assert_allclose(c, a, rtol=1e-12)
    np.testing.assert_allclose(d, b, rtol=1e-12)


def test_the_gradient_is_that_of_central_differences():
    x = tf.constant(np.random.RandomState(3).randn(3, 4))
    y = tf.recompute_grad(lambda x: tf.recompute_grad(tf.tanh)(x * x) * x)(x)
    with tf.Session():
        assert compute_gradient_error(x, [3, 4], y, [3, 4], delta=1e-5) < 1e-7


def test_forward_gradients_pass_through(point):
    x, scale, feeds = point
    direction = np.random.RandomState(4).randn(3, 4)
    plain, again = (tf.forward_gradients(f(x, scale), x, direction) for f in (_one, tf.recompute_grad(_one)))
    with tf.Session() as session:
        a, b = _values(session, [plain, again], feeds)
    np.testing.assert_allclose(b, a, rtol=1e-12)


def test_segments_inside_segments(point):
    x, scale, feeds = point

    def outer(x):
        inner = tf.recompute_grad(lambda x: tf.sin(x) * scale)
        return inner(inner(x) + 1.0)

    plain = tf.sin(tf.sin(x) * scale + 1.0) * scale
    again = tf.recompute_grad(outer)(x)
    results = [*tf.gradients(plain, [x, scale]), *tf.gradients(again, [x, scale])]
    with tf.Session() as session:
        a, b, c, d = _values(session, results, feeds)
    np.testing.assert_allclose(c, a, rtol=1e-12)
    np.testing.assert_allclose(d, b, rtol=1e-12)


def test_several_results_in_the_list_or_tuple_they_came_in(point):
    x, _, feeds = point
    first, count = tf.recompute_grad(lambda x: (tf.exp(x), tf.cast(x, tf.int32)))(x)
    listed = tf.recompute_grad(lambda x: [tf.exp(x), x])(x)
    assert isinstance(listed, list) and count.dtype == tf.int32
    (grad,) = tf.gradients(first * listed[0] * listed[1], x)
    with tf.Session() as session:
        found = session.run(grad, feeds)
    z = feeds[x]
    np.testing.assert_allclose(found, np.exp(2 * z) * (2 * z + 1), rtol=1e-12)


def test_random_numbers_are_drawn_once():
    x = tf.Variable(np.ones(10_000, np.float32))
    y = tf.recompute_grad(lambda x: tf.nn.dropout(tf.square(x), 0.5, seed=1))(x * 1.0)
    (grad,) = tf.gradients(y, x)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        value, slope = session.run([y, grad])
    assert 0.4 < np.mean(value == 0) < 0.6
    np.testing.assert_allclose(slope, 2 * value)


def test_stopped_gradients_inside_a_segment_are_stopped(point):
    x, _, feeds = point
    inside = []

    def segment(x):
        inside.append(tf.sin(x))
        return inside[0] * x

    y = tf.recompute_grad(segment)(x)
    (grad,) = tf.gradients(y, x, stop_gradients=inside)
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(grad, feeds), np.sin(feeds[x]), rtol=1e-12)


def test_nodes_are_declared_again_behind_barriers_and_nothing_is_where_no_gradient_asks():
    x = tf.placeholder(tf.float32, [8])
    y = tf.recompute_grad(lambda x: tf.tanh(tf.exp(x)))(x)
    types = [node.type for node in tf.get_default_graph().nodes]
    assert types.count("Exp") == 1 and "Barrier" not in types
    tf.gradients(y, x)
    nodes = tf.get_default_graph().nodes
    assert [node.type for node in nodes].count("Exp") == 2
    assert [node.role for node in nodes if node.type in ("Exp", "Barrier")] == ["forward", "adjoint", "adjoint"]


def test_a_function_that_computes_nothing_is_left_as_it_is():
    x = tf.placeholder(tf.float32, [8])
    assert tf.recompute_grad(lambda x: x)(x) is x


def test_a_decorated_function_keeps_its_name():
    @tf.recompute_grad
    def block(x):
        """What it does."""
        return tf.tanh(x)

    assert (block.__name__, block.__doc__) == ("block", "What it does.")
