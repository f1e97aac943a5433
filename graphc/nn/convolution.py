"""Convolutions made of others: along one axis, with holes, by depth and then by place, or by the rank of the input."""

from __future__ import annotations

from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import convert_together, graph_of
from graphc.ops.convolution import conv2d, conv2d_backprop_input, conv2d_transpose, convolve
from graphc.ops.depthwise import depthwise_conv2d_native
from graphc.ops.reshaping import expand_dims, squeeze
from graphc.ops.shape_values import static_sizes

# The layouts of one axis as pictures of height 1, and where that height stands.
_AS_PICTURES = {"NWC": ("NHWC", 1), "NCW": ("NCHW", 2)}


@telling_line
def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Rows [batch, width, channels] under the filters [width, channels in, channels out], at every window."""
    x, w = convert_together(input if value is None else value, filters)
    layout, axis = _as_pictures(data_format)
    with graph_of([x]).name_scope(name or "conv1d") as scope:
        pictures = conv2d(
            expand_dims(x, axis), expand_dims(w, 0), _flat(stride, "stride"), padding, data_format=layout,
            dilations=_flat(dilations, "dilations"),
        )  # fmt: skip
        return squeeze(pictures, [axis], name=scope)


@telling_line
def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The adjoint of :func:`conv1d` as a layer; the filters are [width, channels out, channels in]."""
    x, w = convert_together(input, filters)
    layout, axis = _as_pictures(data_format)
    known = static_sizes(output_shape)
    if known is None or len(known) != 3:
        raise ValueError(f"conv1d_transpose needs 3 sizes, not {output_shape!r}")
    sizes = [known[i] if known[i] is not None else output_shape[i] for i in range(3)]
    with graph_of([x]).name_scope(name or "conv1d_transpose") as scope:
        pictures = conv2d_transpose(
            expand_dims(x, axis), expand_dims(w, 0), [*sizes[:axis], 1, *sizes[axis:]], _flat(strides, "strides"),
            padding, layout, dilations=_flat(dilations, "dilations"),
        )  # fmt: skip
        return squeeze(pictures, [axis], name=scope)


def _as_pictures(data_format: str | None) -> tuple[str, int]:
    known = {**_AS_PICTURES, "NHWC": _AS_PICTURES["NWC"], "NCHW": _AS_PICTURES["NCW"]}
    if data_format is not None and data_format not in known:
        raise ValueError(f"data_format must be NWC or NCW, not {data_format!r}")
    return known[data_format or "NWC"]


def _flat(values: Any, what: str) -> tuple[int, int]:
    """The entry for the width, of one number, one in a list or one for each axis, as height and width."""
    numbers = [1 if values is None else values] if not hasattr(values, "__iter__") else list(values)
    if len(numbers) == 3:
        numbers = [max(int(number) for number in numbers)]
    if len(numbers) != 1:
        raise ValueError(f"{what} must be 1 or 3 whole numbers, not {values!r}")
    return 1, int(numbers[0])


@telling_line
def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Tensor:
    """:func:`conv2d` with ``rate - 1`` holes between the cells that a window sees."""
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """The adjoint of :func:`atrous_conv2d` as a layer; the filters are [height, width, channels out, channels in]."""
    return conv2d_backprop_input(output_shape, filters, value, 1, padding, dilations=rate, name=name)


@telling_line
def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Each channel under its own filters [height, width, channels, multiplier], with holes of ``rate``."""
    spread = rate if dilations is None else dilations
    label = name or "depthwise"
    return depthwise_conv2d_native(input, filter, strides, padding, data_format or "NHWC", spread or 1, label)


@telling_line
def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Each channel under its own filters, then at each place the channels mixed by a filter [1, 1, in, out]."""
    x, by_depth, by_place = convert_together(input, depthwise_filter, pointwise_filter)
    sizes = by_place.type.shape
    if sizes is None or len(sizes) != 4 or sizes[:2] != (1, 1):
        raise ValueError(f"separable_conv2d needs a pointwise filter [1, 1, in, out], not {by_place.type}")
    layout = data_format or "NHWC"
    with graph_of([x]).name_scope(name or "separable_conv2d") as scope:
        y = depthwise_conv2d(x, by_depth, strides, padding, rate, "depthwise", layout, dilations)
        return conv2d(y, by_place, 1, "VALID", data_format=layout, name=scope)


@telling_line
def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The convolution for the rank of ``input``, with one stride and one dilation for each axis of places."""
    x, w = convert_together(input, filters if filter is None else filter)
    spread = dilation_rate if dilations is None else dilations
    rank = (x.type.rank or w.type.rank or 0) - 2
    if rank not in (1, 2, 3):
        raise ValueError(f"convolution needs an input with 3, 4 or 5 axes, not {x.type}")
    label = name or "convolution"
    if rank == 1:
        return conv1d(x, w, strides, padding, data_format=data_format, name=label, dilations=spread)
    return convolve("convolution", x, w, strides, padding, data_format, spread, label, rank)
