"""Loops and conditionals, with variables, random numbers and gradients inside, written and read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf


def loop() -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", initializer=np.array([[0.5, -0.25], [1.0, 0.75]], np.float32))

    def body(i: Any, h: Any, total: Any) -> Any:
        h = tf.cond(tf.equal(i % 2, 0), lambda: tf.tanh(tf.matmul(h, w)), lambda: h * x)
        return i + 1, h, total + tf.reduce_sum(h)

    _, h, total = tf.while_loop(lambda i, h, total: i < 5, body, [0, x, 0.0])
    return tf.reduce_mean(tf.square(h)) + total


def recurrent() -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    cell = tf.nn.rnn_cell.LSTMCell(3)
    steps = tf.stack([x, 2.0 * x, -x], axis=1)
    outputs, _ = tf.nn.dynamic_rnn(cell, steps, dtype=tf.float32)
    return tf.reduce_sum(tf.square(outputs[:, -1]))


def drawn() -> tf.Tensor:
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    mapped = tf.map_fn(lambda row: tf.reduce_sum(row * tf.random_uniform([2])), x)
    w = tf.get_variable("w", initializer=np.float32(2.0))
    return tf.cond(tf.reduce_sum(x) > 0, lambda: w * tf.reduce_sum(mapped), lambda: w)


@pytest.mark.parametrize("declare", [loop, recurrent, drawn])
def test_written_and_read_it_trains_on(declare: Callable[[], tf.Tensor]) -> None:
    feeds = {"x:0": np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]], np.float32)}

    def losses(loss: str, train: str) -> list[float]:
        with tf.Session() as sess:
            sess.run("init")
            return [float(sess.run([loss, train], feeds)[0]) for _ in range(3)]

    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        loss = declare()
        train = tf.train.AdamOptimizer(0.05).minimize(loss, name="train")
        tf.variables_initializer(tf.global_variables(), name="init")
        wanted = losses(loss.name, train.name)
        definition = tf.train.export_meta_graph()
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(definition)
        assert losses(loss.name, train.name) == wanted
        again = tf.gradients(graph.get_tensor_by_name(loss.name), tf.trainable_variables())
        with tf.Session() as sess:
            sess.run("init")
            assert all(np.isfinite(g).all() for g in sess.run(again, feeds))
