"""Softmax and the cross entropies.

With ``z = x - max(x)``, ``log_softmax = z - log(sum(exp(z)))``: nothing overflows, and the adjoint that the gradient
pass builds is ``g - softmax * sum(g)``. For a cross entropy that is ``(softmax - labels) * g``. The shift by the
maximum changes no value, so no gradient flows through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, axis_of, constant, convert_to_tensor, graph_of
from graphc.ops.checks import fitting
from graphc.ops.indexing import CheckLabels, one_hot
from graphc.ops.late import late
from graphc.ops.reduction import reduce_max, reduce_sum
from graphc.ops.reshaping import cast_like, count, expand_dims, reshape_like, squeeze
from graphc.ops.shape_values import static_axis
from graphc.shapes import TensorShape, TensorType, is_compatible


@telling_line
def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``axis`` (the last one where None), without overflow."""
    x = _scores(logits)
    if x.type.rank is None:
        return _later("Softmax", softmax, x, axis=_axis(axis, dim), name=name)
    at = _position(x, axis, dim)
    with graph_of([x]).name_scope(name or "Softmax") as scope:
        powers = e.exp(_shifted(x, at))
        return e.realdiv(powers, reduce_sum(powers, at, keepdims=True), name=scope)


@telling_line
def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """``log(softmax(x))`` along ``axis`` (the last one where None), without overflow."""
    x = _scores(logits)
    if x.type.rank is None:
        return _later("LogSoftmax", log_softmax, x, axis=_axis(axis, dim), name=name)
    at = _position(x, axis, dim)
    with graph_of([x]).name_scope(name or "LogSoftmax") as scope:
        shifted = _shifted(x, at)
        return e.subtract(shifted, _log_sum_exp(shifted, at), name=scope)


@telling_line
def softmax_cross_entropy_with_logits_v2(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    axis: Any = None,
    name: str | None = None,
    dim: Any = None,
) -> Tensor:
    """``-sum(labels * log_softmax(logits))`` along ``axis``; each row of labels is a distribution.

    Gradients flow to the labels too.
    """
    function = "softmax_cross_entropy_with_logits"
    _need_names(function, _sentinel, labels, logits)
    x = _scores(logits)
    wanted = cast_like(convert_to_tensor(labels), x)
    if x.type.rank is None:
        return _later(function, softmax_cross_entropy_with_logits_v2, wanted, x, axis=_axis(axis, dim), name=name)
    at = _position(x, axis, dim)
    with graph_of([x]).name_scope(name or function) as scope:
        wanted = fitting(_as_rows_of(wanted, x, at), x, _check_same_shape, function)
        shifted = _shifted(x, at)
        # Equal to sum(labels * (log_sum - shifted)), but the adjoint needs no further sum over the classes.
        log_sum = squeeze(_log_sum_exp(shifted, at), at)
        return e.subtract(log_sum * reduce_sum(wanted, at), reduce_sum(wanted * shifted, at), name=scope)


@telling_line
def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: Any = None,
) -> Tensor:
    """As the version 2, but no gradient flows to the labels."""
    _need_names("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    return softmax_cross_entropy_with_logits_v2(
        labels=e.stop_gradient(labels), logits=logits, axis=dim if axis is None else axis, name=name
    )


@telling_line
def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """``-log_softmax(logits)[label]`` for each row; a label that is no class is an error when the graph runs."""
    function = "sparse_softmax_cross_entropy_with_logits"
    _need_names(function, _sentinel, labels, logits)
    x, classes = _scores(logits), convert_to_tensor(labels)
    if x.type.rank is None:
        return _later(function, sparse_softmax_cross_entropy_with_logits, classes, x, name=name)
    at = _position(x, -1, None)
    with graph_of([x]).name_scope(name or "SparseSoftmaxCrossEntropyWithLogits") as scope:
        classes = fitting(classes, x, _check_class_numbers, function)
        if classes.type.rank is None:
            classes.set_shape(x.type.shape[:-1])  # type: ignore[index]  # of known rank by now
        classes = apply(CheckLabels(), classes, _class_count(classes, x))
        shifted = _shifted(x, at)
        log_sum = squeeze(_log_sum_exp(shifted, at), at)
        # Selected and not multiplied: 0 * infinity would be NaN where a logit is -infinity.
        own = reduce_sum(e.select(class_mask(classes, x), shifted, 0), at)
        return e.subtract(log_sum, own, name=scope)


@telling_line
def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """``-z * log(sigmoid(x)) - (1 - z) * log(1 - sigmoid(x))`` for labels z, without overflow, element by element."""
    _need_names("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    x = convert_to_tensor(logits)
    z = convert_to_tensor(labels, None if hasattr(labels, "dtype") else x.dtype)
    with graph_of([x]).name_scope(name or "logistic_loss") as scope:
        z = fitting(z, x, _check_same_shape, "sigmoid_cross_entropy_with_logits")
        # max(x, 0) - x * z + log(1 + exp(-|x|)): written with select, whose adjoint at 0 is exact.
        positive = x >= 0
        return e.add(e.select(positive, x, 0) - x * z, e.log1p(e.exp(e.select(positive, -x, x))), name=scope)


@telling_line
def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """The sigmoid cross entropy in which the positive labels count ``pos_weight`` times."""
    x = convert_to_tensor(logits)
    z = convert_to_tensor(targets if labels is None else labels, x.dtype)
    with graph_of([x]).name_scope(name or "logistic_loss") as scope:
        z = fitting(z, x, _check_same_shape, "weighted_cross_entropy_with_logits")
        weight = 1 + (convert_to_tensor(pos_weight, x.dtype) - 1) * z
        return e.add((1 - z) * x, weight * e.softplus(-x), name=scope)


def class_mask(classes: Tensor, scores: Tensor) -> Tensor:
    """True where the last axis of ``scores`` stands at the row's class: [..., class] from [...]."""
    number = scores.type.shape[-1] if scores.type.shape else None
    if isinstance(number, int):
        positions = constant(list(range(number)), classes.dtype)
        return e.equal(expand_dims(classes, -1), positions)
    assert scores.type.rank is not None
    depth = count(scores, (scores.type.rank - 1,), dtypes.int32)
    return one_hot(classes, depth, True, False, dtype=dtypes.bool)


def is_class(classes: Tensor, scores: Tensor) -> Tensor:
    """Whether each class is a position on the last axis of ``scores``."""
    return e.logical_and(classes >= 0, classes < _class_count(classes, scores))


def _class_count(classes: Tensor, scores: Tensor) -> Tensor:
    """The size of the last axis of ``scores``, as a number of the dtype of ``classes``."""
    assert scores.type.rank is not None
    return count(scores, (scores.type.rank - 1,), classes.dtype)


def _scores(logits: Any) -> Tensor:
    x = convert_to_tensor(logits)
    if not x.dtype.is_floating:
        raise TypeError(f"logits of {x.op.describe()} have type {x.type}; wanted float32 or float64")
    if x.type.rank == 0:
        raise ValueError(f"logits of {x.op.describe()} are a scalar; wanted at least one axis")
    return x


def _axis(axis: Any, dim: Any) -> Any:
    return axis if axis is not None else dim if dim is not None else -1


def _position(x: Tensor, axis: Any, dim: Any) -> int:
    return axis_of(x, static_axis(_axis(axis, dim), "softmax"), "softmax")


def _later(called: str, build: Callable[..., Tensor], *tensors: Tensor, name: str | None, axis: Any = None) -> Tensor:
    """What ``build`` declares of logits, and of labels before them, once their rank is known."""
    arguments = {} if axis is None else {"axis": axis}

    def declared(*known: Tensor) -> Tensor:
        if len(known) == 1:
            return build(*known, **arguments)
        return build(labels=known[0], logits=known[1], **arguments)

    return late(called, declared, tensors, [], TensorType(tensors[-1].dtype, None), name=name)[0]


def _shifted(x: Tensor, axis: int) -> Tensor:
    """``x - max(x)`` along ``axis``."""
    return x - e.stop_gradient(reduce_max(x, axis, keepdims=True))


def _log_sum_exp(shifted: Tensor, axis: int) -> Tensor:
    return e.log(reduce_sum(e.exp(shifted), axis, keepdims=True))


def _need_names(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _as_rows_of(labels: Tensor, logits: Tensor, axis: int) -> Tensor:
    """Labels with other axes before the classes in the shape of the logits, as TensorFlow takes both for matrices."""
    own, wanted = labels.type.shape, logits.type.shape
    if not own or not wanted or len(own) == len(wanted) or axis != len(wanted) - 1:
        return labels
    if not is_compatible(own[-1:], wanted[-1:]):
        return labels
    return reshape_like(labels, logits)


def _check_same_shape(labels: TensorType, logits: TensorType) -> None:
    if labels.dtype is not logits.dtype:
        raise TypeError(f"labels are {labels} and logits {logits}; convert one with tf.cast")
    if not is_compatible(labels.shape, logits.shape):
        shapes = f"{TensorShape(logits.shape)} vs {TensorShape(labels.shape)}"
        raise ValueError(f"logits and labels must have the same shape ({shapes})")


def _check_class_numbers(labels: TensorType, logits: TensorType) -> None:
    if labels.dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"labels are {labels}; wanted int32 or int64, one number for each row")
    if labels.rank is not None and labels.rank != (logits.rank or 0) - 1:
        raise ValueError(
            f"Rank mismatch: Rank of labels (received {labels.rank}) should equal rank of logits minus 1 "
            f"(received {logits.rank})."
        )
    assert logits.shape is not None
    if not is_compatible(labels.shape, logits.shape[:-1]):
        raise ValueError(
            f"Shape mismatch: The shape of labels (received {TensorShape(labels.shape)}) should equal the shape of "
            f"logits except for the last dimension (received {TensorShape(logits.shape)})."
        )


@telling_line
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """``exp(c) - c z`` for counts z and logarithms c of what is expected: the Poisson likelihood up to a constant.

    With ``compute_full_loss``, Stirling's ``z log z - z + log(2 pi z) / 2`` is added where z is above 1.
    """
    expected = convert_to_tensor(log_input)
    counts = convert_to_tensor(targets, expected.dtype)
    if not is_compatible(counts.type.shape, expected.type.shape):
        raise ValueError(
            f"log_input and targets must have the same shape: {expected.op.describe()} has {expected.type} and "
            f"{counts.op.describe()} has {counts.type}"
        )
    with graph_of([expected]).name_scope(name or "log_poisson_loss") as scope:
        loss = e.exp(expected) - expected * counts
        if compute_full_loss:
            known = e.maximum(counts, 1.0)  # where the logarithm is not wanted it must not be infinite either
            full = known * e.log(known) - known + 0.5 * e.log(2 * math.pi * known)
            loss = loss + e.select(e.logical_and(counts >= 0, counts <= 1), 0 * counts, full)
        return e.identity(loss, name=scope)
