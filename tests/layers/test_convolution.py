"""Convolution and pooling layers of every rank: names and shapes of variables, values against those of ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session
from tests.told import is_told

RANDOM = np.random.RandomState(0)
ROWS = RANDOM.standard_normal((2, 7, 3)).astype(np.float32)
PICTURES = RANDOM.standard_normal((2, 6, 5, 3)).astype(np.float32)
VOLUMES = RANDOM.standard_normal((2, 4, 5, 3, 2)).astype(np.float32)


def _started(*fetches: Any) -> list[Any]:
    with Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches)


def test_rows_are_pictures_of_height_one() -> None:
    y = tf.layers.conv1d(tf.constant(ROWS), 4, 3, 2, "same", dilation_rate=1, activation=tf.nn.tanh)
    kernel, bias = tf.trainable_variables()
    assert [(v.op.name, v.shape.as_list()) for v in (kernel, bias)] == [
        ("conv1d/kernel", [3, 3, 4]),
        ("conv1d/bias", [4]),
    ]
    pictures = tf.nn.conv2d(ROWS[:, None], tf.expand_dims(kernel, 0), [1, 1, 2, 1], "SAME")
    wanted = tf.nn.tanh(tf.squeeze(pictures, [1]) + bias)
    got, expected = _started(y, wanted)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_channels_first_is_the_same_with_axes_turned() -> None:
    last = tf.layers.separable_conv2d(tf.constant(PICTURES), 4, 3, padding="same", name="s")
    turned = tf.constant(PICTURES.transpose(0, 3, 1, 2))
    first = tf.layers.separable_conv2d(
        turned, 4, 3, padding="same", data_format="channels_first", name="s", reuse=True
    )  # fmt: skip
    assert [v.op.name for v in tf.trainable_variables()] == ["s/depthwise_kernel", "s/pointwise_kernel", "s/bias"]
    a, b = _started(last, first)
    np.testing.assert_allclose(a, b.transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-5)


def test_volumes_and_their_transposed_layer() -> None:
    small = tf.layers.conv3d(tf.constant(VOLUMES), 3, 2, strides=2, padding="same")
    large = tf.layers.conv3d_transpose(small, 2, 2, strides=2)
    assert small.shape.as_list() == [2, 2, 3, 2, 3]
    assert large.shape.as_list() == [2, 4, 6, 4, 2]
    assert _started(large)[0].shape == (2, 4, 6, 4, 2)


def test_pooling_of_rows_and_volumes() -> None:
    rows = tf.layers.max_pooling1d(tf.constant(ROWS), 2, 2)
    volumes = tf.layers.average_pooling3d(tf.constant(VOLUMES), (2, 1, 3), (2, 1, 3))
    got = _started(rows, volumes)
    np.testing.assert_array_equal(got[0], ROWS[:, :6].reshape(2, 3, 2, 3).max(2))
    np.testing.assert_allclose(got[1], VOLUMES.reshape(2, 2, 2, 5, 1, 3, 2).mean((2, 5)), rtol=1e-5, atol=1e-6)


ERRORS = [
    (lambda: tf.layers.conv1d(tf.constant(PICTURES), 2, 3),
     "Input 0 of layer conv1d is incompatible with the layer: expected ndim=3, found ndim=4. "
     "Full shape received: (2, 6, 5, 3)"),
    (lambda: tf.layers.conv3d(tf.constant(VOLUMES), 2, (3, 3)),
     "The `kernel_size` argument must be a tuple of 3 integers. Received: (3, 3)"),
    (lambda: tf.nn.separable_conv2d(PICTURES, tf.ones([3, 3, 3, 1]), tf.ones([3, 3, 3, 4]), [1, 1, 1, 1], "SAME"),
     "separable_conv2d needs a pointwise filter [1, 1, in, out], not f32[3,3,3,4]"),
    (lambda: tf.nn.pool(PICTURES, [2, 2], "MEAN", "SAME"), "pooling_type must be MAX or AVG, not 'MEAN'"),
    (lambda: tf.nn.convolution(tf.ones([2, 3]), tf.ones([3, 3]), "SAME"),
     "convolution needs an input with 3, 4 or 5 axes, not f32[2,3]"),
    (lambda: tf.nn.conv1d(ROWS, tf.ones([3, 3, 4]), 1, "SAME", data_format="WNC"),
     "data_format must be NWC or NCW, not 'WNC'"),
]  # fmt: skip


@pytest.mark.parametrize("call, text", ERRORS)
def test_messages(call: Any, text: str) -> None:
    with pytest.raises(ValueError) as raised:
        call()
    assert is_told(raised.value, text), str(raised.value)
