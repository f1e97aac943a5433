"""How often each class is taken for each other one, and the overlap of classes that follows."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.metrics.streams import Result, added, metric_variable, published
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones_like
from graphc.ops.base import apply, convert_to_tensor, graph_of
from graphc.ops.indexing import CheckLabels, unsorted_segment_sum
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import cast_like, reshape, squeeze
from graphc.ops.segments import number_of
from graphc.ops.sequences import eye
from graphc.variable_scope import variable_scope


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """``[classes, classes]``: in row i, column j how often i was taken for j.

    A label or prediction that is no class is an error when the graph runs. Without ``num_classes``, there is one for
    each number up to the greatest.
    """
    wanted, guessed = convert_to_tensor(labels), convert_to_tensor(predictions)
    with graph_of([wanted, guessed]).name_scope(name or "confusion_matrix"):
        if wanted.type.rank is not None and guessed.type.rank == wanted.type.rank + 1:
            guessed = squeeze(guessed, [-1])
        elif guessed.type.rank is not None and wanted.type.rank == guessed.type.rank + 1:
            wanted = squeeze(wanted, [-1])
        wanted, guessed = (e.cast(x, dtypes.int64) for x in (wanted, guessed))
        if num_classes is None:
            number = number_of(concat([reshape(wanted, [-1]), reshape(guessed, [-1])], 0))
        else:
            number = e.cast(convert_to_tensor(num_classes), dtypes.int64)
        wanted, guessed = (apply(CheckLabels(), x, number) for x in (wanted, guessed))
        kind = dtypes.as_dtype(dtype)
        each = ones_like(guessed, kind) if weights is None else e.cast(convert_to_tensor(weights), kind)
        size = num_classes * num_classes if isinstance(num_classes, int) else number * number
        flat = unsorted_segment_sum(reshape(each, [-1]), reshape(wanted * number + guessed, [-1]), size)
        sides = [num_classes, num_classes] if isinstance(num_classes, int) else [number, number]
        return reshape(flat, sides)


def mean_iou(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean over classes of ``right / (label + predicted - right)``, classes that are nowhere left out.

    The second result is the matrix of confusions with this run: local variable ``mean_iou/total_confusion_matrix``.
    """
    with variable_scope(name, "mean_iou"):
        total = metric_variable([num_classes, num_classes], "total_confusion_matrix", dtypes.float64)
        factors = None if weights is None else reshape(weights, [-1])
        flat = reshape(labels, [-1]), reshape(predictions, [-1])
        matrix = confusion_matrix(flat[0], flat[1], num_classes, dtypes.float64, weights=factors)
        update = added(total, matrix)
        value = _mean_overlap(e.cast(convert_to_tensor(total), dtypes.float32), num_classes)
        return published(value, update, metrics_collections, updates_collections)


def _mean_overlap(matrix: Tensor, number: int) -> Tensor:
    right = reduce_sum(matrix * eye(number), 1)
    either = reduce_sum(matrix, 0) + reduce_sum(matrix, 1) - right
    there = cast_like(e.not_equal(either, 0), either)
    overlap = right / e.select(e.greater(either, 0), either, ones_like(either))
    some = reduce_sum(there)
    return e.select(e.greater(some, 0), reduce_sum(overlap) / e.maximum(some, 1), 0, name="mean_iou")
