"""Training programs against TensorFlow: the same names of variables, the same values after five steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

pytestmark = [pytest.mark.peer("tensorflow"), pytest.mark.filterwarnings("ignore")]

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.standard_normal((8, 6, 6, 2)).astype(np.float32)
LABELS = RANDOM.randint(0, 3, 8)
STEPS = 5


def network(tf: Any, images: Any) -> Any:
    """Written once, for both."""
    with tf.variable_scope("net"):
        kernel = tf.get_variable("conv/kernel", initializer=numbers(1, 3, 3, 2, 4))
        hidden = tf.nn.relu(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"))
        hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        hidden = tf.reshape(hidden, [-1, 36])
        mean, variance = tf.nn.moments(hidden, [0])
        hidden = tf.nn.batch_normalization(hidden, mean, variance, None, None, 1e-3)
        weights = tf.get_variable("out/kernel", initializer=numbers(2, 36, 3))
        bias = tf.get_variable("out/bias", [3], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(tf.nn.elu(hidden), weights), bias)


def numbers(seed: int, *shape: int) -> Any:
    return (np.random.RandomState(seed).standard_normal(shape) * 0.3).astype(np.float32)


OPTIMIZERS: dict[str, Callable[[Any, Any], Any]] = {
    "descent": lambda tf, rate: tf.train.GradientDescentOptimizer(rate),
    "momentum": lambda tf, rate: tf.train.MomentumOptimizer(rate, 0.9),
    "nesterov": lambda tf, rate: tf.train.MomentumOptimizer(rate, 0.9, use_nesterov=True),
    "adam": lambda tf, rate: tf.train.AdamOptimizer(rate),
    "adagrad": lambda tf, rate: tf.train.AdagradOptimizer(rate),
    "adadelta": lambda tf, rate: tf.train.AdadeltaOptimizer(rate),
    "rmsprop": lambda tf, rate: tf.train.RMSPropOptimizer(rate, momentum=0.5),
    "centered rmsprop": lambda tf, rate: tf.train.RMSPropOptimizer(rate, centered=True),
    "ftrl": lambda tf, rate: tf.train.FtrlOptimizer(rate, l1_regularization_strength=0.01),
    "proximal descent": lambda tf, rate: tf.train.ProximalGradientDescentOptimizer(rate, 0.02, 0.1),
    "proximal descent l2": lambda tf, rate: tf.train.ProximalGradientDescentOptimizer(rate, 0.0, 0.1),
    "proximal adagrad": lambda tf, rate: tf.train.ProximalAdagradOptimizer(rate, 0.1, 0.02, 0.1),
    "adagrad da": lambda tf, rate: tf.train.AdagradDAOptimizer(
        rate, tf.train.get_or_create_global_step(), 0.1, 0.0, 0.1
    ),
}


def trained(tf: Any, make: Callable[[Any, Any], Any]) -> tuple[list[str], list[Any], list[Any]]:
    """The names of all variables, their values after some steps, and the losses."""
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, 6, 6, 2])
        labels = tf.placeholder(tf.int64, [None])
        scores = network(tf, images)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        loss = tf.reduce_mean(losses) + 0.01 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
        step = tf.train.get_or_create_global_step()
        optimizer = make(tf, tf.train.exponential_decay(0.05, step, 2, 0.9))
        pairs = optimizer.compute_gradients(loss)
        clipped, _ = tf.clip_by_global_norm([grad for grad, _ in pairs], 1.0)
        train = optimizer.apply_gradients(zip(clipped, tf.trainable_variables(), strict=True), global_step=step)
        average = tf.train.ExponentialMovingAverage(0.9, step)
        with tf.control_dependencies([train]):
            train = average.apply(tf.trainable_variables())
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            feeds = {images: IMAGES, labels: LABELS}
            history = [session.run([loss, train], feeds)[0] for _ in range(STEPS)]
            return [v.name for v in tf.global_variables()], session.run(tf.global_variables()), history


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_that_of_tensorflow(name: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    names, values, history = trained(tf, OPTIMIZERS[name])
    wanted_names, wanted, wanted_history = trained(peer, OPTIMIZERS[name])
    assert names == wanted_names
    np.testing.assert_allclose(history, wanted_history, rtol=1e-5)
    for variable, value, right in zip(names, values, wanted, strict=True):
        np.testing.assert_allclose(value, right, rtol=2e-3, atol=2e-5, err_msg=variable)
