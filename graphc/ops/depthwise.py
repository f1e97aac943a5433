"""Convolution of each channel by itself, and its two adjoints; as for a whole convolution, each leads to the others.

y[n, o, p, c*multiplier + m] = sum over i, j of x[n, o*stride + i*dilation - low, ..., c] * w[i, j, c, m]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_together
from graphc.ops.convolution import (
    apply_given,
    apply_sized,
    check_filter,
    check_sizes,
    check_windows,
    filter_window,
    given_window,
    window_text,
    with_sizes,
)
from graphc.ops.windows import Patches, Window, check_images, make_window
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType


@record
class DepthwiseConv2dNative(Op):
    """Each channel under its own filters: w is [height, width, channels, multiplier]."""

    window: Window

    def infer(self, x: TensorType, w: TensorType) -> TensorType:
        dtype = _check(x, w)
        if x.shape is not None and w.shape is not None:
            check_sizes(w.shape[2], x.shape[self.window.channel_axis], "the filter's channels and the images'")
        return TensorType(dtype, self.window.result_shape(x, _channels_out(w)))

    def evaluate(self, x: Any, w: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        total = np.zeros((x.shape[0], *patches.windows, *w.shape[2:]), x.dtype)
        for place, seen in patches.places():
            total += image[seen][..., None] * w[place]
        return patches.back(total.reshape(*total.shape[:-2], -1))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, w = node.inputs
        return [_input_adjoint(self.window, grad, w, x), _filter_adjoint(self.window, x, grad, w)]

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


@record
class DepthwiseConv2dNativeBackpropInput(Op):
    """The adjoint of the images, which have ``shape`` (the last input where None), from that of the result and w."""

    window: Window
    shape: Shape = None

    def infer(self, grad: TensorType, w: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = _check(grad, w)
        if self.shape is None:
            return TensorType(dtype, (None,) * 4)
        channels = None if w.shape is None else w.shape[2]
        check_sizes(channels, self.shape[self.window.channel_axis], "the filter's channels and the images'")
        check_windows(self.window, grad, self.shape, _channels_out(w))
        return TensorType(dtype, self.shape)

    def evaluate(self, grad: Any, w: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        g = _by_channel(patches.last(grad), w.shape[2])
        for place, seen in patches.places():
            total[seen] += (g * w[place]).sum(-1)
        return patches.cut(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        g, w = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [apply(DepthwiseConv2dNative(self.window), grad, w), _filter_adjoint(self.window, grad, g, w), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


@record
class DepthwiseConv2dNativeBackpropFilter(Op):
    """The adjoint of the filter, which has ``shape`` (the last input where None), from the images and the result's."""

    window: Window
    shape: Shape = None

    def infer(self, x: TensorType, grad: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = check_same_dtype((x, grad))
        check_images(x)
        check_images(grad)
        return TensorType(dtype, (*self.window.size, None, None) if self.shape is None else self.shape)

    def evaluate(self, x: Any, grad: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, x.shape)
        image, g = patches.padded(x), _by_channel(patches.last(grad), patches.shape[-1])
        shape: Any = self.shape if sizes is None else tuple(sizes)
        total = np.zeros(shape, x.dtype)
        for place, seen in patches.places():
            total[place] = np.einsum("nopc,nopcm->cm", image[seen], g)
        return total

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, g = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [_input_adjoint(self.window, g, grad, x), apply(DepthwiseConv2dNative(self.window), x, grad), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


def _check(x: TensorType, w: TensorType) -> Any:
    dtype = check_same_dtype((x, w))
    check_dtype(x, dtypes.FLOATS, "the images")
    check_images(x)
    check_filter(w, 2, "channels, multiplier")
    return dtype


def _channels_out(w: TensorType) -> Size:
    if w.shape is None or w.shape[2] is None or w.shape[3] is None:
        return None
    return w.shape[2] * w.shape[3]


def _by_channel(g: Any, channels: int) -> Any:
    """[..., channels * multiplier] as [..., channels, multiplier]."""
    return g.reshape(*g.shape[:-1], channels, g.shape[-1] // channels if channels else 0)


def _input_adjoint(window: Window, grad: Tensor, w: Tensor, x: Tensor) -> Tensor:
    return apply_sized(DepthwiseConv2dNativeBackpropInput(window), grad, w, x)


def _filter_adjoint(window: Window, x: Tensor, grad: Tensor, w: Tensor) -> Tensor:
    return apply_sized(DepthwiseConv2dNativeBackpropFilter(window), x, grad, w)


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
    return apply(DepthwiseConv2dNative(window), x, w, name=name)


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
