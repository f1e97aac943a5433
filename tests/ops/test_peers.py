"""The same programs in TensorFlow and in graphc: values and gradients agree, also where conventions could differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from tests.ops.peer import Program, compare

RNG = np.random.default_rng(0)


def _floats(*shape: int) -> Any:
    return RNG.uniform(-2, 2, shape).astype(np.float32)


IMAGES, FILTER = _floats(2, 7, 6, 3), _floats(3, 2, 3, 4)
TIES = np.array([[1, 1, 2, 0], [1, 1, 2, 2], [0, 3, 5, 5], [3, 0, 5, 5]], np.float32).reshape(1, 4, 4, 1)
MATRIX = _floats(4, 5)
ZEROS = np.array([[2, 0, 3], [0, 0, 1], [1, 2, -1.5]], np.float32)
PAIRS = [np.array([-7.5, -7, 7, 7.5, 6, 1, 3], np.float32), np.array([2, -2, -3, 3, 3, 0.1, 0.1], np.float32)]


def _left(tf: Any) -> dict[str, str]:
    """TensorFlow 1.15 puts short diagonals to the left; later ones must be told to."""
    return {} if tf is graphc else {"align": "LEFT_LEFT"}


PROGRAMS: dict[str, tuple[Program, list[Any]]] = {
    "conv2d SAME": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), [IMAGES, FILTER]),
    "conv2d strided SAME": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 3, 1], "SAME"), [IMAGES, FILTER]),
    "conv2d strided VALID": (lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID"), [IMAGES, FILTER]),
    "conv2d dilated": (lambda tf, x, w: tf.nn.conv2d(x, w, 1, "VALID", dilations=[1, 2, 1, 1]), [IMAGES, FILTER]),
    "conv2d explicit": (
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]), [IMAGES, FILTER]),
    "conv2d_transpose": (
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 14, 6, 3], [1, 2, 1, 1]), [_floats(2, 7, 6, 4), FILTER]),
    "conv2d of channels first": (
        lambda tf, x, w: tf.nn.conv2d(x, w, 1, "SAME") if tf is not graphc else
        tf.transpose(tf.nn.conv2d(tf.transpose(x, [0, 3, 1, 2]), w, 1, "SAME", data_format="NCHW"), [0, 2, 3, 1]),
        [IMAGES, FILTER]),
    "conv2d_transpose VALID": (
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 16, 13, 3], 2, "VALID"), [_floats(2, 7, 6, 4), FILTER]),
    "conv2d second order": (
        lambda tf, x, w: tf.gradients(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME") ** 2, [x, w]), [IMAGES, FILTER]),
    "depthwise_conv2d": (
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME"), [IMAGES, _floats(3, 2, 3, 2)]),
    "depthwise_conv2d with holes": (
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", [2, 2]), [IMAGES, _floats(3, 2, 3, 1)]),
    "depthwise_conv2d second order": (
        lambda tf, x, w: tf.gradients(tf.nn.depthwise_conv2d_native(x, w, [1, 1, 1, 1], "VALID") ** 2, [x, w]),
        [IMAGES, _floats(3, 2, 3, 1)]),
    "depthwise adjoints": (
        lambda tf, x, w, g: [
            tf.nn.depthwise_conv2d_native_backprop_input([2, 7, 6, 3], w, g, [1, 2, 2, 1], "SAME"),
            tf.nn.depthwise_conv2d_native_backprop_filter(x, [3, 2, 3, 2], g, [1, 2, 2, 1], "SAME")],
        [IMAGES, _floats(3, 2, 3, 2), _floats(2, 4, 3, 6)]),
    "separable_conv2d": (
        lambda tf, x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], "SAME"),
        [IMAGES, _floats(3, 2, 3, 2), _floats(1, 1, 6, 5)]),
    "atrous_conv2d": (lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"), [IMAGES, FILTER]),
    "atrous_conv2d_transpose": (
        lambda tf, x, w: tf.nn.atrous_conv2d_transpose(x, w, [2, 7, 6, 3], 2, "SAME"), [_floats(2, 7, 6, 4), FILTER]),
    "conv1d": (lambda tf, x, w: tf.nn.conv1d(x, w, 2, "SAME"), [_floats(2, 7, 3), _floats(3, 3, 4)]),
    "conv1d_transpose": (
        lambda tf, x, w: tf.nn.conv1d_transpose(x, w, [2, 14, 3], 2), [_floats(2, 7, 4), _floats(3, 3, 4)]),
    "conv3d": (
        lambda tf, x, w: tf.nn.conv3d(x, w, [1, 1, 2, 1, 1], "SAME"), [_floats(2, 3, 5, 4, 2), _floats(2, 3, 1, 2, 3)]),
    "conv3d_transpose": (
        lambda tf, x, w: tf.nn.conv3d_transpose(x, w, [2, 3, 5, 4, 2], [1, 2, 2, 1, 1]),
        [_floats(2, 2, 3, 4, 3), _floats(2, 3, 1, 2, 3)]),
    "convolution": (
        lambda tf, x, w: tf.nn.convolution(x, w, "VALID", dilation_rate=[1, 2]), [IMAGES, FILTER]),
    "pools of volumes": (
        lambda tf, x: [tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME"),
                       tf.nn.avg_pool3d(x, [1, 2, 1, 2, 1], [1, 1, 1, 2, 1], "SAME")], [_floats(2, 3, 5, 4, 2)]),
    "pool": (lambda tf, x: tf.nn.pool(x, [2, 2], "AVG", "SAME", strides=[2, 2]), [IMAGES]),
    "max_pool SAME": (lambda tf, x: tf.nn.max_pool(x, [1, 3, 2, 1], [1, 2, 1, 1], "SAME"), [IMAGES]),
    "max_pool of equals": (lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 1, 1, 1], "VALID"), [TIES]),
    "avg_pool SAME": (lambda tf, x: tf.nn.avg_pool(x, [1, 3, 2, 1], [1, 2, 1, 1], "SAME"), [IMAGES]),
    "reduce_max of equals": (lambda tf, x: tf.reduce_max(x, [1, 2]), [TIES]),
    "reduce_prod with zeros": (lambda tf, x: tf.reduce_prod(x, 1), [ZEROS]),
    "maximum of equals": (lambda tf, a, b: [tf.maximum(a, b), tf.minimum(a, b)], [TIES, TIES.copy()]),
    "relu at zero": (lambda tf, x: tf.nn.relu(x), [np.array([-1, 0, 0.5], np.float32)]),
    "abs and sign at zero": (lambda tf, x: [tf.abs(x), tf.sign(x)], [np.array([-1, 0, 0.5], np.float32)]),
    "maximum with NaN": (lambda tf, a, b: [tf.maximum(a, b), tf.minimum(a, b)], [
        np.array([np.nan, 1, np.nan, 2], np.float32), np.array([1, np.nan, np.nan, 2], np.float32)]),
    "relu6 at its corners": (lambda tf, x: tf.nn.relu6(x), [np.array([-1, 0, 0.5, 6, 7], np.float32)]),
    "clip at its ends": (lambda tf, x: tf.clip_by_value(x, -1, 1), [np.array([-2, -1, 0.5, 1, 2], np.float32)]),
    "truncated division of floats": (lambda tf, a, b: tf.truncatediv(a, b), PAIRS),
    "pow at zero": (
        lambda tf, a, b: tf.pow(a, b), [np.array([0, 0, 2], np.float32), np.array([2, 1, -1.5], np.float32)]),
    "division of floats": (lambda tf, a, b: [tf.floordiv(a, b), tf.floormod(a, b)], PAIRS),
    "division of whole numbers": (
        lambda tf, a, b: [tf.floordiv(a, b), tf.floormod(a, b), tf.truncatediv(a, b), tf.truncatemod(a, b), a / b],
        [p[:5].astype(np.int32) for p in PAIRS]),
    "round": (lambda tf, x: [tf.round(x), tf.cast(x, tf.int32)], [np.array([0.5, 1.5, -0.5, -2.7, 2.5], np.float32)]),
    "strided_slice": (
        lambda tf, x: tf.strided_slice(x, [0, 1, 4], [2, 3, 0], [1, 1, -2], end_mask=4), [_floats(3, 4, 5)]),
    "getitem": (lambda tf, x: [x[1:, ..., ::-2], x[-1, None, 1], x[:, 3:0:-1, 2:9]], [_floats(3, 4, 5)]),
    "gather in batches": (
        lambda tf, x: tf.gather(x, np.array([[0, 2], [1, 1], [2, 0]]), batch_dims=1), [_floats(3, 4, 5)]),
    "gather_nd": (lambda tf, x: tf.gather_nd(x, [[0, 1], [2, 3], [0, 1]]), [_floats(3, 4, 5)]),
    "one_hot": (lambda tf: tf.one_hot([[0, 3], [-1, 2]], 3, axis=1), []),
    "unsorted_segment_sum": (lambda tf, x: tf.unsorted_segment_sum(x, [1, -1, 0, 1], 3), [MATRIX]),
    "diagonals beside the main one": (
        lambda tf, x, d: [
            tf.matrix_diag(d, k=(-1, 1), padding_value=2.5, **_left(tf)), tf.matrix_diag(d[0], k=-2, **_left(tf)),
            tf.matrix_diag(d, k=(0, 2), num_rows=4, num_cols=6, **_left(tf)),
            tf.matrix_diag_part(x, k=(-1, 1), padding_value=1.5, **_left(tf)), tf.matrix_diag_part(x, k=2),
            tf.matrix_set_diag(x, d, k=(-1, 1), **_left(tf)), tf.matrix_set_diag(x, d[1], k=1)],
        [_floats(4, 5), _floats(3, 4)]),
    "pads": (
        lambda tf, x: [tf.pad(x, [[1, 2], [3, 0]], "REFLECT"), tf.pad(x, [[1, 2], [3, 0]], "SYMMETRIC"),
                       tf.pad(x, [[1, 2], [3, 0]], constant_values=2)], [MATRIX]),
    "cumsum": (lambda tf, x: [tf.cumsum(x, 1, exclusive=True), tf.cumsum(x, 0, reverse=True)], [MATRIX]),
    "ranges": (lambda tf: [tf.range(5), tf.range(3, 18, 4), tf.range(5, 1, -2), tf.linspace(1.0, 3.0, 5)], []),
    "where by rows": (lambda tf, x: tf.where([True, False, True, False], x, 2.0 * x), [MATRIX]),
    "tensordot": (lambda tf, a, b: tf.tensordot(a, b, [[0, 2], [1, 0]]), [_floats(2, 3, 4), _floats(4, 2, 5)]),
    "split and stack": (lambda tf, x: tf.stack([tf.split(x, [1, 4], 1)[1], x[:, :4]], axis=1), [MATRIX]),
    "argmax of equals": (lambda tf, x: [tf.argmax(x, 2), tf.argmin(x, 1)], [TIES]),
    "logsumexp": (lambda tf, x: tf.reduce_logsumexp(x, 1), [50 * MATRIX]),
    "meshgrid": (lambda tf, a, b: tf.meshgrid(a, b), [_floats(3), _floats(4)]),
}  # fmt: skip


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_tensorflow_gives_the_same(name: str) -> None:
    compare(*PROGRAMS[name])
