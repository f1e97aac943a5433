"""True and false positives and negatives over all runs, and what follows from them: precision and recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc import dtypes
from graphc.metrics.streams import Result, added, as_float, fitted, metric_variable, of_rank, published, quotient
from graphc.metrics.streams import weights_of_each as each_weight
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape
from graphc.variable_scope import variable_scope

_KINDS = ("true_positives", "false_negatives", "true_negatives", "false_positives")
TINY = 1e-7  # TensorFlow's, so that nothing is divided by zero


def _count(condition: Tensor, weights: Any, value_keys: Any = None, update_keys: Any = None) -> Result:
    """How often a condition holds, weighted."""
    number = metric_variable([], "count")
    values = as_float(condition)
    if weights is not None:
        values = values * each_weight(of_rank(weights, values), values)
    return published(e.identity(number), added(number, reduce_sum(values)), value_keys, update_keys)


def _counter(name: str, of: Callable[[Tensor, Tensor], Tensor], meaning: str) -> Any:
    def metric(
        labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> Result:  # fmt: skip
        with variable_scope(name, default):
            wanted, guessed, factors = fitted(_as_bool(labels), _as_bool(predictions), weights)
            return _count(of(wanted, guessed), factors, metrics_collections, updates_collections)

    default = metric.__name__ = metric.__qualname__ = name
    metric.__doc__ = f"The sum of the weights where {meaning}: local variable ``{name}/count``."
    return metric


def _as_bool(value: Any) -> Tensor:
    return e.cast(convert_to_tensor(value), dtypes.bool)


true_positives = _counter("true_positives", e.logical_and, "label and prediction are True")
true_negatives = _counter(
    "true_negatives", lambda label, guess: e.logical_not(e.logical_or(label, guess)), "label and prediction are False"
)
false_positives = _counter(
    "false_positives", lambda label, guess: e.logical_and(e.logical_not(label), guess), "the prediction alone is True"
)
false_negatives = _counter(
    "false_negatives", lambda label, guess: e.logical_and(label, e.logical_not(guess)), "the label alone is True"
)


def precision(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of True among the labels of those predicted as True; 0 where there are none."""
    with variable_scope(name, "precision"):
        wanted, guessed, factors = fitted(_as_bool(labels), _as_bool(predictions), weights)
        right, more_right = true_positives(wanted, guessed, factors)
        wrong, more_wrong = false_positives(wanted, guessed, factors)
        value, update = (
            quotient(right, right + wrong, "value"),
            quotient(more_right, more_right + more_wrong, "update_op"),
        )
        return published(value, update, metrics_collections, updates_collections)


def recall(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share predicted as True among those with the label True; 0 where there are none."""
    with variable_scope(name, "recall"):
        wanted, guessed, factors = fitted(_as_bool(labels), _as_bool(predictions), weights)
        right, more_right = true_positives(wanted, guessed, factors)
        missed, more_missed = false_negatives(wanted, guessed, factors)
        value = quotient(right, right + missed, "value")
        update = quotient(more_right, more_right + more_missed, "update_op")
        return published(value, update, metrics_collections, updates_collections)


# -- at thresholds ---------------------------------------------------------------------------------------

Counts = dict[str, Any]


def counts_at(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any, kinds: Sequence[str] = _KINDS
) -> tuple[Counts, Counts]:
    """For each threshold, how many lie above it or not, by label: the sums so far, and with this run."""
    wanted, guessed, factors = fitted(_as_bool(labels), as_float(predictions), weights)
    # [thresholds, elements]: which are above, and which have the label True
    above = e.greater(reshape(guessed, [1, -1]), reshape(constant(list(thresholds), dtypes.float32), [-1, 1]))
    true = reshape(wanted, [1, -1])
    each = None if factors is None else reshape(each_weight(factors, as_float(guessed)), [1, -1])
    conditions = {
        "true_positives": lambda: e.logical_and(true, above),
        "false_negatives": lambda: e.logical_and(true, e.logical_not(above)),
        "true_negatives": lambda: e.logical_not(e.logical_or(true, above)),
        "false_positives": lambda: e.logical_and(e.logical_not(true), above),
    }
    values: Counts = {}
    updates: Counts = {}
    for kind in kinds:
        variable = metric_variable([len(thresholds)], kind)
        found = as_float(conditions[kind]())
        values[kind] = convert_to_tensor(variable)
        updates[kind] = added(variable, reduce_sum(found if each is None else found * each, 1))
    return values, updates


def _at_thresholds(scope: str, kinds: Sequence[str], of: Callable[[Counts, str], Tensor], meaning: str) -> Any:
    def metric(
        labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None,
        metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
    ) -> Result:  # fmt: skip
        with variable_scope(name, scope):
            values, updates = counts_at(labels, predictions, thresholds, weights, kinds)
            return published(of(values, "value"), of(updates, "update_op"), metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = f"{scope}_at_thresholds".replace("_at_thresholds_at", "_at")
    metric.__doc__ = f"{meaning} for each threshold, above which predictions count as True."
    return metric


def _number(kind: str) -> Any:
    return _at_thresholds(
        kind, [kind], lambda counts, name: e.identity(counts[kind], name=name), f"The {kind.replace('_', ' ')}"
    )


true_positives_at_thresholds = _number("true_positives")
true_negatives_at_thresholds = _number("true_negatives")
false_positives_at_thresholds = _number("false_positives")
false_negatives_at_thresholds = _number("false_negatives")


def _share(a: str, b: str) -> Callable[[Counts, str], Tensor]:
    return lambda counts, name: e.divide(counts[a], TINY + counts[a] + counts[b], name=f"share_{name}")


precision_at_thresholds = _at_thresholds(
    "precision_at_thresholds", ["true_positives", "false_positives"], _share("true_positives", "false_positives"),
    "The precision",
)  # fmt: skip
recall_at_thresholds = _at_thresholds(
    "recall_at_thresholds", ["true_positives", "false_negatives"], _share("true_positives", "false_negatives"),
    "The recall",
)  # fmt: skip
