"""Dropout, the size of weights, and how many elements are zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession as Session
from tests.told import is_told


def test_dropout_zeroes_a_share_and_keeps_the_mean() -> None:
    x = tf.ones([100, 100])
    y = tf.nn.dropout(x, rate=0.3, seed=1)
    value, slope = Session().run([y, tf.gradients(y, x)[0]])
    kept = value != 0
    np.testing.assert_allclose(value[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 0.02  # 4 standard deviations of 10,000 draws
    np.testing.assert_array_equal(slope, value)


def test_dropout_is_drawn_anew_each_run_and_alike_within_one() -> None:
    y = tf.nn.dropout(tf.ones([50]), rate=0.5, seed=3)
    session = Session()
    first, same = session.run([y, y + 0])
    np.testing.assert_array_equal(first, same)
    assert (session.run(y) != first).any()


def test_keep_prob_is_one_minus_rate() -> None:
    x = tf.ones([200])
    by_rate, by_keep = tf.nn.dropout(x, rate=0.25, seed=7), tf.nn.dropout(x, 0.75, seed=7)
    values = Session().run([by_rate, by_keep])
    np.testing.assert_array_equal(*values)


def test_a_share_declared_without_a_shape_leaves_the_shape_known() -> None:
    x, keep = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32)
    y = tf.nn.dropout(x, keep, seed=2)
    assert y.shape.as_list() == [None, 3]
    values = Session().run([y, tf.gradients(y, x)[0]], {x: np.ones((5, 3)), keep: 0.5})
    assert set(np.unique(values[0])) == {0, 2}
    np.testing.assert_array_equal(*values)


def test_the_rate_may_be_fed() -> None:
    rate = tf.placeholder(tf.float32, [])
    y = tf.nn.dropout(tf.ones([1000]), rate=rate, seed=5)
    session = Session()
    np.testing.assert_array_equal(session.run(y, {rate: 0.0}), np.ones(1000))
    assert (session.run(y, {rate: 0.9}) == 0).mean() > 0.8


def test_noise_shape_drops_whole_rows() -> None:
    x = tf.placeholder(tf.float32, [None, 8])
    y = tf.nn.dropout(x, rate=0.5, noise_shape=[None, 1], seed=2)
    value = Session().run(y, {x: np.ones((40, 8))})
    kept = value != 0
    assert (kept.all(1) | ~kept.any(1)).all()
    assert 0 < kept[:, 0].sum() < 40


def test_dropped_infinities_are_zero() -> None:
    value = Session().run(tf.nn.dropout(tf.fill([100], np.inf), rate=0.5, seed=1))
    assert set(value) == {0.0, np.inf}


def test_rate_zero_is_the_tensor_itself() -> None:
    x = tf.placeholder(tf.float32, [3])
    assert tf.nn.dropout(x, rate=0) is x
    assert tf.nn.dropout(x, keep_prob=1.0) is x


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"rate": 1.0}, "rate must be a scalar tensor or a float in the range [0, 1), got 1"),
        ({"keep_prob": 0.0}, "keep_prob must be a scalar tensor or a float in the range (0, 1], got 0"),
        ({}, "You must provide a rate to dropout."),
        ({"rate": 0.1, "keep_prob": 0.9}, "Only one of `rate` and `keep_prob` can be given: rate is 1 - keep_prob"),
    ],
)
def test_errors(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        tf.nn.dropout(tf.ones([3]), **arguments)
    assert is_told(caught.value, text), str(caught.value)


def test_dropout_of_whole_numbers() -> None:
    with pytest.raises(ValueError) as caught:
        tf.nn.dropout(tf.constant([1, 2]), rate=0.5)
    assert is_told(
        caught.value,
        "x has to be a floating point tensor since it's going to be scaled. Got a int32 tensor instead.",
    ), str(caught.value)


def test_l2_loss() -> None:
    values = np.array([[1.0, -2.0], [3.0, 0.5]])
    x = tf.constant(values)
    loss = tf.nn.l2_loss(x)
    assert loss.name == "L2Loss:0"
    value, slope = Session().run([loss, tf.gradients(loss, x)[0]])
    assert value == (values**2).sum() / 2
    np.testing.assert_array_equal(slope, values)


def test_zero_fraction() -> None:
    assert Session().run(tf.nn.zero_fraction(tf.constant([0, 1, 0, 0]))) == 0.75
