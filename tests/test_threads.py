"""The bits of every result are the same for every number of threads."""

import numpy as np
import pytest

import graphc as tf


def _trained(threads):
    """The weights after some steps of a small convolutional network with Adam, and the losses on the way."""
    rng = np.random.RandomState(0)
    images = rng.rand(32, 16, 16, 3).astype(np.float32)
    labels = rng.randint(0, 10, 32)
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, images.shape), tf.placeholder(tf.int64, labels.shape)
        kernel = tf.Variable(rng.randn(3, 3, 3, 16).astype(np.float32) * 0.2)
        maps = tf.nn.max_pool(
            tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
        )
        weights = tf.Variable(rng.randn(1024, 300).astype(np.float32) * 0.05)
        hidden = tf.tanh(tf.matmul(tf.reshape(maps, [32, 1024]), weights))
        last = tf.Variable(rng.randn(300, 10).astype(np.float32) * 0.05)
        logits = tf.matmul(hidden, last)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        train = tf.train.AdamOptimizer(1e-3).minimize(loss)
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Session(config=config) as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(5)]
            tasks = [
                call.kernel.tasks for call in session.compiled([loss, train], {x: images, y: labels})[0].program.calls
            ]
            return losses, session.run(tf.trainable_variables()), max(tasks)


@pytest.mark.parametrize("threads", [2, 3])
def test_training_gives_the_same_bits(threads):
    losses, weights, tasks = _trained(1)
    other_losses, other_weights, _ = _trained(threads)
    assert tasks > 1, "nothing here would run in parallel"
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(losses, other_losses)
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_array_equal(one, other)


def _spread(threads, stride):
    """The adjoint of images of a strided convolution, phases of several tasks each, and what NumPy says it is."""
    rng = np.random.RandomState(1)
    grad, kernel = rng.randn(6, 19, 17, 32).astype(np.float32), rng.randn(3, 3, 32, 32).astype(np.float32)
    sizes = [6, 19 * stride, 17 * stride, 32]
    with tf.Graph().as_default():
        fed = tf.placeholder(tf.float32, grad.shape)
        made = tf.nn.conv2d_backprop_input(sizes, kernel, fed, [1, stride, stride, 1], "SAME")
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Session(config=config) as session:
            program = session.compiled(made, {fed: grad})[0].program
            return session.run(made, {fed: grad}), made.op.kind.evaluate(grad, kernel), program


@pytest.mark.parametrize("stride", [2, 3])
def test_phases_by_turns_are_the_adjoint(stride):
    alone, meant, program = _spread(1, stride)
    np.testing.assert_allclose(alone, meant, rtol=0, atol=2e-4)
    phases = next(call.kernel.body for call in program.calls if len(call.kernel.body) == stride**2)
    counts = {phase.tasks for phase in phases}
    assert min(counts) > 1 and (stride == 2 or len(counts) == 1)
    np.testing.assert_array_equal(alone, _spread(3, stride)[0])
