"""Learning rates over the steps against their formulas, and the counter of steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

STEPS = np.arange(0, 25)


def cycled(step: int) -> float:
    length = 10 * max(1, math.ceil(step / 10))
    return (0.5 - 0.1) * (1 - step / length) ** 2 + 0.1


def stair(step: int) -> float:
    return 0.01 if step > 12 else 0.1 if step > 5 else 0.5


def restarted(step: int) -> float:
    """Periods of 4, 8, 16 steps, each half as high as the one before."""
    begin, length, height = 0, 4, 1.0
    while step >= begin + length:
        begin, length, height = begin + length, length * 2, height * 0.5
    return 0.5 * (0.9 * height * 0.5 * (1 + math.cos(math.pi * (step - begin) / length)) + 0.1)


SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "exponential": (lambda s: tf.train.exponential_decay(0.5, s, 10, 0.3), lambda s: 0.5 * 0.3 ** (s / 10)),
    "exponential stairs": (
        lambda s: tf.train.exponential_decay(0.5, s, 10, 0.3, staircase=True),
        lambda s: 0.5 * 0.3 ** (s // 10),
    ),
    "natural": (lambda s: tf.train.natural_exp_decay(0.5, s, 10, 0.3), lambda s: 0.5 * math.exp(-0.3 * s / 10)),
    "natural stairs": (
        lambda s: tf.train.natural_exp_decay(0.5, s, 10, 0.3, staircase=True),
        lambda s: 0.5 * math.exp(-0.3 * (s // 10)),
    ),
    "inverse": (lambda s: tf.train.inverse_time_decay(0.5, s, 10, 0.3), lambda s: 0.5 / (1 + 0.3 * s / 10)),
    "polynomial": (
        lambda s: tf.train.polynomial_decay(0.5, s, 10, 0.1, power=2.0),
        lambda s: (0.5 - 0.1) * (1 - min(s, 10) / 10) ** 2 + 0.1,
    ),
    "polynomial cycles": (lambda s: tf.train.polynomial_decay(0.5, s, 10, 0.1, power=2.0, cycle=True), cycled),
    "cosine": (
        lambda s: tf.train.cosine_decay(0.5, s, 10, alpha=0.2),
        lambda s: 0.5 * (0.8 * 0.5 * (1 + math.cos(math.pi * min(s, 10) / 10)) + 0.2),
    ),
    "cosine restarts": (lambda s: tf.train.cosine_decay_restarts(0.5, s, 4, m_mul=0.5, alpha=0.1), restarted),
    "cosine restarts of one length": (
        lambda s: tf.train.cosine_decay_restarts(0.5, s, 7, t_mul=1.0),
        lambda s: 0.5 * 0.5 * (1 + math.cos(math.pi * (s / 7 % 1))),
    ),
    "linear cosine": (
        lambda s: tf.train.linear_cosine_decay(0.5, s, 10, num_periods=1.5, alpha=0.2, beta=0.01),
        lambda s: 0.5 * ((1.2 - min(s, 10) / 10) * 0.5 * (1 + math.cos(2 * math.pi * 1.5 * min(s, 10) / 10)) + 0.01),
    ),
    "piecewise": (lambda s: tf.train.piecewise_constant(s, [5, 12], [0.5, 0.1, 0.01]), stair),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str) -> None:
    declare, formula = SCHEDULES[name]
    step = tf.placeholder(tf.int64, [])
    rate = declare(step)
    assert (rate.dtype, rate.shape.as_list()) == (tf.float32, [])
    session = InterpretedSession()
    np.testing.assert_allclose(
        [session.run(rate, {step: s}) for s in STEPS], [formula(int(s)) for s in STEPS], rtol=2e-6
    )


def test_a_schedule_drives_an_optimizer() -> None:
    w = tf.Variable(1.0)
    step = tf.train.create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 1, 0.5)
    train = tf.train.GradientDescentOptimizer(rate).minimize(w * 2, global_step=step)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train)
    np.testing.assert_allclose(session.run(w), 1 - 0.2 * (1 + 0.5 + 0.25), rtol=1e-6)


def test_schedules_need_a_step() -> None:
    with pytest.raises(ValueError) as caught:
        tf.train.exponential_decay(0.1, None, 10, 0.5)
    assert is_told(caught.value, "global_step is required for exponential_decay."), str(caught.value)


def test_noise_on_a_schedule() -> None:
    step = tf.placeholder(tf.int64, [])
    quiet = tf.train.noisy_linear_cosine_decay(0.5, step, 10, 0.0, num_periods=1.5, alpha=0.2, beta=0.01)
    plain = tf.train.linear_cosine_decay(0.5, step, 10, num_periods=1.5, alpha=0.2, beta=0.01)
    noisy = tf.train.noisy_linear_cosine_decay(0.5, step, 10)
    session = InterpretedSession()
    np.testing.assert_allclose(*session.run([quiet, plain], {step: 4}), rtol=1e-6)
    assert len({float(session.run(noisy, {step: 4})) for _ in range(4)}) == 4


def test_boundaries_and_values_have_to_fit() -> None:
    with pytest.raises(ValueError) as caught:
        tf.train.piecewise_constant(tf.constant(1), [1, 2], [0.1, 0.2])
    text = "The length of boundaries should be 1 less than the length of values; they are 2 and 2"
    assert is_told(caught.value, f"piecewise_constant: {text}"), str(caught.value)


def test_global_step_is_made_once() -> None:
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is step is tf.train.get_global_step()
    assert (step.name, step.dtype, step.trainable) == ("global_step:0", tf.int64, False)
    assert step in tf.global_variables()
    with pytest.raises(ValueError) as caught:
        tf.train.create_global_step()
    assert str(caught.value) == '"global_step" already exists.'


def test_a_variable_of_the_right_name_is_the_global_step() -> None:
    step = tf.Variable(3, name="global_step", trainable=False)
    session = InterpretedSession()
    session.run(step.initializer)
    assert tf.train.global_step(session, tf.train.get_global_step()) == 3


def test_a_global_step_that_is_no_number_of_steps() -> None:
    tf.Variable(0.5, name="global_step")
    with pytest.raises(TypeError) as caught:
        tf.train.get_global_step()
    assert str(caught.value) == 'Existing "global_step" does not have integer type: float32'
