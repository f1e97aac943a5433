"""Convolution layers with the arguments of contrib: an activation, and a normaliser in the place of the biases."""

from __future__ import annotations

import inspect
from typing import Any

from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.framework.variables import model_variable
from graphc.contrib.layers.dense import Function, finished, with_variables_kept
from graphc.contrib.layers.initializers import XAVIER
from graphc.contrib.layers.utils import (
    RENAMED,
    add_to,
    channel_dimension,
    collections_of,
    two_element_tuple,
    variable_getter,
)
from graphc.initializers import Zeros
from graphc.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Convolution,
    ConvolutionTranspose,
    SeparableConv2D,
)
from graphc.nn.convolution import depthwise_conv2d
from graphc.nn.normalisation import bias_add
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import tile
from graphc.ops.base import convert_to_tensor
from graphc.variable_scope import variable_scope

Params = dict[str, Any] | None
_FORMATS = (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")
_BY_RANK: dict[int | None, type[Convolution]] = {3: Conv1D, 4: Conv2D, 5: Conv3D}
_SEPARABLE = {
    "bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights",
}  # fmt: skip


@add_arg_scope
def convolution(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function = e.relu,
    normalizer_fn: Function = None,
    normalizer_params: Params = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = Zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    conv_dims: int | None = None,
) -> Tensor:
    """A convolution over one, two or three axes, by the rank of the inputs; ``rate`` is the step between weights.

    Variables ``Conv/weights`` [window..., channels, num_outputs] and ``Conv/biases`` [num_outputs], in the collection
    ``MODEL_VARIABLES`` too.
    """
    if data_format not in _FORMATS:
        raise ValueError(f"Invalid data_format: {data_format!r}")
    tensor = convert_to_tensor(inputs)
    if conv_dims is not None and conv_dims + 2 != tensor.type.rank:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {tensor.type.rank}")
    if tensor.type.rank not in _BY_RANK:
        raise ValueError(f"Convolution not supported for input with rank {tensor.type.rank}")
    with variable_scope(scope, "Conv", reuse=reuse, custom_getter=variable_getter(RENAMED)) as sc:
        layer = _BY_RANK[tensor.type.rank](
            num_outputs, kernel_size, stride, padding, _channels(data_format), rate,
            use_bias=not normalizer_fn and bool(biases_initializer), kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = with_variables_kept(layer, tensor, variables_collections)
        return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


def _channels(data_format: str | None) -> str:
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def _of_rank(number: int, name: str) -> Any:
    """The same for one rank of inputs, with defaults of its own in ``arg_scope``."""

    def layer(inputs: Any, num_outputs: int, kernel_size: Any, *args: Any, **kwargs: Any) -> Tensor:
        return convolution(inputs, num_outputs, kernel_size, *args, **{**kwargs, "conv_dims": number})

    whole = inspect.signature(convolution)
    given = [parameter for parameter in whole.parameters.values() if parameter.name != "conv_dims"]
    layer.__signature__ = whole.replace(parameters=given)  # type: ignore[attr-defined]
    layer.__name__ = layer.__qualname__ = name
    layer.__doc__ = f"As :func:`convolution`, for inputs of rank {number + 2} alone."
    return add_arg_scope(layer)


convolution1d = conv1d = _of_rank(1, "convolution1d")
convolution2d = conv2d = _of_rank(2, "convolution2d")
convolution3d = conv3d = _of_rank(3, "convolution3d")


def _transposed(kind: type[ConvolutionTranspose], layouts: tuple[str, str], name: str, default_scope: str) -> Any:
    """The adjoint of a convolution as a function, with defaults of its own in ``arg_scope``."""

    def layer(
        inputs: Any,
        num_outputs: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: str = "SAME",
        data_format: str = layouts[0],
        activation_fn: Function = e.relu,
        normalizer_fn: Function = None,
        normalizer_params: Params = None,
        weights_initializer: Any = XAVIER,
        weights_regularizer: Any = None,
        biases_initializer: Any = Zeros,
        biases_regularizer: Any = None,
        reuse: Any = None,
        variables_collections: Any = None,
        outputs_collections: Any = None,
        trainable: bool = True,
        scope: Any = None,
    ) -> Tensor:
        if data_format not in layouts:
            raise ValueError(f"data_format has to be either {layouts[1]} or {layouts[0]}.")
        tensor = convert_to_tensor(inputs)
        with variable_scope(scope, default_scope, reuse=reuse, custom_getter=variable_getter(RENAMED)) as sc:
            made = kind(
                num_outputs, kernel_size, stride, padding, _channels(data_format),
                use_bias=not normalizer_fn and bool(biases_initializer), kernel_initializer=weights_initializer,
                bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
                bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, _scope=sc, _reuse=reuse,
            )  # fmt: skip
            outputs = with_variables_kept(made, tensor, variables_collections)
            return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)

    layer.__name__ = layer.__qualname__ = name
    layer.__doc__ = (
        f"The adjoint of a convolution: ``{default_scope}/weights`` [window..., outputs, channels], and ``biases``."
    )
    return add_arg_scope(layer)


convolution2d_transpose = conv2d_transpose = _transposed(
    Conv2DTranspose, ("NHWC", "NCHW"), "convolution2d_transpose", "Conv2d_transpose"
)
convolution3d_transpose = conv3d_transpose = _transposed(
    Conv3DTranspose, ("NDHWC", "NCDHW"), "convolution3d_transpose", "Conv3d_transpose"
)


@add_arg_scope
def separable_convolution2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Function = e.relu,
    normalizer_fn: Function = None,
    normalizer_params: Params = None,
    weights_initializer: Any = XAVIER,
    pointwise_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = Zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Convolution of each channel, then of all; of each channel alone where ``num_outputs`` is None.

    Variables ``SeparableConv2d/depthwise_weights``, ``SeparableConv2d/pointwise_weights`` and biases.
    """
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    tensor = convert_to_tensor(inputs)
    use_bias = not normalizer_fn and bool(biases_initializer)
    with variable_scope(scope, "SeparableConv2d", reuse=reuse, custom_getter=variable_getter(_SEPARABLE)) as sc:
        if num_outputs is None:
            channels = channel_dimension(tensor.shape, data_format, min_rank=4)
            weights = model_variable(
                "depthwise_weights", shape=[*two_element_tuple(kernel_size), channels, depth_multiplier],
                dtype=tensor.dtype, initializer=weights_initializer, regularizer=weights_regularizer,
                trainable=trainable, collections=collections_of(variables_collections, "weights"),
            )  # fmt: skip
            outputs = _by_channel(tensor, weights, stride, padding, rate, data_format)
            if use_bias:
                outputs = _with_biases(
                    outputs, channels * depth_multiplier, biases_initializer, biases_regularizer, trainable,
                    variables_collections, data_format,
                )  # fmt: skip
        else:
            layer = SeparableConv2D(
                num_outputs, kernel_size, stride, padding, _channels(data_format), rate, depth_multiplier,
                use_bias=use_bias, depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer or weights_initializer, bias_initializer=biases_initializer,
                depthwise_regularizer=weights_regularizer, pointwise_regularizer=weights_regularizer,
                bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, _scope=sc, _reuse=reuse,
            )  # fmt: skip
            outputs = layer(tensor)
            add_to(layer.depthwise_kernel, variables_collections, "weights")
            add_to(layer.pointwise_kernel, variables_collections, "weights")
            add_to(layer.bias, variables_collections, "biases")
        return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


separable_conv2d = separable_convolution2d


def _by_channel(x: Tensor, weights: Any, stride: Any, padding: str, rate: Any, data_format: str) -> Tensor:
    down, right = two_element_tuple(stride)
    strides = [1, 1, down, right] if data_format == "NCHW" else [1, down, right, 1]
    return depthwise_conv2d(x, weights, strides, padding, two_element_tuple(rate), data_format=data_format)


def _with_biases(
    x: Tensor, number: int, initializer: Any, regularizer: Any, trainable: bool, collections: Any, data_format: str
) -> Tensor:
    biases = model_variable(
        "biases", shape=[number], dtype=x.dtype, initializer=initializer, regularizer=regularizer,
        trainable=trainable, collections=collections_of(collections, "biases"),
    )  # fmt: skip
    return bias_add(x, biases, data_format=data_format)


@add_arg_scope
def convolution2d_in_plane(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    activation_fn: Function = e.relu,
    normalizer_fn: Function = None,
    normalizer_params: Params = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = Zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """One window for all channels, each by itself: variables ``ConvInPlane/weights`` [height, width, 1, 1], biases."""
    tensor = convert_to_tensor(inputs)
    with variable_scope(scope, "ConvInPlane", reuse=reuse) as sc:
        channels = channel_dimension(tensor.shape, "NHWC", min_rank=4)
        weights = model_variable(
            "weights", shape=[*two_element_tuple(kernel_size), 1, 1], dtype=tensor.dtype,
            initializer=weights_initializer, regularizer=weights_regularizer, trainable=trainable,
            collections=collections_of(variables_collections, "weights"),
        )  # fmt: skip
        outputs = _by_channel(tensor, tile(weights, [1, 1, channels, 1]), stride, padding, 1, "NHWC")
        if not normalizer_fn and biases_initializer:
            outputs = _with_biases(
                outputs, channels, biases_initializer, biases_regularizer, trainable, variables_collections, "NHWC"
            )
        return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


conv2d_in_plane = convolution2d_in_plane
