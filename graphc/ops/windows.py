"""Windows that slide over the places of images (height and width, or depth too): what convolution and pooling share.

Position ``o`` of the result and position ``k`` in the window meet at ``o * stride + k * dilation - low`` of the image,
where ``low`` cells of padding stand before the image.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.dims import Dim, DimLike, ceildiv, floordiv, is_nonnegative
from graphc.ops.shape_values import NeedsNumbers
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType

Numbers = tuple[int, ...]
Edges = tuple[tuple[int, int], ...]
# The spellings of the orders of axes, by the number of axes that windows slide over.
LAYOUTS = {2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


class Extent(NamedTuple):
    """One axis: how many windows there are, and the cells of padding before and after the image."""

    out: DimLike
    low: int
    high: DimLike


@record
class Window:
    """How a window moves: ``padding`` is SAME, VALID or the cells before and after each axis."""

    size: Numbers
    strides: Numbers
    padding: str | Edges
    data_format: str = "NHWC"
    dilations: Numbers = (1, 1)

    @property
    def rank(self) -> int:
        """How many axes the window slides over."""
        return len(self.size)

    @property
    def channels_last(self) -> bool:
        """Whether the channels come after the places."""
        return self.data_format.endswith("C")

    @property
    def axes(self) -> Numbers:
        """The axes that the window slides over: (depth,) height and width."""
        first = 1 if self.channels_last else 2
        return tuple(range(first, first + self.rank))

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return self.rank + 1 if self.channels_last else 1

    def reach(self, i: int) -> int:
        """From the first to the last cell along spatial axis ``i`` that one window sees."""
        return (self.size[i] - 1) * self.dilations[i] + 1

    def extent(self, i: int, size: DimLike) -> Extent:
        """The windows along spatial axis ``i`` of an image of this size."""
        reach, stride = self.reach(i), self.strides[i]
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
            raise ValueError(self._misfit(i, size))
        return Extent(out, low, high)

    def extents(self, shape: Sequence[DimLike]) -> tuple[Extent, ...]:
        """The windows along each spatial axis of images of this shape."""
        return tuple(self.extent(i, shape[axis]) for i, axis in enumerate(self.axes))

    def fitted(self, images: TensorType) -> Window:
        """Itself; ``ValueError`` where it is known to be larger than the images, of which it would see nothing."""
        for i, axis in enumerate(self.axes if images.rank == self.rank + 2 else ()):
            size = images.shape[axis]  # type: ignore[index]
            edges = 0 if isinstance(self.padding, str) else sum(self.padding[i])
            if self.padding != "SAME" and isinstance(size, int) and size + edges < self.reach(i):
                raise ValueError(self._misfit(i, size))
        return self

    def _misfit(self, i: int, size: DimLike) -> str:
        return f"a window that reaches over {self.reach(i)} does not fit in an axis of size {size}"

    def out_size(self, i: int, size: Size) -> Size:
        """The number of windows, or None."""
        return None if size is None else self.extent(i, size).out

    def result_shape(self, images: TensorType, channels: Size) -> Shape:
        """The shape with one cell for each window and this many channels."""
        check_images(images, self.rank)
        if images.shape is None:
            return self.arranged(None, (None,) * self.rank, channels)
        places = [self.out_size(i, images.shape[axis]) for i, axis in enumerate(self.axes)]
        return self.arranged(images.shape[0], places, channels)

    def arranged(self, batch: Any, places: Sequence[Any], channels: Any) -> tuple[Any, ...]:
        """Sizes in the order of the data format."""
        return (batch, *places, channels) if self.channels_last else (batch, channels, *places)


def _same_edges(missing: DimLike, size: DimLike) -> tuple[int, int]:
    """The padding before and after, the odd cell after."""
    if isinstance(missing, Dim):
        raise NeedsNumbers(f"the padding of a strided window over an axis of size {size} depends on the size")
    total = max(missing, 0)
    return total // 2, total - total // 2


def check_images(images: TensorType, rank: int = 2) -> None:
    """``ValueError`` unless there are a batch, ``rank`` axes of places, and channels."""
    if images.rank not in (rank + 2, None):
        raise ValueError(f"needs images with {rank + 2} axes, not {images}")


class Patches:
    """NumPy views of padded images: for each place in the window, the cells that all windows see there."""

    def __init__(self, window: Window, shape: Sequence[int]):
        self.window = window
        self.shape = _channels_last(shape, window)
        self.extents = tuple(window.extent(i, self.shape[1 + i]) for i in range(window.rank))

    @property
    def windows(self) -> tuple[Any, ...]:
        """The number of windows along each axis."""
        return tuple(extent.out for extent in self.extents)

    def padded(self, x: Any, value: Any = 0) -> Any:
        """``x`` with its channels last and the padding around it."""
        edges: Any = [(0, 0), *((extent.low, extent.high) for extent in self.extents), (0, 0)]
        return np.pad(self.last(x), edges, constant_values=value)

    def cut(self, padded: Any) -> Any:
        """``padded`` without the padding, in the order of the data format."""
        inner = [slice(e.low, e.low + size) for e, size in zip(self.extents, self.shape[1:], strict=False)]
        return self.back(padded[(slice(None), *inner)])

    def places(self) -> Iterator[tuple[Numbers, tuple[slice, ...]]]:
        """Each place of the window, with the index of what all windows see there."""
        w = self.window
        for place in itertools.product(*map(range, w.size)):
            moves = zip(place, w.dilations, self.windows, w.strides, strict=True)
            yield place, (slice(None), *(_steps(i * dilation, out, stride) for i, dilation, out, stride in moves))

    def last(self, x: Any) -> Any:
        """``x`` with its channels last."""
        return x if self.window.channels_last else np.moveaxis(x, 1, -1)

    def back(self, x: Any) -> Any:
        """``x`` with its channels where the data format has them."""
        return x if self.window.channels_last else np.moveaxis(x, -1, 1)


def _channels_last(shape: Sequence[int], window: Window) -> tuple[int, ...]:
    batch, *rest = shape
    return (batch, *rest) if window.channels_last else (batch, *rest[1:], rest[0])


def _steps(first: int, out: Any, stride: int) -> slice:
    return slice(first, first + (out - 1) * stride + 1 if out else first, stride)


def make_window(size: Numbers, strides: Any, padding: Any, data_format: Any, dilations: Any = None) -> Window:
    """A window from TensorFlow's arguments; ``ValueError`` where they make no sense."""
    layouts = LAYOUTS[len(size)]
    layout = data_format or layouts[0]
    if layout not in layouts:
        raise ValueError(f"data_format must be {' or '.join(layouts)}, not {data_format!r}")
    moves = spatial_numbers(strides, layout, "strides")
    spread = spatial_numbers(1 if dilations is None else dilations, layout, "dilations")
    return Window(tuple(size), moves, _padding(padding, layout), layout, spread)


def spatial_numbers(values: Any, layout: str, what: str) -> Numbers:
    """The entries for the places, of one number, one for each place or one for each axis; others must be 1."""
    rank = len(layout) - 2
    numbers = [int(v) for v in values] if hasattr(values, "__iter__") else [int(values)]
    if len(numbers) == 1:
        numbers = numbers * rank
    if len(numbers) == rank + 2:
        channels = layout.index("C")
        if (numbers[0], numbers[channels]) != (1, 1):
            raise ValueError(f"{what} must be 1 for batch and channels, not {list(values)}")
        numbers = [number for axis, number in enumerate(numbers) if axis not in (0, channels)]
    if len(numbers) != rank or min(numbers) < 1:
        raise ValueError(f"{what} must be 1, {rank} or {rank + 2} whole numbers of at least 1, not {values!r}")
    return tuple(numbers)


def _padding(padding: Any, layout: str) -> str | Edges:
    if isinstance(padding, str) and padding.upper() in ("SAME", "VALID"):
        return padding.upper()
    if isinstance(padding, (list, tuple)) and len(padding) == len(layout):
        pairs = [(int(low), int(high)) for low, high in padding]
        others = (0, layout.index("C"))
        spatial = tuple(pair for axis, pair in enumerate(pairs) if axis not in others)
        if all(pairs[axis] == (0, 0) for axis in others) and min(map(min, spatial)) >= 0:
            return spatial
    raise ValueError(f"padding must be 'SAME', 'VALID' or a list of {len(layout)} pairs, not {padding!r}")
