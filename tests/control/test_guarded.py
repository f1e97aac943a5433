"""Branches that a program takes only where sizes allow them: the other one never runs, so it need not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.testing import check_gradients


def third(x: Any) -> Any:
    return tf.cond(tf.size(x) > 2, lambda: tf.sin(x[2]), lambda: tf.reduce_sum(x * x))


def of_three(x: Any) -> Any:
    weights = tf.constant([1.0, 2.0, 3.0], tf.float64)
    return tf.cond(tf.equal(tf.size(x), 3), lambda: tf.reduce_sum(tf.exp(x * weights)), lambda: x[-1] * x[0])


def in_pairs(x: Any) -> Any:
    def of_pairs() -> Any:
        return tf.reduce_sum(tf.tanh(tf.reshape(x, [-1, 2])[:, 0]))

    return tf.cond(tf.equal(tf.size(x) % 2, 0), of_pairs, lambda: tf.reduce_prod(x))


def padded_to_four(x: Any) -> Any:
    return tf.case(
        [(tf.size(x) < 2, lambda: tf.cos(x[0])), (tf.size(x) < 5, lambda: tf.pad(x, [[0, 4 - tf.size(x)]])[1] * x[0])],
        default=lambda: tf.reduce_prod(x[4:]),
    )


def in_a_loop(x: Any) -> Any:
    def body(i: Any, s: Any) -> Any:
        return i + 1, tf.cond(tf.size(x) > 2, lambda: s * x[2], lambda: tf.sin(s) + tf.reduce_sum(x))

    return tf.while_loop(lambda i, s: i < 3, body, (0, tf.reduce_sum(x)))[1]


def of_three_or_each(x: Any) -> Any:
    weights = tf.constant([1.0, 2.0, 3.0], tf.float64)
    return tf.reduce_sum(tf.cond(tf.equal(tf.size(x), 3), lambda: tf.exp(x * weights), lambda: x * x * x))


def only_beyond_two(x: Any) -> Any:
    """A loop of as many iterations as there are more than two elements, whose body asks for a third one."""
    return tf.while_loop(lambda i, s: i < tf.size(x), lambda i, s: (i + 1, tf.sin(s) * s[2]), (2, x * x))[1]


PROGRAMS = [third, of_three, in_pairs, padded_to_four, in_a_loop, of_three_or_each, only_beyond_two]
SIZES = [(2, 3, 6), (6, 1)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_of_any_order_are_differences(program: Any, sizes: tuple[int, ...]) -> None:
    x = tf.placeholder(tf.float64, [None], name="x")
    y = program(x)
    (slope,) = tf.gradients(y, x)
    with tf.Session() as session:
        for size in sizes:
            feeds = {x: np.linspace(0.2, 0.9, size)}
            check_gradients([y], [x], feeds, session)
            check_gradients([slope], [x], feeds, session)


def test_the_branch_that_does_not_fit_is_an_error_where_it_is_taken() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    is_wanted = tf.placeholder(tf.bool, [], name="is_wanted")
    count = tf.get_variable("count", initializer=0)

    def third_counted() -> Any:
        with tf.control_dependencies([tf.assign_add(count, 1)]):
            return tf.identity(x[2])

    y = tf.cond(is_wanted, third_counted, lambda: -1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y, {x: [4, 5], is_wanted: False}) == -1
        text = "slice index 2 of dimension 0 out of bounds: its size is 2"
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=rf"^StridedSlice 'cond/\S+' \(declared at .*\): {text}$"
        ):
            session.run(y, {x: [4, 5], is_wanted: True})
        assert session.run(y, {x: [4, 5, 6], is_wanted: True}) == 6
        assert session.run(count) == 1


@pytest.mark.parametrize("grows", [False, True])
def test_a_body_that_does_not_fit_is_an_error_where_it_runs(grows: bool) -> None:
    x, n = tf.placeholder(tf.float32, [None], name="x"), tf.placeholder(tf.int32, [], name="n")
    weights = tf.constant([1.0, 2.0, 3.0])

    def body(i: Any, s: Any) -> Any:
        return i + 1, tf.concat([s, s[:1] * x * weights], 0) if grows else s * weights

    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    y = tf.while_loop(lambda i, s: i < n, body, (0, x), shapes)[1]
    rows = tf.map_fn(lambda i: i * x * weights, tf.range(tf.cast(n, tf.float32)))
    with tf.Session() as session:
        assert session.run([y, rows], {x: [1, 1, 1], n: 1})[0].tolist() == [1, 1, 1, 1, 2, 3][0 if grows else 3 :]
        assert session.run(y, {x: [4, 5], n: 0}).tolist() == [4, 5]
        assert session.run(rows, {x: [4, 5], n: 0}).size == 0
        text = r"^Mul 'while/\S+' \(declared at .*\): sizes 2 and 3 do not broadcast in shapes \[2\] and \[3\]$"
        with pytest.raises(tf.errors.InvalidArgumentError, match=text) as caught:
            session.run(y, {x: [4, 5], n: 1})
        assert type(caught.value) is tf.errors.InvalidArgumentError


def test_a_branch_that_is_always_taken_says_what_is_wrong_at_once() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.cond(tf.constant(True), lambda: x[2], lambda: -1.0)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"^StridedSlice 'cond/"):
        session.run(y, {x: [4, 5]})


def test_neither_branch_fits() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.cond(tf.size(x) > 2, lambda: x[2], lambda: x[1])
    with tf.Session() as session:
        assert session.run(y, {x: [4, 5]}) == 5
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds: its size is 1"):
            session.run(y, {x: [4]})


def test_ahead_of_time(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    is_wanted = tf.placeholder(tf.bool, [], name="is_wanted")
    y = tf.cond(is_wanted, lambda: x[2], lambda: x[0])
    model = aot.load(aot.compile([y], [x, is_wanted], tmp_path, name="guarded", batch=2).library)
    assert model.step([4, 5], False) == 4
    with pytest.raises(RuntimeError, match=r"slice index 2 of dimension 0 out of bounds"):
        model.step([4, 5], True)
