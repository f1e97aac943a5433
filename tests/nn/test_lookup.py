"""Rows of tables, and whether a class is among the best."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session
from tests.told import is_told

TABLE = np.arange(21.0).reshape(7, 3)
IDS = np.array([[6, 0], [3, 3], [1, 5]])


def test_rows_and_their_gradient() -> None:
    table = tf.Variable(TABLE)
    rows = tf.nn.embedding_lookup(table, IDS)
    assert rows.name == "embedding_lookup:0"
    (grad,) = tf.gradients(rows, table)
    assert isinstance(grad, tf.IndexedSlices)
    grad = tf.convert_to_tensor(grad)
    session = Session()
    session.run(table.initializer)
    value, slope = session.run([rows, grad])
    np.testing.assert_array_equal(value, TABLE[IDS])
    np.testing.assert_array_equal(slope, np.bincount(IDS.ravel(), minlength=7)[:, None] * np.ones((1, 3)))


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_several_tables_are_parts_of_one(strategy: str) -> None:
    parts = [TABLE[n::3] for n in range(3)] if strategy == "mod" else [TABLE[:3], TABLE[3:5], TABLE[5:]]
    rows = tf.nn.embedding_lookup([tf.constant(part) for part in parts], IDS, partition_strategy=strategy)
    np.testing.assert_array_equal(Session().run(rows), TABLE[IDS])


def test_max_norm_shortens_long_rows() -> None:
    table = np.array([[3.0, 4.0], [0.3, 0.4]])
    rows = tf.nn.embedding_lookup(tf.constant(table), [0, 1], max_norm=1.0)
    np.testing.assert_allclose(Session().run(rows), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-12)


def test_wrong_strategy() -> None:
    with pytest.raises(ValueError) as caught:
        tf.nn.embedding_lookup([tf.ones([2, 2]), tf.ones([2, 2])], [0], partition_strategy="row")
    assert is_told(caught.value, "Unrecognized partition strategy: row")


def test_in_top_k() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.3], [np.nan, 1.0, 0.0], [1.0, np.inf, 0.0], [1.0, 2.0, 3.0]])
    targets = [2, 0, 0, 1, 7]
    one, two = Session().run([tf.nn.in_top_k(scores, targets, 1), tf.nn.in_top_k(scores, targets, 2)])
    np.testing.assert_array_equal(one, [False, True, False, False, False])
    np.testing.assert_array_equal(two, [True, True, False, False, False])


def test_in_top_k_of_wrong_ranks() -> None:
    with pytest.raises(ValueError) as caught:
        tf.nn.in_top_k(tf.ones([3]), [1], 1)
    assert is_told(caught.value, "in_top_k of predictions f32[3] and targets i32[1]; wanted 2 axes and 1 axis")
