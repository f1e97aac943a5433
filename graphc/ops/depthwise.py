"""Convolution of each channel by itself, and its two adjoints; as for a whole convolution, each leads to the others.

y[n, o, p, c*multiplier + m] = sum over i, j of x[n, o*stride + i*dilation - low, ..., c] * w[i, j, c, m]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import apply, convert_together
from graphc.ops.filters import ByFilter, ByImages, Forward, Kind, apply_given, filter_window, given_window
from graphc.ops.windows import Patches, make_window
from graphc.records import record
from graphc.shapes import Size, TensorType


@record
class DepthwiseConv2dNative(Forward):
    """Each channel under its own filters: w is [height, width, channels, multiplier]."""

    filter_axes = "channels, multiplier"

    @staticmethod
    def channels_out(w: TensorType) -> Size:
        if w.shape is None or w.shape[2] is None or w.shape[3] is None:
            return None
        return w.shape[2] * w.shape[3]

    @property
    def kind(self) -> Kind:
        return BY_DEPTH

    def evaluate(self, x: Any, w: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        total = np.zeros((x.shape[0], *patches.windows, *w.shape[2:]), x.dtype)
        for place, seen in patches.places():
            total += image[seen][..., None] * w[place]
        return patches.back(total.reshape(*total.shape[:-2], -1))


@record
class DepthwiseConv2dNativeBackpropInput(ByImages):
    """The adjoint of the images of a convolution by depth."""

    @property
    def kind(self) -> Kind:
        return BY_DEPTH

    def evaluate(self, grad: Any, w: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        g = _by_channel(patches.last(grad), w.shape[2])
        for place, seen in patches.places():
            total[seen] += (g * w[place]).sum(-1)
        return patches.cut(total)


@record
class DepthwiseConv2dNativeBackpropFilter(ByFilter):
    """The adjoint of the filter of a convolution by depth."""

    @property
    def kind(self) -> Kind:
        return BY_DEPTH

    def evaluate(self, x: Any, grad: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, x.shape)
        image, g = patches.padded(x), _by_channel(patches.last(grad), patches.shape[-1])
        shape: Any = self.shape if sizes is None else tuple(sizes)
        total = np.zeros(shape, x.dtype)
        for place, seen in patches.places():
            total[place] = np.einsum("nopc,nopcm->cm", image[seen], g)
        return total


BY_DEPTH = Kind(DepthwiseConv2dNative, DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter)


def _by_channel(g: Any, channels: int) -> Any:
    """[..., channels * multiplier] as [..., channels, multiplier]."""
    return g.reshape(*g.shape[:-1], channels, g.shape[-1] // channels if channels else 0)


@telling_line
def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Each channel of ``input`` under its own filters [height, width, channels, multiplier], at every window."""
    x, w = convert_together(input, filter)
    window = filter_window("depthwise_conv2d_native", w, strides, padding, data_format, dilations)
    return apply(DepthwiseConv2dNative(window.fitted(x.type)), x, w, name=name)


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The adjoint of the images of :func:`depthwise_conv2d_native`, whose sizes are given."""
    grad, w = convert_together(out_backprop, filter)
    window = filter_window("depthwise_conv2d_native", w, strides, padding, data_format, dilations)
    return apply_given(DepthwiseConv2dNativeBackpropInput(window), grad, w, input_sizes, name)


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The adjoint of the filter of :func:`depthwise_conv2d_native`, whose sizes are given."""
    x, grad = convert_together(input, out_backprop)
    size = given_window("depthwise_conv2d_native_backprop_filter", filter_sizes, 2)
    window = make_window(size, strides, padding, data_format, dilations)
    return apply_given(DepthwiseConv2dNativeBackpropFilter(window), x, grad, filter_sizes, name)
