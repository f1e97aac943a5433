"""The loops over sequences without another system: each form against the others and against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import rnn
from tests.recurrent.programs import BATCH, DEPTH, LENGTHS, STEPS, UNITS, X, declared, gru, leaves, set_weights


def _values(form: str, with_lengths: bool) -> list[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        inputs, weights, fetches, _ = declared(tf, "layers", form, with_lengths)
        session.run(tf.global_variables_initializer())
        session.run(weights)
        return session.run(fetches, dict(zip(inputs, (X, LENGTHS), strict=True)))


@pytest.mark.parametrize("with_lengths", [False, True], ids=["whole", "lengths"])
def test_the_loop_equals_the_unrolled_form(with_lengths: bool) -> None:
    for found, wanted in zip(_values("dynamic", with_lengths), _values("static", with_lengths), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)


def test_outputs_are_zero_and_states_stay_past_the_end() -> None:
    cell = rnn.GRUCell(UNITS)
    x = tf.placeholder(tf.float32, [None, None, DEPTH])
    lengths = tf.placeholder(tf.int32, [None])
    outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    assert outputs.shape.as_list() == [None, None, UNITS]
    variables = tf.trainable_variables()
    assert [v.op.name for v in variables[:2]] == ["rnn/gru_cell/gates/kernel", "rnn/gru_cell/gates/bias"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(set_weights(variables))
        w = session.run(variables)
        for batch, steps in ((3, 6), (2, 4), (3, 5), (2, 1)):  # sizes that one program serves
            given, ends = X[:batch, :steps], np.minimum(LENGTHS[:batch], steps)
            found, last = session.run([outputs, state], {x: given, lengths: ends})
            h, wanted = np.zeros((batch, UNITS), np.float32), []
            for t in range(steps):
                goes_on = (t < ends)[:, None]
                new = gru(given[:, t], h, *w)
                h = np.where(goes_on, new, h)
                wanted.append(np.where(goes_on, new, 0))
            np.testing.assert_allclose(found, np.stack(wanted, 1), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(last, h, rtol=1e-5, atol=1e-6)


def test_bidirectional_layers_upon_each_other() -> None:
    def cells() -> list[Any]:
        return [rnn.GRUCell(UNITS), rnn.GRUCell(2)]

    x = tf.constant(X)
    outputs, fw, bw = rnn.stack_bidirectional_dynamic_rnn(
        cells(), cells(), x, dtype=tf.float32, sequence_length=LENGTHS
    )
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        steps, static_fw, static_bw = rnn.stack_bidirectional_rnn(
            cells(), cells(), tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=LENGTHS,
            scope="stack_bidirectional_rnn",
        )  # fmt: skip
    assert outputs.shape.as_list() == [BATCH, STEPS, 4]
    assert {v.op.name.rsplit("/gru_cell")[0] for v in tf.trainable_variables()} == {
        f"stack_bidirectional_rnn/cell_{n}/bidirectional_rnn/{way}" for n in (0, 1) for way in ("fw", "bw")
    }
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([outputs, *leaves(fw), *leaves(bw)])
        wanted = session.run([tf.stack(steps, 1), *leaves(static_fw), *leaves(static_bw)])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_fused_lstm_and_a_state_that_is_given() -> None:
    steps = tf.constant(X.transpose(1, 0, 2))
    first = rnn.LSTMStateTuple(tf.fill([BATCH, UNITS], 0.5), tf.fill([BATCH, UNITS], -0.25))
    fused = rnn.LSTMBlockFusedCell(UNITS)
    outputs, last = fused(steps, first, sequence_length=LENGTHS)
    fused(steps, dtype=tf.float32)
    assert [v.op.name for v in tf.global_variables()] == ["lstm_fused_cell/kernel", "lstm_fused_cell/bias"]
    with tf.variable_scope("lstm_fused_cell", reuse=True) as scope:
        cell = rnn.LSTMBlockCell(UNITS)
        other, wanted = tf.nn.dynamic_rnn(lambda_cell(cell, scope), steps, LENGTHS, first, time_major=True, scope=scope)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([outputs, *last, other, *wanted])
    for one, two in zip(found[:3], found[3:], strict=True):
        np.testing.assert_array_equal(one, two)


def lambda_cell(cell: Any, scope: Any) -> Any:
    """The cell with its variables in this very scope."""

    class InScope(tf.nn.rnn_cell.RNNCell):
        state_size, output_size = cell.state_size, cell.output_size

        def __call__(self, inputs: Any, state: Any, scope_: Any = None) -> Any:
            return cell(inputs, state, scope)

    return InScope()


# -- raw_rnn ---------------------------------------------------------------------------------------------------


def _raw(x: Any, lengths: Any, cell: Any, emits: Any = None) -> Any:
    """``dynamic_rnn`` by hand: inputs from an array, zeros once they are all read."""
    array = tf.TensorArray(tf.float32, size=tf.shape(x)[0]).unstack(x)

    def loop_fn(time: Any, output: Any, state: Any, loop_state: Any) -> Any:
        finished = time >= lengths
        following = cell.zero_state(tf.shape(x)[1], tf.float32) if output is None else state
        done = tf.reduce_all(finished)
        inputs = tf.cond(done, lambda: tf.zeros([tf.shape(x)[1], DEPTH]), lambda: array.read(time))
        inputs.set_shape([None, DEPTH])
        counted = tf.constant(0) if loop_state is None else loop_state + 1
        emit = emits if output is None or emits is None else (output * 2, tf.cast(lengths, tf.float32))
        return finished, inputs, following, emit if output is None or emits is not None else output, counted

    return tf.nn.raw_rnn(cell, loop_fn)


def test_a_loop_by_hand_equals_dynamic_rnn() -> None:
    x = tf.placeholder(tf.float32, [None, None, DEPTH])
    lengths = tf.placeholder(tf.int32, [None])
    cell = tf.nn.rnn_cell.LSTMCell(UNITS)
    arrays, state, count = _raw(x, lengths, cell)
    with tf.variable_scope("rnn", reuse=True) as scope:
        outputs, last = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32, time_major=True, scope=scope)
    loss = tf.reduce_sum(arrays.stack() ** 2) + tf.reduce_sum(state.c)
    wanted = tf.reduce_sum(outputs**2) + tf.reduce_sum(last.c)
    variables = tf.trainable_variables()
    assert len(variables) == 2
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(set_weights(variables))
        for ends in ([2, 6, 1], [2, 3, 0]):
            feeds = {x: X.transpose(1, 0, 2), lengths: ends}
            stacked, all_outputs, steps, *grads = session.run(
                [arrays.stack(), outputs, count, *tf.gradients(loss, variables), *tf.gradients(wanted, variables)],
                feeds,
            )
            assert steps == max(ends)
            np.testing.assert_allclose(stacked, all_outputs[: max(ends)], rtol=1e-5, atol=1e-6)
            for one, other in zip(grads[:2], grads[2:], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_loop_by_hand_emits_what_it_says() -> None:
    cell = tf.nn.rnn_cell.GRUCell(UNITS)
    ends = tf.constant([2, 3, 1])
    (doubled, lengths), _, _ = _raw(
        tf.constant(X.transpose(1, 0, 2)), ends, cell, emits=(tf.zeros([UNITS]), tf.zeros([]))
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([doubled.stack(), lengths.stack()])
    assert found[0].shape == (3, BATCH, UNITS)
    assert (found[0][2] == 0).all(axis=1).tolist() == [True, False, True]
    np.testing.assert_array_equal(found[1], [[2, 3, 1], [2, 3, 0], [0, 3, 0]])
