"""Branches that decide whether a variable gets its first value: only what is read wants one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

UNSET = "Attempting to use uninitialized value v "


@pytest.fixture
def v() -> Any:
    with tf.Graph().as_default(), tf.Session():
        yield tf.get_variable("v", [2], initializer=tf.constant_initializer(3.0))


def done(operation: Any) -> tf.Tensor:
    with tf.control_dependencies([operation]):
        return tf.constant(True)


def branch(pred: Any, act: Callable[[], Any]) -> tf.Tensor:
    """Whether ``act`` was done."""
    return tf.cond(pred, lambda: done(act()), lambda: tf.constant(False))


def done_then(operation: Any, value: Any) -> tf.Tensor:
    with tf.control_dependencies([operation]):
        return tf.identity(value)


def read_after(operation: Any, v: Any) -> tf.Tensor:
    with tf.control_dependencies([operation]):
        return v.read_value()


def test_what_has_no_value_is_initialised_once(v: Any) -> None:
    once = tf.cond(tf.is_variable_initialized(v), tf.no_op, lambda: v.assign(v.initial_value).op)
    value = read_after(once, v)
    more = v.assign_add([1.0, 2.0])
    np.testing.assert_array_equal(value.eval(), [3, 3])
    more.eval()
    np.testing.assert_array_equal(value.eval(), [4, 5])


def test_an_assignment_that_is_not_made_leaves_the_variable_without_a_value(v: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    for act in (lambda: v.assign([1.0, 2.0]), lambda: v.assign_add([1.0, 2.0])):
        assert not branch(flag, act).eval({flag: False})
        assert not tf.is_variable_initialized(v).eval()
        with pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
            v.eval()
    with pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
        branch(flag, lambda: v.assign_add([1.0, 2.0])).eval({flag: True})
    assert branch(flag, lambda: v.assign([1.0, 2.0])).eval({flag: True})
    np.testing.assert_array_equal(v.eval(), [1, 2])


def test_a_branch_that_is_not_taken_may_read(v: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    value = tf.cond(flag, lambda: v.read_value() * 2, lambda: tf.zeros([2]))
    inner = tf.cond(flag, lambda: tf.cond(tf.reduce_sum(v.read_value()) > 0, lambda: 1, lambda: 2), lambda: 3)
    np.testing.assert_array_equal(value.eval({flag: False}), [0, 0])
    assert inner.eval({flag: False}) == 3
    for read in (value, inner):
        with pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
            read.eval({flag: True})
    v.initializer.run()
    np.testing.assert_array_equal(value.eval({flag: True}), [6, 6])
    assert inner.eval({flag: True}) == 1


def test_what_is_read_behind_a_branch_must_have_got_a_value(v: Any) -> None:
    flag, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    value = read_after(branch(flag, lambda: v.assign(x)), v) * 2
    more = v.assign_add([1.0, 1.0])
    for _ in range(2):
        with pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
            value.eval({flag: False, x: [1, 2]})
    np.testing.assert_array_equal(value.eval({flag: True, x: [1, 2]}), [2, 4])
    more.eval()
    np.testing.assert_array_equal(value.eval({flag: False, x: [0, 0]}), [4, 6])


def test_branches_in_branches_and_in_loops(v: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    inner = branch(flag, lambda: tf.cond(tf.is_variable_initialized(v), tf.no_op, lambda: v.assign([7.0, 8.0]).op))
    looped = tf.while_loop(
        lambda i: i < 3, lambda i: i + tf.cast(branch(flag & (i > 0), lambda: v.assign([9.0, 9.0])), tf.int32) + 1, [0]
    )
    assert looped.eval({flag: False}) == 3
    assert not inner.eval({flag: False})
    assert not tf.is_variable_initialized(v).eval()
    assert inner.eval({flag: True})
    np.testing.assert_array_equal(v.eval(), [7, 8])
    assert looped.eval({flag: True}) == 3
    np.testing.assert_array_equal(v.eval(), [9, 9])


def test_a_loop_that_reads_before_it_assigns(v: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    more = tf.while_loop(
        lambda i: i < 3, lambda i: done_then(branch(flag, lambda: v.assign_add([1.0, 0.0])), i + 1), [0]
    )
    read = tf.while_loop(
        lambda x: x[0] < 9.0, lambda x: read_after(branch(flag, lambda: v.assign(x * 3)), v), [v.initial_value]
    )
    assert more.eval({flag: False}) == 3
    for loop in (more, read):
        with pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
            loop.eval({flag: loop is more})
    np.testing.assert_array_equal(read.eval({flag: True}), [9, 9])
    asked = tf.while_loop(lambda x: v[0] < 9.0, lambda x: read_after(v.assign(x * 3), v), [v.initial_value])
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match=UNSET):
        session.run(asked)
    assert more.eval({flag: True}) == 3
    np.testing.assert_array_equal(v.eval(), [12, 9])


def test_other_variables_are_read_and_set_as_ever(v: Any) -> None:
    flag = tf.placeholder(tf.bool, [])
    w = tf.get_variable("w", initializer=1.0)
    act = branch(flag, lambda: v.assign([1.0, 2.0]))
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value w "):
        tf.get_default_session().run([act, w], {flag: False})
    w.initializer.run()
    found = tf.get_default_session().run([w.assign_add(1.0), act, tf.constant([1, 2])], {flag: False})
    assert found[:2] == [2.0, False] and found[2].tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[no\]"):
        tf.get_default_session().run([act, tf.Assert(flag, ["no"])], {flag: False})
