"""Pooling: the greatest or the mean value of each window, and the adjoints.

Padding takes no part: it is never the greatest, and a mean counts only the cells of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.arrays import concat
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor, graph_of
from graphc.ops.late import late_one
from graphc.ops.reduction import reduce_max
from graphc.ops.reshaping import reshape
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.shape_values import sizes_from
from graphc.ops.windows import Patches, Window, check_images, make_window, spatial_numbers
from graphc.records import record, replace
from graphc.shapes import Shape, TensorType, merge


class _Windowed(Op):
    window: Window

    @property
    def type(self) -> str:
        name = type(self).__name__
        return name if self.window.rank == 2 else name.replace("Pool", "Pool3D")

    def attributes(self) -> dict[str, Any]:
        return _window_text(self.window)


@record
class _Pool(_Windowed):
    window: Window

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, dtypes.NUMBERS if isinstance(self, MaxPool) else dtypes.FLOATS, "the images")
        return TensorType(x.dtype, _pooled_shape(self.window, x))


@record
class MaxPool(_Pool):
    """The greatest value of each window. NaN is passed over, as TensorFlow does."""

    def evaluate(self, x: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x, _least(x.dtype))
        seen = [image[index] for _, index in patches.places()]
        return patches.back(np.fmax(np.fmax.reduce(seen), _least(x.dtype)))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(MaxPoolGrad(self.window), node.inputs[0], node.outputs[0], grad)]


@record
class MaxPoolGrad(_Windowed):
    """``dx`` from (x, y, dy): each window's adjoint goes to the first cell, row by row, that equals its maximum."""

    window: Window

    def infer(self, x: TensorType, y: TensorType, grad: TensorType) -> TensorType:
        dtype = check_same_dtype((x, y, grad))
        merge(y.shape, grad.shape)
        return TensorType(dtype, x.shape)

    def evaluate(self, x: Any, y: Any, grad: Any) -> Any:
        patches = Patches(self.window, x.shape)
        total = patches.padded(np.zeros_like(x))
        g = patches.last(grad)
        for index, chosen in _first_maxima(patches, x, y):
            total[index] += np.where(chosen, g, np.zeros((), g.dtype))
        return patches.cut(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, y, _ = node.inputs
        return [None, None, apply(MaxPoolGradGrad(self.window), x, y, grad)]


@record
class MaxPoolGradGrad(_Windowed):
    """From (x, y, u): the value of u at the first cell of each window, row by row, where x equals the maximum."""

    window: Window

    def infer(self, x: TensorType, y: TensorType, u: TensorType) -> TensorType:
        dtype = check_same_dtype((x, y, u))
        merge(x.shape, u.shape)
        return TensorType(dtype, y.shape)

    def evaluate(self, x: Any, y: Any, u: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(u)
        total = np.zeros_like(patches.last(y))
        for index, chosen in _first_maxima(patches, x, y):
            total = np.where(chosen, image[index], total)
        return patches.back(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, y, _ = node.inputs
        return [None, None, apply(MaxPoolGrad(self.window), x, y, grad)]


@record
class AvgPool(_Pool):
    """The mean value of each window, over the cells of the image that it sees."""

    def evaluate(self, x: Any) -> Any:
        patches = Patches(self.window, x.shape)
        image = patches.padded(x)
        total = np.add.reduce([image[index] for _, index in patches.places()])
        return patches.back(total / _cells_seen(patches, x.dtype))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x = node.inputs[0]
        if x.type.is_exact:
            return [apply(AvgPoolGrad(self.window, x.type.shape), grad)]
        result = apply(AvgPoolGrad(self.window), grad, shape_of(x))
        result.set_shape(x.type.shape)
        return [result]


@record
class AvgPoolGrad(_Windowed):
    """The adjoint of images of ``shape`` (the last input where None): each window's is spread over what it saw."""

    window: Window
    shape: Shape = None

    def infer(self, grad: TensorType, sizes: TensorType | None = None) -> TensorType:
        check_images(grad, self.window.rank)
        return TensorType(grad.dtype, (None,) * (self.window.rank + 2) if self.shape is None else self.shape)

    def evaluate(self, grad: Any, sizes: Any = None) -> Any:
        patches = Patches(self.window, self.shape if sizes is None else tuple(int(n) for n in sizes))  # type: ignore
        g = patches.last(grad) / _cells_seen(patches, grad.dtype)
        total = patches.padded(patches.back(np.zeros(patches.shape, grad.dtype)))
        for _, index in patches.places():
            total[index] += g
        return patches.cut(total)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(AvgPool(self.window), grad), *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        if self.shape is not None:
            return None
        return apply(replace(self, shape=sizes_from(values[1], self.type)), inputs[0])


def _pooled_shape(window: Window, x: TensorType) -> Shape:
    if x.rank not in (None, window.rank + 2):
        raise ValueError(f"pooling of {x} with a window of {window.rank} sizes; wanted {window.rank + 2} axes")
    return window.result_shape(x, None if x.shape is None else x.shape[window.channel_axis])


def _window_text(window: Window) -> dict[str, Any]:
    shown = {"ksize": window.size, "strides": window.strides, "padding": window.padding}
    return shown | ({} if window.channels_last else {"data_format": window.data_format})


def _least(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _cells_seen(patches: Patches, dtype: np.dtype[Any]) -> Any:
    """How many cells of the image each window sees."""
    ones = patches.padded(patches.back(np.ones((1, *patches.shape[1:-1], 1), dtype)))
    return np.add.reduce([ones[index] for _, index in patches.places()])


def _first_maxima(patches: Patches, x: Any, y: Any) -> Any:
    """For each place of the window, its index and which windows have their first maximum there."""
    image, greatest = patches.padded(x, _least(x.dtype)), patches.last(y)
    inside = patches.padded(np.ones(x.shape, bool), False)
    found = np.zeros(greatest.shape, bool)
    for _, index in patches.places():
        chosen = (image[index] == greatest) & inside[index] & ~found
        found |= chosen
        yield index, chosen


@telling_line
def max_pool(
    value: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None,
    input: Any = None,
) -> Tensor:  # fmt: skip
    """The greatest value of each window of ``ksize`` over height and width."""
    return _pool(MaxPool, input if value is None else value, ksize, strides, padding, data_format or "NHWC", name)


@telling_line
def avg_pool(
    value: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None,
    input: Any = None,
) -> Tensor:  # fmt: skip
    """The mean value of each window of ``ksize`` over height and width."""
    return _pool(AvgPool, input if value is None else value, ksize, strides, padding, data_format or "NHWC", name)


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """The greatest value of each window of ``ksize`` over height and width."""
    return max_pool(input, ksize, strides, padding, data_format, name or "MaxPool2d")


def avg_pool2d(
    value: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None,
    input: Any = None,
) -> Tensor:  # fmt: skip
    """The mean value of each window of ``ksize`` over height and width."""
    return avg_pool(value, ksize, strides, padding, data_format, name or "AvgPool2D", input)


@telling_line
def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The greatest value of each window of ``ksize`` over depth, height and width."""
    return _pool(MaxPool, input, ksize, strides, padding, data_format or "NDHWC", name)


@telling_line
def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The mean value of each window of ``ksize`` over depth, height and width."""
    return _pool(AvgPool, input, ksize, strides, padding, data_format or "NDHWC", name)


@telling_line
def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: Any,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """The greatest (MAX) or the mean (AVG) value of each window over all axes of places."""
    kinds = {"MAX": MaxPool, "AVG": AvgPool}
    if pooling_type not in kinds:
        raise ValueError(f"pooling_type must be MAX or AVG, not {pooling_type!r}")
    spread = dilation_rate if dilations is None else dilations
    layout = data_format or ("NDHWC" if len(window_shape) == 3 else "NHWC")
    return _pool(kinds[pooling_type], input, window_shape, strides or 1, padding, layout, name, spread)


def _pool(
    kind: type[_Pool], value: Any, ksize: Any, strides: Any, padding: Any, layout: str, name: str | None,
    dilations: Any = None,
) -> Tensor:  # fmt: skip
    if not isinstance(layout, str) or "C" not in layout:
        raise ValueError(f"data_format must be NHWC or NCHW, not {layout!r}")
    channels = layout.index("C")
    if kind is MaxPool and hasattr(ksize, "__len__") and len(ksize) == len(layout) and ksize[channels] != 1:
        return _greatest_over_channels(convert_to_tensor(value), ksize, strides, channels, name or "MaxPool")
    size = spatial_numbers(ksize, layout, "ksize")
    return apply(kind(make_window(size, strides, padding, layout, dilations)), convert_to_tensor(value), name=name)


def _greatest_over_channels(x: Tensor, ksize: Any, strides: Any, axis: int, name: str) -> Tensor:
    """The greatest of each ``ksize[axis]`` channels that follow each other."""
    depth = int(ksize[axis])
    alone = [depth if place == axis else 1 for place in range(len(ksize))]
    if list(ksize) != alone or list(strides) != alone:
        raise ValueError(
            "max_pool goes over places, or over groups of channels with a stride of their size: wanted ksize and "
            f"strides {alone}, not {list(ksize)} and {list(strides)}"
        )
    if x.type.rank is None:
        build = lambda x: _greatest_over_channels(x, ksize, strides, axis, name)  # noqa: E731
        return late_one("MaxPool", build, x, [], rank=len(ksize), name=name)
    channels = x.type.shape[axis]  # type: ignore[index]
    if isinstance(channels, int) and channels % depth:
        raise ValueError(
            f"max_pool: the depth window {depth} must evenly divide the input depth {channels}: {x.op.describe()} has "
            f"{x.type}"
        )
    with graph_of([x]).name_scope(name) as scope:
        sizes = shape_of(x)
        parts = concat([sizes[:axis], [sizes[axis] // depth, depth], sizes[axis + 1 :]], 0)
        return reduce_max(reshape(x, parts), axis + 1, name=scope)
