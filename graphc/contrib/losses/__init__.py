"""``tf.contrib.losses``: the losses of ``tf.losses`` with predictions before labels, as slim has them."""

from __future__ import annotations

from typing import Any

from graphc import losses as core
from graphc.lazily import when_named
from graphc.losses import add_loss, compute_weighted_loss, get_losses, get_regularization_losses, get_total_loss
from graphc.nodes import Tensor

__all__ = [
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]


__getattr__ = when_named(
    __name__, "graphc.contrib.losses", {"metric_learning": "graphc.contrib.losses.metric_learning"}
)


def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean of ``|predictions - labels|``."""
    return core.absolute_difference(labels, predictions, weights, scope or "absolute_difference")


def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean of ``(predictions - labels)^2``."""
    return core.mean_squared_error(labels, predictions, weights, scope or "mean_squared_error")


def mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None
) -> Tensor:
    """The mean squared error of the differences between pairs of elements of each example."""
    return core.mean_pairwise_squared_error(labels, predictions, weights, scope or "mean_pairwise_squared_error")


def log_loss(
    predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None
) -> Tensor:
    """The cross entropy of probabilities of yes."""
    return core.log_loss(labels, predictions, weights, epsilon, scope or "log_loss")


def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """``max(0, 1 - logit * y)`` for each element, where y is 1 for yes and -1 for no; as TensorFlow, not reduced."""
    return core.hinge_loss(
        labels, logits, scope=scope or "hinge_loss", loss_collection=None, reduction=core.Reduction.NONE
    )


def cosine_distance(
    predictions: Any,
    labels: Any = None,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """One less the cosine of unit vectors along an axis."""
    return core.cosine_distance(labels, predictions, dim if axis is None else axis, weights, scope or "cosine_distance")


def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """The cross entropy of independent yes or no questions."""
    name = scope or "sigmoid_cross_entropy_loss"
    return core.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, name)


def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """The cross entropy of distributions over the last axis."""
    name = scope or "softmax_cross_entropy_loss"
    return core.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, name)


def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The cross entropy of class numbers."""
    return core.sparse_softmax_cross_entropy(labels, logits, weights, scope or "sparse_softmax_cross_entropy_loss")
