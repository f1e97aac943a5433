"""``tf.metrics`` over two runs: values and updates as TensorFlow has them, variables under its names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import metrics as contrib
from tests.interpreted import InterpretedSession

RANDOM = np.random.RandomState(3)
YES = (RANDOM.rand(2, 12) > 0.4).astype(np.float32)
SCORES = np.round(RANDOM.rand(2, 12) * 0.6 + YES * 0.3, 2).astype(np.float32)
WEIGHTS = RANDOM.randint(0, 3, (2, 12)).astype(np.float32)
CLASSES, GUESSES = RANDOM.randint(0, 4, (2, 12)), RANDOM.randint(0, 4, (2, 12))
REAL = RANDOM.standard_normal((2, 12)).astype(np.float32)
ROWS = RANDOM.standard_normal((2, 5, 7)).astype(np.float32)
ROW_LABELS = RANDOM.randint(0, 7, (2, 5, 3)).astype(np.int64)
ROW_WEIGHTS = np.array([[1, 0, 2, 1, 1], [0, 1, 1, 3, 1]], np.float32)

Metric = Callable[..., Any]
# What declares the metric in a namespace, and its labels, predictions and weights for two runs.
CASES: dict[str, tuple[Metric, Any, Any, Any]] = {
    "accuracy": (lambda m, y, p, w: m.accuracy(y, p, w), CLASSES, GUESSES, WEIGHTS),
    "mean": (lambda m, y, p, w: m.mean(p, w), CLASSES, REAL, WEIGHTS),
    "mean_tensor": (lambda m, y, p, w: m.mean_tensor(p, w), CLASSES, REAL, WEIGHTS),
    "mean_squared_error": (lambda m, y, p, w: m.mean_squared_error(y, p, w), SCORES, REAL, WEIGHTS),
    "root": (lambda m, y, p, w: m.root_mean_squared_error(y, p, w), SCORES, REAL, WEIGHTS),
    "mean_absolute_error": (lambda m, y, p, w: m.mean_absolute_error(y, p, w), SCORES, REAL, WEIGHTS),
    "relative": (lambda m, y, p, w: m.mean_relative_error(y, p, y, w), YES, REAL, WEIGHTS),
    "cosine": (lambda m, y, p, w: m.mean_cosine_distance(y, p, 1, w), ROWS, ROWS[::-1], ROW_WEIGHTS[..., None]),
    "below": (lambda m, y, p, w: m.percentage_below(p, 0.5, w), YES, SCORES, WEIGHTS),
    "per_class": (lambda m, y, p, w: m.mean_per_class_accuracy(y, p, 4, w), CLASSES, GUESSES, WEIGHTS),
    "mean_iou": (lambda m, y, p, w: m.mean_iou(y, p, 4, w), CLASSES, GUESSES, WEIGHTS),
    "precision": (lambda m, y, p, w: m.precision(y, p, w), YES, CLASSES, WEIGHTS),
    "recall": (lambda m, y, p, w: m.recall(y, p, w), YES, CLASSES, WEIGHTS),
    "true_positives": (lambda m, y, p, w: m.true_positives(y, p, w), YES, CLASSES, WEIGHTS),
    "true_negatives": (lambda m, y, p, w: m.true_negatives(y, p, w), YES, CLASSES, WEIGHTS),
    "false_positives": (lambda m, y, p, w: m.false_positives(y, p, w), YES, CLASSES, WEIGHTS),
    "false_negatives": (lambda m, y, p, w: m.false_negatives(y, p, w), YES, CLASSES, WEIGHTS),
    "at thresholds": (
        lambda m, y, p, w: m.precision_at_thresholds(y, p, [0.2, 0.5], w), YES, SCORES, WEIGHTS
    ),
    "recall thresholds": (lambda m, y, p, w: m.recall_at_thresholds(y, p, [0.2, 0.5], w), YES, SCORES, WEIGHTS),
    "tp thresholds": (lambda m, y, p, w: m.true_positives_at_thresholds(y, p, [0.2, 0.5], w), YES, SCORES, WEIGHTS),
    "auc": (lambda m, y, p, w: m.auc(y, p, w), YES, SCORES, WEIGHTS),
    "auc pr": (
        lambda m, y, p, w: m.auc(y, p, w, curve="PR", summation_method="careful_interpolation"), YES, SCORES, WEIGHTS
    ),
    "auc minoring": (lambda m, y, p, w: m.auc(y, p, w, 30, summation_method="minoring"), YES, SCORES, WEIGHTS),
    "sensitivity": (lambda m, y, p, w: m.sensitivity_at_specificity(y, p, 0.7, w), YES, SCORES, WEIGHTS),
    "specificity": (lambda m, y, p, w: m.specificity_at_sensitivity(y, p, 0.7, w), YES, SCORES, WEIGHTS),
    "precision_at_k": (lambda m, y, p, w: m.precision_at_k(y, p, 3, weights=w), ROW_LABELS, ROWS, ROW_WEIGHTS),
    "precision_at_k class": (lambda m, y, p, w: m.precision_at_k(y, p, 3, 2, w), ROW_LABELS, ROWS, ROW_WEIGHTS),
    "recall_at_k": (lambda m, y, p, w: m.recall_at_k(y, p, 3, weights=w), ROW_LABELS, ROWS, ROW_WEIGHTS),
    "recall_at_k class": (lambda m, y, p, w: m.recall_at_k(y, p, 3, 2, w), ROW_LABELS, ROWS, ROW_WEIGHTS),
    "average": (lambda m, y, p, w: m.average_precision_at_k(y, p, 3, w), ROW_LABELS, ROWS, ROW_WEIGHTS),
}  # fmt: skip


def _runs(tf: Any, name: str, weighted: bool, session: Any) -> tuple[list[Any], list[str]]:
    """Values and updates of two runs, and the names of the local variables."""
    declare, *arrays = CASES[name]
    with tf.Graph().as_default():
        sizes = [[None, *array.shape[2:]] for array in arrays]
        if name == "mean_tensor":
            sizes = [list(array.shape[1:]) for array in arrays]
        places = [tf.placeholder(array.dtype, size) for array, size in zip(arrays, sizes)]
        labels, predictions, weights = places
        value, update = declare(tf.metrics, labels, predictions, weights if weighted else None)
        names = sorted(variable.name for variable in tf.local_variables())
        assert tf.get_collection(tf.GraphKeys.METRIC_VARIABLES) == tf.local_variables()
        with session() as sess:
            sess.run(tf.local_variables_initializer())
            found = [sess.run(value)]
            for row in range(2):
                found.append(sess.run(update, dict(zip(places, (array[row] for array in arrays)))))
            return [*found, sess.run(value)], names


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_values_and_names_are_tensorflows(name: str, weighted: bool) -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    ours, our_names = _runs(tf, name, weighted, InterpretedSession)
    theirs, their_names = _runs(v1, name, weighted, v1.Session)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=2e-6, atol=1e-6)
    assert our_names == their_names


@pytest.mark.parametrize("name", ["accuracy", "auc", "mean_iou", "precision_at_k", "recall_at_k", "per_class"])
def test_compiled_values_are_the_interpreted_ones(name: str) -> None:
    compiled, _ = _runs(tf, name, True, tf.Session)
    interpreted, names = _runs(tf, name, True, InterpretedSession)
    for one, other in zip(compiled, interpreted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert names


def test_accuracy_over_two_runs() -> None:
    with tf.Graph().as_default(), InterpretedSession() as session:
        labels = tf.placeholder(tf.int64, [None])
        value, update = tf.metrics.accuracy(labels, [1, 0], metrics_collections="m", updates_collections=["u"])
        session.run(tf.local_variables_initializer())
        assert session.run(value) == 0
        assert session.run(update, {labels: [1, 1]}) == 0.5
        assert session.run(update, {labels: [1, 0]}) == 0.75
        assert session.run(value) == 0.75
        assert [tf.get_collection("m"), tf.get_collection("u")] == [[value], [update]]
        assert [v.op.name for v in tf.local_variables()] == ["accuracy/total", "accuracy/count"]
        assert tf.global_variables() == []


def test_shapes_that_do_not_fit_are_refused() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="are not compatible"):
            tf.metrics.accuracy(tf.zeros([3]), tf.zeros([4]))
        with pytest.raises(ValueError, match="weights can not be broadcast to values"):
            tf.metrics.mean(tf.zeros([3]), tf.zeros([2]))
        with pytest.raises(ValueError, match="curve must be either ROC or PR"):
            tf.metrics.auc([1.0], [0.5], curve="XY")


@pytest.mark.parametrize("classes", [4, None])
def test_confusion_matrix(classes: Any) -> None:
    with tf.Graph().as_default(), InterpretedSession() as session:
        found = session.run(tf.confusion_matrix([0, 3, 3, 1], [0, 1, 1, 2], classes, weights=[1, 2, 3, 4]))
        np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0], [0, 5, 0, 0]])


def test_a_label_that_is_no_class_is_an_error() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        labels = tf.placeholder(tf.int32, [None])
        matrix = tf.confusion_matrix(labels, [0, 1], 3)
        assert session.run(matrix, {labels: [0, 2]}).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range"):
            session.run(matrix, {labels: [0, 3]})


def test_contrib_has_predictions_first() -> None:
    with tf.Graph().as_default(), InterpretedSession() as session:
        value, update = contrib.streaming_accuracy([1.0, 2.0], [1.0, 3.0])
        pearson, more = contrib.streaming_pearson_correlation(REAL[0], SCORES[0], WEIGHTS[0])
        plain = contrib.accuracy([1, 2, 3], [1, 2, 4])
        values, updates = contrib.aggregate_metric_map({"a": (value, update), "b": (pearson, more)})
        session.run(tf.local_variables_initializer())
        session.run(list(updates.values()))
        assert session.run(values["a"]) == 0.5
        (found,) = session.run([values["b"]])
        weighted = np.repeat([REAL[0], SCORES[0]], WEIGHTS[0].astype(int), axis=1)
        np.testing.assert_allclose(found, np.corrcoef(weighted)[0, 1], rtol=1e-5)
        np.testing.assert_allclose(session.run(plain), 2 / 3, rtol=1e-6)
