"""Loop variables and branches of several sizes: values beside NumPy's, gradients beside differences, ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.interpret import evaluate
from graphc.testing import check_gradients
from tests.control.growing import PROGRAMS
from tests.control.programs import W, X, declared

FIRST = [(name, ns[0]) for name, (_, ns) in PROGRAMS.items()]
SECOND = ["rows", "shrinking", "a branch of two sizes", "a branch that counts", "pieces of a split"]


def feeds_of(inputs: list[Any], n: int) -> dict[Any, Any]:
    return dict(zip(inputs, (X, W, np.array(n, np.int32)), strict=True))


def totals(name: str) -> tuple[list[Any], list[Any]]:
    """The inputs of a program, and a number for each output: the size of that is another for each n."""
    inputs, outputs = declared(tf, name, PROGRAMS)
    return inputs, [tf.reduce_sum(tf.sin(y) * y) for y in outputs]


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_those_of_numpy(name: str) -> None:
    inputs, outputs = declared(tf, name, PROGRAMS)
    with tf.Session() as session:
        for rows, n in ((4, 3), (2, 0), (3, 5), (4, 1)):
            feeds = {**feeds_of(inputs, n), inputs[0]: X[:rows]}
            wanted = evaluate(outputs[0].graph, feeds, outputs)
            for found, value in zip(session.run(outputs, feeds), wanted, strict=True):
                np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "n"), FIRST)
def test_gradients_are_differences(name: str, n: int) -> None:
    inputs, outputs = totals(name)
    with tf.Session() as session:
        check_gradients(outputs, inputs[:2], feeds_of(inputs, n), session)


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_are_differences(name: str) -> None:
    inputs, outputs = totals(name)
    n = PROGRAMS[name][1][0]
    x, w, _ = inputs
    weights = [tf.sin(x[0, 0]) * w[0, 1] for y in outputs]
    first = [g for g in tf.gradients(outputs, [x, w], weights) if g is not None]
    with tf.Session() as session:
        check_gradients(first, [x, w], feeds_of(inputs, n), session)


BITS = ["elementwise", "a growing loop in a loop", "a branch of two sizes in a loop", "pieces of a split"]


@pytest.mark.parametrize("name", BITS)
def test_ahead_of_time_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    inputs, outputs = totals(name)
    fetches = [*outputs, tf.gradients(outputs, inputs[0])[0]]
    used = [inputs[0], inputs[2]]
    model = aot.compile(fetches, used, tmp_path, batch=4).load()
    with tf.Session() as session:
        for n in (4, 0, 1):
            feeds = {inputs[0]: X, inputs[2]: np.array(n, np.int32)}
            for found, wanted in zip(model.step(*feeds.values()), session.run(fetches, feeds), strict=True):
                assert np.asarray(found).tobytes() == np.asarray(wanted).tobytes()


def test_ahead_of_time_a_counted_loop_gives_what_has_grown(tmp_path: Path) -> None:
    x, n = tf.placeholder(tf.float32, [2, 3], name="x"), tf.placeholder(tf.int32, [], name="n")
    shapes = [tf.TensorShape([]), tf.TensorShape([None, 3])]

    def grown(goes_on: Any, limit: int | None) -> Any:
        body = lambda i, y: (i + 1, tf.concat([y, tf.tanh(y[-1:]), x], 0))  # noqa: E731
        return tf.while_loop(goes_on, body, (0, x), shapes, maximum_iterations=limit)[1]

    fetches = [grown(lambda i, y: i < n, 5), grown(lambda i, y: i < 4, None)]
    model = aot.compile(fetches, [x, n], tmp_path).load()
    with tf.Session() as session:
        for count in (3, 0, 9):
            feeds = {x: X[:2].astype(np.float32), n: np.array(count, np.int32)}
            for found, wanted in zip(model.step(*feeds.values()), session.run(fetches, feeds), strict=True):
                assert found.shape == wanted.shape and found.tobytes() == wanted.tobytes()
    assert not session.compiled(fetches, feeds)[0].program.grows


@pytest.mark.parametrize(
    "name", ["rows", "filtered", "a growing array", "a growing array until it is large", "pieces that are appended"]
)
def test_ahead_of_time_what_has_grown_comes_out(name: str, tmp_path: Path) -> None:
    inputs, outputs = declared(tf, name, PROGRAMS)
    model = aot.compile(outputs, inputs, tmp_path, batch=4).load()
    with tf.Session() as session:
        for n in (4, 0, 11):
            feeds = feeds_of(inputs, n)
            (wanted,) = session.run(outputs, feeds)
            found = model.step(*feeds.values())
            assert found.shape == wanted.shape and found.tobytes() == wanted.tobytes()


def test_the_gradients_of_an_array_add_up() -> None:
    array = tf.TensorArray(tf.float32, size=3, element_shape=[2])
    gradients = array.write(0, [1.0, 2.0]).grad("loss")
    assert array.grad("loss") is gradients and array.grad("other") is not gradients
    written = gradients.write(2, [3.0, 4.0]).write(0, [1.0, 1.0]).write(2, [0.5, 0.5])
    with tf.Session() as session:
        assert session.run(written.stack()).tolist() == [[1.0, 1.0], [0.0, 0.0], [3.5, 4.5]]
        assert session.run([written.size(), gradients.read(2)])[0] == 3
        assert session.run(gradients.read(2)).tolist() == [3.5, 4.5]
        assert session.run(array.grad("other").read(2)).tolist() == [0.0, 0.0]


def test_a_size_that_is_declared_to_vary_and_does_not_is_known_to_a_body_that_needs_it() -> None:
    """A beam search: as many rows as before are chosen from all, and each is one longer."""
    steps = np.random.RandomState(0).randn(5, 4, 4).astype(np.float32)
    table, beams = tf.constant(steps), 3

    def longer(t: Any, rows: Any, scores: Any) -> tuple[Any, ...]:
        values, best = tf.nn.top_k(tf.reshape(scores[:, None] + tf.gather(table[t], rows[:, -1]), [-1]), beams)
        return t + 1, tf.concat([tf.gather(rows, best // 4), best[:, None] % 4], 1), values

    start = [0, tf.constant([[1]] * beams), tf.constant([0.0, -9.0, -9.0])]
    shapes = [tf.TensorShape([]), tf.TensorShape([None, None]), tf.TensorShape([None])]
    _, rows, scores = tf.while_loop(lambda t, *_: t < 5, longer, start, shapes)
    with tf.Session() as session:
        found = session.run([rows, scores])
    assert found[0].shape == (3, 6)
    reached = [sum(steps[t, row[t], row[t + 1]] for t in range(5)) for row in found[0]]
    np.testing.assert_allclose(found[1][0], reached[0], rtol=1e-5)
    assert found[1].tolist() == sorted(found[1], reverse=True)
