"""Twenty steps of training against TensorFlow, dropout and its random numbers included: losses and weights agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

pytestmark = [pytest.mark.peer("tensorflow"), pytest.mark.filterwarnings("ignore")]

STEPS, BATCH = 20, 16
RANDOM = np.random.RandomState(7)
IMAGES = RANDOM.uniform(0, 1, (STEPS * BATCH, 8, 8, 1)).astype(np.float32)
LABELS = RANDOM.randint(0, 5, STEPS * BATCH)


def numbers(seed: int, *shape: int) -> Any:
    """Initial weights, the same in both systems."""
    spread = np.sqrt(2 / np.prod(shape[:-1]))
    return (np.random.RandomState(seed).standard_normal(shape) * spread).astype(np.float32)


def weights(tf: Any, name: str, seed: int, *shape: int) -> tuple[Any, Any]:
    """A kernel and a bias."""
    return tf.get_variable(f"{name}/kernel", initializer=numbers(seed, *shape)), tf.get_variable(
        f"{name}/bias", initializer=np.full(shape[-1], 0.01, np.float32)
    )


def perceptron(tf: Any, images: Any) -> Any:
    """Two hidden layers and dropout."""
    kernel, bias = weights(tf, "first", 1, 64, 32)
    hidden = tf.nn.relu(tf.matmul(tf.reshape(images, [-1, 64]), kernel) + bias)
    hidden = tf.nn.dropout(hidden, rate=0.25, seed=11)
    kernel, bias = weights(tf, "second", 2, 32, 24)
    hidden = tf.tanh(tf.nn.bias_add(tf.matmul(hidden, kernel), bias))
    kernel, bias = weights(tf, "scores", 3, 24, 5)
    return tf.matmul(hidden, kernel) + bias


def convolutional(tf: Any, images: Any) -> Any:
    """Convolution, pooling, convolution, pooling, dense, dropout, dense."""
    kernel, bias = weights(tf, "conv1", 4, 3, 3, 1, 6)
    hidden = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"), bias))
    hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    kernel, bias = weights(tf, "conv2", 5, 3, 3, 6, 8)
    hidden = tf.nn.elu(tf.nn.bias_add(tf.nn.conv2d(hidden, kernel, [1, 1, 1, 1], "VALID"), bias))
    hidden = tf.nn.avg_pool(hidden, [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
    kernel, bias = weights(tf, "dense", 6, 8, 16)
    hidden = tf.nn.sigmoid(tf.matmul(tf.reshape(hidden, [-1, 8]), kernel) + bias)
    hidden = tf.nn.dropout(hidden, rate=0.1, seed=12)
    kernel, bias = weights(tf, "scores", 7, 16, 5)
    return tf.matmul(hidden, kernel) + bias


MODELS: dict[str, Callable[[Any, Any], Any]] = {"perceptron": perceptron, "convolutional": convolutional}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.05, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.003, epsilon=1e-5),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.05),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-4),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.003, epsilon=1e-5),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.05, l2_regularization_strength=0.01),
}


def trained(tf: Any, model: Callable[[Any, Any], Any], make: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    """The loss of each step, and the weights after the last."""
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, 8, 8, 1])
        labels = tf.placeholder(tf.int64, [None])
        scores = model(tf, images)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores))
        train = make(tf).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            batches = [slice(first, first + BATCH) for first in range(0, STEPS * BATCH, BATCH)]
            losses = [session.run([loss, train], {images: IMAGES[rows], labels: LABELS[rows]})[0] for rows in batches]
            return losses, session.run(tf.trainable_variables())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps_are_those_of_tensorflow(name: str, model: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow.compat.v1 as peer

    wanted_losses, wanted = trained(peer, MODELS[model], OPTIMIZERS[name])
    losses, values = trained(tf, MODELS[model], OPTIMIZERS[name])
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-4)
    for ours, theirs in zip(values, wanted, strict=True):
        assert np.linalg.norm(ours - theirs) <= 1e-4 * np.linalg.norm(theirs)
