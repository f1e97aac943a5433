"""Windows of images beside each other, and where in its window the greatest value stands."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, stack
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.late import late
from graphc.ops.padding import pad
from graphc.ops.pooling import max_pool
from graphc.ops.reduction import argmax
from graphc.ops.reshaping import reshape, shape
from graphc.ops.sequences import range as iota
from graphc.ops.windows import Extent, Window, make_window
from graphc.shapes import TensorType, is_constant


@telling_line
def extract_image_patches(
    images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
    name: str | None = None, sizes: Any = None,
) -> Tensor:  # fmt: skip
    """The cells of each window of ``ksizes`` one after the other: [batch, rows, columns, height * width * channels].

    ``strides`` lie between windows, ``rates`` between the cells of one; all are [1, height, width, 1].
    """
    x = convert_to_tensor(images)
    window = make_window(_places(ksizes if sizes is None else sizes), _places(strides), padding, "NHWC", _places(rates))
    if x.type.rank not in (None, 4):
        raise ValueError(f"extract_image_patches of {x.type}; wanted 4 axes")
    if x.type.shape is None or not is_constant(x.type.shape[1:3]):
        build = lambda x: extract_image_patches(x, ksizes, strides, rates, padding, sizes=sizes)  # noqa: E731
        return late("ExtractImagePatches", build, [x], [], TensorType(x.dtype, (None,) * 4), name=name)[0]
    with graph_of([x]).name_scope(name or "ExtractImagePatches") as scope:
        cells, _ = _cells(x, window, 0)
        return concat(cells, 3) if len(cells) > 1 else e.identity(cells[0], name=scope)


def _places(numbers: Any) -> tuple[int, int]:
    _, height, width, _ = (int(number) for number in numbers)
    return height, width


def _cells(x: Tensor, window: Window, value: Any) -> tuple[list[Tensor], tuple[Extent, ...]]:
    """For each cell of the window what all windows see there, [batch, rows, columns, channels]."""
    extents = window.extents(x.type.shape)  # type: ignore[arg-type]
    edges = [(0, 0), *((extent.low, extent.high) for extent in extents), (0, 0)]
    padded = pad(x, edges, constant_values=value) if any(map(any, edges)) else x
    found = []
    for cell in itertools.product(*map(range, window.size)):
        taken = tuple(
            slice(i * rate, i * rate + (extent.out - 1) * stride + 1, stride)
            for i, rate, stride, extent in zip(cell, window.dilations, window.strides, extents, strict=True)
        )
        found.append(padded[(slice(None), *taken)])
    return found, extents


class MaxPoolWithArgmax(NamedTuple):
    """The greatest values, and where they stand."""

    output: Tensor
    argmax: Tensor


@telling_line
def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", Targmax: Any = None,
    name: str | None = None, output_dtype: Any = None, include_batch_in_index: bool = False,
) -> MaxPoolWithArgmax:  # fmt: skip
    """The greatest value of each window, and its position counted through height, width and channels of its image.

    Of equal values the first counts; with ``include_batch_in_index`` positions are counted through the batch too.
    """
    x = convert_to_tensor(input)
    wanted = dtypes.as_dtype(Targmax or output_dtype or dtypes.int64)
    if data_format != "NHWC":
        raise ValueError(f"max_pool_with_argmax takes NHWC alone, not {data_format!r}")
    window = make_window(_places(ksize), _places(strides), padding, "NHWC")
    values = max_pool(x, ksize, strides, padding, name=name or "MaxPoolWithArgmax")
    if x.type.shape is None or not is_constant(x.type.shape[1:]):
        build = lambda x: _argmax(x, window, wanted, include_batch_in_index)  # noqa: E731
        found = late("Argmax", build, [x], [], TensorType(wanted, values.type.shape))[0]
    else:
        with graph_of([x]).name_scope(f"{name or 'MaxPoolWithArgmax'}_places"):
            found = _argmax(x, window, wanted, include_batch_in_index)
    return MaxPoolWithArgmax(values, found)


def _argmax(x: Tensor, window: Window, dtype: Any, with_batch: bool) -> Tensor:
    """The positions of the greatest cells of all windows."""
    lowest = -np.inf if x.dtype.is_floating else int(np.iinfo(x.dtype.numpy).min)
    cells, extents = _cells(x, window, lowest)
    cell = argmax(stack(cells), 0)  # [batch, rows, columns, channels]
    height, width, channels = (int(size) for size in x.type.shape[1:])  # type: ignore[index, arg-type]
    row, column = e.floordiv(cell, window.size[1]), e.floormod(cell, window.size[1])
    rows, columns = (
        iota(extent.out) * stride - extent.low for extent, stride in zip(extents, window.strides, strict=True)
    )
    row = row + e.cast(reshape(rows, [-1, 1, 1]), cell.dtype)
    column = column + e.cast(reshape(columns, [-1, 1]), cell.dtype)
    place = (row * width + column) * channels + e.cast(iota(channels), cell.dtype)
    if with_batch:
        images = e.cast(reshape(iota(shape(x)[0]), [-1, 1, 1, 1]), cell.dtype)
        place = place + images * (height * width * channels)
    return e.cast(place, dtype)
