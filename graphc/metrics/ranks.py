"""Precision and recall of the k best scores of each example, where an example has several labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.metrics.means import mean
from graphc.metrics.streams import Result, added, metric_variable, published, quotient
from graphc.metrics.streams import weights_of_each as each_weight
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.reduction import reduce_any, reduce_max, reduce_sum
from graphc.ops.reshaping import count, expand_dims
from graphc.ops.sequences import cumsum
from graphc.ops.sorting import top_k
from graphc.variable_scope import variable_scope


@telling_line
def precision_at_k(
    labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of the k best scores ``[..., classes]`` of an example that are among its labels ``[..., labels]``."""
    with variable_scope(name, _name("precision", k, class_id)):
        best = top_k(predictions, k).indices
        return _precision(labels, best, class_id, weights, metrics_collections, updates_collections, k)


def precision_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: Any = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """As :func:`precision_at_k`, of the numbers of the best classes."""
    with variable_scope(name, _name("precision", k, class_id)):
        return _precision(labels, predictions_idx, class_id, weights, metrics_collections, updates_collections, k)


@telling_line
def recall_at_k(
    labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of the labels of an example that are among its k best scores."""
    with variable_scope(name, _name("recall", k, class_id)):
        best = top_k(predictions, k).indices
        return _recall(labels, best, class_id, weights, metrics_collections, updates_collections, k)


def recall_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: Any = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """As :func:`recall_at_k`, of the numbers of the best classes."""
    with variable_scope(name, _name("recall", k, class_id)):
        return _recall(labels, predictions_idx, class_id, weights, metrics_collections, updates_collections, k)


@telling_line
def average_precision_at_k(
    labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean over examples of the average precision: over the right ones among the k best, the precision up to each.

    It is divided by the number of labels, or by k where that is less.
    """
    with variable_scope(name, _name("average_precision", k, None)):
        wanted, best = _labels(labels, top_k(predictions, k).indices), top_k(predictions, k).indices
        right = _float(_among(best, wanted))
        ranks = constant(np.arange(1, k + 1), dtypes.float32)
        relevant = reduce_sum(right * cumsum(right, -1) / ranks, -1)
        number = count(wanted, ((wanted.type.rank or 1) - 1,), dtypes.float32)
        average = quotient(relevant, e.minimum(number, float(k)))
        total = metric_variable([], "total", dtypes.float64)
        most = metric_variable([], "max_1", dtypes.float64)  # TensorFlow's name: it has an operation "max"
        if weights is None:
            new_most = added(most, reduce_sum(e.cast(0 * average + 1, dtypes.float64)))
        else:
            factors = each_weight(weights, average)
            average = average * factors
            new_most = added(most, reduce_sum(e.cast(factors, dtypes.float64)))
        new_total = added(total, reduce_sum(e.cast(average, dtypes.float64)))
        return published(
            quotient(total, most, "value"), quotient(new_total, new_most, "update_op"), metrics_collections,
            updates_collections,
        )  # fmt: skip


sparse_precision_at_k = precision_at_k
sparse_average_precision_at_k = average_precision_at_k


def in_top_k_mean(predictions: Any, labels: Any, k: int, name: str | None = None) -> Result:
    """The share of examples whose one label is among the k best scores."""
    best = top_k(predictions, k).indices
    wanted = e.cast(convert_to_tensor(labels), best.dtype)
    return mean(reduce_any(e.equal(best, expand_dims(wanted, -1)), -1), name=name or f"recall_at_{k}")


def _name(name: str, k: int | None, class_id: Any) -> str:
    at = f"{name}_at_{'k' if k is None else k}"
    return f"{at}_class{class_id}" if isinstance(class_id, int) else at


def _precision(
    labels: Any, best: Any, class_id: Any, weights: Any, value_keys: Any, update_keys: Any, k: int | None
) -> Result:
    numbers = convert_to_tensor(best)
    wanted = _labels(labels, numbers)
    chosen = _of_class(numbers, class_id)
    right = _among(numbers, wanted)
    hits, more_hits = _sum(e.logical_and(chosen, right), weights, _name("true_positive", k, class_id))
    misses, more_misses = _sum(
        e.logical_and(chosen, e.logical_not(right)), weights, _name("false_positive", k, class_id)
    )
    value = e.divide(hits, hits + misses, name="value")  # NaN before the first run, as in TensorFlow
    return published(value, e.divide(more_hits, more_hits + more_misses, name="update_op"), value_keys, update_keys)


def _recall(
    labels: Any, best: Any, class_id: Any, weights: Any, value_keys: Any, update_keys: Any, k: int | None
) -> Result:
    numbers = convert_to_tensor(best)
    wanted = _labels(labels, numbers)
    chosen = e.logical_and(_of_class(wanted, class_id), _first_of_its_kind(wanted))
    found = _among(wanted, numbers)
    hits, more_hits = _sum(e.logical_and(chosen, found), weights, _name("true_positive", k, class_id))
    misses, more_misses = _sum(
        e.logical_and(chosen, e.logical_not(found)), weights, _name("false_negative", k, class_id)
    )
    value = e.divide(hits, hits + misses, name="value")  # NaN before the first run, as in TensorFlow
    return published(value, e.divide(more_hits, more_hits + more_misses, name="update_op"), value_keys, update_keys)


def _labels(labels: Any, best: Tensor) -> Tensor:
    """The labels as ``[..., labels]`` in the dtype of the best numbers: one label each makes an axis of size 1."""
    tensor = e.cast(convert_to_tensor(labels), best.dtype)
    return expand_dims(tensor, -1) if tensor.type.rank == (best.type.rank or 0) - 1 else tensor


def _among(numbers: Tensor, others: Tensor) -> Tensor:
    """For each number on the last axis, whether it is one of the others of its example."""
    return reduce_any(e.equal(expand_dims(numbers, -1), expand_dims(others, -2)), -1)


def _first_of_its_kind(numbers: Tensor) -> Tensor:
    """Whether a number does not stand before in its example: a label that is there twice counts once."""
    same = _float(e.equal(expand_dims(numbers, -1), expand_dims(numbers, -2)))
    return e.equal(reduce_sum(same * _float(_earlier(numbers)), -1), 0)


def _earlier(numbers: Tensor) -> Tensor:
    """``[labels, labels]``: whether the second place stands before the first."""
    places = cumsum(0 * reduce_max(numbers, list(range((numbers.type.rank or 1) - 1))) + 1, -1)
    return e.less(expand_dims(places, -2), expand_dims(places, -1))


def _of_class(numbers: Tensor, class_id: Any) -> Tensor:
    if class_id is None:
        return e.equal(numbers, numbers)
    return e.equal(numbers, e.cast(convert_to_tensor(class_id), numbers.dtype))


def _sum(condition: Tensor, weights: Any, name: str) -> tuple[Tensor, Tensor]:
    """How often a condition holds over all runs, the examples weighted."""
    per_example = reduce_sum(e.cast(condition, dtypes.float64), -1)
    if weights is not None:
        per_example = per_example * each_weight(weights, per_example)
    variable = metric_variable([], name, dtypes.float64)
    return e.identity(variable), added(variable, reduce_sum(per_example))


def _float(condition: Tensor) -> Tensor:
    return e.cast(condition, dtypes.float32)
