"""Layers in TensorFlow and in graphc: outputs, gradients by inputs and weights, moving averages after four steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from tests.ops.harness import Array

Program = Callable[[Any, Any], Any]

LAYERS: dict[str, tuple[Program, tuple[int, ...]]] = {
    "dense": (lambda tf, x: tf.layers.dense(
        x, 4, tf.nn.tanh, kernel_regularizer=lambda w: tf.reduce_sum(w * w)), (3, 5)),
    "dense of three axes": (lambda tf, x: tf.layers.dense(x, 4, use_bias=False), (3, 2, 5)),
    "conv1d": (lambda tf, x: tf.layers.conv1d(x, 4, 3, 2, "same", activation=tf.nn.relu), (2, 9, 3)),
    "conv2d": (lambda tf, x: tf.layers.conv2d(x, 4, (3, 2), (2, 1), "same"), (2, 7, 6, 3)),
    "conv2d dilated": (lambda tf, x: tf.layers.conv2d(x, 4, 3, 1, "valid", dilation_rate=2), (2, 9, 8, 3)),
    "conv3d": (lambda tf, x: tf.layers.conv3d(x, 2, 2, 1, "same"), (1, 4, 3, 4, 2)),
    "conv2d_transpose": (lambda tf, x: tf.layers.conv2d_transpose(x, 4, (3, 2), 2, "same"), (2, 4, 3, 3)),
    "conv2d_transpose VALID": (lambda tf, x: tf.layers.conv2d_transpose(x, 4, (3, 2), 2, "valid"), (2, 4, 3, 3)),
    "conv3d_transpose": (lambda tf, x: tf.layers.conv3d_transpose(x, 2, 2, 2, "same"), (1, 3, 2, 3, 2)),
    "separable_conv2d": (lambda tf, x: tf.layers.separable_conv2d(x, 5, 3, 1, "same", depth_multiplier=2),
                         (2, 7, 6, 3)),
    "separable_conv1d": (lambda tf, x: tf.layers.separable_conv1d(x, 5, 3, 1, "same", depth_multiplier=2), (2, 7, 3)),
    "batch_normalization": (lambda tf, x: tf.layers.batch_normalization(x, training=True, momentum=0.7, epsilon=1e-2),
                            (6, 4)),
    "batch_normalization by averages": (lambda tf, x: tf.layers.batch_normalization(x), (6, 4)),
    "batch_normalization of pictures": (lambda tf, x: tf.layers.batch_normalization(x, training=True, center=False),
                                        (2, 3, 4, 5)),
    "batch_normalization along 1": (lambda tf, x: tf.layers.batch_normalization(
        x, axis=1, training=True, scale=False, fused=False), (2, 3, 4, 5)),
    "dropout": (lambda tf, x: tf.layers.dropout(x, 0.4, seed=3, training=True), (6, 4)),
    "dropout of rows": (lambda tf, x: tf.layers.dropout(x, 0.4, [6, 1], seed=3, training=True), (6, 4)),
    "flatten": (lambda tf, x: tf.layers.flatten(x), (2, 3, 4)),
    "max_pooling1d": (lambda tf, x: tf.layers.max_pooling1d(x, 2, 2, "same"), (2, 7, 3)),
    "max_pooling2d": (lambda tf, x: tf.layers.max_pooling2d(x, (3, 2), 2, "same"), (2, 7, 6, 3)),
    "max_pooling3d": (lambda tf, x: tf.layers.max_pooling3d(x, 2, 2), (1, 4, 4, 4, 2)),
    "average_pooling1d": (lambda tf, x: tf.layers.average_pooling1d(x, 2, 2, "same"), (2, 7, 3)),
    "average_pooling2d": (lambda tf, x: tf.layers.average_pooling2d(x, (3, 2), 2, "same"), (2, 7, 6, 3)),
    "average_pooling3d": (lambda tf, x: tf.layers.average_pooling3d(x, 2, 2), (1, 4, 4, 4, 2)),
}  # fmt: skip


def _numbers(seed: int, shape: Any) -> Array:
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def _results(tf: Any, layer: Program, shape: tuple[int, ...]) -> tuple[list[Array], list[Array]]:
    """Outputs and gradients before any step; variables after four of them."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        x = tf.constant(_numbers(1, shape))
        with tf.variable_scope("model", initializer=tf.glorot_uniform_initializer(seed=4)):
            y = layer(tf, x)
        weighted = tf.reduce_sum(y * _numbers(2, y.shape.as_list()))
        slopes = tf.gradients(weighted, [x, *tf.trainable_variables()])
        penalties = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
        session.run(tf.global_variables_initializer())
        found = session.run([y, *(tf.convert_to_tensor(g) for g in slopes), *penalties])
        for _ in range(4):
            session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
        return found, session.run(tf.global_variables())


@pytest.mark.peer("tensorflow", "tf_keras")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LAYERS)
def test_tensorflow_gives_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")  # where compat.v1.layers lives
    import tensorflow

    v1 = tensorflow.compat.v1
    wanted, wanted_variables = _results(v1, *LAYERS[name])
    found, variables = _results(graphc, *LAYERS[name])
    for ours, theirs in zip([*found, *variables], [*wanted, *wanted_variables], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=4e-6, atol=4e-6)
