"""Convolution of images, and its two adjoints; each of the three is linear in both inputs, and their adjoints are
again of the three.

    y[n, o, p, f] = sum over i, j, c of x[n, o*stride + i*dilation - low, ...] * w[i, j, c, f]
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
class Conv2D(Op):
    """``y = x * w``: images of any data format, filters [height, width, channels in, channels out]."""

    window: Window

    def infer(self, x: TensorType, w: TensorType) -> TensorType:
        dtype = _check(x, w)
        if x.shape is not None and w.shape is not None:
            channels, wanted = x.shape[self.window.channel_axis], w.shape[2]
            if channels is not None and wanted is not None and channels != wanted:
                raise ValueError(f"the images {x} have {channels} channels, but the filter {w} takes {wanted}")
        return TensorType(dtype, self.window.result_shape(x, None if w.shape is None else w.shape[3]))

    def evaluate(self, x: Any, w: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        shape: Any = (x.shape[0], patches.height.out, patches.width.out, w.shape[3])
        total = np.zeros(shape, x.dtype)
        for i, j, seen in patches.places():
            total += image[seen] @ w[i, j]
        return patches.back(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, w = node.inputs
        return [_input_adjoint(self.window, grad, w, x), _filter_adjoint(self.window, x, grad, w)]

    def attributes(self) -> dict[str, Any]:
        return _window_text(self.window)


@record
class Conv2DBackpropInput(Op):
    """The adjoint of the images, which have ``shape`` (the last input where None), from that of the result and w."""

    window: Window
    shape: Shape = None

    def infer(self, grad: TensorType, w: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = _check(grad, w)
        if self.shape is None:
            return TensorType(dtype, (None,) * 4)
        channels = None if w.shape is None else w.shape[2]
        _check_sizes(channels, self.shape[self.window.channel_axis], "the filter's channels and the images'")
        if grad.shape is not None:
            images = TensorType(dtype, self.shape)
            windows = self.window.result_shape(images, None if w.shape is None else w.shape[3])
            for axis, (came, wanted) in enumerate(zip(grad.shape, windows or (), strict=True)):
                _check_sizes(came, wanted, f"axis {axis} of {grad} and the windows'")
        return TensorType(dtype, self.shape)

    def evaluate(self, grad: Any, w: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        g = patches.last(grad)
        for i, j, seen in patches.places():
            total[seen] += g @ w[i, j].T
        return patches.cut(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        g, w = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [apply(Conv2D(self.window), grad, w), _filter_adjoint(self.window, grad, g, w), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(_with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return _window_text(self.window)


@record
class Conv2DBackpropFilter(Op):
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
        image, g = patches.padded(x), patches.last(grad)
        shape: Any = self.shape if sizes is None else tuple(sizes)
        total = np.zeros(shape, x.dtype)
        for i, j, seen in patches.places():
            total[i, j] = np.tensordot(image[seen], g, axes=((0, 1, 2), (0, 1, 2)))
        return total

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, g = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [_input_adjoint(self.window, g, grad, x), apply(Conv2D(self.window), x, grad), *rest]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(_with_sizes(self, values[2]), *inputs[:2])

    def attributes(self) -> dict[str, Any]:
        return _window_text(self.window)


def _check(x: TensorType, w: TensorType) -> Any:
    dtype = check_same_dtype((x, w))
    check_dtype(x, dtypes.FLOATS, "the images")
    check_images(x)
    if w.rank not in (4, None):
        raise ValueError(f"needs a filter with 4 axes [height, width, channels in, channels out], not {w}")
    return dtype


def _check_sizes(came: Any, wanted: Any, what: str) -> None:
    if came is not None and wanted is not None and came != wanted:
        raise ValueError(f"{what} sizes differ: {came} and {wanted}")


def _with_sizes(kind: Any, value: Any) -> Any:
    return replace(kind, shape=sizes_from(value, kind.type))


def _window_text(window: Window) -> dict[str, Any]:
    shown: dict[str, Any] = {"strides": window.strides, "padding": window.padding}
    shown |= {"dilations": window.dilations} if window.dilations != (1, 1) else {}
    return shown | ({"data_format": window.data_format} if window.data_format != "NHWC" else {})


def _input_adjoint(window: Window, grad: Tensor, w: Tensor, x: Tensor) -> Tensor:
    return _apply_sized(Conv2DBackpropInput(window), grad, w, x)


def _filter_adjoint(window: Window, x: Tensor, grad: Tensor, w: Tensor) -> Tensor:
    return _apply_sized(Conv2DBackpropFilter(window), x, grad, w)


def _apply_sized(kind: Any, a: Tensor, b: Tensor, like: Tensor) -> Tensor:
    """``kind`` of a and b with the shape of ``like``, as an input where it is not known."""
    if like.type.is_exact:
        return apply(replace(kind, shape=like.type.shape), a, b)
    result = apply(kind, a, b, shape_of(like))
    result.set_shape(like.type.shape)
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
    x, w = convert_together(input, filters if filter is None else filter)
    window = _filter_window(w, 1 if strides is None else strides, padding, data_format, dilations)
    return apply(Conv2D(window), x, w, name=name)


def _filter_window(w: Tensor, strides: Any, padding: Any, data_format: str, dilations: Any) -> Window:
    sizes = w.type.shape
    if sizes is None or len(sizes) != 4 or not all(isinstance(size, int) for size in sizes[:2]):
        raise ValueError(f"conv2d needs a filter with 4 axes and known height and width, not {w.type}")
    return make_window((sizes[0], sizes[1]), strides, padding, data_format, dilations)  # type: ignore[arg-type]


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
    grad, w = convert_together(out_backprop, filters if filter is None else filter)
    window = _filter_window(w, strides, padding, data_format, dilations)
    return _sized(Conv2DBackpropInput(window), grad, w, input_sizes, name)


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
    x, grad = convert_together(input, out_backprop)
    sizes = static_sizes(filter_sizes)
    if sizes is None or len(sizes) != 4 or None in sizes[:2]:
        raise ValueError(f"conv2d_backprop_filter needs 4 sizes known while declaring, not {filter_sizes!r}")
    window = make_window((sizes[0], sizes[1]), strides, padding, data_format, dilations)  # type: ignore[arg-type]
    return _sized(Conv2DBackpropFilter(window), x, grad, filter_sizes, name)


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
    images, w = convert_together(input if value is None else value, filters if filter is None else filter)
    window = _filter_window(w, strides, padding, data_format, dilations)
    return _sized(Conv2DBackpropInput(window), images, w, output_shape, name or "conv2d_transpose")


def _sized(kind: Any, a: Tensor, b: Tensor, sizes: Any, name: str | None) -> Tensor:
    known = static_sizes(sizes)
    if known is not None and len(known) != 4:
        raise ValueError(f"{kind.type} needs 4 sizes, not {list(known)}")
    if known is not None and None not in known:
        return apply(replace(kind, shape=known), a, b, name=name)
    result = apply(kind, a, b, convert_to_tensor(sizes), name=name)
    if known is not None:
        result.set_shape(known)
    return result
