"""Layers: names and shapes of variables, values against NumPy, sharing, training and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session
from tests.told import is_told

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.standard_normal((2, 6, 5, 3)).astype(np.float32)


def filled(seed: int) -> Callable[..., Any]:
    """An initializer whose values the test knows."""
    return lambda shape, dtype: tf.constant(np.random.RandomState(seed).standard_normal(shape), dtype)


def known(seed: int, *shape: int) -> Any:
    return np.random.RandomState(seed).standard_normal(shape)


def started() -> Session:
    session = Session()
    session.run(tf.global_variables_initializer())
    return session


def test_dense() -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.layers.dense(
        x, 3, activation=tf.nn.relu, kernel_initializer=filled(1), bias_initializer=filled(2), name="hidden"
    )
    assert [(v.name, v.shape.as_list()) for v in tf.trainable_variables()] == [
        ("hidden/kernel:0", [4, 3]),
        ("hidden/bias:0", [3]),
    ]
    assert (y.name, y.shape.as_list()) == ("hidden/Relu:0", [None, 3])
    values = RANDOM.standard_normal((5, 4))
    wanted = np.maximum(values @ known(1, 4, 3) + known(2, 3), 0)
    np.testing.assert_allclose(started().run(y, {x: values}), wanted, rtol=1e-5, atol=1e-6)


def test_dense_over_the_last_of_many_axes() -> None:
    x = tf.placeholder(tf.float32, [None, None, 4])
    y = tf.layers.dense(x, 3, kernel_initializer=filled(1), use_bias=False)
    assert y.shape.as_list() == [None, None, 3]
    values = RANDOM.standard_normal((2, 5, 4))
    np.testing.assert_allclose(started().run(y, {x: values}), values @ known(1, 4, 3), rtol=1e-5, atol=1e-6)


def test_layers_count_and_share_by_name() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    tf.layers.dense(x, 4)
    tf.layers.dense(x, 4)
    tf.layers.dense(x, 4, name="dense", reuse=True)
    assert [v.op.name for v in tf.global_variables()] == [
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"^Variable dense/kernel already exists, disallowed"):
        tf.layers.dense(x, 4, name="dense")


def test_a_network_twice_under_one_scope_shares_all() -> None:
    def network(x: Any) -> Any:
        return tf.layers.dense(tf.layers.dense(x, 5), 2)

    x = tf.placeholder(tf.float32, [None, 4])
    with tf.variable_scope("net"):
        first = network(x)
    with tf.variable_scope("net", reuse=True):
        second = network(x)
    assert len(tf.global_variables()) == 4
    session = started()
    values = session.run([first, second], {x: np.ones((1, 4))})
    np.testing.assert_array_equal(values[0], values[1])


def test_layer_objects_keep_their_variables() -> None:
    layer = tf.layers.Dense(3, name="out", kernel_initializer=tf.ones_initializer(), kernel_regularizer=tf.nn.l2_loss)
    first = layer(tf.ones([1, 2]))
    second = layer.apply(tf.ones([4, 2]))
    assert [v.op.name for v in layer.variables] == ["out/kernel", "out/bias"]
    assert (layer.name, layer.scope_name, layer.count_params(), layer.built) == ("out", "out", 9, True)
    assert layer.kernel is layer.trainable_weights[0]
    assert first.op.name == "out/BiasAdd" and second.op.name == "out_1/BiasAdd"
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1
    session = started()
    assert session.run(first).tolist() == [[2, 2, 2]]
    assert session.run(second).shape == (4, 3)


def test_untrainable_layers() -> None:
    layer = tf.layers.Dense(3, trainable=False)
    layer(tf.ones([1, 2]))
    assert (layer.trainable_variables, len(layer.non_trainable_variables), tf.trainable_variables()) == ([], 2, [])


@pytest.mark.parametrize("padding", ["valid", "SAME"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_conv2d(padding: str, data_format: str) -> None:
    images = IMAGES if data_format == "channels_last" else IMAGES.transpose(0, 3, 1, 2)
    x = tf.constant(images)
    y = tf.layers.conv2d(
        x, 4, (3, 2), strides=(2, 1), padding=padding, data_format=data_format, kernel_initializer=filled(1),
        bias_initializer=filled(2),
    )  # fmt: skip
    assert [(v.op.name, v.shape.as_list()) for v in tf.trainable_variables()] == [
        ("conv2d/kernel", [3, 2, 3, 4]),
        ("conv2d/bias", [4]),
    ]
    value = started().run(y)
    value = value if data_format == "channels_last" else value.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(value, convolved(padding.upper()) + known(2, 4), rtol=1e-4, atol=1e-5)


def convolved(padding: str) -> Any:
    """IMAGES under a window of 3 by 2 with strides 2 and 1, written out."""
    kernel, images = known(1, 3, 2, 3, 4), IMAGES.astype(np.float64)
    if padding == "SAME":
        images = np.pad(images, [(0, 0), (0, 1), (0, 1), (0, 0)])
    rows, columns = (images.shape[1] - 3) // 2 + 1, images.shape[2] - 1
    result = np.zeros((2, rows, columns, 4))
    for row in range(rows):
        for column in range(columns):
            patch = images[:, 2 * row : 2 * row + 3, column : column + 2]
            result[:, row, column] = np.tensordot(patch, kernel, 3)
    return result


@pytest.mark.parametrize(("padding", "size"), [("same", [10, 12]), ("valid", [11, 13])])
def test_conv2d_transpose_grows_pictures(padding: str, size: list[int]) -> None:
    x = tf.placeholder(tf.float32, [None, 5, 6, 3])
    y = tf.layers.conv2d_transpose(x, 2, 3, strides=2, padding=padding)
    assert tf.trainable_variables()[0].shape.as_list() == [3, 3, 2, 3]
    assert y.shape.as_list()[1:] == [*size, 2]


def test_pooling() -> None:
    greatest = tf.layers.max_pooling2d(tf.constant(IMAGES), 2, 2)
    mean = tf.layers.average_pooling2d(tf.constant(IMAGES), (2, 2), (2, 2), padding="valid")
    first = tf.layers.max_pooling2d(tf.constant(IMAGES.transpose(0, 3, 1, 2)), 2, 2, data_format="channels_first")
    blocks = IMAGES[:, :, :4].reshape(2, 3, 2, 2, 2, 3)
    values = Session().run([greatest, mean, first])
    np.testing.assert_array_equal(values[0], blocks.max((2, 4)))
    np.testing.assert_allclose(values[1], blocks.mean((2, 4)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(values[2], blocks.max((2, 4)).transpose(0, 3, 1, 2))


def test_flatten() -> None:
    x = tf.placeholder(tf.float32, [None, 6, 5, 3])
    last = tf.layers.flatten(x)
    first = tf.layers.flatten(tf.constant(IMAGES.transpose(0, 3, 1, 2)), data_format="channels_first")
    assert last.shape.as_list() == [None, 90]
    values = Session().run([last, first], {x: IMAGES})
    np.testing.assert_array_equal(values[0], IMAGES.reshape(2, 90))
    np.testing.assert_array_equal(values[1], IMAGES.reshape(2, 90))


def test_flatten_of_unknown_sizes() -> None:
    x = tf.placeholder(tf.float32, [2, None, 3])
    y = tf.layers.flatten(x)
    assert y.shape.as_list() == [2, None]
    assert Session().run(y, {x: np.ones((2, 4, 3))}).shape == (2, 12)


def test_dropout_only_while_training() -> None:
    training = tf.placeholder(tf.bool, [])
    x = tf.ones([1000])
    still, always = tf.layers.dropout(x), tf.layers.dropout(x, 0.3, training=True, seed=1)
    asked = tf.layers.dropout(x, 0.3, training=training, seed=1)
    session = Session()
    np.testing.assert_array_equal(session.run(still), np.ones(1000))
    assert 0.2 < (session.run(always) == 0).mean() < 0.4
    np.testing.assert_array_equal(session.run(asked, {training: False}), np.ones(1000))
    assert 0.2 < (session.run(asked, {training: True}) == 0).mean() < 0.4


def test_whether_to_train_may_be_declared_without_a_shape() -> None:
    x, training = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.bool)
    dropped = tf.layers.dropout(x, training=training)
    normal = tf.layers.batch_normalization(dropped, training=training)
    assert normal.shape.as_list() == dropped.shape.as_list() == [None, 4]
    assert tf.layers.dense(normal, 2).shape.as_list() == [None, 2]


def test_batch_normalization_while_training() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.layers.batch_normalization(x, momentum=0.9, training=True, name="bn")
    assert [(v.op.name, v.trainable) for v in tf.global_variables()] == [
        ("bn/gamma", True),
        ("bn/beta", True),
        ("bn/moving_mean", False),
        ("bn/moving_variance", False),
    ]
    values = RANDOM.standard_normal((8, 3)) * 3 + 1
    session = started()
    normalised, _ = session.run([y, tf.get_collection(tf.GraphKeys.UPDATE_OPS)], {x: values})
    np.testing.assert_allclose(
        normalised, (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-3), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(session.run("bn/moving_mean/read:0"), 0.1 * values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(session.run("bn/moving_variance/read:0"), 0.9 + 0.1 * values.var(0), rtol=1e-5)


def test_batch_normalization_by_its_averages() -> None:
    x = tf.constant(IMAGES)
    y = tf.layers.batch_normalization(
        x, moving_mean_initializer=filled(1), moving_variance_initializer=tf.constant_initializer(4.0), epsilon=0.0
    )
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
    np.testing.assert_allclose(started().run(y), (IMAGES - known(1, 3)) / 2, rtol=1e-5, atol=1e-6)


def test_batch_normalization_asked_by_a_tensor() -> None:
    x, training = tf.placeholder(tf.float32, [None, 4, 4, 2]), tf.placeholder_with_default(False, [])
    y = tf.layers.batch_normalization(x, momentum=0.5, training=training)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    values = RANDOM.standard_normal((3, 4, 4, 2)) * 2 + 1
    session = started()
    still, _ = session.run([y, updates], {x: values})
    np.testing.assert_allclose(still, values / np.sqrt(1 + 1e-3), rtol=1e-5)
    trained, _ = session.run([y, updates], {x: values, training: True})
    axes = (0, 1, 2)
    np.testing.assert_allclose(
        trained, (values - values.mean(axes)) / np.sqrt(values.var(axes) + 1e-3), rtol=1e-4, atol=1e-5
    )
    # Pictures keep the unbiased variance, as TensorFlow's kernel does; the run without training moved nothing.
    moved = session.run([v for v in tf.global_variables() if "moving" in v.name])
    np.testing.assert_allclose(moved[0], 0.5 * values.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(moved[1], 0.5 + 0.5 * values.var(axes, ddof=1), rtol=1e-5)


def test_channels_first_batch_normalization() -> None:
    x = tf.constant(IMAGES.transpose(0, 3, 1, 2))
    y = tf.layers.batch_normalization(x, axis=1, training=True)
    wanted = (IMAGES - IMAGES.mean((0, 1, 2))) / np.sqrt(IMAGES.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(started().run(y).transpose(0, 2, 3, 1), wanted, rtol=1e-3, atol=1e-5)


def test_a_layer_of_a_user() -> None:
    class Scale(tf.layers.Layer):
        default_name = "scale"

        def build(self, input_shape: Any) -> None:
            self.factor = self.add_variable("factor", [input_shape[-1].value], initializer=tf.constant_initializer(2.0))

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

    y = Scale()(tf.ones([1, 2]))
    assert [v.op.name for v in tf.trainable_variables()] == ["scale/factor"]
    np.testing.assert_array_equal(started().run(y), [[2, 2]])


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (
        lambda x: tf.layers.dense(tf.placeholder(tf.float32, [3, None]), 2),
        ValueError,
        "The last dimension of the inputs to `Dense` should be defined. Found `None`: 'dense' got (3, ?).",
    ),
    (
        lambda x: tf.layers.conv2d(x, 2, 3),
        ValueError,
        "Input 0 of layer conv2d is incompatible with the layer: expected ndim=4, found ndim=2. "
        "Full shape received: (?, 4)",
    ),
    (
        lambda x: tf.layers.max_pooling2d(x, 2, 2),
        ValueError,
        "Input 0 of layer max_pooling2d is incompatible with the layer: expected ndim=4, found ndim=2. "
        "Full shape received: (?, 4)",
    ),
    (
        lambda x: tf.layers.conv2d(x, 2, (3, 3, 3)),
        ValueError,
        "The `kernel_size` argument must be a tuple of 2 integers. Received: (3, 3, 3)",
    ),
    (
        lambda x: tf.layers.conv2d(x, 2, 3, padding="full"),
        ValueError,
        'The `padding` argument must be one of "valid", "same". Received: full',
    ),
    (
        lambda x: tf.layers.flatten(x, data_format="NHWC"),
        ValueError,
        "data_format must be channels_last or channels_first, not 'NHWC'",
    ),
    (lambda x: tf.layers.Dense(3, unit=2), TypeError, "Keyword argument not understood: 'unit'"),
    (
        lambda x: tf.layers.batch_normalization(x, renorm=True),
        ValueError,
        "batch_normalization does not have renorm, virtual_batch_size or adjustment",
    ),
]


@pytest.mark.parametrize(("declare", "error", "text"), ERRORS)
def test_errors(declare: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with pytest.raises(error) as caught:
        declare(x)
    assert is_told(caught.value, text), str(caught.value)


@pytest.mark.parametrize(
    ("units", "text"),
    [(units, f"dense: units must be a whole number of at least 1, not {units!r}") for units in (3.5, "3", 0, -2, True)],
)
def test_units_are_a_whole_number(units: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        tf.layers.dense(tf.placeholder(tf.float32, [2, 3]), units)
    assert is_told(caught.value, text), str(caught.value)


@pytest.mark.parametrize("units", [3, np.int64(3), 3.0, tf.Dimension(3)])
def test_numbers_that_are_whole_are_units(units: Any) -> None:
    assert tf.layers.dense(tf.placeholder(tf.float32, [2, 5]), units).shape.as_list() == [2, 3]


def test_activations_by_name() -> None:
    x = tf.constant([[-1.0, 2.0]])
    for name in ("elu", "relu", "selu", "sigmoid", "softmax", "softplus", "softsign", "tanh"):
        own, named = (
            tf.layers.dense(
                x, 2, activation=given, kernel_initializer=tf.initializers.identity(), name=name, reuse=reuse
            )
            for given, reuse in ((getattr(tf.nn, name), False), (name, True))
        )
        with Session() as session:
            session.run(tf.global_variables_initializer())
            first, second = session.run([own, named])
        np.testing.assert_array_equal(first, second)
    conv = tf.layers.conv2d(tf.zeros([1, 4, 4, 1]), 2, 3, activation="relu")
    assert conv.op.type == "Relu"


@pytest.mark.parametrize(
    ("activation", "kind", "text"),
    [
        (3, TypeError, "activation must be a function of a tensor or the name of one, not 3"),
        (
            "rely",
            ValueError,
            "Unknown activation function: 'rely'; wanted one of elu, linear, relu, relu6, selu, sigmoid, softmax, "
            "softplus, softsign, tanh",
        ),
    ],
)
def test_what_is_no_activation(activation: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        tf.layers.dense(tf.placeholder(tf.float32, [2, 3]), 4, activation=activation)
    assert is_told(caught.value, text), str(caught.value)


def test_objects_of_one_name_have_scopes_of_their_own() -> None:
    x = tf.ones([2, 3])
    with tf.variable_scope("net"):
        tf.layers.Dense(4, name="out")(x)
        tf.layers.Dense(5, name="out")(x)
        tf.layers.dense(x, 6, name="other")
        with pytest.raises(ValueError, match="Variable net/other/kernel already exists"):
            tf.layers.dense(x, 6, name="other")
        tf.layers.dense(x, 6, name="other", reuse=True)
    assert [v.op.name for v in tf.global_variables() if "kernel" in v.op.name] == [
        "net/out/kernel", "net/out_1/kernel", "net/other/kernel"]  # fmt: skip


def test_initializers_by_name() -> None:
    """As in TensorFlow 1, the names of Keras, whose random numbers have a deviation of 0.05 (uniform: a limit)."""
    limits = {
        "ones": (1, 1),
        "zeros": (0, 0),
        "random_uniform": (0.045, 0.05),
        "truncated_normal": (0.08, 0.1),
        "random_normal": (0.12, 0.3),
        "glorot_uniform": (0.15, 6**0.5 / 120**0.5),
        "orthogonal": (0.3, 1),
    }
    tf.set_random_seed(1)
    assert tf.initializers.orthogonal is tf.orthogonal_initializer
    x = tf.ones([2, 60])
    made = [tf.layers.Dense(np.int64(60), kernel_initializer=name, bias_initializer="zeros") for name in limits]
    for layer in made:
        layer(x)
    kernels = [layer.kernel for layer in made]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for (least, most), kernel in zip(limits.values(), session.run(kernels), strict=True):
            assert least <= abs(kernel).max() <= most + 1e-6
    with pytest.raises(ValueError, match=r"Unknown initializer: 'one'; wanted one of zeros, ones, .*declared at"):
        tf.layers.dense(tf.ones([2, 3]), 3, kernel_initializer="one")
