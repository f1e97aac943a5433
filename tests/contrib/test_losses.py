"""``tf.contrib.losses`` and the losses of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import losses
from tests.interpreted import InterpretedSession

PREDICTIONS = np.array([[4, 8, 12], [8, 1, 3]], np.float32)
LABELS = np.array([[1, 9, 2], [-5, -2, 6]], np.float32)


def _pairwise(error: Any, weights: Any) -> float:
    """The meaning: over all ordered pairs of elements of an example."""
    each = [np.mean([(a - b) ** 2 for i, a in enumerate(row) for j, b in enumerate(row) if i != j]) for row in error]
    return float(np.sum(np.array(each) * weights))


@pytest.mark.parametrize("weights", [1.0, 2.5, [[1.0], [3.0]], [[0.0], [2.0]]])
def test_mean_pairwise_squared_error(weights: Any) -> None:
    with tf.Graph().as_default():
        loss = tf.losses.mean_pairwise_squared_error(LABELS, PREDICTIONS, weights)
        wanted = _pairwise(PREDICTIONS - LABELS, np.broadcast_to(weights, (2, 1))[:, 0])
        np.testing.assert_allclose(InterpretedSession().run(loss), wanted, rtol=1e-6)
        assert tf.losses.get_losses() == [loss]


def test_mean_pairwise_squared_error_of_nothing_is_zero() -> None:
    with tf.Graph().as_default():
        loss = tf.losses.mean_pairwise_squared_error(LABELS, PREDICTIONS, 0.0)
        single = tf.losses.mean_pairwise_squared_error(LABELS[:, :1], PREDICTIONS[:, :1])
        assert InterpretedSession().run([loss, single]) == [0.0, 0.0]


def test_contrib_has_predictions_first() -> None:
    with tf.Graph().as_default():
        pairs = [
            (losses.mean_squared_error(PREDICTIONS, LABELS), tf.losses.mean_squared_error(LABELS, PREDICTIONS)),
            (losses.absolute_difference(PREDICTIONS, LABELS), tf.losses.absolute_difference(LABELS, PREDICTIONS)),
            (losses.softmax_cross_entropy(PREDICTIONS, [[0.0, 1, 0], [1, 0, 0]], label_smoothing=0.1),
             tf.losses.softmax_cross_entropy([[0.0, 1, 0], [1, 0, 0]], PREDICTIONS, label_smoothing=0.1)),
            (losses.sparse_softmax_cross_entropy(PREDICTIONS, [1, 2]),
             tf.losses.sparse_softmax_cross_entropy([1, 2], PREDICTIONS)),
        ]  # fmt: skip
        assert losses.get_total_loss() is not None
        assert losses.hinge_loss(PREDICTIONS, np.ones((2, 3), np.float32)).shape.as_list() == [2, 3]
        for one, other in InterpretedSession().run(pairs):
            assert one == other
