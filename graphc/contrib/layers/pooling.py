"""Pooling layers: the greatest or the mean of each window."""

from __future__ import annotations

from typing import Any

from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.layers.utils import collect_named_outputs, n_positive_integers
from graphc.layers.convolution import on_image
from graphc.nodes import Tensor
from graphc.ops import pooling as ops
from graphc.ops.base import convert_to_tensor, graph_of


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
