"""The area under a curve of rates, and a rate where another one has a given value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.composites import div_no_nan
from graphc.metrics.counts import TINY, Counts, counts_at
from graphc.metrics.streams import Result, published
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ones_like
from graphc.ops.lookup import gather
from graphc.ops.reduction import argmin, reduce_sum
from graphc.variable_scope import variable_scope

_EPSILON = 1e-6  # TensorFlow's for the rates of a curve


def auc(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
    summation_method: str = "trapezoidal", thresholds: Sequence[float] | None = None,
) -> Result:  # fmt: skip
    """The area under the curve of true by false positives ("ROC"), or of precision by recall ("PR").

    Predictions are in [0, 1]; the curve has ``num_thresholds`` points. Davis and Goadrich, ICML 2006, say how to
    interpolate precision ("careful_interpolation").
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
        raise ValueError(f"Invalid summation_method: {summation_method}")
    if summation_method == "careful_interpolation" and curve != "PR":
        raise ValueError("careful_interpolation is for curve='PR' only")
    with variable_scope(name, "auc"):
        inner = thresholds
        if inner is None:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        points = [-TINY, *sorted(inner), 1.0 + TINY]
        values, updates = counts_at(labels, predictions, points, weights)
        area = _interpolated if summation_method == "careful_interpolation" else _summed
        found = [
            area(counts, curve, summation_method, end) for counts, end in ((values, "value"), (updates, "update_op"))
        ]
        return published(found[0], found[1], metrics_collections, updates_collections)


def _summed(counts: Counts, curve: str, method: str, name: str) -> Tensor:
    """The sum of the strips between the points of the curve."""
    found, missed = counts["true_positives"], counts["false_negatives"]
    false, rejected = counts["false_positives"], counts["true_negatives"]
    recall = (found + _EPSILON) / (found + missed + _EPSILON)
    if curve == "ROC":
        x, y = false / (false + rejected + _EPSILON), recall
    else:
        x, y = recall, (found + _EPSILON) / (found + false + _EPSILON)
    left, right = y[:-1], y[1:]
    height = {
        "trapezoidal": lambda: (left + right) / 2.0,
        "minoring": lambda: e.minimum(left, right),
        "majoring": lambda: e.maximum(left, right),
    }[method]()
    return reduce_sum((x[:-1] - x[1:]) * height, name=name)


def _interpolated(counts: Counts, curve: str, method: str, name: str) -> Tensor:
    """The area under precision by recall, true and false positives taken as straight between the points."""
    found, missed, false = counts["true_positives"], counts["false_negatives"], counts["false_positives"]
    step = found[:-1] - found[1:]
    positive = found + false
    slope = div_no_nan(step, e.maximum(positive[:-1] - positive[1:], 0))
    intercept = found[1:] - slope * positive[1:]
    both = e.logical_and(positive[:-1] > 0, positive[1:] > 0)
    ratio = e.select(both, div_no_nan(positive[:-1], e.maximum(positive[1:], 0)), ones_like(positive[1:]))
    strips = slope * (step + intercept * e.log(ratio))
    return reduce_sum(div_no_nan(strips, e.maximum(found[1:] + missed[1:], 0)), name=name)


@telling_line
def sensitivity_at_specificity(
    labels: Any, predictions: Any, specificity: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of the True ones found, at the threshold where the share of the False ones rejected is nearest."""
    if specificity < 0 or specificity > 1:
        raise ValueError("`specificity` must be in the range [0, 1].")

    def rate(counts: Counts, name: str) -> Tensor:
        rejected, false = counts["true_negatives"], counts["false_positives"]
        place = argmin(e.abs(rejected / (rejected + false + TINY) - specificity), 0)
        return _rate_at(counts["true_positives"], counts["false_negatives"], place, name)

    scope = "sensitivity_at_specificity"
    return _rate(
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name, scope, rate
    )


@telling_line
def specificity_at_sensitivity(
    labels: Any, predictions: Any, sensitivity: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The share of the False ones rejected, at the last threshold where the share of the True ones found is nearest."""
    if sensitivity < 0 or sensitivity > 1:
        raise ValueError("`sensitivity` must be in the range [0, 1].")

    def rate(counts: Counts, name: str) -> Tensor:
        found, missed = counts["true_positives"], counts["false_negatives"]
        distance = e.abs(found / (found + missed + TINY) - sensitivity)
        last = num_thresholds - 1 - argmin(distance[::-1], 0)
        return _rate_at(counts["true_negatives"], counts["false_positives"], last, name)

    scope = "specificity_at_sensitivity"
    return _rate(
        labels, predictions, weights, num_thresholds, metrics_collections, updates_collections, name, scope, rate
    )


def _rate(
    labels: Any, predictions: Any, weights: Any, number: int, value_keys: Any, update_keys: Any, name: str | None,
    scope: str, rate: Callable[[Counts, str], Tensor],
) -> Result:  # fmt: skip
    with variable_scope(name, scope):
        inner = [(i + 1) / (number - 1) for i in range(number - 2)]
        values, updates = counts_at(labels, predictions, [-TINY, *inner, 1.0 + TINY], weights)
        return published(rate(values, "value"), rate(updates, "update_op"), value_keys, update_keys)


def _rate_at(a: Any, b: Any, place: Tensor, name: str) -> Tensor:
    one, other = gather(a, place), gather(b, place)
    return e.divide(one, one + other + TINY, name=name)
