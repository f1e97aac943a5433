"""Boxes in images, as ``[y_min, x_min, y_max, x_max]`` in parts of the sides: cut out, drawn, and drawn at random."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.image.checks import sides
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack, unstack
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.lookup import gather
from graphc.ops.random import get_seed, random_uniform
from graphc.ops.reduction import argmax, reduce_any, reduce_max
from graphc.ops.reshaping import reshape, shape
from graphc.ops.sequences import range as ramp
from graphc.ops.shape_values import static_sizes

# TensorFlow's colours for boxes, in the order of the boxes: yellow, blue, red, lime, purple, olive, maroon, navy,
# aqua, fuchsia.
COLORS = (
    (1, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0.5, 0, 0.5, 1), (0.5, 0.5, 0, 1), (0.5, 0, 0, 1),
    (0, 0, 0.5, 1), (0, 1, 1, 1), (1, 0, 1, 1),
)  # fmt: skip


@telling_line
def crop_and_resize(
    image: Any, boxes: Any, box_ind: Any = None, crop_size: Any = None, method: str = "bilinear",
    extrapolation_value: float = 0, name: str | None = None, box_indices: Any = None,
) -> Tensor:  # fmt: skip
    """The ``boxes`` of a batch of images, each from image ``box_ind``, resized to ``crop_size``; gives float32.

    The corners of a box are the corners of its crop; a box whose ends are exchanged is mirrored. What lies outside of
    the image is ``extrapolation_value``. With ``method`` "nearest" no gradient flows into the boxes.
    ``InvalidArgumentError`` where ``box_ind`` names no image.
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"method must be 'bilinear' or 'nearest', not {method!r}")
    index = box_ind if box_indices is None else box_indices
    sizes = static_sizes(crop_size)
    if sizes is None or len(sizes) != 2 or any(not isinstance(size, int) or size <= 0 for size in sizes):
        raise ValueError(f"crop_and_resize: crop_size must be two positive numbers, not {crop_size!r}")
    x, where = convert_to_tensor(image), convert_to_tensor(boxes, dtypes.float32)
    if x.type.rank != 4:
        raise ValueError(f"crop_and_resize: image must be 4-D, not {x.type}")
    if where.type.rank != 2 or where.shape.as_list()[1] not in (4, None):
        raise ValueError(f"crop_and_resize: boxes must have the shape [boxes, 4], not {where.type}")
    with graph_of([x, where]).name_scope(name or "CropAndResize") as scope:
        real = e.cast(x, dtypes.float32) * 1.0  # so that its gradient is dense, as TensorFlow's is
        chosen = gather(real, convert_to_tensor(index), axis=0)  # [boxes, height, width, channels]
        corners = unstack(where, axis=1, num=4)
        rows, columns = (
            _sampled(corners[axis], corners[axis + 2], side, sizes[axis], method == "nearest")  # type: ignore[arg-type]
            for axis, side in enumerate(sides(x))
        )
        found = _pixels(chosen, rows, columns)
        inside = e.logical_and(rows.inside[:, :, None, None], columns.inside[:, None, :, None])
        return e.select(inside, found, convert_to_tensor(float(extrapolation_value), dtypes.float32), name=scope)


class _Samples(NamedTuple):
    """Along one axis, for each box and pixel of its crop: two positions, the weight of the second, what is inside."""

    low: Tensor
    high: Tensor
    weight: Tensor
    inside: Tensor


def _sampled(first: Tensor, last: Tensor, side: Any, wanted: int, nearest: bool) -> _Samples:
    end = convert_to_tensor(side - 1)
    real = e.cast(end, dtypes.float32)
    if wanted > 1:
        step = (last - first) * real / float(wanted - 1)
        place = first[:, None] * real + constant(np.arange(wanted, dtype=np.float32)) * step[:, None]
    else:
        place = (0.5 * (first + last) * real)[:, None]
    inside = e.logical_and(e.greater_equal(place, 0.0), e.less_equal(place, real))
    kept = e.select(inside, place, convert_to_tensor(0.0))
    if nearest:
        position = e.cast(e.floor(kept + 0.5), dtypes.int32)
        return _Samples(position, position, e.stop_gradient(kept * 0.0), inside)
    low = e.floor(kept)
    return _Samples(e.cast(low, dtypes.int32), e.cast(e.ceil(kept), dtypes.int32), kept - low, inside)


def _pixels(images: Tensor, rows: _Samples, columns: _Samples) -> Tensor:
    """The pixels of each image at its own rows and columns, between the four around."""
    boxes, height, width, depth = unstack(shape(images), num=4)
    flat = reshape(images, stack([boxes * height * width, depth]))
    known: Any = images.type.shape
    if isinstance(known[-1], int):
        flat.set_shape([None, known[-1]])
    begin = (ramp(boxes) * height)[:, None, None]

    def at(row: Tensor, column: Tensor) -> Tensor:
        return gather(flat, (begin + row[:, :, None]) * width + column[:, None, :])

    y, x = rows.weight[:, :, None, None], columns.weight[:, None, :, None]
    top = at(rows.low, columns.low) * (1.0 - x) + at(rows.low, columns.high) * x
    bottom = at(rows.high, columns.low) * (1.0 - x) + at(rows.high, columns.high) * x
    return top * (1.0 - y) + bottom * y


@telling_line
def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """Images with the outline of each of their ``boxes`` (``[batch, boxes, 4]``), one pixel wide.

    Later boxes cover earlier ones; ``colors`` are rows of channels that are used in turn. In images of one channel the
    default is 1.
    """
    x, where = convert_to_tensor(images), convert_to_tensor(boxes, dtypes.float32)
    if x.type.rank != 4 or where.type.rank != 3:
        raise ValueError(f"draw_bounding_boxes needs images of 4 axes and boxes of 3, not {x.type} and {where.type}")
    depth = x.type.shape[-1]  # type: ignore[index]
    if depth not in (1, 3, 4):
        raise ValueError(f"Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA), not {x.type}")
    with graph_of([x]).name_scope(name or "DrawBoundingBoxes") as scope:
        table = _colors(colors, depth)
        height, width = sides(x)
        y1, x1, y2, x2 = (
            _pixel(corner, side)
            for corner, side in zip(unstack(where, axis=2, num=4), (height, width, height, width), strict=True)
        )
        rows, columns = ramp(height)[:, None], ramp(width)
        across = e.logical_and(e.greater_equal(columns, x1), e.less_equal(columns, x2))
        along = e.logical_and(e.greater_equal(rows, y1), e.less_equal(rows, y2))
        flat = e.logical_and(e.logical_or(e.equal(rows, y1), e.equal(rows, y2)), across)
        upright = e.logical_and(e.logical_or(e.equal(columns, x1), e.equal(columns, x2)), along)
        proper = e.logical_and(e.less_equal(y1, y2), e.less_equal(x1, x2))
        drawn = e.logical_and(e.logical_or(flat, upright), proper)  # [batch, boxes, height, width]
        number = ramp(shape(where)[1])[:, None, None]
        last = reduce_max(e.select(drawn, number, convert_to_tensor(-1)), 1)
        color = gather(table, e.floormod(e.maximum(last, 0), shape(table)[0]))
        return e.select(e.greater_equal(last, 0)[..., None], e.cast(color, x.dtype), x, name=scope)


def _colors(colors: Any, depth: Any) -> Tensor:
    if colors is not None:
        table = convert_to_tensor(colors, dtypes.float32)
        if table.type.rank != 2:
            raise ValueError(f"colors must be a 2-D matrix, not {table.type}")
        return table[:, :depth]
    values = np.array(COLORS, np.float32)[:, :depth]
    return constant(np.ones_like(values) if depth == 1 else values)


def _pixel(corner: Tensor, side: Any) -> Tensor:
    """The pixel of a corner, for each box: cut towards zero."""
    last = e.cast(convert_to_tensor(side - 1), dtypes.float32)
    return e.cast(corner * last, dtypes.int32)[:, :, None, None]


class DistortedBox(NamedTuple):
    """Where a random crop begins and its size, for ``tf.slice``; and its corners, for ``draw_bounding_boxes``."""

    begin: Tensor
    size: Tensor
    bboxes: Tensor


@telling_line
def sample_distorted_bounding_box(
    image_size: Any, bounding_boxes: Any, seed: int | None = None, seed2: int | None = None,
    min_object_covered: Any = 0.1, aspect_ratio_range: Any = None, area_range: Any = None,
    max_attempts: int | None = None, use_image_if_no_bounding_boxes: bool | None = None, name: str | None = None,
) -> DistortedBox:  # fmt: skip
    """A random part of an image that covers ``min_object_covered`` of one of the ``bounding_boxes`` at least.

    ``aspect_ratio_range`` is that of width by height, ``area_range`` that of the part of the image. Of
    ``max_attempts`` drawn at once the first that does is taken; where none does, the whole image. The distribution is
    TensorFlow's, the stream of numbers is not.
    """
    low_ratio, high_ratio = aspect_ratio_range or (0.75, 1.33)
    low_area, high_area = area_range or (0.05, 1.0)
    attempts = 100 if max_attempts is None else max_attempts
    if not 0 < low_ratio <= high_ratio:
        raise ValueError(f"aspect_ratio_range must be positive and in order, not {aspect_ratio_range}")
    if not 0 < low_area <= high_area <= 1:
        raise ValueError(f"area_range must be in order in (0, 1], not {area_range}")
    sizes, boxes = convert_to_tensor(image_size), convert_to_tensor(bounding_boxes, dtypes.float32)
    with graph_of([sizes]).name_scope(name or "sample_distorted_bounding_box"):
        if seed is None and seed2 is not None:
            seed = get_seed(seed2)[1]
        draws = random_uniform([attempts, 4], seed=seed)
        height, width = (e.cast(sizes[axis], dtypes.float32) for axis in (0, 1))
        ratio = low_ratio + draws[:, 0] * (high_ratio - low_ratio)
        rows, columns, fits = _drawn_size(draws[:, 1], ratio, height, width, low_area, high_area)
        y = e.floor(draws[:, 2] * (height - rows + 1.0))
        x = e.floor(draws[:, 3] * (width - columns + 1.0))
        covered = _covers(y, x, rows, columns, reshape(boxes, [-1, 4]), height, width, min_object_covered)
        if use_image_if_no_bounding_boxes:
            covered = e.logical_or(covered, e.equal(shape(reshape(boxes, [-1, 4]))[0], 0))
        valid = e.logical_and(fits, covered)
        place, any_valid = argmax(e.cast(valid, dtypes.int32), 0, output_type=dtypes.int32), reduce_any(valid)
        y, x, rows, columns = (
            e.select(any_valid, gather(part, place), other)
            for part, other in ((y, height * 0.0), (x, width * 0.0), (rows, height), (columns, width))
        )
        begin = stack([e.cast(y, sizes.dtype), e.cast(x, sizes.dtype), convert_to_tensor(0, sizes.dtype)])
        size = stack([e.cast(rows, sizes.dtype), e.cast(columns, sizes.dtype), convert_to_tensor(-1, sizes.dtype)])
        corners = stack([y / height, x / width, (y + rows) / height, (x + columns) / width])
        return DistortedBox(begin, size, corners[None, None])


def _drawn_size(
    draw: Tensor, ratio: Tensor, height: Tensor, width: Tensor, low: float, high: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns of a box with this ratio and a drawn area, and whether they are within the image."""
    whole = height * width
    least = e.maximum(e.rint(e.sqrt(low * whole / ratio)), 1.0)
    most = e.rint(e.sqrt(high * whole / ratio))
    fitting = e.floor((width + 0.5 - 1e-7) / ratio)
    most = e.minimum(e.minimum(most, fitting), height)
    least = e.minimum(least, most)
    rows = least + e.floor(draw * (most - least + 1.0))
    columns = e.rint(rows * ratio)
    area = rows * columns
    fits = e.logical_and(e.less_equal(columns, width), e.logical_and(e.greater(rows, 0.0), e.greater(columns, 0.0)))
    in_range = e.logical_and(e.greater_equal(area, e.floor(low * whole)), e.less_equal(area, e.ceil(high * whole)))
    return rows, columns, e.logical_and(fits, in_range)


def _covers(
    y: Tensor, x: Tensor, rows: Tensor, columns: Tensor, boxes: Tensor, height: Tensor, width: Tensor, least: Any
) -> Tensor:
    """Whether each drawn box covers the least part of one of the given boxes."""
    top, left, bottom, right = unstack(boxes, axis=1, num=4)
    top, bottom, left, right = top * height, bottom * height, left * width, right * width
    tall = e.minimum((y + rows)[:, None], bottom) - e.maximum(y[:, None], top)
    wide = e.minimum((x + columns)[:, None], right) - e.maximum(x[:, None], left)
    shared = e.maximum(tall, 0.0) * e.maximum(wide, 0.0)
    own = (bottom - top) * (right - left)
    enough = e.logical_and(e.greater(own, 0.0), e.greater_equal(shared, own * e.cast(least, dtypes.float32)))
    return reduce_any(enough, 1)
