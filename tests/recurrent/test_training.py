"""Twenty steps of training: an LSTM that classifies against its adjoints by hand, a char-RNN against TensorFlow."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import graphc
from tests.recurrent.programs import set_weights, sigmoid

STEPS_TRAINED, RATE = 20, 0.5
BATCH, TIME, DEPTH, UNITS, CLASSES = 6, 5, 3, 4, 3
RNG = np.random.default_rng(4)
X = RNG.normal(size=(BATCH, TIME, DEPTH))
LABELS = RNG.integers(0, CLASSES, BATCH)


def _classifier_loss_and_adjoints(kernel: Any, bias: Any, out: Any, shift: Any) -> tuple[float, list[Any]]:
    """The mean cross entropy of the last outputs of an LSTM, and its adjoints: backpropagation through time."""
    c = h = np.zeros((BATCH, UNITS))
    kept = []
    for t in range(TIME):
        joined = np.concatenate([X[:, t], h], 1)
        i, j, f, o = np.split(joined @ kernel + bias, 4, 1)
        i, j, f, o = sigmoid(i), np.tanh(j), sigmoid(f + 1), sigmoid(o)
        kept.append((joined, i, j, f, o, c))
        c = f * c + i * j
        h = o * np.tanh(c)
        kept[-1] += (c,)
    scores = np.exp(h @ out + shift)
    shares = scores / scores.sum(1, keepdims=True)
    loss = -np.log(shares[np.arange(BATCH), LABELS]).mean()
    d_scores = (shares - np.eye(CLASSES)[LABELS]) / BATCH
    d_kernel, d_bias = np.zeros_like(kernel), np.zeros_like(bias)
    dh, dc = d_scores @ out.T, np.zeros((BATCH, UNITS))
    for joined, i, j, f, o, before, after in reversed(kept):
        dc = dc + dh * o * (1 - np.tanh(after) ** 2)
        gates = np.concatenate([
            dc * j * i * (1 - i), dc * i * (1 - j**2), dc * before * f * (1 - f), dh * np.tanh(after) * o * (1 - o)
        ], 1)  # fmt: skip
        d_kernel += joined.T @ gates
        d_bias += gates.sum(0)
        dh, dc = (gates @ kernel.T)[:, DEPTH:], dc * f
    return loss, [d_kernel, d_bias, h.T @ d_scores, d_scores.sum(0)]


@pytest.mark.parametrize("batch", [BATCH, None], ids=["known", "unknown"])
def test_a_classifier_learns_as_by_hand(batch: int | None) -> None:
    tf = graphc
    x = tf.placeholder(tf.float64, [batch, TIME if batch else None, DEPTH])
    labels = tf.placeholder(tf.int32, [batch])
    _, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(UNITS), x, dtype=tf.float64)
    logits = tf.layers.dense(state.h, CLASSES)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.GradientDescentOptimizer(RATE).minimize(loss)
    variables = tf.trainable_variables()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(set_weights(variables))
        weights = session.run(variables)
        for _ in range(STEPS_TRAINED):
            wanted, adjoints = _classifier_loss_and_adjoints(*weights)
            found, _ = session.run([loss, train], {x: X, labels: LABELS})
            np.testing.assert_allclose(found, wanted, rtol=1e-10)
            weights = [w - RATE * d for w, d in zip(weights, adjoints, strict=True)]
        for one, other in zip(session.run(variables), weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
    assert wanted < 0.8 * _classifier_loss_and_adjoints(*_first_weights())[0]


def _first_weights() -> list[Any]:
    rng = np.random.default_rng(1)
    shapes = [(DEPTH + UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, CLASSES), (CLASSES,)]
    return [rng.uniform(-0.5, 0.5, shape) for shape in shapes]


TEXT = np.frombuffer(b"the quick brown fox jumps over the lazy dog and runs away from the bear " * 12, np.uint8) % 32


def _char_rnn(tf: Any) -> tuple[list[float], list[str]]:
    """The losses of a language model of two layers that carries its state from batch to batch, clipped, with Adam."""
    batch, steps, units, symbols = 4, 8, 12, 32
    with tf.Graph().as_default(), tf.Session() as session:
        ids, targets = (tf.placeholder(tf.int32, [batch, steps]) for _ in range(2))
        cells = [tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.LSTMCell(units), output_keep_prob=1.0) for _ in "ab"]
        cell = tf.nn.rnn_cell.MultiRNNCell(cells)
        first = cell.zero_state(batch, tf.float32)
        table = tf.get_variable("embedding", [symbols, units])
        outputs, last = tf.nn.dynamic_rnn(cell, tf.nn.embedding_lookup(table, ids), initial_state=first)
        weights = tf.get_variable("softmax_w", [units, symbols])
        logits = tf.matmul(tf.reshape(outputs, [-1, units]), weights)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(targets, [-1]), logits=logits)
        loss = tf.reduce_mean(losses)
        variables = tf.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.0)
        train = tf.train.AdamOptimizer(0.02).apply_gradients(list(zip(grads, variables, strict=True)))
        session.run(tf.global_variables_initializer())
        session.run(set_weights(variables))
        state, found = session.run(first), []
        rows = TEXT[: batch * 200].reshape(batch, 200)
        for step in range(STEPS_TRAINED):
            at = step * steps
            feeds = {ids: rows[:, at : at + steps], targets: rows[:, at + 1 : at + steps + 1]}
            for (c, h), (old_c, old_h) in zip(first, state, strict=True):
                feeds |= {c: old_c, h: old_h}
            value, state, _ = session.run([loss, last, train], feeds)
            found.append(float(value))
        return found, [variable.name for variable in variables]


def test_a_language_model_learns() -> None:
    losses, names = _char_rnn(graphc)
    assert names[:3] == [
        "embedding:0", "rnn/multi_rnn_cell/cell_0/lstm_cell/kernel:0", "rnn/multi_rnn_cell/cell_0/lstm_cell/bias:0"
    ]  # fmt: skip
    assert losses[0] > 3.3  # log(32) is 3.47
    assert losses[-1] < 2.9


@pytest.mark.peer("tensorflow", "tf_keras")
@pytest.mark.filterwarnings("ignore")
def test_a_language_model_learns_as_in_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    losses, names = _char_rnn(graphc)
    wanted, wanted_names = _char_rnn(tf)
    assert names == wanted_names
    np.testing.assert_allclose(losses, wanted, rtol=2e-4)
