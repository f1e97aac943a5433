"""Checks of values that an op cannot take: never lost by fusion, made once for a row, named after their op."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.loops import Check, For
from graphc.codegen.traverse import statements_below

# How the values of an op that may fail are read by ops with loops of their own.
READERS = {
    "concat": lambda rows, whole: tf.concat([rows * 2.0, whole], 0),
    "pad": lambda rows, whole: tf.pad(rows, [[1, 1], [0, 0]]),
    "cumsum": lambda rows, whole: tf.cumsum(rows, 1),
    "scatter": lambda rows, whole: tf.unsorted_segment_sum(rows, [0, 2], 4),
    "segments": lambda rows, whole: tf.unsorted_segment_sum(whole[:2], tf.cast(rows[:, 0], tf.int32), 99),
    "random": lambda rows, whole: tf.random_uniform([3], 0, tf.cast(rows[0, 0] + rows[1, 0], tf.int32), tf.int32),
    "sum": lambda rows, whole: tf.reduce_sum(rows, 1),
    "matmul": lambda rows, whole: tf.matmul(rows, whole, transpose_b=True),
    "softmax": lambda rows, whole: tf.nn.softmax(rows),
    "nothing": lambda rows, whole: rows + 1.0,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_an_index_outside_is_found_wherever_the_rows_are_read(read):
    with tf.Graph().as_default(), tf.Session() as session:
        table, places = tf.placeholder(tf.float32, [4, 3]), tf.placeholder(tf.int32, [2], name="places")
        result = read(tf.gather(table, places, name="rows"), table)
        feeds = {table: np.ones((4, 3), np.float32)}
        session.run(result, {**feeds, places: [3, 0]})
        for wrong in ([0, 4], [-1, 0]):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(result, {**feeds, places: wrong})
            assert caught.value.op.name == "rows"


@pytest.mark.parametrize("put", [lambda x: tf.concat([x, x], 0), lambda x: tf.pad(x, [[2, 1]]), tf.cumsum])
def test_a_division_by_zero_is_found_where_its_result_is_put(put):
    with tf.Graph().as_default(), tf.Session() as session:
        divisor = tf.placeholder(tf.int32, [3])
        result = put(12 // divisor)
        session.run(result, {divisor: [1, 2, 3]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="a whole number is divided by zero"):
            session.run(result, {divisor: [1, 2, 0]})


def test_labels_are_checked_once_for_each_row():
    with tf.Graph().as_default(), tf.Session() as session:
        logits, labels = tf.placeholder(tf.float32, [64, 10]), tf.placeholder(tf.int32, [64])
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        fetches = [loss, tf.gradients(loss, logits)[0]]
        executable, _ = session.compiled(fetches, {logits: np.zeros((64, 10)), labels: np.zeros(64)})
    (call,) = executable.program.calls
    (rows,) = (statement for statement in call.kernel.body if isinstance(statement, For))
    assert rows.width > 1
    assert sum(isinstance(statement, Check) for statement in rows.body) == 1
    assert sum(isinstance(statement, Check) for statement in statements_below(call.kernel.body)) == 1
