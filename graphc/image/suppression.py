"""Boxes that do not cover each other: the best ones, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros_like
from graphc.ops.base import apply, convert_to_tensor, graph_of
from graphc.ops.lookup import gather
from graphc.ops.loops import while_loop
from graphc.ops.reduction import reduce_any, reduce_max, reduce_min
from graphc.ops.reshaping import broadcast_to, shape
from graphc.ops.segments import CountedSize
from graphc.ops.sequences import range as iota

Pair = tuple[Tensor, Tensor]


def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The positions (int32) of the boxes [n, 4] with the greatest scores, each of which covers no better one.

    A box is ``[y1, x1, y2, x2]``, any two opposite corners. The box with the greatest score above
    ``score_threshold`` is taken, those are dropped whose intersection with it is more than ``iou_threshold`` of
    their union, and so on, until ``max_output_size`` are found or none is left.
    """
    with graph_of([convert_to_tensor(boxes)]).name_scope(name or "NonMaxSuppression") as scope:
        count, found = _chosen(boxes, scores, max_output_size, iou_threshold, score_threshold)
        size = apply(CountedSize(), e.cast(count, dtypes.int64), found)
        return e.identity(found[: e.cast(size, dtypes.int32)], name=scope)


def non_max_suppression_padded(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    pad_to_max_output_size: bool = False, name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The positions that :func:`non_max_suppression` gives, and how many there are.

    With ``pad_to_max_output_size``, zeros follow them up to ``max_output_size``.
    """
    limits = max_output_size, iou_threshold, score_threshold
    with graph_of([convert_to_tensor(boxes)]).name_scope(name or "non_max_suppression_padded"):
        if not pad_to_max_output_size:
            positions = non_max_suppression(boxes, scores, *limits)
            return positions, shape(positions)[0]
        count, found = _chosen(boxes, scores, *limits)
        behind = broadcast_to(convert_to_tensor(0, dtypes.int32), [max_output_size])
        places = iota(max_output_size)
        return e.select(e.less(places, count), concat([found, behind], 0)[:max_output_size], behind), count


def _chosen(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any, score_threshold: Any) -> Pair:
    """How many boxes are chosen, and a vector [n] that begins with their positions."""
    corners, values = convert_to_tensor(boxes), convert_to_tensor(scores)
    if corners.type.rank not in (2, None) or values.type.rank not in (1, None):
        raise ValueError(f"non_max_suppression needs boxes [n, 4] and scores [n], not {corners.type}, {values.type}")
    overlap_limit = convert_to_tensor(iou_threshold, corners.dtype)
    most = e.minimum(convert_to_tensor(max_output_size, dtypes.int32), shape(values)[0])
    numbers = iota(shape(values)[0])
    alive = e.greater(values, convert_to_tensor(score_threshold, values.dtype))
    last = convert_to_tensor(np.iinfo(np.int32).max, dtypes.int32)
    lowest = convert_to_tensor(float("-inf"), values.dtype)

    def goes_on(count: Tensor, found: Tensor, alive: Tensor) -> Tensor:
        return e.logical_and(e.less(count, most), reduce_any(alive))

    def one_more(count: Tensor, found: Tensor, alive: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        greatest = reduce_max(e.select(alive, values, lowest))
        is_best = e.logical_and(alive, e.equal(values, greatest))
        best = reduce_min(e.select(is_best, numbers, last))  # the first of equals
        covered = e.greater(_overlap(corners, gather(corners, best)), overlap_limit)
        left = e.logical_and(alive, e.logical_not(e.logical_or(covered, e.equal(numbers, best))))
        return count + 1, e.select(e.equal(numbers, count), best, found), left

    zero = convert_to_tensor(0, dtypes.int32)
    count, found, _ = while_loop(goes_on, one_more, [zero, zeros_like(numbers), alive])
    return count, found


def _overlap(boxes: Tensor, box: Tensor) -> Tensor:
    """Intersection over union of each of the boxes [n, 4] with one box; 0 where one of the two is empty."""
    y1, x1, y2, x2 = _sides(boxes)
    own_y1, own_x1, own_y2, own_x2 = _sides(box)
    zero = convert_to_tensor(0, boxes.dtype)
    height = e.maximum(e.minimum(y2, own_y2) - e.maximum(y1, own_y1), zero)
    width = e.maximum(e.minimum(x2, own_x2) - e.maximum(x1, own_x1), zero)
    shared, area, own = height * width, (y2 - y1) * (x2 - x1), (own_y2 - own_y1) * (own_x2 - own_x1)
    has_area = e.logical_and(e.greater(area, zero), e.greater(own, zero))
    union = e.select(has_area, area + own - shared, convert_to_tensor(1, boxes.dtype))
    return e.select(has_area, shared / union, zero)


def _sides(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The least and the greatest y and x of boxes."""
    ys, xs = boxes[..., 0::2], boxes[..., 1::2]
    return reduce_min(ys, -1), reduce_min(xs, -1), reduce_max(ys, -1), reduce_max(xs, -1)
