"""Steps that only set variables to constants run without a compilation, and set what compiled code would set."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import session as sessions


def _declared() -> list[tf.Variable]:
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    numbers[0, 0] = np.nan
    make = [
        tf.Variable(numbers),
        tf.Variable(tf.zeros([3, 4])),
        tf.Variable(tf.fill([2, 2], np.float32(-0.0))),
        tf.Variable(tf.reshape(tf.constant([1, 2, 3, 4], tf.int64), [2, 2])),
        tf.get_variable("ones", [3], tf.complex64, initializer=tf.ones_initializer()),
        tf.get_variable("no", [2, 2], tf.bool, initializer=tf.zeros_initializer()),
        tf.get_variable("empty", [0, 5], initializer=tf.zeros_initializer()),
        tf.get_variable("tenth", [], tf.float64, initializer=tf.constant_initializer(0.1)),
    ]
    copy = tf.Variable(make[1].initialized_value())
    return [*make, copy]


def _set_by(run_often: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[np.ndarray], int]:
    """What the initialiser of all sets, and how often it was compiled."""
    monkeypatch.setattr(sessions, "OFTEN", run_often)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = _declared()
        start = tf.global_variables_initializer()
        session.run(start)
        plan = session._plan(start, {})
        return session.run(variables), plan.versions.compilations


def test_numpy_sets_the_bits_that_compiled_code_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    (copied, none), (compiled, once) = _set_by(1, monkeypatch), _set_by(0, monkeypatch)
    assert (none, once) == (0, 1)
    for left, right in zip(copied, compiled, strict=True):
        assert (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


def test_what_is_computed_or_drawn_is_compiled() -> None:
    x = tf.Variable(2.0)
    doubled, drawn = tf.Variable(tf.constant(3.0) * 2.0), tf.Variable(tf.random_normal([2], seed=1))
    with tf.Session() as session:
        session.run(x.initializer)
        for step in (x.assign(x + 1.0), doubled.initializer, drawn.initializer):
            session.run(step)
            assert session._plan(step, {}).versions.compilations == 1
        assert session.run([x, doubled]) == [3.0, 6.0]


def test_the_memory_of_a_variable_stays_where_compiled_steps_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "OFTEN", 2)
    x = tf.Variable(tf.zeros([2]))
    count, reset = x.assign_add([1.0, 2.0]), x.initializer
    with tf.Session() as session:
        for _ in range(5):  # the third run of the reset is compiled
            session.run(reset)
            session.run(count.op)
            np.testing.assert_array_equal(session.run(count), [2.0, 4.0])
        assert session._plan(reset, {}).versions.compilations == 1
    with pytest.raises(RuntimeError, match="closed"):
        session.run(reset)


def test_no_variable_is_set_where_there_is_no_memory_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    first, large = tf.Variable(1.0), tf.Variable(tf.zeros([1 << 30, 1 << 14]))
    with tf.Session() as session:
        with pytest.raises(tf.errors.ResourceExhaustedError, match="Variable_1"):
            session.run(tf.group(first.initializer, large.initializer))
        assert not session.run(tf.is_variable_initialized(first))
