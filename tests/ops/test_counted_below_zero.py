"""Sizes that come out below 0 while the step runs: an error before anything is written, wherever they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot

MANY, FEW = np.ones(60_000, bool), np.arange(60_000) < 3


class Counted:
    """Two numbers of rows that only the step knows, ``few`` being what the second mask leaves."""

    def __init__(self) -> None:
        self.x = tf.placeholder(tf.float32, [None], "x")
        self.masks = [tf.placeholder(tf.bool, [None], name) for name in ("a", "b")]
        self.rows = [tf.boolean_mask(self.x, mask) for mask in self.masks]
        a, b = (tf.shape(rows)[0] for rows in self.rows)
        self.left, self.of_four = a - b, 4 - b

    def feeds(self, a: Any, b: Any) -> dict[Any, Any]:
        return dict(zip((self.x, *self.masks), (np.ones(len(a), np.float32), a, b), strict=True))


def _in_cond(value: Any) -> Any:
    return lambda c: tf.cond(c.x[0] > 0, lambda: tf.reduce_sum(value(c)), lambda: 0.0)


def _in_loop(value: Any) -> Any:
    return lambda c: tf.while_loop(
        lambda i, s: i < 3, lambda i, s: (i + 1, s + tf.reduce_sum(value(c))), [0, 0.0]
    )[1]  # fmt: skip


SIZED = {
    "zeros": lambda c: tf.zeros([c.left]),
    "fill": lambda c: tf.fill([2, c.left], c.x[0]),
    "product": lambda c: tf.fill([c.left * c.left * c.left], c.x[0]),
    "half": lambda c: tf.fill([c.left // 2], c.x[0]),
    "both below zero": lambda c: tf.fill([c.left, c.left], c.x[0]),
    "of four": lambda c: tf.concat([c.rows[1], tf.fill([c.of_four], c.x[0])], 0),
    "broadcast_to": lambda c: tf.broadcast_to(c.x[0], [c.left]),
    "random_uniform": lambda c: tf.random_uniform([c.left]),
    "truncated_normal": lambda c: tf.truncated_normal([c.left, 2]),
    "stateless": lambda c: tf.random.stateless_uniform([c.left], [1, 2]),
    "random_gamma": lambda c: tf.random_gamma([c.left], 1.0),
    "range": lambda c: tf.cast(tf.range(c.left), tf.float32),
    "slice": lambda c: tf.slice(c.x, [0], [c.left]),
    "tile": lambda c: tf.tile(c.x[:2], [c.left]),
    "scatter_nd": lambda c: tf.scatter_nd([[0]], c.x[:1], [c.left]),
    "segments": lambda c: tf.unsorted_segment_sum(c.x, tf.zeros_like(c.x, tf.int32), c.left),
    "TensorArray": lambda c: tf.TensorArray(tf.float32, c.left, element_shape=[]).stack(),
    "pad": lambda c: tf.pad(c.x, [[c.left, 2]]),
    "one_hot": lambda c: tf.one_hot([0, 1], c.left),
}


def _declared() -> list[Any]:
    found = [pytest.param(value, id=name) for name, value in SIZED.items()]
    for name in ("zeros", "fill", "of four", "random_uniform", "scatter_nd", "segments", "TensorArray", "pad"):
        found += [pytest.param(_in_cond(SIZED[name]), id=f"{name} in a branch")]
        found += [pytest.param(_in_loop(SIZED[name]), id=f"{name} in a loop")]
    return found


@pytest.mark.parametrize("declare", _declared())
def test_a_size_below_zero_is_an_error(declare: Any) -> None:
    counted = Counted()
    value = declare(counted)
    with tf.Session() as session:
        assert np.all(np.isfinite(session.run(value, counted.feeds(np.ones(5, bool), np.arange(5) < 3))))
        for a, b in ((FEW[:5], MANY[:5]), (FEW[:900], MANY[:900]), (FEW[:5], MANY[:5])):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"test_counted_below_zero.py:\d+\): "):
                session.run(value, counted.feeds(a, b))


def test_the_message_says_which_operation_and_what_came() -> None:
    counted = Counted()
    y = tf.random_uniform([counted.left], name="noise")
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(y, counted.feeds(FEW, MANY))
    assert str(caught.value).startswith("RandomUniform 'noise' (declared at test_counted_below_zero.py:")
    assert "a size that is told while the step runs is not at least 0: -59997" in str(caught.value)


def test_the_message_names_what_stands_in_a_branch() -> None:
    counted = Counted()
    y = tf.cond(counted.x[0] > 0, lambda: tf.random_uniform([counted.left], name="noise"), lambda: counted.x)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(y, counted.feeds(FEW[:5], MANY[:5]))
    assert str(caught.value).startswith("RandomUniform 'cond/noise' (declared at test_counted_below_zero.py:")


def test_an_array_that_folds_away_is_an_error_too() -> None:
    counted = Counted()
    total = tf.reduce_sum(tf.zeros([counted.left]) + 1)
    with tf.Session() as session:
        assert session.run(total, counted.feeds(MANY, FEW)) == 59_997
        with pytest.raises(tf.errors.InvalidArgumentError, match="not at least 0: -59997"):
            session.run(total, counted.feeds(FEW, MANY))


def test_what_does_not_run_is_no_error() -> None:
    counted = Counted()
    rows = tf.cond(counted.left > 0, lambda: tf.fill([counted.left], 2.0), lambda: counted.x[:1])
    turns = tf.while_loop(lambda i: i < counted.left, lambda i: i + tf.size(tf.fill([counted.left], 2.0)), [0])
    with tf.Session() as session:
        found, last = session.run([rows, turns], counted.feeds(MANY[:5], FEW[:5]))
        assert found.tolist() == [2, 2] and last == 2
        found, last = session.run([rows, turns], counted.feeds(FEW[:5], MANY[:5]))
        assert found.tolist() == [1] and last == 0


def test_variables_stay_as_they_were() -> None:
    counted = Counted()
    total = tf.Variable(0.0)
    more = tf.assign_add(total, tf.reduce_sum(tf.fill([counted.left], counted.x[0])))
    with tf.Session() as session:
        session.run(total.initializer)
        session.run(more, counted.feeds(MANY[:5], FEW[:5]))
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(more, counted.feeds(FEW, MANY))
        assert session.run(total) == 2


def test_edges_that_are_counted() -> None:
    counted = Counted()
    y = tf.pad(counted.x[:2] * 3, [[counted.left, counted.left + 1]])
    inside = tf.cond(
        counted.x[0] > 0, lambda: tf.pad(counted.rows[0], [[0, 6 - tf.shape(counted.rows[0])[0]]]), lambda: y
    )
    slope = tf.gradients(tf.reduce_sum(y * y), counted.x)[0]
    with tf.Session() as session:
        padded, six, found = session.run([y, inside, slope], counted.feeds(MANY[:4], FEW[:4]))
        assert padded.tolist() == [0, 3, 3, 0, 0] and six.tolist() == [1, 1, 1, 1, 0, 0]
        assert found.tolist() == [18, 18, 0, 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="not at least 0: -1"):
            session.run(inside, counted.feeds(MANY[:7], FEW[:7]))


def test_the_gradient_of_what_such_a_size_decides() -> None:
    counted = Counted()
    y = tf.reduce_sum(tf.fill([counted.left], counted.x[0] * 3) * 2)
    with tf.Session() as session:
        slope = tf.gradients(y, counted.x)[0]
        assert session.run(slope, counted.feeds(MANY[:5], FEW[:5])).tolist() == [12, 0, 0, 0, 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="not at least 0"):
            session.run(slope, counted.feeds(FEW, MANY))


def test_sizes_of_inputs_that_leave_less_than_nothing() -> None:
    """One program serves the sizes of which none is below 0; what stands in a branch that is not taken is no error."""
    x, y = (tf.placeholder(tf.float32, [None]) for _ in range(2))
    left = tf.shape(x)[0] - tf.shape(y)[0]
    drawn = tf.reduce_sum(tf.random_uniform([left]) * 0)
    chosen = tf.cond(left >= 0, lambda: tf.reduce_sum(tf.fill([left], x[0])), lambda: -1.0)
    with tf.Session() as session:
        for n, taken in ((5, 2), (6, 3), (3, 7), (9, 4), (2, 60_000), (8, 8)):
            feeds = {x: np.ones(n, np.float32), y: np.ones(taken, np.float32)}
            assert session.run(chosen, feeds) == max(n - taken, -1)
            if n >= taken:
                assert session.run(drawn, feeds) == 0
                continue
            with pytest.raises(tf.errors.InvalidArgumentError, match=rf"at least 0, not \[{n - taken}\]"):
                session.run(drawn, feeds)


def test_what_a_batch_leaves_ahead_of_time(tmp_path: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3], "x")
    rest = tf.fill([5 - tf.shape(x)[0], 3], x[0, 0])
    model = aot.compile([tf.concat([x, rest], 0) * 2, rest], [x], tmp_path, max_batch=9).load()
    for batch in (2, 5, 4):
        assert [y.shape for y in model.step(np.ones((batch, 3), np.float32))] == [(5, 3), (5 - batch, 3)]
    with pytest.raises(RuntimeError, match="a size is out of its range"):
        model.step(np.ones((8, 3), np.float32))


def test_ahead_of_time(tmp_path: Any) -> None:
    x = tf.placeholder(tf.float32, [8], "x")
    masks = [tf.placeholder(tf.bool, [8], name) for name in ("a", "b")]
    a, b = (tf.shape(tf.boolean_mask(x, mask))[0] for mask in masks)
    model = aot.compile([tf.fill([a - b], x[0]), tf.fill([2, 8 - a], x[0])], [x, *masks], tmp_path).load()
    ones = np.ones(8, np.float32)
    for count in (3, 8):
        left, rest = model.step(ones, np.ones(8, bool), np.arange(8) < count)
        assert left.tolist() == [1] * (8 - count) and rest.shape == (2, 0)
    assert model.step(ones, FEW[:8], FEW[:8])[1].tolist() == [[1] * 5] * 2
    with pytest.raises(RuntimeError, match="not at least 0"):
        model.step(ones, FEW[:8], MANY[:8])
