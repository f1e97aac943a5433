"""``tf.contrib.resampler``: pictures looked at in places between their elements."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import convert_together, graph_of
from graphc.ops.lookup import gather
from graphc.ops.reshaping import expand_dims, reshape, shape

__all__ = ["resampler"]


def resampler(data: Any, warp: Any, name: str = "resampler") -> Tensor:
    """The values of pictures ``data`` [batch, height, width, channels] at the places ``warp`` [batch, ..., 2].

    A place is x and y, in elements; between elements the four around are mixed by their distance (bilinear), and
    outside of the picture all is 0 (Jaderberg and others, Spatial Transformer Networks, arXiv:1506.02025, equation 5).
    Gradients flow to both. ``ValueError`` where shapes do not fit.
    """
    pictures, places = convert_together(data, warp)
    for x, fits, what in (
        (pictures, pictures.type.rank in (4, None), "data [batch, height, width, channels]"),
        (places, not places.type.shape or places.type.shape[-1] in (2, None), "warp [batch, ..., 2]"),
    ):
        if not fits or x.type.rank == 0:
            raise ValueError(f"resampler: wanted {what}, {x.op.describe()} has {x.type}")
    with graph_of([pictures]).name_scope(name) as scope:
        sizes = shape(pictures)
        batch, height, width, channels = sizes[0], sizes[1], sizes[2], sizes[3]
        rows = reshape(pictures, concat([[batch], [height * width], [channels]], 0))
        flat = reshape(places, concat([[batch], [-1], [2]], 0))
        x, y = flat[:, :, 0], flat[:, :, 1]
        left, top = e.floor(x), e.floor(y)
        total = None
        for column, weight_x in ((left, 1 + left - x), (left + 1, x - left)):
            for row, weight_y in ((top, 1 + top - y), (top + 1, y - top)):
                part = _at(rows, column, row, height, width) * expand_dims(weight_x * weight_y, -1)
                total = part if total is None else total + part
        result = reshape(total, concat([shape(places)[:-1], [channels]], 0), name=scope)
        if places.type.shape is not None and pictures.type.shape is not None:
            result.set_shape([*places.type.shape[:-1], pictures.type.shape[-1]])
        return result


def _at(rows: Tensor, column: Tensor, row: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """The elements at whole places, 0 outside: [batch, places, channels]."""
    right, bottom = e.cast(width - 1, column.dtype), e.cast(height - 1, row.dtype)
    inside = (column >= 0) & (column <= right) & (row >= 0) & (row <= bottom)
    at = e.cast(_within(row, bottom), dtypes.int32) * width + e.cast(_within(column, right), dtypes.int32)
    return gather(rows, at, batch_dims=1) * expand_dims(e.cast(inside, rows.dtype), -1)


def _within(x: Tensor, most: Tensor) -> Tensor:
    return e.maximum(e.minimum(x, most), 0)
