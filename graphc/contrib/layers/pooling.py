"""Pooling layers: the greatest or the mean of each window."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.framework.variables import model_variable
from graphc.contrib.layers.utils import collect_named_outputs, n_positive_integers
from graphc.initializers import Ones
from graphc.layers.convolution import on_image
from graphc.nn.classification import softmax
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import pooling as ops
from graphc.ops.arrays import concat, meshgrid
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape, shape, transpose
from graphc.ops.sequences import range as iota
from graphc.variable_scope import variable_scope


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The greatest value of each window of pictures."""
    return _pooled(inputs, kernel_size, stride, padding, data_format, outputs_collections, scope or "MaxPool2D", "MAX")


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The mean value of each window of pictures."""
    return _pooled(inputs, kernel_size, stride, padding, data_format, outputs_collections, scope or "AvgPool2D", "AVG")


@add_arg_scope
def max_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The greatest value of each window of volumes."""
    return _pooled(inputs, kernel_size, stride, padding, data_format, outputs_collections, scope or "MaxPool3D", "MAX")


@add_arg_scope
def avg_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The mean value of each window of volumes."""
    return _pooled(inputs, kernel_size, stride, padding, data_format, outputs_collections, scope or "AvgPool3D", "AVG")


def _pooled(
    inputs: Any, size: Any, stride: Any, padding: str, layout: str, collections: Any, scope: str, kind: str
) -> Tensor:
    rank = len(layout) - 2
    if layout not in (("NHWC", "NCHW") if rank == 2 else ("NDHWC", "NCDHW")):
        raise ValueError(f"data_format has to be either {'NCHW or NHWC' if rank == 2 else 'NCDHW or NDHWC'}.")
    tensor = convert_to_tensor(inputs)
    with graph_of([tensor]).name_scope(scope) as sc:
        channels = "channels_first" if layout[1] == "C" else "channels_last"
        window, step = (on_image(n_positive_integers(rank, given), channels) for given in (size, stride))
        outputs = ops.pool(tensor, window, kind, padding.upper(), strides=step, data_format=layout)
        return collect_named_outputs(collections, sc, outputs)


@add_arg_scope
def pool(
    inputs: Any,
    kernel_size: Any,
    pooling_type: str,
    padding: str = "VALID",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    stride: Any = 1,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The greatest ("MAX") or the mean ("AVG") value of each window over all axes of places."""
    tensor = convert_to_tensor(inputs)
    if tensor.type.rank is None or tensor.type.rank < 3:
        raise ValueError("Rank of inputs must be known and at least 3")
    rank = tensor.type.rank - 2
    with graph_of([tensor]).name_scope(scope or f"{pooling_type.lower()}_pool") as sc:
        outputs = ops.pool(
            tensor, n_positive_integers(rank, kernel_size), pooling_type, padding,
            n_positive_integers(rank, dilation_rate), n_positive_integers(rank, stride), data_format=data_format,
        )  # fmt: skip
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def spatial_softmax(
    features: Any, temperature: Any = None, name: str | None = None, variables_collections: Any = None,
    trainable: bool = True, data_format: str = "NHWC",
) -> Tensor:  # fmt: skip
    """Where each channel of pictures is largest: the mean place by a softmax over places, [batch, 2 * channels].

    Places go from -1 to 1, first along the height, then along the width (Levine and others, End-to-End Training of Deep
    Visuomotor Policies, arXiv:1504.00702, section 5). Without ``temperature``, it is a variable that begins at 1.
    """
    with variable_scope(name, "spatial_softmax"):
        x = convert_to_tensor(features)
        if data_format not in ("NHWC", "NCHW"):
            raise ValueError("data_format has to be either NCHW or NHWC.")
        if x.type.rank != 4:
            raise ValueError(f"spatial_softmax: features must be pictures of 4 axes, {x.op.describe()} has {x.type}")
        if data_format == "NHWC":
            x = transpose(x, [0, 3, 1, 2])
        channels, sizes = x.type.shape[1], shape(x)  # type: ignore[index]
        if temperature is None:
            temperature = model_variable(
                "temperature", [], dtypes.float32, Ones(), collections=variables_collections, trainable=trainable
            )
        flat = reshape(x, [-1, sizes[2] * sizes[3]])
        attention = softmax(flat / convert_to_tensor(temperature, flat.dtype))
        down, across = meshgrid(*(_from_minus_one_to_one(sizes[axis], flat) for axis in (2, 3)), indexing="ij")
        means = [reduce_sum(reshape(places, [-1]) * attention, 1, keepdims=True) for places in (down, across)]
        result = reshape(concat(means, 1), [sizes[0], sizes[1] * 2])
        result.set_shape([None, channels * 2 if isinstance(channels, int) else None])
        return result


def _from_minus_one_to_one(number: Tensor, like: Tensor) -> Tensor:
    """``number`` places at equal distances; the one place there may be is -1, as in TensorFlow."""
    steps = e.cast(iota(number), like.dtype)
    return 2 * steps / e.cast(e.maximum(number - 1, 1), like.dtype) - 1
