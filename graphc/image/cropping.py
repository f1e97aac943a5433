"""Parts of images, images with a border, and images turned and mirrored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.image.checks import batched, images_of, sides
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.branches import case
from graphc.ops.late import late_one
from graphc.ops.padding import pad
from graphc.ops.random import random_uniform
from graphc.ops.reshaping import shape, transpose
from graphc.ops.slicing import reverse
from graphc.ops.slicing import slice as slice_of


@telling_line
def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The part of images with its upper left corner at the offsets and of the target's size."""
    numbers = (offset_height, offset_width, target_height, target_width)
    _check_numbers(numbers, ("offset_height", "offset_width", "target_height", "target_width"))

    def work(x: Tensor) -> Tensor:
        for size, first, count, side in zip(sides(x), numbers[:2], numbers[2:], ("height", "width"), strict=True):
            if all(isinstance(number, int) for number in (size, first, count)) and first + count > size:
                raise ValueError(
                    f"crop_to_bounding_box of {x.type}: {side} must be >= target + offset: {count} + {first}"
                )
        return slice_of(x, _vector(0, offset_height, offset_width, 0), _vector(-1, target_height, target_width, -1))

    return batched(image, "crop_to_bounding_box", None, work)


def _vector(*entries: Any) -> Any:
    if all(isinstance(entry, int) for entry in entries):
        return list(entries)
    return stack([e.cast(convert_to_tensor(entry), dtypes.int32) for entry in entries])


def _check_numbers(numbers: Any, names: Any) -> None:
    for number, name in zip(numbers, names):
        least = 1 if name.startswith("target") else 0
        if isinstance(number, int) and number < least:
            raise ValueError(f"{name} must be {'> 0' if least else '>= 0'}, not {number}.")


@telling_line
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """Images with zeros around them: at the offsets in an image of the target's size."""
    _check_numbers((offset_height, offset_width), ("offset_height", "offset_width"))

    def work(x: Tensor) -> Tensor:
        height, width = sides(x)
        below, right = target_height - offset_height - height, target_width - offset_width - width
        for rest, what in ((below, "height must be <= target - offset"), (right, "width must be <= target - offset")):
            if isinstance(rest, int) and rest < 0:
                raise ValueError(f"pad_to_bounding_box of {x.type}: {what}")
        edges = [(0, 0), (offset_height, below), (offset_width, right), (0, 0)]
        if all(isinstance(number, int) for pair in edges for number in pair):
            return pad(x, [list(pair) for pair in edges])
        return pad(x, stack([_vector(*pair) if not _plain(pair) else convert_to_tensor(list(pair)) for pair in edges]))

    return batched(image, "pad_to_bounding_box", None, work)


def _plain(pair: Any) -> bool:
    return all(isinstance(number, int) for number in pair)


@telling_line
def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of images, ``central_fraction`` of each side."""
    if central_fraction <= 0.0 or central_fraction > 1.0:
        raise ValueError("central_fraction must be within (0, 1]")
    x = images_of(image, "central_crop")
    if central_fraction == 1.0:
        return x

    def work(x: Tensor) -> Tensor:
        known = sides(x)
        if any(not isinstance(size, int) for size in known):
            return late_one("central_crop", lambda x: central_crop(x, central_fraction), x, [], rank=4)
        starts = [int((size - size * central_fraction) / 2) for size in known]
        counts = [size - 2 * start for size, start in zip(known, starts, strict=True)]
        return slice_of(x, [0, *starts, 0], [-1, *counts, -1])

    return batched(x, "central_crop", None, work)


@telling_line
def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """Images cut in the middle, or with zeros around them, to the target's size."""
    _check_numbers((target_height, target_width), ("target_height", "target_width"))

    def work(x: Tensor) -> Tensor:
        height, width = sides(x)
        cut = [_at_least_zero(_half(have - want)) for have, want in ((height, target_height), (width, target_width))]
        add = [_at_least_zero(_half(want - have)) for have, want in ((height, target_height), (width, target_width))]
        kept = [_least(height, target_height), _least(width, target_width)]
        part = crop_to_bounding_box(x, cut[0], cut[1], kept[0], kept[1])
        return pad_to_bounding_box(part, add[0], add[1], target_height, target_width)

    found = batched(image, "resize_image_with_crop_or_pad", None, work)
    if isinstance(target_height, int) and isinstance(target_width, int):
        known = images_of(image, "resize_image_with_crop_or_pad").shape.as_list()
        found.set_shape([*known[:-3], target_height, target_width, known[-1]])
    return found


def _half(number: Any) -> Any:
    return number // 2


def _at_least_zero(number: Any) -> Any:
    return max(number, 0) if isinstance(number, int) else e.maximum(number, 0)


def _least(a: Any, b: Any) -> Any:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else e.minimum(a, b)


resize_with_crop_or_pad = resize_image_with_crop_or_pad


@telling_line
def flip_left_right(image: Any) -> Tensor:
    """Images mirrored, left to right."""
    x = images_of(image, "flip_left_right")
    return reverse(x, [x.type.rank - 2], name="flip_left_right")  # type: ignore[operator]


@telling_line
def flip_up_down(image: Any) -> Tensor:
    """Images mirrored, top to bottom."""
    x = images_of(image, "flip_up_down")
    return reverse(x, [x.type.rank - 3], name="flip_up_down")  # type: ignore[operator]


@telling_line
def transpose_image(image: Any, name: str | None = None) -> Tensor:
    """Images with rows and columns exchanged."""
    return batched(image, "transpose_image", name, lambda x: transpose(x, [0, 2, 1, 3]))


@telling_line
def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """Images turned ``k`` quarter turns against the clock."""

    def work(x: Tensor) -> Tensor:
        turns: tuple[Callable[[], Tensor], ...] = (
            lambda: e.identity(x),
            lambda: reverse(transpose(x, [0, 2, 1, 3]), [1]),
            lambda: reverse(x, [1, 2]),
            lambda: transpose(reverse(x, [1]), [0, 2, 1, 3]),
        )
        if isinstance(k, int):
            return turns[k % 4]()
        count = e.floormod(convert_to_tensor(k), 4)
        return case([(e.equal(count, n), turns[n]) for n in (1, 2, 3)], default=turns[0], exclusive=True)

    return batched(image, "rot90", name, work)


@telling_line
def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Each image as it is, or mirrored left to right, with even chances."""
    return _random_flip(image, 2, seed, "random_flip_left_right")


@telling_line
def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Each image as it is, or mirrored top to bottom, with even chances."""
    return _random_flip(image, 1, seed, "random_flip_up_down")


def _random_flip(image: Any, axis: int, seed: int | None, called: str) -> Tensor:
    """One draw for each image of a batch; TensorFlow rounds a uniform draw to 0 or 1."""
    x = images_of(image, called)
    with graph_of([x]).name_scope(called):
        if x.type.rank == 3:
            draw = random_uniform([], 0, 1.0, seed=seed)
            return e.select(e.less(draw, 0.5), reverse(x, [axis - 1]), x)
        draws = random_uniform(shape(x)[:1], 0, 1.0, seed=seed)
        flips = e.cast(e.round(draws), x.dtype)[:, None, None, None]
        return flips * reverse(x, [axis]) + (e.cast(convert_to_tensor(1), x.dtype) - flips) * x
