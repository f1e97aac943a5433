"""Small models with every kind of state: weights, what an optimizer remembers, a step counter, random streams."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import graphc as tf


class Step(NamedTuple):
    """A training step: what is fed, what is fetched."""

    graph: Any
    feeds: list[Any]
    loss: Any
    train: Any
    scores: Any


def perceptron(inputs: int = 20, hidden: int = 17, classes: int = 5, batch: int | None = None) -> Step:
    """Two dense layers, trained with Adam."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(7)
        x = tf.placeholder(tf.float32, [batch, inputs], name="x")
        y = tf.placeholder(tf.int64, [batch], name="y")
        units = tf.nn.tanh(dense(x, hidden, "hidden"))
        return trained(graph, x, y, dense(units, classes, "scores"))


def convolutional(classes: int = 3) -> Step:
    """A convolution, pooling, dropout, a dense layer."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 8, 6, 1], name="x")
        y = tf.placeholder(tf.int64, [None], name="y")
        kernel = tf.get_variable("kernel", [3, 3, 1, 4])
        maps = tf.nn.relu(tf.nn.conv2d(x, kernel, strides=[1, 1, 1, 1], padding="SAME"))
        maps = tf.nn.max_pool(maps, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
        features = tf.nn.dropout(tf.reshape(maps, [-1, 48]), rate=0.4)
        return trained(graph, x, y, dense(features, classes, "scores"))


def dense(inputs: Any, units: int, name: str) -> Any:
    """inputs @ kernel + bias."""
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [int(inputs.shape[1]), units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.matmul(inputs, kernel) + bias


def trained(graph: Any, x: Any, y: Any, scores: Any) -> Step:
    """Cross entropy lowered by Adam, with a step counter."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores)
    loss = tf.reduce_mean(losses, name="loss")
    train = tf.train.AdamOptimizer(0.01).minimize(loss, global_step=tf.train.get_or_create_global_step())
    return Step(graph, [x, y], loss, train, tf.identity(scores, name="logits"))


def line() -> Step:
    """Linear regression with momentum: compiles fast."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        y = tf.placeholder(tf.float32, [None], name="y")
        weights = tf.get_variable("weights", initializer=np.array([[0.5], [-1.0]], np.float32))
        scores = tf.squeeze(tf.matmul(x, weights), axis=1, name="scores")
        loss = tf.reduce_mean(tf.square(scores - y), name="loss")
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, name="train")
        return Step(graph, [x, y], loss, train, scores)


def batches(step: Step, count: int, size: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs with labels that have something to do with them."""
    random = np.random.RandomState(seed)
    x, y = step.feeds
    result = []
    for _ in range(count):
        inputs = random.normal(size=[size, *x.shape.as_list()[1:]]).astype(np.float32)
        flat = inputs.reshape(size, -1)
        labels = flat[:, :3].argmax(axis=1) if y.dtype is tf.int64 else flat @ [1.0, -2.0]
        result.append((inputs, labels.astype(y.dtype.as_numpy_dtype)))
    return result
