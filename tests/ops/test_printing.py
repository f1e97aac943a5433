"""tf.Print and tf.print: what is written, and that the step stays one native call."""

import sys

import numpy as np
import pytest

import graphc as tf
from graphc import aot


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_print_passes_its_input_on_and_writes_the_data(session, capfd):
    x = tf.placeholder(tf.float32, [None])
    y = tf.Print(x * 2, [x, tf.shape(x), "text", True, tf.constant([[1, 2], [3, 4]])], "x: ", summarize=2)
    assert session._plan(y, {x: None}).staged is None
    np.testing.assert_array_equal(session.run(y, {x: [1, 2, 3]}), [2, 4, 6])
    session.run(y + 1, {x: [0.5]})
    assert capfd.readouterr() == ("", "x: [1 2...][3][text][1][[1 2]...]\nx: [0.5][1][text][1][[1 2]...]\n")
    assert session.run(tf.gradients(y * y, x), {x: [3.0]})[0] == 24
    session.run(x * 3, {x: [1]})
    assert capfd.readouterr().err.count("\n") == 1, "what is not run is not written"


def test_print_stops_after_first_n_in_each_session(session, capfd):
    x = tf.placeholder(tf.float32, [])
    y = tf.Print(x, [x], first_n=2)
    for number in range(4):
        session.run(y, {x: number})
    assert capfd.readouterr().err == "[0]\n[1]\n"
    with tf.Session() as other:
        other.run(y, {x: 7})
    assert capfd.readouterr().err == "[7]\n"


# What TensorFlow 2.21 writes in v1 mode.
TEXTS = [
    (lambda r, m, t: tf.print("a", r, 1.5, {"k": tf.constant(2.5), "l": [r, "x"]}, (tf.constant("st"), None)),
     "a [0 1 2 ... 7 8 9] 1.5 {'k': 2.5, 'l': [[0 1 2 ... 7 8 9], 'x']} (\"st\", None)\n"),
    (lambda r, m, t: tf.print("a", r, tf.constant(["p", "q"]), sep=",", end="!\n"), 'a,[0 1 2 ... 7 8 9],["p" "q"]!\n'),
    (lambda r, m, t: tf.print(r, summarize=2), "[0 1 ... 8 9]\n"),
    (lambda r, m, t: tf.print(r, summarize=-1), "[0 1 2 3 4 5 6 7 8 9]\n"),
    (lambda r, m, t: tf.print(m, summarize=1), "[[0 ... 3]\n ...\n [23.333333333333332 ... 26.333333333333332]]\n"),
    (lambda r, m, t: tf.print(t), "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]\n"),
    (lambda r, m, t: tf.print(tf.constant([1e-8, 1.23456789, 1e20, -0.0, np.nan, np.inf])),
     "[1e-08 1.23456788 1e+20 -0 nan inf]\n"),
    (lambda r, m, t: tf.print(tf.constant([1e-8, 1.23456789, 1e20], tf.float64)), "[1e-08 1.23456789 1e+20]\n"),
    (lambda r, m, t: tf.print("only"), "only\n"),
    (lambda r, m, t: tf.Print(r, [r, t, m], "msg: "),
     "msg: [0 1 2...][[[0 1][2...]]...][[0 0.33333333333333331 0.66666666666666663...]...]\n"),
    (lambda r, m, t: tf.Print(r, [r, t], summarize=20), "[0 1 2 3 4 5 6 7 8 9][[[0 1][2 3]][[4 5][6 7]]]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "text"), TEXTS, ids=range(len(TEXTS)))
def test_the_text_is_tensorflows(session, capfd, declare, text):
    r, m = tf.constant(np.arange(10)), tf.constant(np.arange(80.0).reshape(8, 10) / 3)
    session.run(declare(r, m, tf.constant(np.arange(8).reshape(2, 2, 2))))
    assert capfd.readouterr().err == text


def test_print_goes_where_it_is_sent(session, capfd, tmp_path):
    x = tf.constant([1, 2])
    lines = []
    file = tmp_path / "log"
    session.run([tf.print(x, output_stream=sys.stdout), tf.print("n", x, output_stream=lines.append)])
    session.run(tf.print(x, output_stream=f"file://{file}"))
    assert capfd.readouterr().out == "[1 2]\n" and lines == ["n [1 2]"] and file.read_text() == "[1 2]\n"
    with pytest.raises(ValueError, match="Unknown output stream"):
        tf.print(x, output_stream="nowhere")
    with pytest.raises(ValueError, match=r"Unrecognized keyword arguments for tf\.print: \{'color': 1\}"):
        tf.print(x, color=1)


def test_what_is_written_follows_the_order_of_the_graph(session, capfd):
    x = tf.placeholder(tf.float32, [])
    first = tf.print("first", x)
    with tf.control_dependencies([first]):
        y = tf.Print(tf.exp(x), [x], "second ")
    seen = tf.py_func(lambda a: a, [y], tf.float32)
    session.run([seen, tf.print("third", seen)], {x: 0.0})
    assert capfd.readouterr().err == "first 0\nsecond [0]\nthird 1\n"


def test_inside_a_loop_every_round_is_written(session, capfd):
    def body(i, total):
        with tf.control_dependencies([tf.print("round", i)]):
            return i + 1, tf.Print(total * 2.0, [total], "total ")

    x = tf.Variable(1.5)
    _, total = tf.while_loop(lambda i, t: i < 2, body, [0, x])
    session.run(tf.global_variables_initializer())
    assert session.run([total, tf.gradients(total, x)[0]]) == [6, 4]
    assert capfd.readouterr().err == "round 0\ntotal [1.5]\nround 1\ntotal [3]\n"


def test_ahead_of_time_nothing_is_written(session, tmp_path):
    x = tf.placeholder(tf.float32, [2])
    with pytest.raises(tf.errors.UnimplementedError, match=r"Print 'loud' .*writes in Python"):
        aot.compile(tf.Print(x, [x], name="loud"), [x], tmp_path)
