"""The memory of a step: stated before it runs, as large as what runs use, and small."""

import numpy as np
import pytest

import graphc as tf
from graphc import profile

FILL = 0xA5


def _dense_layers(widths, batch):
    x = tf.placeholder(tf.float32, [None, widths[0]])
    h = x
    for width in widths[1:]:
        h = tf.tanh(tf.layers.dense(h, width))
    loss = tf.reduce_mean(tf.square(h))
    train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    return [loss, train], {x: np.random.RandomState(0).randn(batch, widths[0]).astype(np.float32)}


def _used(memory):
    """The end of the last byte that is not as it was filled."""
    touched = np.flatnonzero(memory != FILL)
    return int(touched[-1]) + 1 if touched.size else 0


@pytest.mark.parametrize("batch", [48, 33])
def test_planned_bytes_are_those_that_a_run_uses(batch):
    fetches, feeds = _dense_layers([96, 200, 64, 40, 7], batch)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        planned = profile.memory(session, fetches, feeds)
        executable, _ = session.compiled(fetches, feeds)
        executable._arena[:] = FILL
        guard = np.frombuffer(executable._arena.base, np.uint8)
        behind = executable.arena_address + planned.arena - guard.ctypes.data
        executable._arena.base[behind:] = FILL
        session.run(fetches, feeds)
        assert planned.arena - 64 < _used(executable._arena) <= planned.arena
        assert (executable._arena.base[behind:] == FILL).all()
        assert profile.memory(session, fetches, feeds) == planned


def test_memory_is_stated_before_anything_runs():
    x = tf.placeholder(tf.float32, [None, 100])
    variable = tf.Variable(np.ones((100, 30), np.float32))
    y = tf.reduce_sum(tf.matmul(x, variable), axis=1)
    with tf.Session() as session:
        planned = profile.memory(session, [y, variable], {x: np.ones((8, 100), np.float32)})
        assert planned.variables == 4 * 100 * 30
        assert planned.fetches == 4 * 8 + 4 * 100 * 30
        assert planned.constants == 0
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(variable)


def test_a_symbolic_batch_has_the_memory_of_its_size():
    fetches, feeds = _dense_layers([64, 128, 64], 32)
    (x,) = feeds
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        planned = {}
        for batch in (32, 64, 128, 256):  # the second of them compiles for every size
            planned[batch] = profile.memory(session, fetches, {x: np.ones((batch, 64), np.float32)}).arena
        assert planned[256] > 1.8 * planned[128] > 3 * planned[64]


def test_gradients_are_used_up_as_they_come():
    """All gradients of eight layers at once would be 8 MB; each goes into its update, inside the product."""
    fetches, feeds = _dense_layers([512] * 9, 64)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        planned = profile.memory(session, fetches, feeds)
    activations = 8 * 64 * 512 * 4
    assert planned.arena < activations + 4 * 64 * 512 * 4


def test_branches_declared_side_by_side_do_not_wait_in_memory():
    x = tf.placeholder(tf.float32, [512, 512])
    weights = [tf.Variable(np.full((512, 512), 0.01, np.float32)) for _ in range(8)]
    wide = [tf.matmul(x, w) for w in weights]
    narrow = [tf.matmul(tf.nn.softmax(h), tf.ones([512, 1])) for h in wide]
    total = tf.add_n(narrow)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {x: np.ones((512, 512), np.float32)}
        planned = profile.memory(session, total, feeds)
        assert planned.arena < 4 * 512 * 512 * 4
        np.testing.assert_allclose(session.run(total, feeds), np.full((512, 1), 8, np.float32), rtol=1e-5)


def test_a_step_that_fails_leaves_variables_as_they_were_whatever_its_order():
    x, places = tf.placeholder(tf.float32, [64, 64]), tf.placeholder(tf.int32, [2])
    w = tf.Variable(np.ones((64, 64), np.float32))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(tf.matmul(x, w))))
    looked_up = tf.gather(x, places)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for fetches in ([train, looked_up], [looked_up, train]):
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(fetches, {x: np.ones((64, 64)), places: [1, 64]})
            np.testing.assert_array_equal(session.run(w), np.ones((64, 64), np.float32))
