"""Places of an image moved to channels or to the batch, and back: reshapes around a transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.arrays import as_sizes, entries_of
from graphc.ops.base import constant, convert_to_tensor, graph_of, is_tensor_like
from graphc.ops.elementwise import identity
from graphc.ops.late import late_one
from graphc.ops.padding import pad
from graphc.ops.reshaping import reshape, shape, transpose
from graphc.ops.shape_values import static_sizes


@telling_line
def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Each block of ``block_size ** 2`` places as one place, its channels one place after the other.

    [batch, h * b, w * b, c] becomes [batch, h, w, b * b * c]; for ``NCHW`` the channels come second.
    """
    x = _image(input, "space_to_depth", data_format, block_size)
    b, channels = block_size, _channel_axis(data_format)
    with graph_of([x]).name_scope(name or "SpaceToDepth") as scope:
        n, *sizes = entries_of(shape(x), x.type.shape)  # type: ignore[arg-type]
        if channels == 3:
            h, w, c = sizes
            _check_divides(x, {1: b, 2: b}, "space_to_depth")
            blocks = reshape(x, as_sizes([n, h // b, b, w // b, b, c]))
            return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), as_sizes([n, h // b, w // b, b * b * c]), name=scope)
        c, h, w = sizes
        _check_divides(x, {2: b, 3: b}, "space_to_depth")
        blocks = reshape(x, as_sizes([n, c, h // b, b, w // b, b]))
        return reshape(transpose(blocks, [0, 3, 5, 1, 2, 4]), as_sizes([n, b * b * c, h // b, w // b]), name=scope)


@telling_line
def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """The channels of each place as a block of ``block_size ** 2`` places: undoes :func:`space_to_depth`."""
    x = _image(input, "depth_to_space", data_format, block_size)
    b, channels = block_size, _channel_axis(data_format)
    with graph_of([x]).name_scope(name or "DepthToSpace") as scope:
        n, *sizes = entries_of(shape(x), x.type.shape)  # type: ignore[arg-type]
        _check_divides(x, {channels: b * b}, "depth_to_space")
        if channels == 3:
            h, w, c = sizes
            blocks = reshape(x, as_sizes([n, h, w, b, b, c // (b * b)]))
            return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), as_sizes([n, h * b, w * b, c // (b * b)]), name=scope)
        c, h, w = sizes
        blocks = reshape(x, as_sizes([n, b, b, c // (b * b), h, w]))
        return reshape(transpose(blocks, [0, 3, 4, 1, 5, 2]), as_sizes([n, c // (b * b), h * b, w * b]), name=scope)


def _channel_axis(data_format: str) -> int:
    return 3 if data_format == "NHWC" else 1


def _image(input: Any, what: str, data_format: str, block_size: int) -> Tensor:
    x = convert_to_tensor(input)
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"{what}: data_format must be NHWC or NCHW, not {data_format!r}")
    if block_size < 2:
        raise ValueError(f"{what}: Block size should be > 1, but was: {block_size}")
    if x.type.rank != 4:
        raise ValueError(f"{what} needs 4 axes, not {x.type}")
    return x


def _check_divides(x: Tensor, parts: dict[int, int], what: str) -> None:
    for axis, part in parts.items():
        size = x.type.shape[axis]  # type: ignore[index]
        if isinstance(size, int) and size % part:
            raise ValueError(f"{what}: axis {axis} of {x.type} has size {size}, which {part} does not divide")


@telling_line
def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Each place of a block as an image of its own, after padding: [batch * product(block), size / block..., ...].

    ``block_shape`` and ``paddings`` [axes, 2] are for the axes after the batch.
    """
    x = convert_to_tensor(input)
    if x.type.rank is None or _are_fed(block_shape, paddings):
        decides = _whole(block_shape, paddings)
        return late_one("SpaceToBatchND", space_to_batch_nd, x, decides, rank=x.type.rank, name=name)
    block, edges = _blocks(x, block_shape, paddings, "space_to_batch_nd")
    with graph_of([x]).name_scope(name or "SpaceToBatchND") as scope:
        count, rank = len(block), x.type.rank or 0
        around = [(0, 0), *edges, *[(0, 0)] * (rank - count - 1)]
        padded = pad(x, around) if any(map(any, around)) else x
        n, *sizes = entries_of(shape(padded), padded.type.shape)  # type: ignore[arg-type]
        _check_divides(padded, dict(enumerate(block, 1)), "space_to_batch_nd")
        inner = [part for size, b in zip(sizes, block, strict=False) for part in (size // b, b)]
        split = reshape(padded, as_sizes([n, *inner, *sizes[count:]]))
        order = [
            *range(2, 2 * count + 1, 2),
            0,
            *range(1, 2 * count, 2),
            *range(2 * count + 1, 2 * count + rank - count),
        ]
        whole = n * int(np.prod(block)) if count else n
        smaller = [size // b for size, b in zip(sizes, block, strict=False)]
        return reshape(transpose(split, order), as_sizes([whole, *smaller, *sizes[count:]]), name=scope)


@telling_line
def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Images put together again block by block, then cut at their edges: undoes :func:`space_to_batch_nd`."""
    x = convert_to_tensor(input)
    if x.type.rank is None or _are_fed(block_shape, crops):
        decides = _whole(block_shape, crops)
        return late_one("BatchToSpaceND", batch_to_space_nd, x, decides, rank=x.type.rank, name=name)
    block, edges = _blocks(x, block_shape, crops, "batch_to_space_nd")
    with graph_of([x]).name_scope(name or "BatchToSpaceND") as scope:
        count, rank = len(block), x.type.rank or 0
        n, *sizes = entries_of(shape(x), x.type.shape)  # type: ignore[arg-type]
        total = int(np.prod(block)) if count else 1
        _check_divides(x, {0: total}, "batch_to_space_nd")
        split = reshape(x, as_sizes([*block, n // total, *sizes]))
        pairs = [axis for k in range(count) for axis in (count + 1 + k, k)]
        joined = transpose(split, [count, *pairs, *range(2 * count + 1, count + rank)])
        larger = [size * b for size, b in zip(sizes, block, strict=False)]
        whole = reshape(joined, as_sizes([n // total, *larger, *sizes[count:]]))
        for (low, high), size in zip(edges, larger, strict=True):
            if isinstance(size, int) and low + high > size:
                raise ValueError(f"batch_to_space_nd cannot crop {low} and {high} of an axis of size {size}")
        cut = tuple(slice(low, (size - high) if isinstance(size, int) else (-high or None))
                    for (low, high), size in zip(edges, larger, strict=True))  # fmt: skip
        return identity(whole[(slice(None), *cut)], name=scope)


def _are_fed(*values: Any) -> bool:
    """Whether one of the values is a tensor that is not known while declaring."""
    entries = [static_sizes(convert_to_tensor(value)) for value in values if is_tensor_like(value)]
    return any(sizes is None or not all(isinstance(size, int) for size in sizes) for sizes in entries)


def _whole(*values: Any) -> list[Tensor]:
    """The values as tensors of whole numbers, which empty lists are too."""
    return [convert_to_tensor(value, None if is_tensor_like(value) else dtypes.int32) for value in values]


def _blocks(x: Tensor, block_shape: Any, edges: Any, what: str) -> tuple[list[int], list[tuple[int, int]]]:
    block, around = static_sizes(block_shape), static_sizes(convert_to_tensor(edges))
    if block is None or around is None or not all(isinstance(size, int) for size in (*block, *around)):
        raise ValueError(f"{what} needs block_shape and edges that are known while declaring")
    if x.type.rank is None or x.type.rank < len(block) + 1:
        raise ValueError(f"{what} of {len(block)} axes needs an input with a batch and as many axes, not {x.type}")
    if len(around) != 2 * len(block):
        raise ValueError(f"{what} needs a pair of edges for each of {len(block)} axes, not {edges!r}")
    if any(size < 1 for size in block) or any(size < 0 for size in around):  # type: ignore[operator]
        raise ValueError(f"{what} needs blocks of at least 1 and edges of at least 0")
    numbers: Any = around
    parts: Any = block
    return list(parts), list(zip(numbers[::2], numbers[1::2], strict=True))


def space_to_batch(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """:func:`space_to_batch_nd` for height and width."""
    size = block_size if block_shape is None else block_shape
    block = [size, size] if np.ndim(size) == 0 else size
    return space_to_batch_nd(input, block, paddings, name or "SpaceToBatch")


def batch_to_space(
    input: Any, crops: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """:func:`batch_to_space_nd` for height and width."""
    size = block_size if block_shape is None else block_shape
    block = [size, size] if np.ndim(size) == 0 else size
    return batch_to_space_nd(input, block, crops, name or "BatchToSpace")


@telling_line
def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The paddings [axes, 2] that make the blocks divide the input, and the crops that take them off again.

    At least ``base_paddings``; the ends grow. Everything is known while declaring.
    """
    sizes, block = static_sizes(input_shape), static_sizes(block_shape)
    base = (0,) * 2 * len(block or ()) if base_paddings is None else static_sizes(convert_to_tensor(base_paddings))
    if sizes is None or block is None or base is None or not all(isinstance(n, int) for n in (*sizes, *block, *base)):
        raise ValueError("required_space_to_batch_paddings needs shapes that are known while declaring")
    known: Sequence[Any] = base
    starts, ends = known[::2], known[1::2]
    whole = [n + low + high for n, low, high in zip(sizes, starts, ends, strict=True)]
    extra = [-n % b for n, b in zip(whole, block, strict=True)]
    paddings = np.array([[low, high + more] for low, high, more in zip(starts, ends, extra, strict=True)], np.int32)
    crops = np.array([[0, more] for more in extra], np.int32)
    graph = graph_of([])
    with graph.name_scope(name or "required_space_to_batch_paddings"):
        return constant(paddings.reshape(-1, 2), name="paddings"), constant(crops.reshape(-1, 2), name="crops")
