"""Means over all runs: of values, of errors, of what is right."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.metrics.streams import Result, added, as_float, fitted, metric_variable, of_rank, published, quotient
from graphc.metrics.streams import weights_of_each as each_weight
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ones_like
from graphc.ops.base import convert_to_tensor
from graphc.ops.indexing import unsorted_segment_sum
from graphc.ops.reduction import reduce_mean, reduce_sum
from graphc.ops.reshaping import count, reshape
from graphc.variable_scope import variable_scope


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Result:  # fmt: skip
    """The mean of all values so far, weighted; and the operation that takes in those of this run and gives the new one.

    Local variables ``mean/total`` and ``mean/count``.
    """
    with variable_scope(name, "mean"):
        each = as_float(values)
        total, number = metric_variable([], "total"), metric_variable([], "count")
        present = count(each, None, dtypes.float32)
        if weights is not None:
            factors = each_weight(of_rank(weights, each), each)
            each, present = each * factors, reduce_sum(factors)
        new_total = added(total, reduce_sum(each))
        with each.graph.control_dependencies([each]):
            new_number = added(number, present)
        value = quotient(total, number, "value")
        update = quotient(new_total, new_number, "update_op")
        return published(value, update, metrics_collections, updates_collections)


def mean_tensor(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Result:  # fmt: skip
    """The mean of the tensors of all runs, element by element; the shape must be known."""
    with variable_scope(name, "mean"):
        each = as_float(values)
        sizes = each.type.shape
        if sizes is None or not all(isinstance(size, int) for size in sizes):
            raise ValueError(f"mean_tensor keeps a sum of each element: the shape must be known, not {each.shape}")
        total, number = metric_variable(sizes, "total_tensor"), metric_variable(sizes, "count_tensor")
        present = ones_like(each)
        if weights is not None:
            present = each_weight(of_rank(weights, each), each)
            each = each * present
        new_total = added(total, each)
        with each.graph.control_dependencies([each]):
            new_number = added(number, present)
        return published(
            quotient(total, number, "value"), quotient(new_total, new_number, "update_op"), metrics_collections,
            updates_collections,
        )  # fmt: skip


@telling_line
def accuracy(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of predictions that equal their labels: local variables ``accuracy/total`` and ``accuracy/count``."""
    wanted, guessed, factors = fitted(labels, predictions, weights)
    right = e.equal(e.cast(guessed, wanted.dtype), wanted)
    return mean(right, factors, metrics_collections, updates_collections, name or "accuracy")


@telling_line
def mean_absolute_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean of ``|prediction - label|``."""
    wanted, guessed, factors = fitted(labels, predictions, weights)
    error = e.abs(guessed - wanted)
    return mean(error, factors, metrics_collections, updates_collections, name or "mean_absolute_error")


@telling_line
def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean of ``(prediction - label) ** 2``."""
    wanted, guessed, factors = fitted(labels, predictions, weights)
    error = e.squared_difference(wanted, guessed)
    return mean(error, factors, metrics_collections, updates_collections, name or "mean_squared_error")


@telling_line
def root_mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The square root of the mean of ``(prediction - label) ** 2``."""
    value, update = mean_squared_error(labels, predictions, weights, name=name or "root_mean_squared_error")
    return published(e.sqrt(value), e.sqrt(update), metrics_collections, updates_collections)


@telling_line
def mean_relative_error(
    labels: Any, predictions: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean of ``|prediction - label| / normalizer``, 0 where the normaliser is 0."""
    wanted, guessed, factors = fitted(labels, predictions, weights)
    guessed, divisor, _ = fitted(guessed, e.cast(convert_to_tensor(normalizer), guessed.dtype))
    nothing = e.equal(divisor, 0)
    error = e.abs(wanted - guessed) / e.select(nothing, ones_like(divisor), divisor)
    error = e.select(nothing, 0 * error, error)
    return mean(error, factors, metrics_collections, updates_collections, name or "mean_relative_error")


@telling_line
def mean_cosine_distance(
    labels: Any, predictions: Any, dim: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """One less the mean of ``sum(label * prediction)`` along an axis, for vectors of length 1."""
    wanted, guessed, factors = fitted(labels, predictions, weights)
    cosine = reduce_sum(guessed * wanted, [dim], keepdims=True)
    value, update = mean(cosine, factors, name=name or "mean_cosine_distance")
    return published(1 - value, 1 - update, metrics_collections, updates_collections)


def percentage_below(
    values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of values that are less than a number."""
    below = e.less(convert_to_tensor(values), threshold)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def mean_per_class_accuracy(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The mean over classes of the share that is right of those with the class as label."""
    with variable_scope(name, "mean_accuracy"):
        wanted, guessed, factors = fitted(labels, predictions, weights)
        total, number = metric_variable([num_classes], "total"), metric_variable([num_classes], "count")
        right = e.cast(e.equal(e.cast(wanted, dtypes.int64), e.cast(guessed, dtypes.int64)), dtypes.float32)
        each = ones_like(right) if factors is None else each_weight(factors, right)
        classes = reshape(wanted, [-1])
        new_total = added(total, _by_class(right * each, classes, num_classes))
        new_number = added(number, _by_class(each, classes, num_classes))
        value = reduce_mean(quotient(total, number), name="mean_accuracy")
        return published(value, quotient(new_total, new_number, "update_op"), metrics_collections, updates_collections)


def _by_class(values: Tensor, classes: Tensor, number: int) -> Tensor:
    return unsorted_segment_sum(reshape(values, [-1]), classes, number)
