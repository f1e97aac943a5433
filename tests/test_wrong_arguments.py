"""Wrong arguments of public functions: a ValueError or TypeError that names the user's line, whatever is given."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf


def ones(*sizes: int) -> Any:
    return np.ones(sizes, np.float32)


def given(**arguments: Any) -> dict[str, Any]:
    return arguments


IMAGES, KERNEL, IDS = ones(2, 6, 6, 3), ones(3, 3, 3, 4), np.zeros(2, np.int32)
CALLS: dict[str, dict[str, Any]] = {
    "nn.conv1d": given(value=ones(2, 6, 3), filters=ones(3, 3, 4), stride=1, padding="SAME", data_format="NWC"),
    "nn.conv2d": given(
        input=IMAGES, filter=KERNEL, strides=[1] * 4, padding="SAME", data_format="NHWC", dilations=[1] * 4
    ),
    "nn.conv3d": given(input=ones(1, 4, 4, 4, 2), filter=ones(2, 2, 2, 2, 3), strides=[1] * 5, padding="SAME"),
    "nn.conv2d_transpose": given(
        value=IMAGES, filter=ones(3, 3, 4, 3), output_shape=[2, 6, 6, 4], strides=[1] * 4, padding="SAME"
    ),
    "nn.depthwise_conv2d": given(input=IMAGES, filter=ones(3, 3, 3, 2), strides=[1] * 4, padding="SAME"),
    "nn.convolution": given(input=IMAGES, filter=KERNEL, padding="SAME", strides=[1, 1], data_format="NHWC"),
    "nn.max_pool": given(value=IMAGES, ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME", data_format="NHWC"),
    "nn.avg_pool": given(value=IMAGES, ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME", data_format="NHWC"),
    "nn.pool": given(input=IMAGES, window_shape=[2, 2], pooling_type="MAX", padding="SAME"),
    "nn.bias_add": given(value=IMAGES, bias=ones(3), data_format="NHWC"),
    "nn.fused_batch_norm": given(x=IMAGES, scale=ones(3), offset=ones(3), data_format="NHWC"),
    "nn.softmax": given(logits=ones(2, 3), axis=-1),
    "nn.l2_loss": given(t=IMAGES),
    "nn.embedding_lookup": given(params=ones(4, 3), ids=IDS, partition_strategy="mod"),
    "layers.conv2d": given(inputs=IMAGES, filters=4, kernel_size=3, strides=1, padding="valid", dilation_rate=1),
    "layers.max_pooling2d": given(inputs=IMAGES, pool_size=2, strides=2, padding="valid", data_format="channels_last"),
    "layers.dense": given(inputs=ones(2, 3), units=4),
    "losses.mean_squared_error": given(labels=ones(2), predictions=ones(2), reduction="none"),
    "image.resize_images": given(images=IMAGES, size=[3, 3], method=0),
    "image.convert_image_dtype": given(image=IMAGES, dtype=tf.float32),
    "reduce_sum": given(input_tensor=ones(2, 3), axis=1),
    "argmax": given(input=ones(2, 3), axis=1, output_type=tf.int64),
    "concat": given(values=[IDS, IDS], axis=0),
    "split": given(value=ones(4, 3), num_or_size_splits=2, axis=0),
    "pad": given(tensor=ones(2, 3), paddings=[[1, 1], [0, 0]], mode="CONSTANT"),
    "slice": given(input_=ones(2, 3), begin=[0, 0], size=[1, 1]),
    "sort": given(values=ones(2), axis=-1, direction="ASCENDING"),
    "norm": given(tensor=ones(2, 3), ord="euclidean", axis=None),
    "zeros": given(shape=[2], dtype=tf.float32),
    "random_normal": given(shape=[2], mean=0.0, stddev=1.0, dtype=tf.float32, seed=1),
    "placeholder": given(dtype=tf.float32, shape=[2]),
    "depth_to_space": given(input=ones(1, 2, 2, 4), block_size=2, data_format="NHWC"),
    "tensordot": given(a=ones(2, 3), b=ones(3, 2), axes=1),
    "boolean_mask": given(tensor=ones(2, 3), mask=np.ones(2, bool), axis=0),
}
WRONG = ["SAMEE", -7, 3.5, [1] * 7, [2, "x"], {}, None, object()]


def found(path: str) -> Any:
    space = tf
    for name in path.split("."):
        space = getattr(space, name)
    return space


@pytest.mark.parametrize(("path", "good"), CALLS.items(), ids=CALLS)
def test_every_wrong_argument_is_told_with_its_line(path: str, good: dict[str, Any]) -> None:
    found(path)(**good)
    refused = 0
    for name in good:
        for wrong in WRONG:
            with tf.Graph().as_default():
                try:
                    found(path)(**{**good, name: wrong})
                except (ValueError, TypeError) as error:
                    assert "eclared at test_wrong_arguments.py:" in str(error), (name, wrong)
                    refused += 1
    assert refused


X = ones(2, 3)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: tf.cast(X, "foo"), lambda: tf.convert_to_tensor(X, "foo"), lambda: tf.get_variable("v", [2], "foo"),
        lambda: tf.TensorArray("foo", 3), lambda: tf.zeros_like(X, "foo"), lambda: tf.py_func(print, [X], "foo"),
        lambda: tf.decode_raw("a", "foo"), lambda: tf.map_fn(lambda row: row, X, "foo"),
        lambda: tf.one_hot([1], 3, dtype="foo"), lambda: tf.placeholder("foo"),
    ],
)  # fmt: skip
def test_a_type_that_is_none_is_told_with_its_line(declare: Callable[[], Any]) -> None:
    with tf.Graph().as_default(), pytest.raises(TypeError) as caught:
        declare()
    assert re.search(r"'foo' to a TensorFlow DType; .*, declared at test_wrong_arguments.py:\d+$", str(caught.value))


@pytest.mark.parametrize(
    "declare",
    [
        lambda: tf.map_fn(1, X), lambda: tf.scan(1, X), lambda: tf.foldl(1, X), lambda: tf.py_func(1, [X], tf.int32),
        lambda: tf.clip_by_global_norm(1, 1.0), lambda: tf.scatter_update(1, [0], X), lambda: tf.dynamic_stitch(1, 2),
        lambda: tf.nn.dynamic_rnn(1, X), lambda: tf.nn.embedding_lookup_sparse(X, 1, 1), lambda: tf.sparse_reorder(1),
        lambda: tf.sparse_tensor_to_dense(1), lambda: tf.is_variable_initialized(1), lambda: tf.cond(1, print, print),
        lambda: tf.while_loop(1, 1, [1]), lambda: tf.identity_n(1),
    ],
)  # fmt: skip
def test_what_is_no_fit_is_told_with_its_line(declare: Callable[[], Any]) -> None:
    with tf.Graph().as_default(), pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        declare()
    assert "eclared at test_wrong_arguments.py:" in str(caught.value)


def test_the_function_is_named() -> None:
    with pytest.raises(ValueError, match=r"^conv2d: padding must be 'SAME', .* not 'SAMEE', declared at .*py:\d+$"):
        tf.nn.conv2d(IMAGES, KERNEL, [1] * 4, "SAMEE")
    with pytest.raises(ValueError, match=r"MaxPool.*: pooling of f32\[6\] with a window of 2 sizes; wanted 4 axes"):
        tf.nn.max_pool(ones(6), [1, 2, 2, 1], [1] * 4, "SAME")
    assert tf.stack(ones(2, 3), 1).shape == [3, 2]  # of an array, as in TensorFlow


def _placeholders() -> list[Any]:
    """What a first argument may be by mistake."""
    shapes: list[tuple[Any, Any]] = [
        (tf.float32, [2, 3]),
        (tf.int32, [2]),
        (tf.string, []),
        (tf.bool, [4]),
        (tf.complex64, []),
    ]
    return [*(tf.placeholder(dtype, shape) for dtype, shape in shapes), None, 3.5, "word", object(), [1, [2]]]


# One function of each file, or several where they fail on their own.
FIRST_ARGUMENTS = [
    "add_n", "batch_gather", "bitcast", "broadcast_dynamic_shape", "cross", "divide", "dynamic_partition",
    "encode_base64", "gradients", "histogram_fixed_width_bins",
    "invert_permutation", "lbeta", "parallel_stack", "reduce_join", "repeat",
    "roll", "scalar_mul", "searchsorted", "setdiff1d", "sparse_segment_mean", "string_split", "string_to_number",
    "tensor_scatter_add", "truediv", "unique", "unravel_index",
    "image.central_crop", "image.crop_and_resize", "image.decode_png", "image.flip_left_right", "image.image_gradients",
    "image.rgb_to_hsv", "image.rot90", "image.total_variation",
    "linalg.adjoint", "linalg.pinv", "linalg.qr", "linalg.svd", "math.erfinv", "math.xlogy",
    "metrics.mean_squared_error", "nn.log_poisson_loss", "nn.weighted_moments",
    "signal.dct", "signal.irfft", "signal.overlap_and_add", "signal.rfft2d", "strings.length",
    "summary.text",
]  # fmt: skip


@pytest.mark.parametrize("path", FIRST_ARGUMENTS)
def test_a_wrong_first_argument_is_told_with_its_line(path: str) -> None:
    function = found(path)
    needed = sum(a.default is a.empty for a in inspect.signature(function).parameters.values())
    refused = 0
    for number in range(len(_placeholders())):
        for other in (0, 1):
            with tf.Graph().as_default():
                arguments = _placeholders()
                try:
                    function(arguments[number], *[arguments[other]] * (needed - 1))
                except (ValueError, TypeError) as error:
                    refused += 1
                    assert "eclared at test_wrong_arguments.py:" in str(error), f"{path}: {error}"
                except NotImplementedError:
                    pass
    assert refused
