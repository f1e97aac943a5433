"""Two classifiers of small pictures: a multilayer perceptron and a convolutional network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf

CLASSES = 10
Tensor = Any
# From pictures [batch, height, width, 1] to one score a class, [batch, 10]; dropout acts only while training.
Model = Callable[[Tensor, bool], Tensor]


def multilayer_perceptron(images: Tensor, training: bool) -> Tensor:
    """Two hidden layers of rectified units."""
    hidden = tf.nn.relu(dense(flatten(images), 256, "hidden1"))
    hidden = dropout(hidden, 0.2, training)
    hidden = tf.nn.relu(dense(hidden, 128, "hidden2"))
    hidden = dropout(hidden, 0.2, training)
    return dense(hidden, CLASSES, "scores")


def convolutional_network(images: Tensor, training: bool) -> Tensor:
    """Two convolutions, each pooled to half its height and width, and a hidden layer between two dropouts."""
    maps = max_pool(tf.nn.relu(convolution(images, 16, "conv1")))
    maps = max_pool(tf.nn.relu(convolution(maps, 32, "conv2")))
    features = dropout(flatten(maps), 0.25, training)
    hidden = tf.nn.relu(dense(features, 128, "hidden"))
    hidden = dropout(hidden, 0.5, training)
    return dense(hidden, CLASSES, "scores")


def flatten(images: Tensor) -> Tensor:
    """[batch, height, width, channels] -> [batch, height * width * channels]."""
    height, width, channels = (int(size) for size in images.shape[1:])
    return tf.reshape(images, [-1, height * width * channels])


def dense(inputs: Tensor, units: int, name: str) -> Tensor:
    """inputs @ kernel + bias, each column of the kernel one unit."""
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [int(inputs.shape[1]), units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.matmul(inputs, kernel) + bias


def convolution(images: Tensor, channels: int, name: str) -> Tensor:
    """A 3x3 window over every place of the picture; beyond the border it sees zeros."""
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [3, 3, int(images.shape[3]), channels])
        bias = tf.get_variable("bias", [channels], initializer=tf.zeros_initializer())
        return tf.nn.conv2d(images, kernel, strides=[1, 1, 1, 1], padding="SAME") + bias


def max_pool(images: Tensor) -> Tensor:
    """The largest of each 2x2 block."""
    return tf.nn.max_pool(images, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def dropout(inputs: Tensor, rate: float, training: bool) -> Tensor:
    """While training, each element is zeroed with probability ``rate``; the others grow to keep the mean."""
    return tf.nn.dropout(inputs, rate=rate) if training else inputs
