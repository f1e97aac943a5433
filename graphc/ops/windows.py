"""Windows that slide over the two middle axes of images: what convolution and pooling share.

Position ``o`` of the result and position ``k`` in the window meet at ``o * stride + k * dilation - low`` of the image,
where ``low`` cells of padding stand before the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.dims import Dim, DimLike, ceildiv, floordiv, is_nonnegative
from graphc.ops.shape_values import NeedsNumbers
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType

Edges = tuple[tuple[int, int], tuple[int, int]]


class Extent(NamedTuple):
    """One axis: how many windows there are, and the cells of padding before and after the image."""

    out: DimLike
    low: int
    high: DimLike


@record
class Window:
    """How a window moves: ``padding`` is SAME, VALID or the cells before and after each axis."""

    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str | Edges
    data_format: str = "NHWC"
    dilations: tuple[int, int] = (1, 1)

    @property
    def axes(self) -> tuple[int, int]:
        """The axes of height and width."""
        return (1, 2) if self.data_format == "NHWC" else (2, 3)

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return 3 if self.data_format == "NHWC" else 1

    def extent(self, i: int, size: DimLike) -> Extent:
        """The windows along height (i = 0) or width (i = 1) of an image of this size."""
        reach = (self.size[i] - 1) * self.dilations[i] + 1
        stride = self.strides[i]
        if self.padding == "SAME":
            out = ceildiv(size, stride)
            low, high = _same_edges((out - 1) * stride + reach - size, size)
            return Extent(out, low, high)
        low, high = (0, 0) if isinstance(self.padding, str) else self.padding[i]
        room = size + low + high - reach
        out = floordiv(room, stride) + 1
        if isinstance(out, Dim) and not is_nonnegative(room):
            raise NeedsNumbers(f"whether a window of {reach} fits in {size} depends on the size")
        if isinstance(out, int) and out < 0:
            raise ValueError(f"a window that reaches over {reach} does not fit in an axis of size {size}")
        return Extent(out, low, high)

    def extents(self, shape: Sequence[DimLike]) -> tuple[Extent, Extent]:
        """The windows along height and width of images of this shape."""
        height, width = (self.extent(i, shape[axis]) for i, axis in enumerate(self.axes))
        return height, width

    def out_size(self, i: int, size: Size) -> Size:
        """The number of windows, or None."""
        return None if size is None else self.extent(i, size).out

    def result_shape(self, images: TensorType, channels: Size) -> Shape:
        """The shape with one cell for each window and this many channels."""
        check_images(images)
        if images.shape is None:
            return self.arranged(None, None, None, channels)
        height, width = (self.out_size(i, images.shape[axis]) for i, axis in enumerate(self.axes))
        return self.arranged(images.shape[0], height, width, channels)

    def arranged(self, batch: Any, height: Any, width: Any, channels: Any) -> tuple[Any, Any, Any, Any]:
        """Four sizes in the order of the data format."""
        if self.data_format == "NHWC":
            return batch, height, width, channels
        return batch, channels, height, width


def _same_edges(missing: DimLike, size: DimLike) -> tuple[int, int]:
    """The padding before and after, the odd cell after."""
    if isinstance(missing, Dim):
        raise NeedsNumbers(f"the padding of a strided window over an axis of size {size} depends on the size")
    total = max(missing, 0)
    return total // 2, total - total // 2


def check_images(images: TensorType) -> None:
    """``ValueError`` unless there are four axes."""
    if images.rank not in (4, None):
        raise ValueError(f"needs images with 4 axes, not {images}")


class Patches:
    """NumPy views of padded images: for each place in the window, the cells that all windows see there."""

    def __init__(self, window: Window, shape: Sequence[int]):
        self.window = window
        self.shape = _channels_last(shape, window)
        self.height, self.width = (window.extent(i, self.shape[1 + i]) for i in range(2))

    def padded(self, x: Any, value: Any = 0) -> Any:
        """``x`` as [batch, height, width, channels] with the padding around it."""
        edges: Any = [(0, 0), *((extent.low, extent.high) for extent in (self.height, self.width)), (0, 0)]
        return np.pad(self.last(x), edges, constant_values=value)

    def cut(self, padded: Any) -> Any:
        """``padded`` without the padding, in the order of the data format."""
        (_, top, _), (_, left, _) = self.height, self.width
        return self.back(padded[:, top : top + self.shape[1], left : left + self.shape[2]])

    def places(self) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """Each place (i, j) of the window, with the index of what all windows see there."""
        w = self.window
        for i in range(w.size[0]):
            for j in range(w.size[1]):
                rows = _steps(i * w.dilations[0], self.height.out, w.strides[0])
                cols = _steps(j * w.dilations[1], self.width.out, w.strides[1])
                yield i, j, (slice(None), rows, cols)

    def last(self, x: Any) -> Any:
        """``x`` with its channels last."""
        return x if self.window.data_format == "NHWC" else np.transpose(x, (0, 2, 3, 1))

    def back(self, x: Any) -> Any:
        """``x`` with its channels where the data format has them."""
        return x if self.window.data_format == "NHWC" else np.transpose(x, (0, 3, 1, 2))


def _channels_last(shape: Sequence[int], window: Window) -> tuple[int, ...]:
    sizes = tuple(shape)
    return sizes if window.data_format == "NHWC" else (sizes[0], sizes[2], sizes[3], sizes[1])


def _steps(first: int, out: Any, stride: int) -> slice:
    return slice(first, first + (out - 1) * stride + 1 if out else first, stride)


def make_window(
    size: tuple[int, int], strides: Any, padding: Any, data_format: Any, dilations: Any = (1, 1, 1, 1)
) -> Window:
    """A window from TensorFlow's arguments; ``ValueError`` where they make no sense."""
    layout = data_format or "NHWC"
    if layout not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format must be NHWC or NCHW, not {data_format!r}")
    moves = spatial_pair(strides, layout, "strides")
    spread = spatial_pair((1, 1, 1, 1) if dilations is None else dilations, layout, "dilations")
    return Window(size, moves, _padding(padding, layout), layout, spread)


def spatial_pair(values: Any, layout: str, what: str) -> tuple[int, int]:
    """The entries for height and width of one, two or four numbers; those of batch and channels must be 1."""
    numbers = [int(v) for v in values] if hasattr(values, "__iter__") else [int(values)]
    if len(numbers) == 1:
        numbers = numbers * 2
    if len(numbers) == 4:
        others = (numbers[0], numbers[3] if layout == "NHWC" else numbers[1])
        if others != (1, 1):
            raise ValueError(f"{what} must be 1 for batch and channels, not {list(values)}")
        numbers = numbers[1:3] if layout == "NHWC" else numbers[2:4]
    if len(numbers) != 2 or min(numbers) < 1:
        raise ValueError(f"{what} must be 1, 2 or 4 whole numbers of at least 1, not {values!r}")
    return numbers[0], numbers[1]


def _padding(padding: Any, layout: str) -> str | Edges:
    if isinstance(padding, str) and padding.upper() in ("SAME", "VALID"):
        return padding.upper()
    if isinstance(padding, (list, tuple)) and len(padding) == 4:
        pairs = [(int(low), int(high)) for low, high in padding]
        spatial = pairs[1:3] if layout == "NHWC" else pairs[2:4]
        if all(edge == (0, 0) for edge in pairs if edge not in spatial) and min(min(pair) for pair in spatial) >= 0:
            return spatial[0], spatial[1]
    raise ValueError(f"padding must be 'SAME', 'VALID' or a list of 4 pairs, not {padding!r}")
