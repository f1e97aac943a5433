"""``tf.contrib.layers`` and slim: names and collections of variables as TensorFlow 1 has them, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import layers, slim
from graphc.contrib.layers.python.layers import utils
from tests.interpreted import InterpretedSession


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """A graph for each test."""
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    """The values, the variables initialised."""
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    return session.run(fetches, feeds)


def pictures(channels: int = 6) -> np.ndarray[Any, Any]:
    """A batch of pictures."""
    return np.random.RandomState(0).standard_normal((2, 7, 8, channels)).astype(np.float32)


NAMES: list[tuple[Callable[[Any], Any], str, list[str], tuple[int | None, ...]]] = [
    (lambda x: slim.conv2d(x, 4, 3), "Conv/Relu", ["Conv/weights", "Conv/biases"], (None, 7, 8, 4)),
    (lambda x: slim.conv2d(x, 4, [3, 2], 2, "VALID", scope="c"), "c/Relu", ["c/weights", "c/biases"], (None, 3, 4, 4)),
    (lambda x: slim.conv2d(x, 4, 3, rate=2, activation_fn=None, normalizer_fn=slim.batch_norm),
     "Conv/BatchNorm/batchnorm",
     ["Conv/weights", "Conv/BatchNorm/beta", "Conv/BatchNorm/moving_mean", "Conv/BatchNorm/moving_variance"],
     (None, 7, 8, 4)),
    (lambda x: slim.conv2d_transpose(x, 4, 3, 2), "Conv2d_transpose/Relu",
     ["Conv2d_transpose/weights", "Conv2d_transpose/biases"], (None, 14, 16, 4)),
    (lambda x: slim.separable_conv2d(x, 4, 3), "SeparableConv2d/Relu",
     ["SeparableConv2d/depthwise_weights", "SeparableConv2d/pointwise_weights", "SeparableConv2d/biases"],
     (None, 7, 8, 4)),
    (lambda x: slim.separable_conv2d(x, None, 3, 2), "SeparableConv2d/Relu",
     ["SeparableConv2d/depthwise_weights", "SeparableConv2d/biases"], (None, 7, 8, 12)),
    (lambda x: slim.conv2d_in_plane(x, 3), "ConvInPlane/Relu", ["ConvInPlane/weights", "ConvInPlane/biases"],
     (None, 7, 8, 6)),
    (lambda x: slim.fully_connected(slim.flatten(x), 5), "fully_connected/Relu",
     ["fully_connected/weights", "fully_connected/biases"], (None, 5)),
    (lambda x: layers.linear(x, 5, biases_initializer=None), "fully_connected/Tensordot", ["fully_connected/weights"],
     (None, 7, 8, 5)),
    (lambda x: slim.repeat(x, 2, slim.conv2d, 4, 3, scope="r"), "r/r_2/Relu",
     ["r/r_1/weights", "r/r_1/biases", "r/r_2/weights", "r/r_2/biases"], (None, 7, 8, 4)),
    (lambda x: slim.stack(x, slim.conv2d, [(4, 3), (5, 1)], padding="VALID"), "Stack/convolution2d_2/Relu",
     ["Stack/convolution2d_1/weights", "Stack/convolution2d_1/biases", "Stack/convolution2d_2/weights",
      "Stack/convolution2d_2/biases"], (None, 5, 6, 5)),
    (lambda x: slim.batch_norm(x, scale=True), "BatchNorm/batchnorm",
     ["BatchNorm/gamma", "BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance"], (None, 7, 8, 6)),
    (lambda x: layers.layer_norm(x), "LayerNorm/batchnorm", ["LayerNorm/beta", "LayerNorm/gamma"], (None, 7, 8, 6)),
    (lambda x: layers.bias_add(x, tf.nn.relu), "BiasAdd/Relu", ["BiasAdd/biases"], (None, 7, 8, 6)),
    (lambda x: slim.max_pool2d(x, 2), "MaxPool2D/MaxPool", [], (None, 3, 4, 6)),
    (lambda x: slim.avg_pool2d(x, [3, 2], [1, 2], "SAME"), "AvgPool2D/AvgPool", [], (None, 7, 4, 6)),
    (lambda x: slim.maxout(x, 3), "MaxOut/Max", [], (None, 7, 8, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "name", "variables", "shape"), NAMES)
def test_names_and_shapes(layer: Any, name: str, variables: list[str], shape: tuple[int | None, ...]) -> None:
    x = tf.placeholder(tf.float32, [None, 7, 8, 6])
    outputs = layer(x)
    assert [variable.op.name for variable in tf.global_variables()] == variables
    assert slim.get_model_variables() == tf.global_variables()
    assert outputs.op.name == name
    assert tuple(outputs.shape.as_list()) == shape
    assert run(outputs, {x: pictures()}).shape == (2, *shape[1:])


def test_default_arguments_collections_and_regularisers() -> None:
    x = tf.placeholder(tf.float32, [None, 7, 8, 6])
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.5), activation_fn=tf.nn.tanh,
        outputs_collections="ends", variables_collections={"weights": ["mine"]},
    ):  # fmt: skip
        net = slim.conv2d(x, 4, 3, scope="conv")
        net = slim.fully_connected(slim.flatten(net), 3, scope="scores", biases_regularizer=slim.l1_regularizer(0.1))
    assert list(utils.convert_collection_to_dict("ends")) == ["conv", "scores"]
    assert [v.op.name for v in tf.get_collection("mine")] == ["conv/weights", "scores/weights"]
    assert [loss.op.name for loss in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)] == [
        "conv/weights/Regularizer/l2_regularizer",
        "scores/weights/Regularizer/l2_regularizer",
        "scores/biases/Regularizer/l1_regularizer",
    ]
    assert slim.get_variables(suffix="weights") == slim.get_variables_by_name("weights") == tf.get_collection("mine")
    assert slim.get_unique_variable("conv/weights") is tf.get_collection("mine")[0]
    assert slim.get_variables_to_restore(exclude=["scores"]) == slim.get_variables("conv")
    with tf.variable_scope("", reuse=True):
        slim.conv2d(x, 4, 3, scope="conv")
    assert len(tf.global_variables()) == 4
    with pytest.raises(ValueError, match="already exists"):
        slim.conv2d(x, 4, 3, scope="conv")


def test_regularisers() -> None:
    w = tf.constant([1.0, -2.0, 3.0])
    found = run([slim.l1_regularizer(0.5)(w), slim.l2_regularizer(0.5)(w), slim.l1_l2_regularizer(0.5, 0.25)(w)])
    np.testing.assert_allclose(found, [3.0, 3.5, 3.0 + 1.75])
    assert slim.l2_regularizer(0.0)(w) is None
    with pytest.raises(ValueError, match="scale cannot be an integer"):
        slim.l2_regularizer(1)
    with pytest.raises(ValueError, match="less than 0"):
        slim.l1_regularizer(-1.0)
    layers.apply_regularization(slim.l2_regularizer(1.0), [w, w])
    np.testing.assert_allclose(run(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)), [14.0])


def test_initialisers_have_the_variance_of_contrib() -> None:
    shape = [200, 300]
    drawn = run([
        layers.xavier_initializer(seed=1)(shape), layers.xavier_initializer(False, 2)(shape),
        layers.variance_scaling_initializer(seed=3)(shape),
        layers.variance_scaling_initializer(1.0, "FAN_OUT", True, 4)([3, 3, 100, 50]),
    ])  # fmt: skip
    # Cutting at two deviations leaves 0.7737 of the variance, which 1.3 makes up for.
    wanted = [1 / 250, 1.3 * 0.7737 / 250, 1.3 * 0.7737 * 2 / 200, 1 / 450]
    np.testing.assert_allclose([values.var() for values in drawn], wanted, rtol=0.02)
    assert abs(drawn[0]).max() <= np.sqrt(3 / 250)
    with pytest.raises(TypeError, match="Unknown mode"):
        layers.variance_scaling_initializer(mode="fan_in")


def _normalised(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_normalisations() -> None:
    x = pictures()
    grouped = _normalised(x.reshape(2, 7, 8, 3, 2), (1, 2, 4), 1e-6).reshape(x.shape)
    found = run({
        "batch": slim.batch_norm(x), "layer": layers.layer_norm(x), "instance": layers.instance_norm(x),
        "group": layers.group_norm(x, 3), "unit": layers.unit_norm(x, 3),
        "first": layers.instance_norm(x.transpose(0, 3, 1, 2), data_format="NCHW"),
    })  # fmt: skip
    wanted = {
        "batch": _normalised(x, (0, 1, 2), 1e-3), "layer": _normalised(x, (1, 2, 3), 1e-12),
        "instance": _normalised(x, (1, 2), 1e-6), "group": grouped,
        "unit": x / np.sqrt((x * x).sum(3, keepdims=True) + 1e-7),
        "first": _normalised(x, (1, 2), 1e-6).transpose(0, 3, 1, 2),
    }  # fmt: skip
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("collections", [None, tf.GraphKeys.UPDATE_OPS])
def test_batch_norm_moves_its_averages_only_while_training(collections: Any) -> None:
    x = pictures()
    training = tf.placeholder(tf.bool, [])
    outputs = slim.batch_norm(x, decay=0.9, is_training=training, updates_collections=collections)
    mean, variance = slim.get_variables("BatchNorm/moving")
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(updates) == (0 if collections is None else 2)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    own, _ = session.run([outputs, updates], {training: True})
    np.testing.assert_allclose(own, _normalised(x, (0, 1, 2), 1e-3), atol=1e-5)
    kept = session.run([mean, variance])
    number = x.size / 6
    np.testing.assert_allclose(kept[0], 0.1 * x.mean((0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(kept[1], 0.9 + 0.1 * x.var((0, 1, 2)) * number / (number - 1), rtol=1e-5)
    theirs, _ = session.run([outputs, updates], {training: False})
    np.testing.assert_allclose(theirs, (x - kept[0]) / np.sqrt(kept[1] + 1e-3), atol=1e-5)
    np.testing.assert_array_equal(session.run([mean, variance]), kept)


def test_layer_norm_refuses_axes_that_are_not_there() -> None:
    with pytest.raises(
        ValueError, match=r"begin_params_axis \(1\) and begin_norm_axis \(2\) must be < rank\(inputs\) \(2\)"
    ):
        layers.layer_norm(tf.ones([2, 3]), begin_norm_axis=2, begin_params_axis=1)
    with pytest.raises(ValueError, match="not commensurate with 4 groups"):
        layers.group_norm(tf.ones([2, 3, 3, 6]), 4)


def test_small_layers() -> None:
    ids = tf.placeholder(tf.int32, [None, None])
    rows = layers.embed_sequence(ids, 5, 3, scope="words")
    shared = layers.embed_sequence(ids, scope="words", reuse=True)
    hot = slim.one_hot_encoding([1, 0], 3, on_value=2.0)
    found = run([rows, shared, hot, slim.softmax(tf.zeros([2, 4]))], {ids: [[0, 4]]})
    assert found[0].shape == (1, 2, 3)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], [[0, 2, 0], [2, 0, 0]])
    np.testing.assert_array_equal(found[3], np.full((2, 4), 0.25))
    with pytest.raises(ValueError, match="Must specify vocab size"):
        layers.embed_sequence(ids)
    with pytest.raises(ValueError, match="not a multiple of num_units"):
        layers.maxout(tf.zeros([2, 4]), 3)


def test_optimize_loss_trains_and_counts() -> None:
    w = tf.get_variable("w", initializer=[3.0, -4.0])
    loss = tf.reduce_sum(tf.square(w))
    step = tf.train.get_or_create_global_step()
    decay = lambda rate, at: tf.train.exponential_decay(rate, at, 1, 0.5)  # noqa: E731
    train = layers.optimize_loss(loss, step, 0.5, "SGD", clip_gradients=1.0, learning_rate_decay_fn=decay,
                                 gradient_multipliers={"w:0": 0.5})  # fmt: skip
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(train) == 25.0
        session.run(train)
        # The gradient is cut to length 1; the rates are 0.5 and 0.25.
        np.testing.assert_allclose(session.run(w), [3.0 * 4.25 / 5, -4.0 * 4.25 / 5], rtol=1e-6)
        assert session.run(step) == 2
    assert "OptimizeLoss/learning_rate:0" in [variable.name for variable in tf.global_variables()]
    with pytest.raises(ValueError, match="Optimizer name should be one of"):
        layers.optimize_loss(loss, step, 0.5, "Adamm")


def test_a_model_trains_with_batch_norm_and_dropout() -> None:
    x, training = tf.placeholder(tf.float32, [None, 7, 8, 6]), tf.placeholder(tf.bool, [])
    labels = tf.placeholder(tf.int64, [None])
    params = {"is_training": training, "decay": 0.9, "scale": True}
    with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm, normalizer_params=params):
        net = slim.max_pool2d(slim.conv2d(x, 8, 3), 2)
    net = slim.dropout(slim.flatten(net), 0.9, is_training=training)
    scores = slim.fully_connected(net, 2, activation_fn=None)
    slim.losses.sparse_softmax_cross_entropy(scores, labels)
    train = layers.optimize_loss(slim.losses.get_total_loss(), None, 0.01, "Adam")
    random = np.random.RandomState(1)
    values = random.standard_normal((32, 7, 8, 6)).astype(np.float32)
    feeds = {x: values, labels: (values.mean((1, 2, 3)) > 0).astype(int), training: True}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run(train, feeds) for _ in range(60)]
        assert losses[-1] < losses[0] / 3
        moved = session.run(slim.get_variables("Conv/BatchNorm/moving_variance")[0])
        assert not np.allclose(moved, 1)


def test_places_that_programs_import_from() -> None:
    assert tf.contrib.layers.python.layers.utils is tf.contrib.slim.utils is utils
    assert tf.contrib.framework.python.ops.arg_scope is slim.arg_scope
    assert tf.contrib.framework.python.ops.variables is slim.variables
    assert tf.contrib.slim.python.slim.nets.resnet_v1.resnet_v1_block is slim.nets.resnet_v1.resnet_v1_block


def test_constant_value() -> None:
    known = tf.contrib.util.constant_value
    x = tf.placeholder(tf.float32, [2, 3])
    assert known(tf.constant([1.5]))[0] == 1.5
    assert known(tf.shape(x)).tolist() == [2, 3]
    assert known(tf.shape(tf.placeholder(tf.float32, [None, 3]))) is None
    assert known(2 * x) is None
