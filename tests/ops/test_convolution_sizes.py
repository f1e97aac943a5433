"""Convolutions of larger pictures, compiled, against their meaning in NumPy: whole vectors, and rows cut by edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.interpret import evaluate

SIZES = [(17, 19), (16, 35)]


def _same(value: Any, x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> None:
    """The value and both gradients, weighed by a cotangent, are as NumPy has them."""
    rng = np.random.default_rng(0)
    with tf.Graph().as_default():
        x, w = tf.placeholder(tf.float32, x_shape), tf.placeholder(tf.float32, w_shape)
        y = value(x, w)
        cotangent = tf.placeholder(tf.float32, y.shape)
        fetches = [y, *tf.gradients(y, [x, w], cotangent)]
        feeds = {tensor: rng.normal(size=tensor.shape.as_list()).astype("f") for tensor in (x, w, cotangent)}
        with tf.Session() as session:
            got = session.run(fetches, feeds)
        wanted = evaluate(y.graph, feeds, fetches)
    for found, meant in zip(got, wanted, strict=True):
        np.testing.assert_allclose(found, meant, rtol=0, atol=1e-5 * np.abs(meant).max())


def _pictures(layout: str, batch: int, size: tuple[int, int], channels: int) -> tuple[int, ...]:
    return (batch, *size, channels) if layout == "NHWC" else (batch, channels, *size)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("window, stride", [((3, 3), 1), ((3, 3), 2), ((5, 2), 3)])
def test_by_depth(layout: str, size: tuple[int, int], window: tuple[int, int], stride: int) -> None:
    def value(x: Any, w: Any) -> Any:
        strides = [1, stride, stride, 1] if layout == "NHWC" else [1, 1, stride, stride]
        return tf.nn.depthwise_conv2d_native(x, w, strides, "SAME", data_format=layout)

    _same(value, _pictures(layout, 2, size, 18), (*window, 18, 1))


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("window, stride", [((3, 3), 1), ((3, 3), 2), ((4, 4), 2), ((1, 1), 1)])
def test_over_all_channels(layout: str, size: tuple[int, int], window: tuple[int, int], stride: int) -> None:
    def value(x: Any, w: Any) -> Any:
        return tf.nn.conv2d(x, w, stride, "SAME", data_format=layout)

    _same(value, _pictures(layout, 2, size, 20), (*window, 20, 33))
