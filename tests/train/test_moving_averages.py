"""Moving averages of variables and of tensors."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.train.moving_averages import assign_moving_average, weighted_moving_average
from tests.interpreted import InterpretedSession


def test_averages_follow_the_updates_of_the_same_run() -> None:
    w = tf.Variable([1.0, 10.0], name="w")
    average = tf.train.ExponentialMovingAverage(0.9)
    train = w.assign_add([1.0, 1.0])
    with tf.control_dependencies([train]):
        step = average.apply([w])
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    wanted, value = np.array([1.0, 10.0]), np.array([1.0, 10.0])
    for _ in range(4):
        session.run(step)
        value = value + 1
        wanted = wanted - (wanted - value) * 0.1
        np.testing.assert_allclose(session.run(average.average(w)), wanted, rtol=1e-6)


def test_names_and_collections() -> None:
    w, b = tf.Variable(1.0, name="w"), tf.Variable(1.0, name="b")
    other = tf.Variable(1.0, name="other", trainable=False)
    average = tf.train.ExponentialMovingAverage(0.9)
    step = average.apply()
    assert step.name == "ExponentialMovingAverage"
    assert average.average(w).name == "w/ExponentialMovingAverage:0"
    assert average.average(other) is None
    assert average.average_name(b) == "b/ExponentialMovingAverage"
    assert average.average_name(other) == "other/ExponentialMovingAverage"
    assert tf.moving_average_variables() == [w, b]
    assert not average.average(w).trainable
    assert average.variables_to_restore() == {
        "w/ExponentialMovingAverage": w,
        "b/ExponentialMovingAverage": b,
        "other": other,
    }


def test_num_updates_lets_the_decay_grow() -> None:
    w, updates = tf.Variable(10.0), tf.Variable(0, trainable=False)
    average = tf.train.ExponentialMovingAverage(0.99, num_updates=updates)
    step = average.apply([w])
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(w.assign(0.0))
    session.run(step)  # decay (1 + 0) / (10 + 0)
    np.testing.assert_allclose(session.run(average.average(w)), 1.0, rtol=1e-6)


def test_averages_of_tensors_begin_at_zero() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    average = tf.train.ExponentialMovingAverage(0.5)
    step = average.apply([x])
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    for value in (4.0, 8.0):
        session.run(step, {x: value})
    assert session.run(average.average(x)) == 5.0


def test_what_cannot_be_averaged() -> None:
    average = tf.train.ExponentialMovingAverage(0.5)
    with pytest.raises(ValueError) as caught:
        average.apply()
    assert str(caught.value) == "there is no variable to average"
    with pytest.raises(TypeError) as caught_type:
        average.apply([tf.Variable(1, name="n")])
    assert str(caught_type.value) == "The variables must be half, float, or double: n:0"


def test_averages_that_begin_at_zero_are_not_drawn_there() -> None:
    """After t values the average of the last ones, each with the weight 0.1 * 0.9^k, divided by their sum."""
    x = tf.placeholder(tf.float32, [2])
    with tf.variable_scope("scope"):
        mean = tf.get_variable("mean", [2], initializer=tf.zeros_initializer(), trainable=False)
        moved = assign_moving_average(mean, x, 0.9)
        averages = tf.train.ExponentialMovingAverage(0.9, zero_debias=True)
        step = averages.apply([x, mean])
    assert [v.op.name for v in tf.global_variables() if "biased" in v.name or "local" in v.name][:2] == [
        "scope/scope/mean/biased", "scope/scope/mean/local_step",
    ]  # fmt: skip
    assert not tf.trainable_variables()
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    values = []
    for k in range(4):
        values.append([1.0, k])
        found = session.run(moved, {x: values[-1]})
        session.run(step, {x: values[-1]})
        weights = 0.9 ** np.arange(k, -1, -1)
        wanted = weights @ np.array(values) / weights.sum()
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        np.testing.assert_allclose(session.run([mean, averages.average(x)]), [wanted, wanted], rtol=1e-6)


def test_weighted_averages_divide_one_average_by_another():
    """As in TensorFlow: of ``value * weight`` and of ``weight``, each from zero."""
    x, weight = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [])
    mean = weighted_moving_average(x, 0.9, weight)
    assert mean.op.name == "WeightedMovingAvg/WeightedMovingAvg"
    names = ["value_x_weight", "weight"]
    assert [v.op.name for v in tf.global_variables()] == [f"WeightedMovingAvg/{name}" for name in names]
    assert not tf.trainable_variables()
    kept = weighted_moving_average(x, 0.9, weight, collections=["kept"], name="other")
    assert [v.op.name for v in tf.get_collection("kept")] == [f"other/{name}" for name in names]
    session = InterpretedSession()
    session.run(tf.variables_initializer([*tf.global_variables(), *tf.get_collection("kept")]))
    values, weights = [], []
    for k in range(4):
        values.append([k, k * k + 1])
        weights.append(k + 0.5)
        shares = 0.9 ** np.arange(k, -1, -1) * weights
        wanted = shares @ np.array(values) / shares.sum()
        for found in session.run([mean, kept], {x: values[-1], weight: weights[-1]}):
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
