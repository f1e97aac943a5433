"""Convolution of images (or volumes), and its two adjoints; each of the three is linear in both inputs, and their
adjoints are again of the three.

    y[n, o, p, f] = sum over i, j, c of x[n, o*stride + i*dilation - low, ...] * w[i, j, c, f]

The functions here take TensorFlow's arguments; what is made of several of them is in :mod:`graphc.nn.convolution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor, convert_together
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.shape_values import sizes_from, static_sizes
from graphc.ops.windows import Patches, Window, check_images, make_window
from graphc.records import record, replace
from graphc.shapes import Shape, TensorType


@record
class Convolution(Op):
    """``y = x * w``: images of any data format, filters [(depth,) height, width, channels in, channels out]."""

    window: Window

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}D"

    def infer(self, x: TensorType, w: TensorType) -> TensorType:
        dtype = _check(self.window, x, w)
        if x.shape is not None and w.shape is not None:
            channels, wanted = x.shape[self.window.channel_axis], w.shape[-2]
            if channels is not None and wanted is not None and channels != wanted:
                raise ValueError(f"the images {x} have {channels} channels, but the filter {w} takes {wanted}")
        return TensorType(dtype, self.window.result_shape(x, None if w.shape is None else w.shape[-1]))

    def evaluate(self, x: Any, w: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        total = np.zeros((x.shape[0], *patches.windows, w.shape[-1]), x.dtype)
        for place, seen in patches.places():
            total += image[seen] @ w[place]
        return patches.back(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, w = node.inputs
        return [_input_adjoint(self.window, grad, w, x), _filter_adjoint(self.window, x, grad, w)]

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


@record
class ConvolutionBackpropInput(Op):
    """The adjoint of the images, which have ``shape`` (the last input where None), from that of the result and w."""

    window: Window
    shape: Shape = None

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}DBackpropInput"

    def infer(self, grad: TensorType, w: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = _check(self.window, grad, w)
        if self.shape is None:
            return TensorType(dtype, (None,) * (self.window.rank + 2))
        channels = None if w.shape is None else w.shape[-2]
        check_sizes(channels, self.shape[self.window.channel_axis], "the filter's channels and the images'")
        check_windows(self.window, grad, self.shape, None if w.shape is None else w.shape[-1])
        return TensorType(dtype, self.shape)

    def evaluate(self, grad: Any, w: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        g = patches.last(grad)
        for place, seen in patches.places():
            total[seen] += g @ w[place].T
        return patches.cut(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        g, w = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [apply(Convolution(self.window), grad, w), _filter_adjoint(self.window, grad, g, w), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


@record
class ConvolutionBackpropFilter(Op):
    """The adjoint of the filter, which has ``shape`` (the last input where None), from the images and the result's."""

    window: Window
    shape: Shape = None

    @property
    def type(self) -> str:
        return f"Conv{self.window.rank}DBackpropFilter"

    def infer(self, x: TensorType, grad: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = check_same_dtype((x, grad))
        check_images(x, self.window.rank)
        check_images(grad, self.window.rank)
        return TensorType(dtype, (*self.window.size, None, None) if self.shape is None else self.shape)

    def evaluate(self, x: Any, grad: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, x.shape)
        image, g = patches.padded(x), patches.last(grad)
        shape: Any = self.shape if sizes is None else tuple(sizes)
        total = np.zeros(shape, x.dtype)
        summed = tuple(range(self.window.rank + 1))
        for place, seen in patches.places():
            total[place] = np.tensordot(image[seen], g, axes=(summed, summed))
        return total

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, g = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [_input_adjoint(self.window, g, grad, x), apply(Convolution(self.window), x, grad), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return window_text(self.window)


def _check(window: Window, x: TensorType, w: TensorType) -> Any:
    dtype = check_same_dtype((x, w))
    check_dtype(x, dtypes.FLOATS, "the images")
    check_images(x, window.rank)
    check_filter(w, window.rank, "channels in, channels out")
    return dtype


def check_filter(w: TensorType, rank: int, channels: str) -> None:
    """``ValueError`` unless there are ``rank`` axes of places and two of channels."""
    if w.rank not in (rank + 2, None):
        places = "height, width" if rank == 2 else "depth, height, width"
        raise ValueError(f"needs a filter with {rank + 2} axes [{places}, {channels}], not {w}")


def check_windows(window: Window, grad: TensorType, shape: Sequence[Any], channels: Any) -> None:
    """``ValueError`` unless ``grad`` has one cell for each window over images of this shape."""
    if grad.shape is not None:
        windows = window.result_shape(TensorType(grad.dtype, tuple(shape)), channels)
        for axis, (came, wanted) in enumerate(zip(grad.shape, windows or (), strict=True)):
            check_sizes(came, wanted, f"axis {axis} of {grad} and the windows'")


def check_sizes(came: Any, wanted: Any, what: str) -> None:
    """``ValueError`` where two known sizes differ."""
    if came is not None and wanted is not None and came != wanted:
        raise ValueError(f"{what} sizes differ: {came} and {wanted}")


def with_sizes(kind: Any, value: Any) -> Any:
    """``kind`` with its shape from the value of a tensor."""
    return replace(kind, shape=sizes_from(value, kind.type))


def window_text(window: Window) -> dict[str, Any]:
    """What a printed line shows of a window."""
    shown: dict[str, Any] = {"strides": window.strides, "padding": window.padding}
    shown |= {"dilations": window.dilations} if set(window.dilations) != {1} else {}
    return shown | ({} if window.channels_last else {"data_format": window.data_format})


def _input_adjoint(window: Window, grad: Tensor, w: Tensor, x: Tensor) -> Tensor:
    return apply_sized(ConvolutionBackpropInput(window), grad, w, x)


def _filter_adjoint(window: Window, x: Tensor, grad: Tensor, w: Tensor) -> Tensor:
    return apply_sized(ConvolutionBackpropFilter(window), x, grad, w)


def apply_sized(kind: Any, a: Tensor, b: Tensor, like: Tensor) -> Tensor:
    """``kind`` of a and b with the shape of ``like``, as an input where it is not known."""
    if like.type.is_exact:
        return apply(replace(kind, shape=like.type.shape), a, b)
    result = apply(kind, a, b, shape_of(like))
    result.set_shape(like.type.shape)
    return result


def convolve(
    function: str, x: Any, w: Any, strides: Any, padding: Any, layout: Any, dilations: Any, name: str | None, rank: int
) -> Tensor:
    """The images ``x`` under the filters ``w``, by TensorFlow's arguments for its ``function``."""
    images, filters = convert_together(x, w)
    window = filter_window(function, filters, strides, padding, layout, dilations, rank)
    return apply(Convolution(window), images, filters, name=name)


def filter_window(
    function: str, w: Tensor, strides: Any, padding: Any, layout: Any, dilations: Any, rank: int = 2
) -> Window:
    """The window that a filter is."""
    sizes = w.type.shape
    if sizes is None or len(sizes) != rank + 2 or not all(isinstance(size, int) for size in sizes[:rank]):
        sides = "height and width" if rank == 2 else "depth, height and width"
        raise ValueError(f"{function} needs a filter with {rank + 2} axes and known {sides}, not {w.type}")
    return make_window(sizes[:rank], 1 if strides is None else strides, padding, layout, dilations)  # type: ignore


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


def given_window(function: str, filter_sizes: Any, rank: int) -> tuple[int, ...]:
    """The sizes of the window among those of the filter, which must be known while declaring."""
    sizes = static_sizes(filter_sizes)
    if sizes is None or len(sizes) != rank + 2 or None in sizes[:rank]:
        raise ValueError(f"{function} needs {rank + 2} sizes known while declaring, not {filter_sizes!r}")
    return tuple(sizes[:rank])  # type: ignore[arg-type]


def apply_given(kind: Any, a: Tensor, b: Tensor, sizes: Any, name: str | None) -> Tensor:
    """``kind`` of a and b with the sizes that the user gives, as numbers or as a tensor."""
    known = static_sizes(sizes)
    rank = kind.window.rank + 2
    if known is not None and len(known) != rank:
        raise ValueError(f"{kind.type} needs {rank} sizes, not {list(known)}")
    if known is not None and None not in known:
        return apply(replace(kind, shape=tuple(known)), a, b, name=name)
    result = apply(kind, a, b, convert_to_tensor(sizes), name=name)
    if known is not None:
        result.set_shape(known)
    return result


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
