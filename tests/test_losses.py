"""Losses: formulas, weights, reductions and collections."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

A = np.array([[0.2, 0.9], [0.7, 0.4], [0.5, 0.1]])  # predictions
Y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # labels
ALL = tf.losses.Reduction


def run(tensor: Any) -> Any:
    return InterpretedSession().run(tensor)


def log_softmax(x: Any) -> Any:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def huber(delta: float) -> Any:
    error = abs(A - Y)
    return np.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2)


CASES: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "mean_squared_error": (tf.losses.mean_squared_error, (A - Y) ** 2),
    "absolute_difference": (tf.losses.absolute_difference, abs(A - Y)),
    "log_loss": (tf.losses.log_loss, -Y * np.log(A + 1e-7) - (1 - Y) * np.log(1 - A + 1e-7)),
    "hinge_loss": (tf.losses.hinge_loss, np.maximum(0, 1 - (2 * Y - 1) * A)),
    "huber_loss": (tf.losses.huber_loss, huber(1.0)),
    "huber_loss small": (lambda y, a: tf.losses.huber_loss(y, a, delta=0.3), huber(0.3)),
    "sigmoid": (tf.losses.sigmoid_cross_entropy, np.logaddexp(0, A) - A * Y),
    "sigmoid smoothed": (
        lambda y, a: tf.losses.sigmoid_cross_entropy(y, a, label_smoothing=0.2),
        np.logaddexp(0, A) - A * (Y * 0.8 + 0.1),
    ),
    "softmax": (tf.losses.softmax_cross_entropy, -(Y * log_softmax(A)).sum(1)),
    "softmax smoothed": (
        lambda y, a: tf.losses.softmax_cross_entropy(y, a, label_smoothing=0.2),
        -((Y * 0.8 + 0.1) * log_softmax(A)).sum(1),
    ),
    "cosine_distance": (lambda y, a: tf.losses.cosine_distance(y, a, axis=1), 1 - (A * Y).sum(1)),
}


@pytest.mark.parametrize("name", CASES)
def test_formula(name: str) -> None:
    function, each = CASES[name]
    loss = function(tf.constant(Y), tf.constant(A))
    assert tf.losses.get_losses() == [loss]
    np.testing.assert_allclose(run(loss), each.mean(), rtol=1e-6)


@pytest.mark.parametrize("labels", [[1, 0, 1], [[1], [0], [1]]])
def test_sparse_softmax(labels: Any) -> None:
    loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.constant(A))
    wanted = -log_softmax(A)[range(3), [1, 0, 1]].mean()
    np.testing.assert_allclose(run(loss), wanted, rtol=1e-12)
    assert loss.op.name == "sparse_softmax_cross_entropy_loss/value"


WEIGHTS = np.array([[2.0], [0.0], [1.0]])
WEIGHTED = WEIGHTS * (A - Y) ** 2


@pytest.mark.parametrize(
    ("reduction", "wanted"),
    [
        (ALL.NONE, WEIGHTED),
        (ALL.SUM, WEIGHTED.sum()),
        (ALL.MEAN, WEIGHTED.sum() / 6),
        (ALL.SUM_OVER_BATCH_SIZE, WEIGHTED.sum() / 6),
        (ALL.SUM_BY_NONZERO_WEIGHTS, WEIGHTED.sum() / 4),
        (ALL.SUM_OVER_NONZERO_WEIGHTS, WEIGHTED.sum() / 4),
    ],
)
def test_reductions(reduction: str, wanted: Any) -> None:
    loss = tf.losses.mean_squared_error(tf.constant(Y), tf.constant(A), weights=WEIGHTS, reduction=reduction)
    np.testing.assert_allclose(run(loss), wanted, rtol=1e-12)


@pytest.mark.parametrize("weights", [0.0, np.zeros((3, 1))])
def test_weights_that_are_all_zero_give_zero(weights: Any) -> None:
    x = tf.constant(A)
    loss = tf.losses.mean_squared_error(tf.constant(Y), x, weights=weights)
    assert run(loss) == 0
    np.testing.assert_array_equal(run(tf.gradients(loss, x)[0]), np.zeros_like(A))


def test_the_default_weight_costs_no_count() -> None:
    tf.losses.mean_squared_error(np.zeros((4, 2), np.float32), tf.placeholder(tf.float32, [4, 2]))
    assert not [node for node in tf.get_default_graph().nodes if node.type == "NotEqual"]


def test_total_loss() -> None:
    first = tf.losses.mean_squared_error([1.0], [3.0])
    second = tf.losses.absolute_difference([1.0], [3.0])
    tf.losses.add_loss(tf.constant(10.0))
    tf.get_variable("w", initializer=[3.0, 4.0], regularizer=tf.nn.l2_loss)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    assert tf.losses.get_losses()[:2] == [first, second]
    total = tf.losses.get_total_loss()
    assert total.op.name == "total_loss"
    assert session.run(total) == 4 + 2 + 10 + 12.5
    assert session.run(tf.losses.get_total_loss(add_regularization_losses=False)) == 16
    assert session.run(tf.losses.get_regularization_loss()) == 12.5


def test_no_losses_are_zero() -> None:
    assert run(tf.losses.get_total_loss()) == 0


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda: tf.losses.mean_squared_error(None, [1.0]), "labels must not be None."),
        (lambda: tf.losses.mean_squared_error([1.0], None), "predictions must not be None."),
        (
            lambda: tf.losses.mean_squared_error([1.0], [1.0, 2.0]),
            "mean_squared_error: labels and predictions have shapes (1,) and (2,); wanted equal shapes",
        ),
        (lambda: tf.losses.mean_squared_error([1.0], [2.0], reduction="most"), "Invalid Reduction Key most."),
        (
            lambda: tf.losses.mean_squared_error(Y, A, weights=[1.0, 2.0, 3.0]),
            "compute_weighted_loss: weights can not be broadcast to values. values shape=(3, 2). weights shape=(3,).",
        ),
        (lambda: tf.losses.cosine_distance([1.0], [1.0]), "You must specify 'axis'."),
    ],
)
def test_errors(declare: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        declare()
    assert is_told(caught.value, text), str(caught.value)


@pytest.mark.parametrize("function", ["mean_squared_error", "absolute_difference", "log_loss", "huber_loss"])
@pytest.mark.parametrize("came", [1, 2])
def test_batches_that_differ_are_refused_when_they_are_fed(function: str, came: int) -> None:
    labels, guesses = (tf.placeholder(tf.float32, [None, 3], name) for name in ("labels", "guesses"))
    loss = getattr(tf.losses, function)(labels, guesses)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(loss, {labels: np.zeros((came, 3)), guesses: np.zeros((4, 3))})
    assert re.sub(r"test_losses\.py:\d+", "LINE", str(caught.value)) == (
        f"{function} '{function}/labels' (declared at LINE): labels and predictions have shapes ({came}, 3) and "
        "(4, 3); wanted equal shapes"
    )


@pytest.mark.parametrize(("shape", "fits"), [((2, 1), True), ((1, 3), True), ((1, 4), False), ((4, 3), False)])
def test_weights_that_are_fed_are_as_many_as_the_losses_or_1(shape: tuple[int, int], fits: bool) -> None:
    weights, guesses = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None, 3])
    loss = tf.losses.mean_squared_error(tf.zeros_like(guesses), guesses, weights)
    with tf.Session() as session:
        feeds = {weights: np.ones(shape), guesses: np.ones((2, 3))}
        if fits:
            assert session.run(loss, feeds) == 1
            return
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(loss, feeds)
    assert re.sub(r"test_losses\.py:\d+", "LINE", str(caught.value)) == (
        "compute_weighted_loss 'mean_squared_error/weights' (declared at LINE): weights can not be broadcast to "
        f"values. values shape=(2, 3). weights shape={shape}."
    )


def test_losses_are_named_as_in_tensorflow() -> None:
    value = tf.losses.mean_squared_error(Y, A)
    each = tf.losses.absolute_difference(Y, A, reduction=tf.losses.Reduction.NONE)
    assert value.name == "mean_squared_error/value:0"
    assert each.name == "absolute_difference/Mul:0"
    assert tf.losses.get_losses(scope="mean_squared") == [value]
