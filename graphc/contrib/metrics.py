"""``tf.contrib.metrics``: the metrics of ``tf.metrics`` with predictions before labels, under their streaming names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc import dtypes
from graphc import metrics as core
from graphc.metrics.confusion import confusion_matrix
from graphc.metrics.counts import TINY, counts_at
from graphc.metrics.ranks import in_top_k_mean
from graphc.metrics.streams import (
    Result,
    added,
    as_float,
    fitted,
    metric_variable,
    published,
    quotient,
    weights_of_each,
)
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ones_like
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.reduction import reduce_max, reduce_mean, reduce_sum
from graphc.ops.reshaping import size
from graphc.sparse.sets import set_difference, set_intersection, set_size, set_union
from graphc.variable_scope import variable_scope

__all__ = [
    "accuracy",
    "aggregate_metric_map",
    "aggregate_metrics",
    "confusion_matrix",
    "count",
    "f1_score",
    "set_difference",
    "set_intersection",
    "set_size",
    "set_union",
    "streaming_accuracy",
    "streaming_auc",
    "streaming_concat",
    "streaming_covariance",
    "streaming_false_negatives",
    "streaming_false_positives",
    "streaming_mean",
    "streaming_mean_absolute_error",
    "streaming_mean_cosine_distance",
    "streaming_mean_iou",
    "streaming_mean_relative_error",
    "streaming_mean_squared_error",
    "streaming_mean_tensor",
    "streaming_pearson_correlation",
    "streaming_percentage_less",
    "streaming_precision",
    "streaming_recall",
    "streaming_recall_at_k",
    "streaming_root_mean_squared_error",
    "streaming_sparse_precision_at_k",
    "streaming_sparse_recall_at_k",
    "streaming_true_negatives",
    "streaming_true_positives",
]

streaming_mean = core.mean
streaming_mean_tensor = core.mean_tensor
streaming_percentage_less = core.percentage_below


def _turned(metric: Any, name: str) -> Any:
    """A metric with its first two arguments in the other order."""

    def streaming(predictions: Any, labels: Any, *args: Any, **kwargs: Any) -> Result:
        return metric(labels, predictions, *args, **kwargs)

    streaming.__name__ = streaming.__qualname__ = name
    streaming.__doc__ = f"As ``tf.metrics.{metric.__name__}``, with predictions before labels."
    return streaming


streaming_accuracy = _turned(core.accuracy, "streaming_accuracy")
streaming_auc = _turned(core.auc, "streaming_auc")
streaming_false_negatives = _turned(core.false_negatives, "streaming_false_negatives")
streaming_false_positives = _turned(core.false_positives, "streaming_false_positives")
streaming_mean_absolute_error = _turned(core.mean_absolute_error, "streaming_mean_absolute_error")
streaming_mean_cosine_distance = _turned(core.mean_cosine_distance, "streaming_mean_cosine_distance")
streaming_mean_iou = _turned(core.mean_iou, "streaming_mean_iou")
streaming_mean_relative_error = _turned(core.mean_relative_error, "streaming_mean_relative_error")
streaming_mean_squared_error = _turned(core.mean_squared_error, "streaming_mean_squared_error")
streaming_precision = _turned(core.precision, "streaming_precision")
streaming_recall = _turned(core.recall, "streaming_recall")
streaming_root_mean_squared_error = _turned(core.root_mean_squared_error, "streaming_root_mean_squared_error")
streaming_sparse_precision_at_k = _turned(core.precision_at_k, "streaming_sparse_precision_at_k")
streaming_sparse_recall_at_k = _turned(core.recall_at_k, "streaming_sparse_recall_at_k")
streaming_true_negatives = _turned(core.true_negatives, "streaming_true_negatives")
streaming_true_positives = _turned(core.true_positives, "streaming_true_positives")


def streaming_recall_at_k(predictions: Any, labels: Any, k: int, name: str | None = None) -> Result:
    """The share of examples whose one label is among the k best scores."""
    return in_top_k_mean(predictions, labels, k, name)


def streaming_concat(*_: Any, **__: Any) -> Result:
    """Not available: it keeps the values of all runs, so a step would grow with each."""
    raise NotImplementedError("streaming_concat keeps all values; collect what session.run gives in a list")


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """The share of predictions of this run that equal their labels; ``ValueError`` where the dtypes differ."""
    guessed, wanted = convert_to_tensor(predictions), convert_to_tensor(labels)
    if not (wanted.dtype.is_integer or wanted.dtype.is_bool or wanted.dtype.name == "string"):
        raise ValueError(f"Labels should have bool, integer, or string dtype, not {wanted.dtype}")
    guessed.shape.assert_is_compatible_with(wanted.shape)
    if guessed.dtype != wanted.dtype:
        raise ValueError(
            "Dtypes of predictions and labels should match. Given: predictions "
            f"({guessed.dtype.name}) and labels ({wanted.dtype.name})"
        )
    with graph_of([guessed, wanted]).name_scope(name or "accuracy"):
        right = e.cast(e.equal(guessed, wanted), dtypes.float32)
        if weights is None:
            return reduce_mean(right)
        factors = weights_of_each(weights, right)
        return reduce_sum(right * factors) / reduce_sum(factors)


def aggregate_metrics(*value_update_tuples: Result) -> tuple[list[Tensor], list[Tensor]]:
    """The values and the updates of several metrics; ``ValueError`` where there are none."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: Mapping[str, Result]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The values and the updates of several metrics by name."""
    values = {name: value for name, (value, _) in names_to_tuples.items()}
    return values, {name: update for name, (_, update) in names_to_tuples.items()}


# -- how two values go together --------------------------------------------------------------------------


def streaming_covariance(
    predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The unbiased covariance of predictions and labels over all runs, weights as how often each is there.

    Means and products of deviations are merged as by Chan, Golub and LeVeque, The American Statistician 37 (1983).
    """
    with variable_scope(name, "covariance"):
        wanted, guessed, factors = fitted(as_float(labels), as_float(predictions), weights)
        each = ones_like(guessed) if factors is None else weights_of_each(factors, guessed)
        keep = [metric_variable([], part) for part in ("count", "mean_prediction", "mean_label", "comoment")]
        number, mean_guess, mean_label, product = (convert_to_tensor(variable) for variable in keep)
        new = reduce_sum(each)
        total = number + new
        own_guess, own_label = (quotient(reduce_sum(each * x), new) for x in (guessed, wanted))
        move_guess = (own_guess - mean_guess) * quotient(new, total)
        move_label = (own_label - mean_label) * quotient(new, total)
        own_product = reduce_sum(each * (guessed - own_guess) * (wanted - own_label))
        between = (own_guess - mean_guess) * (own_label - mean_label) * quotient(number * new, total)
        moves = [new, move_guess, move_label, own_product + between]
        after = [added(variable, move) for variable, move in zip(keep, moves)]
        value = quotient(product, e.maximum(number - 1, 0), "covariance")
        with guessed.graph.control_dependencies(after):
            update = quotient(after[3], e.maximum(after[0] - 1, 0), "update_op")
        return published(value, update, metrics_collections, updates_collections)


def streaming_pearson_correlation(
    predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The covariance of predictions and labels over the product of their deviations, over all runs."""
    with variable_scope(name, "pearson_r"):
        both = streaming_covariance(predictions, labels, weights, name="covariance")
        guess = streaming_covariance(predictions, predictions, weights, name="variance_predictions")
        label = streaming_covariance(labels, labels, weights, name="variance_labels")
        value, update = (quotient(a, e.sqrt(b) * e.sqrt(c)) for a, b, c in zip(both, guess, label))
        return published(value, update, metrics_collections, updates_collections)


def count(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Result:  # fmt: skip
    """The number of values over all runs, or the sum of their weights."""
    with variable_scope(name, "count"):
        number = metric_variable([], "count")
        tensor = as_float(values)
        new = e.cast(size(tensor), dtypes.float32) if weights is None else reduce_sum(weights_of_each(weights, tensor))
        return published(convert_to_tensor(number), added(number, new), metrics_collections, updates_collections)


def f1_score(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The greatest harmonic mean of precision and recall over ``num_thresholds`` thresholds of predictions in [0, 1].

    ``2 p r / (p + r)`` (van Rijsbergen, Information Retrieval, 1979).
    """
    with variable_scope(name, "f1"):
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        kinds = ("true_positives", "false_positives", "false_negatives")
        found = counts_at(labels, predictions, [-TINY, *inner, 1.0 + TINY], weights, kinds)
        value, update = (
            _best_f1([counts[kind] for kind in kinds], end) for counts, end in zip(found, ("value", "update"))
        )
        return published(value, update, metrics_collections, updates_collections)


def _best_f1(counts: Sequence[Tensor], name: str) -> Tensor:
    right, false, missed = counts
    precision, recall = right / (TINY + right + false), right / (TINY + right + missed)
    return reduce_max(2.0 * precision * recall / (precision + recall + TINY), name=f"best_f1_{name}")
