"""tf.raw_ops: rows name what is there, formulas agree with gradients and with TensorFlow."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.raw_ops.rows import OWN, ROWS
from tests.interpreted import InterpretedSession

raw: Any = tf.raw_ops
RNG = np.random.default_rng(5)
Feeds = dict[str, Any]


def test_each_row_names_a_function_and_arguments_that_it_has() -> None:
    for name, row in ROWS.items():
        place, *arguments = row.split()
        module, _, thing = place.partition(":")
        known = inspect.signature(getattr(import_module(module), thing)).parameters
        assert [a for a in arguments if a.split("=")[-1] not in known] == [], name
    for name, place in OWN.items():
        assert inspect.getdoc(getattr(raw, name)), place
    assert list(ROWS) == sorted(ROWS, key=str.lower)
    assert set(ROWS) & set(OWN) == set()
    assert dir(raw) == sorted([*ROWS, *OWN])


def test_arguments_are_keywords_of_tensorflow() -> None:
    product = raw.MatMul(a=[[1.0, 2.0]], b=[[3.0, 4.0]], transpose_b=True, name="product")
    assert product.op.name == "product"
    assert list(inspect.signature(raw.MatMul).parameters) == ["a", "b", "transpose_a", "transpose_b", "name"]
    with pytest.raises(TypeError, match=r"tf.raw_ops.MatMul takes keyword arguments only: a, b, transpose_a"):
        raw.MatMul([[1.0]], [[1.0]])
    with pytest.raises(TypeError, match=r"tf.raw_ops.MatMul has no argument 'x'; it takes a, b"):
        raw.MatMul(x=[[1.0]], b=[[1.0]])
    with pytest.raises(AttributeError, match=r"tf.raw_ops has no 'NoSuchOp'"):
        _ = raw.NoSuchOp


def same(function: Callable[..., Any], raw_grad: Callable[..., Any], x: np.ndarray[Any, Any]) -> None:
    """The raw gradient op, given x, y and dy, is the adjoint of the function."""
    source = tf.constant(x)
    y = function(source)
    dy = tf.constant(RNG.standard_normal(y.shape.as_list()).astype(np.float32))
    (wanted,) = tf.gradients(y, source, dy)
    found, expected = InterpretedSession().run([raw_grad(source, y, dy), wanted])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


IMAGES = RNG.standard_normal((2, 5, 6, 3)).astype(np.float32)
CUBES = RNG.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
POOL: Any = {"ksize": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "padding": "SAME"}
POOL3: Any = {"ksize": [1, 2, 3, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "VALID"}


def test_adjoints_of_windows_are_those_of_gradients() -> None:
    same(
        lambda x: tf.nn.max_pool(x, **POOL),
        lambda x, y, dy: raw.MaxPoolGrad(orig_input=x, orig_output=y, grad=dy, **POOL), IMAGES,
    )  # fmt: skip
    same(
        lambda x: tf.nn.max_pool3d(x, **POOL3),
        lambda x, y, dy: raw.MaxPool3DGrad(orig_input=x, orig_output=y, grad=dy, **POOL3), CUBES,
    )  # fmt: skip
    for sizes in (lambda x: list(x.shape), tf.shape):
        same(
            lambda x: tf.nn.avg_pool(x, **POOL),
            lambda x, y, dy, sizes=sizes: raw.AvgPoolGrad(orig_input_shape=sizes(x), grad=dy, **POOL), IMAGES,
        )  # fmt: skip
    same(
        lambda x: tf.nn.avg_pool3d(x, **POOL3),
        lambda x, y, dy: raw.AvgPool3DGrad(orig_input_shape=list(CUBES.shape), grad=dy, **POOL3), CUBES,
    )  # fmt: skip
    same(
        lambda x: tf.image.resize_bilinear(x, [7, 4]),
        lambda x, y, dy: raw.ResizeBilinearGrad(grads=dy, original_image=x), IMAGES,
    )  # fmt: skip
    same(
        lambda x: tf.image.resize_bicubic(x, [7, 4], align_corners=True),
        lambda x, y, dy: raw.ResizeBicubicGrad(grads=dy, original_image=x, align_corners=True), IMAGES,
    )  # fmt: skip
    same(
        lambda x: tf.image.resize_nearest_neighbor(x, [7, 4]),
        lambda x, y, dy: raw.ResizeNearestNeighborGrad(grads=dy, size=[5, 6]), IMAGES,
    )  # fmt: skip
    same(
        lambda x: tf.nn.lrn(x, 1, 1.2, 0.3, 0.6),
        lambda x, y, dy: raw.LRNGrad(
            input_grads=dy, input_image=x, output_image=y, depth_radius=1, bias=1.2, alpha=0.3, beta=0.6
        ), IMAGES,
    )  # fmt: skip
    same(
        lambda x: tf.strided_slice(x, [0, 4, 1], [2, 0, 9], [1, -2, 3], new_axis_mask=0, shrink_axis_mask=1),
        lambda x, y, dy: raw.StridedSliceGrad(
            shape=tf.shape(x), begin=[0, 4, 1], end=[2, 0, 9], strides=[1, -2, 3], dy=dy, shrink_axis_mask=1
        ), IMAGES,
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("training", [True, False])
def test_adjoints_of_fused_batch_norm(layout: str, training: bool) -> None:
    channel = 3 if layout == "NHWC" else 1
    count = IMAGES.shape[channel]
    x, scale, offset = tf.constant(IMAGES), tf.constant(RNG.random(count).astype(np.float32)), tf.zeros([count])
    over = [axis for axis in range(4) if axis != channel]
    kept = [tf.constant(f(IMAGES.astype(np.float64), axis=tuple(over)).astype(np.float32)) for f in (np.mean, np.var)]
    y = raw.FusedBatchNormV2(
        x=x, scale=scale, offset=offset, mean=kept[0], variance=kept[1], epsilon=0.01, data_format=layout,
        is_training=training,
    )[0]  # fmt: skip
    dy = tf.constant(RNG.standard_normal(IMAGES.shape).astype(np.float32))
    found = raw.FusedBatchNormGrad(
        y_backprop=dy, x=x, scale=scale, reserve_space_1=kept[0], reserve_space_2=kept[1], epsilon=0.01,
        data_format=layout, is_training=training,
    )[:3]  # fmt: skip
    values, wanted = InterpretedSession().run([list(found), tf.gradients(y, [x, scale, offset], dy)])
    for value, expected in zip(values, wanted, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


SLOPES = [
    ("EluGrad", tf.nn.elu, "gradients outputs"), ("SeluGrad", tf.nn.selu, "gradients outputs"),
    ("ReluGrad", tf.nn.relu, "gradients features"), ("Relu6Grad", tf.nn.relu6, "gradients features"),
    ("LeakyReluGrad", tf.nn.leaky_relu, "gradients features"),
    ("SoftplusGrad", tf.nn.softplus, "gradients features"), ("SoftsignGrad", tf.nn.softsign, "gradients features"),
    ("SigmoidGrad", tf.sigmoid, "dy y"), ("TanhGrad", tf.tanh, "dy y"), ("SqrtGrad", tf.sqrt, "dy y"),
    ("RsqrtGrad", tf.rsqrt, "dy y"), ("ReciprocalGrad", tf.reciprocal, "dy y"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "function", "arguments"), SLOPES, ids=[row[0] for row in SLOPES])
def test_adjoints_of_elementwise_ops(name: str, function: Callable[..., Any], arguments: str) -> None:
    grad, kept = arguments.split()
    x = np.array([0.3, 1.7, 2.5, 7.0], np.float32)
    if "Relu" in name or "lu" in name or "Soft" in name or name in ("SigmoidGrad", "TanhGrad"):
        x = np.concatenate([x, -x])
    same(function, lambda x, y, dy: getattr(raw, name)(**{grad: dy, kept: x if kept == "features" else y}), x)


def test_variables_by_their_handles() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        place = raw.VarHandleOp(dtype=tf.float32, shape=[3, 2], shared_name="rows")
        assert raw.VarHandleOp(dtype=tf.float32, shape=[3, 2], shared_name="rows") is place
        session.run(raw.AssignVariableOp(resource=place, value=tf.ones([3, 2])))
        session.run(raw.ResourceScatterAdd(resource=place, indices=[2, 2], updates=tf.ones([2, 2])))
        session.run(raw.AssignAddVariableOp(resource=place, value=tf.fill([3, 2], 0.5)))
        read = raw.ReadVariableOp(resource=place, dtype=tf.float32)
        rows = raw.ResourceGather(resource=place, indices=[2], dtype=tf.float32)
        sizes = raw.VariableShape(input=place, out_type=tf.int64)
        found = session.run([read, rows, sizes, raw.VarIsInitializedOp(resource=place)])
        with pytest.raises(ValueError, match="its dtype is float32, not int32"):
            raw.ReadVariableOp(resource=place, dtype=tf.int32)
    np.testing.assert_array_equal(found[0], [[1.5, 1.5], [1.5, 1.5], [3.5, 3.5]])
    np.testing.assert_array_equal(found[1], [[3.5, 3.5]])
    assert found[2].dtype == np.int64 and found[2].tolist() == [3, 2] and found[3]


def test_a_pop_takes_what_ran_before_it() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        held = raw.StackV2(max_size=-1, elem_type=tf.float32)
        first = raw.StackPushV2(handle=held, elem=1.0)
        with tf.control_dependencies([first]):
            second = raw.StackPushV2(handle=held, elem=2.0)
            alone = raw.StackPopV2(handle=held, elem_type=tf.float32)  # the second push need not have run
        with tf.control_dependencies([second]):
            top = raw.StackPopV2(handle=held, elem_type=tf.float32)
        with tf.control_dependencies([top]):
            below = raw.StackPopV2(handle=held, elem_type=tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"Stack\[StackV2\] is empty when calling Pop"):
            raw.StackPopV2(handle=held, elem_type=tf.float32)
        with pytest.raises(TypeError, match="a stack of float32 cannot hold"):
            raw.StackPushV2(handle=held, elem=tf.constant(1))
        with pytest.raises(NotImplementedError, match=r"use a tf\.TensorArray"):
            tf.while_loop(lambda i: i < 3, lambda i: i + raw.StackPopV2(handle=held, elem_type=tf.float32), [0.0])
        assert session.run([alone, top, below]) == [1.0, 2.0, 1.0]


def _of_tensorflow(name: str) -> Any:
    import tensorflow

    return getattr(tensorflow.raw_ops, name)


PEERS: list[tuple[str, Feeds]] = [
    ("BroadcastGradientArgs", {"s0": np.array([2, 1, 5]), "s1": np.array([1, 5])}),
    ("BroadcastGradientArgs", {"s0": np.array([2, 1]), "s1": np.array([2, 1])}),
    ("BroadcastArgs", {"s0": np.array([2, 1, 5]), "s1": np.array([3, 1])}),
    ("Bucketize", {"input": np.array([[-1.0, 0.0, 2.5], [3.0, 9.0, np.nan]], np.float32), "boundaries": [0.0, 2.5, 3]}),
    ("Bucketize", {"input": np.array([4, -7, 8], np.int64), "boundaries": [-7.0, 2.5, 8]}),
    ("ConcatOffset", {"concat_dim": 1, "shape": [np.array([2, 3], np.int32), np.array([2, 7], np.int32)]}),
    ("DataFormatDimMap", {"x": np.array([0, -1, 2, 1], np.int32)}),
    ("DataFormatVecPermute", {"x": np.array([[7, 1], [4, 2], [9, 3], [3, 5]], np.int32), "dst_format": "HWNC"}),
    ("DataFormatVecPermute", {"x": np.array([4, 9], np.int64), "dst_format": "WHNC"}),
    ("SelectV2", {"condition": np.array([True, False]), "t": np.float32(2), "e": np.ones((3, 1), np.float32)}),
    (
        "SoftmaxCrossEntropyWithLogits",
        {"features": IMAGES[0, 0], "labels": abs(IMAGES[0, 1])},
    ),
    (
        "SparseSoftmaxCrossEntropyWithLogits",
        {"features": IMAGES[0, 0], "labels": np.array([2, 0, 1, 1, 2, 0])},
    ),
]  # fmt: skip


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize(("name", "given"), PEERS, ids=[f"{n}-{row[0]}" for n, row in enumerate(PEERS)])
def test_values_and_dtypes_are_those_of_tensorflow(name: str, given: Feeds) -> None:
    import tensorflow

    with tensorflow.Graph().as_default(), tensorflow.compat.v1.Session() as session:
        wanted = session.run(_of_tensorflow(name)(**given))
    found = tf.Session().run(getattr(raw, name)(**given))
    if not isinstance(wanted, (list, tuple)):
        wanted, found = [wanted], [found]
    assert len(found) == len(wanted)
    for value, expected in zip(found, wanted, strict=True):
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: raw.Bucketize(input=[1], boundaries=0), TypeError, "Expected list for 'boundaries' argument"),
        (lambda: raw.Bucketize(input=[True], boundaries=[1]), TypeError, "input has type bool"),
        (lambda: raw.DataFormatDimMap(x=[1], dst_format="NCHX"), ValueError, "must have the same axes"),
        (lambda: raw.DataFormatVecPermute(x=[1, 2, 3]), ValueError, "wanted 4 entries, not i32"),
        (lambda: raw.ConcatOffset(concat_dim=0, shape=[]), ValueError, "needs at least one shape"),
        (lambda: raw.DestroyResourceOp(resource=None), NotImplementedError, "close the Session instead"),
        (
            lambda: raw.TensorArrayReadV3(handle=None, index=0, flow_in=tf.zeros([2, 3]), dtype=tf.int32),
            tf.errors.InvalidArgumentError, "TensorArray dtype is float32 but Op requested dtype int32",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_gradient_that_is_prevented_says_why() -> None:
    x = tf.constant([1.0, 2.0])
    y = raw.PreventGradient(input=x, message="not this way")
    assert InterpretedSession().run(y).tolist() == [1.0, 2.0]
    with pytest.raises(LookupError, match=r"Gradient explicitly disabled. Reason: not this way"):
        tf.gradients(y, x)
