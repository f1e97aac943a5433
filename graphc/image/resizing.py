"""Images of another size, by TensorFlow 1's rules for where a pixel of the result stands in the image.

Along each axis, pixel i of the result stands at ``i * scale`` of the image, ``scale = in / out``; with
``half_pixel_centers`` at ``(i + 1/2) * scale - 1/2``; with ``align_corners`` the scale is ``(in - 1) / (out - 1)``, so
that the corners meet. Positions are computed in float32, as TensorFlow's are. What a pixel takes from where follows
from sizes alone: tables of positions and weights, by which the graph gathers, or multiplies for whole areas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.image.checks import batched, images_of, sides
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.einsum import einsum
from graphc.ops.indexing import GatherV2
from graphc.ops.late import late_one
from graphc.ops.padding import pad
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import reshape
from graphc.ops.shape_values import static_sizes

Array = np.ndarray[Any, Any]
FEW_CHANNELS = 16  # fewer numbers than these are no good innermost loop
Resize = Callable[[Tensor, tuple[int, int], bool, bool], Tensor]


class ResizeMethod:
    """How the pixels of a resized image follow from those of the image."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _scale(size: int, wanted: int, align_corners: bool) -> np.float32:
    if align_corners and wanted > 1:
        return np.float32(size - 1) / np.float32(wanted - 1)
    return np.float32(size) / np.float32(wanted)


def _positions(size: int, wanted: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """Where each pixel of the result stands along an axis of the image."""
    scale, steps = _scale(size, wanted, align_corners), np.arange(wanted, dtype=np.float32)
    if half_pixel_centers:
        return (steps + np.float32(0.5)) * scale - np.float32(0.5)
    return steps * scale


class _Grid:
    """A batch of images from which rows and columns are taken by tables.

    Pixels of few channels are taken as numbers that stand side by side, ``[batch, height, width * channels]``, so that
    the innermost loop is long.
    """

    def __init__(self, x: Tensor, sizes: tuple[int, int]):
        shape: Any = x.type.shape
        batch, height, width, depth = shape
        self.height: int = height
        self.width: int = width
        self.sizes = sizes
        self.depth = depth if isinstance(depth, int) and depth < FEW_CHANNELS else None
        self.batch = batch if isinstance(batch, int) else -1
        self.x = x if self.depth is None else reshape(x, [self.batch, self.height, self.width * self.depth])

    def row_weights(self, weights: Array) -> Array:
        """Weights of rows, as they stand beside the pixels."""
        return weights[:, None, None] if self.depth is None else weights[:, None]

    def column_weights(self, weights: Array) -> Array:
        """Weights of columns, as they stand beside the pixels."""
        return weights[:, None] if self.depth is None else np.repeat(weights, self.depth)

    def rows(self, x: Tensor, places: Array) -> Tensor:
        """The rows of a table."""
        return apply(GatherV2(1, inside=True), x, constant(places))

    def columns(self, x: Tensor, places: Array) -> Tensor:
        """The columns of a table."""
        if self.depth is not None:
            places = (places[:, None] * self.depth + np.arange(self.depth)).reshape(-1).astype(np.int32)
        return apply(GatherV2(2, inside=True), x, constant(places))

    def image(self, x: Tensor) -> Tensor:
        """The result as images."""
        return x if self.depth is None else reshape(x, [self.batch, *self.sizes, self.depth])


def _nearest(x: Tensor, sizes: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Tensor:
    grid = _Grid(x, sizes)
    tables = []
    for size, wanted in zip((grid.height, grid.width), sizes, strict=True):
        scale, steps = _scale(size, wanted, align_corners), np.arange(wanted, dtype=np.float32)
        place = (steps + np.float32(0.5)) * scale if half_pixel_centers else steps * scale
        # corners meet where halves are rounded away from zero
        place = np.floor(place + np.float32(0.5)) if align_corners else np.floor(place)
        tables.append(np.clip(place, 0, max(size - 1, 0)).astype(np.int32))
    return grid.image(grid.columns(grid.rows(grid.x, tables[0]), tables[1]))


def _bilinear(x: Tensor, sizes: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Tensor:
    """``top + (bottom - top) y`` where top and bottom are ``left + (right - left) x`` of the four pixels around."""
    grid = _Grid(e.cast(x, dtypes.float32), sizes)
    tables = []
    for size, wanted in zip((grid.height, grid.width), sizes, strict=True):
        place = _positions(size, wanted, align_corners, half_pixel_centers)
        low = np.maximum(np.floor(place), 0).astype(np.int32)
        high = np.minimum(np.ceil(place), max(size - 1, 0)).astype(np.int32)
        tables.append((low, high, (place - np.floor(place)).astype(np.float32)))
    (up, down, y), (left, right, along) = tables
    weight = grid.column_weights(along)

    def between(row: Tensor) -> Tensor:
        first = grid.columns(row, left)
        return first + (grid.columns(row, right) - first) * weight

    top, bottom = between(grid.rows(grid.x, up)), between(grid.rows(grid.x, down))
    return grid.image(top + (bottom - top) * grid.row_weights(y))


def _bicubic(x: Tensor, sizes: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Tensor:
    """Four pixels along each axis, by Keys' cubic convolution (1981) with a = -3/4, or -1/2 with half pixel centres."""
    grid = _Grid(e.cast(x, dtypes.float32), sizes)
    places, weights = _cubic_table(grid.width, sizes[1], align_corners, half_pixel_centers)
    across = [grid.columns(grid.x, places[k]) * grid.column_weights(weights[k]) for k in range(4)]
    row = apply(Barrier(), (across[0] + across[1]) + (across[2] + across[3]))
    places, weights = _cubic_table(grid.height, sizes[0], align_corners, half_pixel_centers)
    down = [grid.rows(row, places[k]) * grid.row_weights(weights[k]) for k in range(4)]
    return grid.image((down[0] + down[1]) + (down[2] + down[3]))


def _cubic_table(size: int, wanted: int, align_corners: bool, half: bool) -> tuple[Array, Array]:
    """The four positions and weights of each pixel; weights come from a table of 1024 steps, as in TensorFlow."""
    place = _positions(size, wanted, align_corners, half)
    low = np.floor(place)
    step = np.rint((place - low) * np.float32(1024)) / 1024
    a = -0.5 if half else -0.75
    weights = np.stack([_far(step + 1, a), _near(step, a), _near(1 - step, a), _far(2 - step, a)])
    places = low + np.arange(-1, 3)[:, None]
    last = max(size - 1, 0)
    if half:  # pixels outside take no part
        weights = np.where((places >= 0) & (places <= last), weights, 0)
        total = weights.sum(0)
        weights = np.where(np.abs(total) >= 1000 * np.finfo(np.float32).tiny, weights / total, weights)
    return np.clip(places, 0, last).astype(np.int32), weights.astype(np.float32)


def _near(x: Array, a: float) -> Array:
    return ((a + 2) * x - (a + 3)) * x * x + 1


def _far(x: Array, a: float) -> Array:
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def _area(x: Tensor, sizes: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Tensor:
    """The mean over the part of the image that each pixel of the result covers."""
    del half_pixel_centers
    x = e.cast(x, dtypes.float32)
    rows, columns = (
        constant(_coverage(x.type.shape[axis], wanted, align_corners))  # type: ignore[arg-type, index]
        for axis, wanted in zip((1, 2), sizes, strict=True)
    )
    return einsum("pw,bowc->bopc", columns, einsum("oh,bhwc->bowc", rows, x))


def _coverage(size: int, wanted: int, align_corners: bool) -> Array:
    """How much of each pixel of the image belongs to each of the result; beyond the border the last one is repeated."""
    scale = float(_scale(size, wanted, align_corners))
    table = np.zeros((wanted, size))
    for i in range(wanted):
        begin, end = i * scale, (i + 1) * scale
        for pixel in range(int(np.floor(begin)), int(np.ceil(end))):
            table[i, min(max(pixel, 0), size - 1)] += (min(pixel + 1, end) - max(pixel, begin)) / scale
    return table.astype(np.float32)


def _resized(
    images: Any, size: Any, called: str, name: str | None, method: Resize, align: bool, half: bool, dtype: Any = None
) -> Tensor:
    """A batch of images resized; later, where the sizes are not known yet."""
    if align and half:
        raise ValueError(f"{called}: if half_pixel_centers is True, align_corners must be False.")
    x = convert_to_tensor(images)
    if x.type.rank not in (None, 4):
        raise ValueError(f"{called}: input must be 4-dimensional, not {x.type}: {x.op.describe()}")
    wanted = static_sizes(size)
    if wanted is not None and len(wanted) != 2:
        raise ValueError(f"{called}: 'size' must be a 1-D Tensor of 2 elements: new_height, new_width, not {size!r}")
    known = None if x.type.shape is None or wanted is None else (*x.type.shape[1:3], *wanted)
    if known is None or any(not isinstance(number, int) for number in known):
        build = lambda x, size: _resized(x, [int(n) for n in size], called, None, method, align, half)  # noqa: E731
        later = late_one(called, build, x, [size], dtype or dtypes.float32, rank=4, name=name)
        depth = None if x.type.shape is None else x.type.shape[-1]
        batch = None if x.type.shape is None else x.type.shape[0]
        sizes = wanted if wanted is not None and all(isinstance(n, int) for n in wanted) else (None, None)
        later.set_shape([n if isinstance(n, int) else None for n in (batch, *sizes, depth)])
        return later
    new: Any = tuple(wanted)  # type: ignore[arg-type]
    if 0 in known[:2]:
        raise ValueError(f"{called}: input image must be of non-zero size, not {x.type}: {x.op.describe()}")
    if min(new) <= 0:
        raise ValueError(f"{called}: output dimensions must be positive, not {list(new)}")
    with graph_of([x]).name_scope(name or called) as scope:
        return e.identity(method(x, new, align, half), name=scope)


@telling_line
def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """``[batch, height, width, channels]`` resized to ``size``, between the four pixels around; gives float32."""
    return _resized(images, size, "ResizeBilinear", name, _bilinear, align_corners, half_pixel_centers)


@telling_line
def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """``[batch, height, width, channels]`` resized to ``size``, each pixel that of the image where it stands."""
    x = convert_to_tensor(images)
    return _resized(x, size, "ResizeNearestNeighbor", name, _nearest, align_corners, half_pixel_centers, x.dtype)


@telling_line
def resize_bicubic(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
) -> Tensor:
    """``[batch, height, width, channels]`` resized to ``size``, by cubics through sixteen pixels; gives float32."""
    return _resized(images, size, "ResizeBicubic", name, _bicubic, align_corners, half_pixel_centers)


@telling_line
def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """``[batch, height, width, channels]`` resized to ``size``, by means over areas; gives float32."""
    return _resized(images, size, "ResizeArea", name, _area, align_corners, False)


_METHODS: dict[Any, Callable[..., Tensor]] = {
    ResizeMethod.BILINEAR: resize_bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
    ResizeMethod.BICUBIC: resize_bicubic,
    ResizeMethod.AREA: resize_area,
}


@telling_line
def resize_images(
    images: Any, size: Any, method: Any = ResizeMethod.BILINEAR, align_corners: bool = False,
    preserve_aspect_ratio: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """An image or a batch of images resized to ``size``, height before width; as it is where it has that size.

    ``preserve_aspect_ratio``: to the greatest size within ``size`` that keeps the ratio of the sides. All methods
    but NEAREST_NEIGHBOR give float32.
    """
    if method not in _METHODS:
        raise ValueError(f"Resize method is not implemented: {method}")
    x = images_of(images, "resize_images")
    wanted = static_sizes(size)
    if wanted is not None and len(wanted) != 2:
        raise ValueError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width, not {size!r}")
    if preserve_aspect_ratio:
        size = _within(x, size, wanted)
        wanted = static_sizes(size)
    assert x.type.shape is not None
    if wanted is not None and all(isinstance(n, int) for n in wanted) and x.type.shape[-3:-1] == tuple(wanted):
        return x
    return batched(x, "resize_images", name or "resize", lambda y: _METHODS[method](y, size, align_corners))


def _within(x: Tensor, size: Any, wanted: Any) -> Any:
    """The size with the ratio of the image's sides, rounded to nearest."""
    height, width = sides(x)
    if wanted is not None and all(isinstance(n, int) for n in (height, width, *wanted)):
        scale = min(wanted[0] / np.float32(height), wanted[1] / np.float32(width))
        return [int(np.rint(np.float32(scale) * np.float32(side))) for side in (height, width)]
    raise NotImplementedError(
        "preserve_aspect_ratio=True needs images and a size that are known while declaring; "
        "compute the size from the shapes in Python, or feed it"
    )


@telling_line
def resize_with_pad(
    image: Any, target_height: int, target_width: int, method: Any = ResizeMethod.BILINEAR, align_corners: bool = False
) -> Tensor:
    """An image resized within the target without changing the ratio of its sides, with zeros around it."""

    def work(x: Tensor) -> Tensor:
        height, width = sides(x)
        if not isinstance(height, int) or not isinstance(width, int):
            raise NotImplementedError("resize_image_with_pad needs images whose sizes are known while declaring")
        if target_height <= 0 or target_width <= 0:
            raise ValueError("target_height and target_width must be > 0.")
        ratio = max(width / target_width, height / target_height)
        new = (int(np.floor(height / ratio)), int(np.floor(width / ratio)))
        over = [
            max(0, int(np.floor((wanted - size / ratio) / 2)))
            for wanted, size in zip((target_height, target_width), (height, width), strict=True)
        ]
        small = resize_images(x, new, method, align_corners)
        below, right = target_height - new[0] - over[0], target_width - new[1] - over[1]
        return pad(small, [[0, 0], [over[0], below], [over[1], right], [0, 0]])

    return batched(image, "resize_image_with_pad", None, work)


resize_image_with_pad = resize_with_pad
resize = resize_images
