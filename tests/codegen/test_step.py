"""The step function: many calls are rows of a table, and a call that fails ends the step."""

import numpy as np
import pytest

import graphc as tf
from graphc import compiler
from graphc.capture import capture
from graphc.codegen.step import step_ir
from graphc.codegen.target import host


def _chain(layers, batch):
    """A network whose layers are a kernel each; the batch may be unknown."""
    x = tf.placeholder(tf.float32, [batch, 128], name="x")
    weights = [tf.Variable(np.eye(128, dtype=np.float32)) for _ in range(layers)]
    h = x
    for w in weights:
        h = tf.tanh(tf.matmul(h, w))
    return x, h


def _text(layers, batch=256):
    with tf.Graph().as_default():
        x, h = _chain(layers, batch)
        step = capture([h], [], [x])
        _, program = compiler.build_program(step, {step.feeds[x]: (batch, 128)}, host())
        assert len(program.calls) == layers
        return step_ir(program, host(), "step")


def test_more_calls_are_more_rows_and_no_more_code():
    few, many = _text(20), _text(60)
    assert len(few.splitlines()) == len(many.splitlines())
    assert few.count("call ") == many.count("call ")
    assert "[20 x {ptr, i64, i64, i64}]" in few and "[60 x {ptr, i64, i64, i64}]" in many


def test_few_calls_are_made_one_by_one():
    text = _text(3)
    calls = [line for line in text.splitlines() if 'call void @"step.' in line]  # fills in arguments, shares tasks
    assert "rows" not in text and len(calls) == 2 * 3


@pytest.mark.parametrize("batches", [[256], [256, 64, 32]], ids=["fixed", "symbolic"])
def test_the_steps_of_a_deep_network_are_those_of_numpy(batches):
    x, h = _chain(30, None)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for batch in batches:
            value = np.random.RandomState(batch).randn(batch, 128).astype(np.float32)
            expected = value
            for _ in range(30):
                expected = np.tanh(expected)
            np.testing.assert_allclose(session.run(h, {x: value}), expected, rtol=1e-5)


def test_a_row_that_fails_ends_the_step_and_says_which_node():
    x, h = _chain(20, 256)
    places = tf.placeholder(tf.int32, [4], name="places")
    picked = tf.gather(h, places, name="picked")
    for _ in range(12):
        picked = tf.matmul(picked, tf.Variable(np.eye(128, dtype=np.float32)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {x: np.ones((256, 128), np.float32)}
        assert session.run(picked, {**feeds, places: [0, 1, 2, 255]}).shape == (4, 128)
        with pytest.raises(tf.errors.InvalidArgumentError, match="picked"):
            session.run(picked, {**feeds, places: [0, 1, 2, 256]})
        assert session.run(picked, {**feeds, places: [0, 1, 2, 255]}).shape == (4, 128)
