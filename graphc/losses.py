"""Losses: a number to make smaller, weighted, reduced and kept in the collection ``LOSSES``.

loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
total = tf.losses.get_total_loss()
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nn.classification import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of, is_scalar_number, is_tensor_like
from graphc.ops.checks import fitting
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import broadcast_like, cast_like, count, squeeze
from graphc.scopes import GraphKeys, add_to_collection, get_collection, get_default_graph
from graphc.shapes import TensorShape, TensorType, is_compatible


class Reduction:
    """How the losses of single elements become one loss."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        """``ValueError`` unless ``key`` is one of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


BY_NONZERO = Reduction.SUM_BY_NONZERO_WEIGHTS


@telling_line
def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = BY_NONZERO,
) -> Tensor:
    """The losses times their weights (a scalar, or of the same rank with sizes that are equal or 1), reduced."""
    Reduction.validate(reduction)
    each = convert_to_tensor(losses)
    with graph_of([each]).name_scope(scope or "weighted_loss"):
        values = each if each.dtype.is_floating else e.cast(each, dtypes.float32)
        factors = fitting_weights(weights, values)
        weighted = e.multiply(values, factors)
        loss = cast_like(_reduced(weighted, values, weights, factors, reduction), each)
    if loss_collection:
        loss.graph.add_to_collection(loss_collection, loss)
    return loss


def fitting_weights(weights: Any, losses: Tensor) -> Tensor:
    """Weights in the dtype of ``losses``; ``ValueError`` where they are neither one number nor go beside each."""
    tensor = convert_to_tensor(weights) if is_tensor_like(weights) else convert_to_tensor(weights, losses.dtype)
    return cast_like(fitting(tensor, losses, _check_weights, "compute_weighted_loss", "weights"), losses)


def _check_weights(weights: TensorType, losses: TensorType) -> None:
    known, wanted = weights.shape, losses.shape
    if not known or wanted is None:
        return
    if len(known) != len(wanted) or any(w not in (1, None) and n not in (w, None) for w, n in zip(known, wanted)):
        raise ValueError(
            f"weights can not be broadcast to values. values shape={TensorShape(wanted)}. "
            f"weights shape={TensorShape(known)}."
        )


def _reduced(weighted: Tensor, losses: Tensor, given: Any, weights: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = reduce_sum(weighted)
    if reduction == Reduction.SUM:
        return total
    if reduction == Reduction.MEAN:
        return _safely_divided(total, reduce_sum(broadcast_like(weights, losses)))
    number = count(losses, None, losses.dtype)
    if reduction == Reduction.SUM_OVER_BATCH_SIZE or (is_scalar_number(given) and given != 0):
        return _safely_divided(total, number)
    present = e.cast(e.not_equal(weights, 0), losses.dtype)
    return _safely_divided(total, reduce_sum(broadcast_like(present, losses)))


def _safely_divided(total: Tensor, number: Tensor) -> Tensor:
    """``total / number``, 0 where the number is 0."""
    empty = e.equal(number, 0)
    quotient = total / e.select(empty, convert_to_tensor(1, number.dtype), number)
    return e.select(empty, 0 * total, quotient, name="value")


@contextmanager
def _pair(name: str, scope: str, labels: Any, predictions: Any) -> Iterator[tuple[Tensor, Tensor, str]]:
    """Labels and predictions as floats of one shape, and the scope in which their loss is declared."""
    if labels is None:
        raise ValueError("labels must not be None.")
    if predictions is None:
        raise ValueError("predictions must not be None.")
    given = convert_to_tensor(predictions)
    with graph_of([given]).name_scope(scope) as full_scope:
        guessed = given if given.dtype.is_floating else e.cast(given, dtypes.float32)
        wanted = cast_like(convert_to_tensor(labels), guessed)
        yield fitting(wanted, guessed, _check_same_shape, name), guessed, full_scope


def _check_same_shape(labels: TensorType, predictions: TensorType) -> None:
    if not is_compatible(labels.shape, predictions.shape):
        raise ValueError(
            f"labels and predictions have shapes {TensorShape(labels.shape)} and {TensorShape(predictions.shape)}; "
            "wanted equal shapes"
        )


@telling_line
def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """``(prediction - label) ** 2``"""
    with _pair("mean_squared_error", scope or "mean_squared_error", labels, predictions) as (wanted, guessed, name):
        losses = e.squared_difference(guessed, wanted)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """``|prediction - label|``"""
    with _pair("absolute_difference", scope or "absolute_difference", labels, predictions) as (wanted, guessed, name):
        losses = e.abs(guessed - wanted)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:  # fmt: skip
    """The mean of ``((p_i - p_j) - (l_i - l_j)) ** 2`` over the pairs of an example's elements, summed over examples.

    ``2 * (sum d^2 / (n - 1) - (sum d)^2 / (n (n - 1)))`` with ``d = prediction - label``, so no pair is looked at.
    """
    called = "mean_pairwise_squared_error"
    with _pair(called, scope or called, labels, predictions) as (wanted, guessed, _):
        error = guessed - wanted
        factors = fitting_weights(weights, error)
        over = list(range(1, error.type.rank or 1))
        present = broadcast_like(e.cast(e.not_equal(factors, 0), error.dtype), error)
        number = reduce_sum(present, over, keepdims=True)
        squares = reduce_sum(e.square(error), over, keepdims=True)
        square = e.square(reduce_sum(error, over, keepdims=True))
        pairs = _safely_divided(squares, number - 1) - _safely_divided(square, number * (number - 1))
        loss = reduce_sum(2.0 * pairs * factors)
        loss = e.select(e.greater(reduce_sum(number), 0), loss, 0 * loss, name="value")
        if loss_collection:
            loss.graph.add_to_collection(loss_collection, loss)
        return loss


@telling_line
def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """``-label * log(prediction) - (1 - label) * log(1 - prediction)``, each logarithm of a number plus epsilon"""
    with _pair("log_loss", scope or "log_loss", labels, predictions) as (wanted, guessed, name):
        losses = -wanted * e.log(guessed + epsilon) - (1 - wanted) * e.log(1 - guessed + epsilon)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """``max(0, 1 - logit)`` where the label is 1, ``max(0, 1 + logit)`` where it is 0"""
    with _pair("hinge_loss", scope or "hinge_loss", labels, logits) as (wanted, guessed, name):
        losses = e.relu(1 - (2 * wanted - 1) * guessed)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """``error ** 2 / 2`` up to ``delta``, from there on straight: ``delta * |error| - delta ** 2 / 2``"""
    with _pair("huber_loss", scope or "huber_loss", labels, predictions) as (wanted, guessed, name):
        error = e.abs(guessed - wanted)
        bent = e.minimum(error, delta)
        losses = 0.5 * bent * bent + delta * (error - bent)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def cosine_distance(
    labels: Any, predictions: Any, axis: Any = None, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO, dim: Any = None,
) -> Tensor:  # fmt: skip
    """``1 - sum(label * prediction)`` along ``axis``, for vectors of length 1"""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    with _pair("cosine_distance", scope or "cosine_distance_loss", labels, predictions) as (wanted, guessed, name):
        losses = 1 - reduce_sum(guessed * wanted, axis, keepdims=True)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """The cross entropy of independent labels; smoothing moves labels towards 1/2."""
    with _pair("sigmoid_cross_entropy", scope or "sigmoid_cross_entropy_loss", multi_class_labels, logits) as (
        wanted,
        scores,
        name,
    ):
        if label_smoothing > 0:
            wanted = wanted * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=wanted, logits=scores, name="xentropy")
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """The cross entropy of distributions over the last axis; smoothing moves them towards the even one."""
    with _pair("softmax_cross_entropy", scope or "softmax_cross_entropy_loss", onehot_labels, logits) as (
        wanted,
        scores,
        name,
    ):
        if label_smoothing > 0:
            classes = count(scores, ((scores.type.rank or 1) - 1,), scores.dtype)
            wanted = wanted * (1 - label_smoothing) + label_smoothing / classes
        losses = softmax_cross_entropy_with_logits_v2(labels=e.stop_gradient(wanted), logits=scores, name="xentropy")
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


@telling_line
def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = BY_NONZERO,
) -> Tensor:  # fmt: skip
    """The cross entropy of class numbers; an axis of size 1 at the end of the labels is left out."""
    if labels is None:
        raise ValueError("labels must not be None.")
    if logits is None:
        raise ValueError("logits must not be None.")
    classes, scores = convert_to_tensor(labels), convert_to_tensor(logits)
    with graph_of([scores]).name_scope(scope or "sparse_softmax_cross_entropy_loss") as name:
        if classes.type.rank == scores.type.rank and classes.type.rank:
            classes = squeeze(classes, [-1])
        losses = sparse_softmax_cross_entropy_with_logits(labels=classes, logits=scores, name="xentropy")
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


# -- the collections -------------------------------------------------------------------------------------


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to the collection."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses in the collection; with ``scope``, those whose name matches."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """What the regularizers of variables add to the loss."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of what the regularizers add; 0 where there are none."""
    return _sum(get_regularization_losses(scope), name)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses in the collection, with what the regularizers add."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope)
    return _sum(losses, name)


def _sum(losses: Sequence[Any], name: str) -> Tensor:
    if not losses:
        return constant(0.0, name=name)
    with get_default_graph().name_scope(name) as scope:
        total = convert_to_tensor(losses[0])
        for loss in losses[1:-1]:
            total = e.add(total, loss)
        return e.add(total, losses[-1], name=scope) if len(losses) > 1 else e.identity(total, name=scope)
