"""Convolution of images (or volumes), and its two adjoints; each of the three is linear in both inputs, and their
adjoints are again of the three.

    y[n, o, p, f] = sum over i, j, c of x[n, o*stride + i*dilation - low, ...] * w[i, j, c, f]

The functions here take TensorFlow's arguments; what is made of several of them is in :mod:`graphc.nn.convolution`.
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


@record
class Convolution(Forward):
    """``y = x * w``: images of any data format, filters [(depth,) height, width, channels in, channels out]."""

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}D"

    @property
    def kind(self) -> Kind:
        return CONVOLUTION

    def evaluate(self, x: Any, w: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        total = np.zeros((x.shape[0], *patches.windows, w.shape[-1]), x.dtype)
        for place, seen in patches.places():
            total += image[seen] @ w[place]
        return patches.back(total)


@record
class ConvolutionBackpropInput(ByImages):
    """The adjoint of the images of a convolution."""

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}DBackpropInput"

    @property
    def kind(self) -> Kind:
        return CONVOLUTION

    def evaluate(self, grad: Any, w: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        g = patches.last(grad)
        for place, seen in patches.places():
            total[seen] += g @ w[place].T
        return patches.cut(total)


@record
class ConvolutionBackpropFilter(ByFilter):
    """The adjoint of the filter of a convolution."""

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}DBackpropFilter"

    @property
    def kind(self) -> Kind:
        return CONVOLUTION

    def evaluate(self, x: Any, grad: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, x.shape)
        image, g = patches.padded(x), patches.last(grad)
        shape: Any = self.shape if sizes is None else tuple(sizes)
        total = np.zeros(shape, x.dtype)
        summed = tuple(range(self.window.rank + 1))
        for place, seen in patches.places():
            total[place] = np.tensordot(image[seen], g, axes=(summed, summed))
        return total


CONVOLUTION = Kind(Convolution, ConvolutionBackpropInput, ConvolutionBackpropFilter)


def convolve(
    function: str, x: Any, w: Any, strides: Any, padding: Any, layout: Any, dilations: Any, name: str | None, rank: int
) -> Tensor:
    """The images ``x`` under the filters ``w``, by TensorFlow's arguments for its ``function``."""
    images, filters = convert_together(x, w)
    window = filter_window(function, filters, strides, padding, layout, dilations, rank)
    return apply(Convolution(window), images, filters, name=name)


def spread(
    function: str, grad: Any, w: Any, sizes: Any, strides: Any, padding: Any, layout: Any, dilations: Any,
    name: str | None, rank: int,
) -> Tensor:  # fmt: skip
    """The adjoint of the images, of given sizes, by TensorFlow's arguments for its ``function``."""
    grads, filters = convert_together(grad, w)
    window = filter_window(function, filters, strides, padding, layout, dilations, rank)
    return apply_given(ConvolutionBackpropInput(window), grads, filters, sizes, name)


def gather_filter(
    function: str, x: Any, sizes: Any, grad: Any, strides: Any, padding: Any, layout: Any, dilations: Any,
    name: str | None, rank: int,
) -> Tensor:  # fmt: skip
    """The adjoint of the filter, of given sizes, by TensorFlow's arguments for its ``function``."""
    images, grads = convert_together(x, grad)
    window = make_window(given_window(function, sizes, rank), strides, padding, layout, dilations)
    return apply_given(ConvolutionBackpropFilter(window), images, grads, sizes, name)


@telling_line
def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The images ``input`` under the filters [height, width, channels in, channels out], at every window."""
    w = filters if filter is None else filter
    return convolve("conv2d", input, w, strides, padding, data_format, dilations, name, 2)


@telling_line
def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The adjoint of the images of :func:`conv2d`, whose sizes are given."""
    w = filters if filter is None else filter
    return spread("conv2d", out_backprop, w, input_sizes, strides, padding, data_format, dilations, name, 2)


@telling_line
def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The adjoint of the filter of :func:`conv2d`, whose sizes are given."""
    function = "conv2d_backprop_filter"
    return gather_filter(
        function, input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name, 2
    )  # fmt: skip


@telling_line
def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The adjoint of :func:`conv2d` as a layer; the filter is [height, width, channels out, channels in]."""
    images, w = input if value is None else value, filters if filter is None else filter
    label = name or "conv2d_transpose"
    return spread("conv2d_transpose", images, w, output_shape, strides, padding, data_format, dilations, label, 2)


@telling_line
def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The volumes ``input`` under the filters [depth, height, width, channels in, channels out], at every window."""
    w = filters if filter is None else filter
    return convolve("conv3d", input, w, strides, padding, data_format, dilations, name, 3)


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The adjoint of the filter of :func:`conv3d`, whose sizes are given."""
    function = "conv3d_backprop_filter"
    return gather_filter(
        function, input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name, 3
    )  # fmt: skip


conv3d_backprop_filter_v2 = conv3d_backprop_filter


@telling_line
def conv3d_transpose(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The adjoint of :func:`conv3d` as a layer; the filter is [depth, height, width, channels out, channels in]."""
    images, w = input if value is None else value, filters if filter is None else filter
    label = name or "conv3d_transpose"
    return spread("conv3d_transpose", images, w, output_shape, strides, padding, data_format, dilations, label, 3)
