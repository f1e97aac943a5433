"""Building blocks against TensorFlow: values, and derivatives by the inputs, odd places included."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

pytestmark = [pytest.mark.peer("tensorflow"), pytest.mark.filterwarnings("ignore")]

Session: Any = None  # set by the fixture of the folder; these tests make the sessions of both systems themselves

X = np.array([[-50.0, -1.5, -0.5, 0.0, 0.25], [6.0, 1.0, 7.5, -3.0, 80.0], [0.1, 0.1, 0.2, -0.1, 0.0]], np.float32)
Y = np.array([[0.1, 0.2, 0.3, 0.2, 0.2], [0, 0, 0, 1, 0], [0.5, 0.5, 0, 0, 0]], np.float32)
IMAGES = np.random.RandomState(0).standard_normal((2, 3, 3, 6)).astype(np.float32)
W = np.array([[1.0], [0.0], [2.0]], np.float32)
R = "weighted_sum_over_batch_size"

CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "softmax": lambda tf, x, y: tf.nn.softmax(x),
    "softmax along 0": lambda tf, x, y: tf.nn.softmax(x, axis=0),
    "log_softmax": lambda tf, x, y: tf.nn.log_softmax(x),
    "softmax cross entropy": lambda tf, x, y: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x),
    "sparse cross entropy": lambda tf, x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=[0, 4, 2], logits=x
    ),
    "sigmoid cross entropy": lambda tf, x, y: tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x),
    "weighted cross entropy": lambda tf, x, y: tf.nn.weighted_cross_entropy_with_logits(y, x + 0.01, 3.0),
    "relu": lambda tf, x, y: tf.nn.relu(x),
    "relu6": lambda tf, x, y: tf.nn.relu6(x + 0.125),
    "leaky_relu": lambda tf, x, y: tf.nn.leaky_relu(x, 0.3),
    "elu": lambda tf, x, y: tf.nn.elu(x),
    "selu": lambda tf, x, y: tf.nn.selu(x),
    "softplus": lambda tf, x, y: tf.nn.softplus(x),
    "softsign": lambda tf, x, y: tf.nn.softsign(x),
    "crelu": lambda tf, x, y: tf.nn.crelu(x),
    "swish": lambda tf, x, y: tf.nn.swish(x),
    "log_sigmoid": lambda tf, x, y: tf.math.log_sigmoid(x),
    "l2_loss": lambda tf, x, y: tf.nn.l2_loss(x),
    "l2_normalize": lambda tf, x, y: tf.nn.l2_normalize(x, 1),
    "moments": lambda tf, x, y: tf.stack(tf.nn.moments(x, [1])),
    "weighted_moments": lambda tf, x, y: tf.stack(tf.nn.weighted_moments(x, [0, 1], y)),
    "batch_normalization": lambda tf, x, y: tf.nn.batch_normalization(x, *tf.nn.moments(x, [0]), 0.5, 2.0, 1e-3),
    "lrn": lambda tf, x, y: tf.nn.lrn(tf.constant(IMAGES) * tf.reduce_sum(x), 2, 1.5, 0.1, 0.75),
    "zero_fraction": lambda tf, x, y: tf.nn.zero_fraction(x),
    "in_top_k": lambda tf, x, y: tf.cast(tf.nn.in_top_k(x, [0, 4, 1], 2), tf.float32),
    "embedding": lambda tf, x, y: tf.nn.embedding_lookup(x, [[2, 0], [1, 1]], max_norm=2.0),
    "clip_by_norm": lambda tf, x, y: tf.clip_by_norm(x, 3.0, axes=[1]),
    "clip_by_value": lambda tf, x, y: tf.clip_by_value(x, -1.0, 1.1),
    "clip_by_average_norm": lambda tf, x, y: tf.clip_by_average_norm(x, 0.5),
    "mean_squared_error": lambda tf, x, y: tf.losses.mean_squared_error(y, x, weights=W),
    "absolute_difference": lambda tf, x, y: tf.losses.absolute_difference(y, x + 0.01, W, reduction=R),
    "log_loss": lambda tf, x, y: tf.losses.log_loss(y, tf.nn.sigmoid(x / 20)),
    "hinge_loss": lambda tf, x, y: tf.losses.hinge_loss(tf.round(y), x + 0.01),
    "huber_loss": lambda tf, x, y: tf.losses.huber_loss(y, x, delta=0.7),
    "cosine_distance": lambda tf, x, y: tf.losses.cosine_distance(y, x, axis=1),
    "softmax loss": lambda tf, x, y: tf.losses.softmax_cross_entropy(y, x, weights=W[:, 0], label_smoothing=0.1),
    "sigmoid loss": lambda tf, x, y: tf.losses.sigmoid_cross_entropy(y, x, label_smoothing=0.1),
    "norm": lambda tf, x, y: tf.norm(x, axis=0),
    "reduce_std": lambda tf, x, y: tf.math.reduce_std(x, 1),
}  # fmt: skip
# TensorFlow has no derivative for these.
FLAT = {"zero_fraction", "in_top_k"}


def outcome(tf: Any, declare: Callable[[Any, Any, Any], Any], flat: bool) -> list[Any]:
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [3, 5]), tf.placeholder(tf.float32, [3, 5])
        value = declare(tf, x, y)
        found = [value] if flat else [value, tf.convert_to_tensor(tf.gradients(value, x)[0])]
        with tf.Session() as session:
            return session.run(found, {x: X, y: Y})


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives_are_those_of_tensorflow(name: str, session_class: Any) -> None:
    if session_class is not tf.Session:
        pytest.skip("compared once, compiled")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    found = outcome(tf, CASES[name], name in FLAT)
    wanted = outcome(peer, CASES[name], name in FLAT)
    for value, right in zip(found, wanted, strict=True):
        assert value.shape == right.shape and value.dtype == right.dtype
        np.testing.assert_allclose(value, right, rtol=2e-5, atol=1e-6)
