"""Ten TensorFlow 1 programs: the losses of a hundred steps are TensorFlow's, to one part in ten thousand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.programs.trajectory import STEPS, Program, Training, largest_difference

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(STEPS, 32, 20)).astype(np.float32)
CLASSES = np.argmax(POINTS @ RNG.normal(size=(20, 5)), -1).astype(np.int64)
PICTURES = RNG.uniform(size=(STEPS, 16, 12, 12, 1)).astype(np.float32)
MARKS = (PICTURES.mean((2, 3, 4)) > 0.5).astype(np.int64)
SERIES = RNG.normal(size=(STEPS, 16, 8, 6)).astype(np.float32)
RISING = (SERIES[:, :, -1, 0] > SERIES[:, :, 0, 0]).astype(np.int64)
TEXT = np.frombuffer(b"the quick brown fox jumps over the lazy dog and then sleeps. " * 40, np.uint8)
LETTERS, NUMBERS = np.unique(TEXT, return_inverse=True)


def weights(tf: Any, name: str, *shape: int) -> Any:
    """A matrix or filters around zero."""
    deviation = 1 / np.sqrt(np.prod(shape[:-1]))
    return tf.get_variable(name, shape, initializer=tf.random_normal_initializer(stddev=deviation))


def dense(tf: Any, x: Any, width: int, name: str, activation: Any = None) -> Any:
    """A layer, its weights under ``name``."""
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        bias = tf.get_variable("b", [width], initializer=tf.zeros_initializer())
        y = tf.nn.xw_plus_b(x, weights(tf, "w", x.shape.as_list()[-1], width), bias)
    return y if activation is None else activation(y)


def cross_entropy(tf: Any, labels: Any, logits: Any) -> Any:
    """The mean over the batch."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def softmax_regression(tf: Any) -> Training:
    """One layer, by gradient descent."""
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    loss = cross_entropy(tf, y, dense(tf, x, 5, "out"))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    return Training([loss], [train], lambda step: {x: POINTS[step], y: CLASSES[step]})


def mlp(tf: Any) -> Training:
    """Two hidden layers, dropout with a seed, weight decay, momentum and a falling rate."""
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    hidden = dense(tf, dense(tf, x, 32, "first", tf.nn.relu), 16, "second", tf.nn.tanh)
    logits = dense(tf, tf.nn.dropout(hidden, 0.8, seed=3), 5, "out")
    decay = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if v.name.endswith("w:0")])
    loss = cross_entropy(tf, y, logits) + 1e-3 * decay
    step = tf.Variable(0, trainable=False)
    rate = tf.train.exponential_decay(0.1, step, 20, 0.9, staircase=True)
    train = tf.train.MomentumOptimizer(rate, 0.9, use_nesterov=True).minimize(loss, global_step=step)
    return Training([loss], [train], lambda step: {x: POINTS[step], y: CLASSES[step]})


def cnn(tf: Any) -> Training:
    """Two convolutions with pooling and normalisation by the batch, Adam with clipped gradients."""
    x, y = tf.placeholder(tf.float32, [None, 12, 12, 1]), tf.placeholder(tf.int64, [None])
    h = tf.nn.max_pool(tf.nn.conv2d(x, weights(tf, "k1", 3, 3, 1, 8), 1, "SAME"), 2, 2, "SAME")
    scale = tf.get_variable("scale", [8], initializer=tf.ones_initializer())
    offset = tf.get_variable("offset", [8], initializer=tf.zeros_initializer())
    h = tf.nn.relu(tf.nn.fused_batch_norm(h, scale, offset)[0])
    h = tf.nn.relu(tf.nn.conv2d(h, weights(tf, "k2", 3, 3, 8, 12), 2, "VALID"))
    loss = cross_entropy(tf, y, dense(tf, tf.reshape(h, [-1, 2 * 2 * 12]), 2, "out"))
    optimizer = tf.train.AdamOptimizer(2e-3)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    train = optimizer.apply_gradients(zip(tf.clip_by_global_norm(gradients, 1.0)[0], variables, strict=True))
    return Training([loss], [train], lambda step: {x: PICTURES[step], y: MARKS[step]})


def lstm(tf: Any, x: Any, width: int, name: str) -> Any:
    """The outputs [time, batch, width] of an LSTM over x [batch, time, inner], by tf.scan."""
    with tf.variable_scope(name):
        kernel = weights(tf, "kernel", x.shape.as_list()[-1] + width, 4 * width)
        bias = tf.get_variable("bias", [4 * width], initializer=tf.zeros_initializer())

    def cell(state: Any, now: Any) -> Any:
        c, h = tf.unstack(state)
        i, j, f, o = tf.split(tf.matmul(tf.concat([now, h], 1), kernel) + bias, 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return tf.stack([c, tf.tanh(c) * tf.sigmoid(o)])

    start = tf.zeros(tf.stack([2, tf.shape(x)[0], width]))
    return tf.scan(cell, tf.transpose(x, [1, 0, 2]), initializer=start)[:, 1]


def lstm_classifier(tf: Any) -> Training:
    """What a series ends with against what it began with, RMSProp."""
    x, y = tf.placeholder(tf.float32, [None, 8, 6]), tf.placeholder(tf.int64, [None])
    loss = cross_entropy(tf, y, dense(tf, lstm(tf, x, 12, "lstm")[-1], 2, "out"))
    train = tf.train.RMSPropOptimizer(5e-3).minimize(loss)
    return Training([loss], [train], lambda step: {x: SERIES[step], y: RISING[step]})


def char_rnn(tf: Any) -> Training:
    """The next letter of a text, from a table of letters, Adagrad."""
    x, y = tf.placeholder(tf.int32, [None, 10]), tf.placeholder(tf.int32, [None, 10])
    letters = tf.nn.embedding_lookup(weights(tf, "letters", len(LETTERS), 8), x)
    outputs = lstm(tf, letters, 16, "lstm")
    logits = dense(tf, tf.reshape(outputs, [-1, 16]), len(LETTERS), "out")
    loss = cross_entropy(tf, tf.reshape(tf.transpose(y), [-1]), logits)
    train = tf.train.AdagradOptimizer(0.1).minimize(loss)

    def feed(step: int) -> dict[Any, Any]:
        places = (13 * step + 7 * np.arange(12)[:, None]) % 2000 + np.arange(10)
        return {x: NUMBERS[places], y: NUMBERS[places + 1]}

    return Training([loss], [train], feed)


def vae(tf: Any) -> Training:
    """A variational autoencoder, its noise by the seeds of graph and operation."""
    x = tf.placeholder(tf.float32, [16, 144])
    hidden = dense(tf, x, 32, "encoder", tf.nn.relu)
    mean, log_variance = tf.split(dense(tf, hidden, 8, "code"), 2, axis=1)
    code = mean + tf.exp(0.5 * log_variance) * tf.random_normal([16, 4], seed=11)
    logits = dense(tf, dense(tf, code, 32, "decoder", tf.nn.relu), 144, "picture")
    rebuilt = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
    divergence = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), 1)
    loss = tf.reduce_mean(rebuilt + divergence)
    train = tf.train.AdamOptimizer(1e-3).minimize(loss)
    return Training([loss], [train], lambda step: {x: PICTURES[step].reshape(16, 144)})


def gan(tf: Any) -> Training:
    """Two players, each with its own variables and optimizer, one after the other in a step."""
    real, noise = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.float32, [None, 4])
    with tf.variable_scope("generator"):
        fake = dense(tf, dense(tf, noise, 16, "hidden", tf.nn.relu), 20, "out")

    def judged(x: Any) -> Any:
        with tf.variable_scope("judge", reuse=tf.AUTO_REUSE):
            return dense(tf, dense(tf, x, 16, "hidden", tf.nn.leaky_relu), 1, "out")

    def loss(logits: Any, label: float) -> Any:
        labels = tf.fill(tf.shape(logits), label)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))

    losses = [loss(judged(real), 1.0) + loss(judged(fake), 0.0), loss(judged(fake), 1.0)]
    trains = [
        tf.train.AdamOptimizer(1e-3, beta1=0.5).minimize(one, var_list=tf.trainable_variables(scope))
        for one, scope in zip(losses, ["judge", "generator"], strict=True)
    ]
    return Training(losses, trains, lambda step: {real: POINTS[step], noise: SERIES[step].reshape(-1, 24)[:, :4]})


def dqn(tf: Any) -> Training:
    """Q-learning on a grid of 4 by 4 with a goal in the corner; a target network that follows slowly."""
    moves = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])
    rng = np.random.default_rng(5)
    here = rng.integers(0, 4, (STEPS, 32, 2))
    action = rng.integers(0, 4, (STEPS, 32))
    there = np.clip(here + moves[action], 0, 3)
    done = (there == 3).all(-1)
    place = [(np.eye(16)[4 * p[..., 0] + p[..., 1]]).astype(np.float32) for p in (here, there)]

    states, following = tf.placeholder(tf.float32, [None, 16]), tf.placeholder(tf.float32, [None, 16])
    actions, rewards = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None])

    def q_values(x: Any, scope: str) -> Any:
        with tf.variable_scope(scope):
            return dense(tf, dense(tf, x, 24, "hidden", tf.nn.relu), 4, "out")

    chosen = tf.reduce_sum(q_values(states, "online") * tf.one_hot(actions, 4), 1)
    best = tf.reduce_max(q_values(following, "target"), 1)
    target = tf.stop_gradient(rewards + 0.9 * (1 - rewards) * best)
    loss = tf.losses.huber_loss(target, chosen)
    online, slow = tf.trainable_variables("online"), tf.trainable_variables("target")
    train = tf.train.AdamOptimizer(5e-3).minimize(loss, var_list=online)
    with tf.control_dependencies([train]):
        follow = tf.group(*[tf.assign(b, 0.9 * b + 0.1 * a.read_value()) for a, b in zip(online, slow, strict=True)])
    return Training([loss], [follow], lambda step: {
        states: place[0][step], following: place[1][step], actions: action[step], rewards: done[step]})  # fmt: skip


def sampled(step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, their neighbours, and words drawn at random, of fifty."""
    rng = np.random.default_rng(step)
    return rng.integers(0, 50, 24), rng.integers(0, 50, (24, 1)), rng.choice(50, 8, replace=False)


def word2vec(tf: Any) -> Training:
    """Tables of words trained by noise-contrastive estimation and by a sampled softmax; rows alone are touched."""
    words, near = tf.placeholder(tf.int64, [24]), tf.placeholder(tf.int64, [24, 1])
    drawn = tf.placeholder(tf.int64, [8])
    table, output = weights(tf, "table", 50, 12), weights(tf, "output", 50, 12)
    bias = tf.get_variable("bias", [50], initializer=tf.zeros_initializer())
    vectors = tf.nn.embedding_lookup(table, words)
    candidates = (drawn, tf.fill([24, 1], 8 / 50), tf.fill([8], 8 / 50))  # and how often each was to be expected
    losses = [
        tf.reduce_mean(one(output, bias, near, vectors, 8, 50, sampled_values=candidates))
        for one in (tf.nn.nce_loss, tf.nn.sampled_softmax_loss)
    ]
    trains = [
        tf.train.GradientDescentOptimizer(0.5).minimize(losses[0]),
        tf.train.AdagradOptimizer(0.1).minimize(losses[1]),
    ]
    return Training(losses, trains, lambda step: dict(zip((words, near, drawn), sampled(step), strict=True)))


PROGRAMS: list[Program] = [softmax_regression, mlp, cnn, lstm_classifier, char_rnn, vae, gan, dqn, word2vec]


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_losses_are_those_of_tensorflow(program: Program) -> None:
    assert largest_difference(program) < 1e-4
