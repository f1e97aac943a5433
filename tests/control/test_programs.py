"""Branches and loops: values beside NumPy's, gradients beside differences, ahead of time beside the Session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.interpret import evaluate
from graphc.testing import check_gradients
from tests.control.programs import CASES, FIRST, W, X, declared


def feeds_of(inputs: list[Any], n: int) -> dict[Any, Any]:
    return dict(zip(inputs, (X, W, np.array(n, np.int32)), strict=True))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_compiled_values_are_those_of_numpy(name: str, n: int) -> None:
    inputs, outputs = declared(tf, name)
    feeds = feeds_of(inputs, n)
    with tf.Session() as session:
        for rows in (4, 2, 3):  # the third size is served by a program for all of them
            feeds[inputs[0]] = X[:rows]
            for found, wanted in zip(
                session.run(outputs, feeds), evaluate(outputs[0].graph, feeds, outputs), strict=True
            ):
                np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "n"), CASES)
def test_gradients_are_differences(name: str, n: int) -> None:
    inputs, outputs = declared(tf, name)
    with tf.Session() as session:
        check_gradients(outputs, inputs[:2], feeds_of(inputs, n), session)


@pytest.mark.parametrize(("name", "n"), CASES)
def test_second_derivatives_are_differences(name: str, n: int) -> None:
    inputs, outputs = declared(tf, name)
    x, w, _ = inputs
    weights = [tf.sin(x[0, 0]) * w[0, 1] + tf.zeros_like(y) for y in outputs]
    first = [g for g in tf.gradients(outputs, [x, w], weights) if g is not None]
    with tf.Session() as session:
        check_gradients(first, [x, w], feeds_of(inputs, n), session)


@pytest.mark.parametrize(("name", "n"), FIRST)
def test_gradients_by_numpy_are_differences(name: str, n: int) -> None:
    inputs, outputs = declared(tf, name)
    check_gradients(outputs, inputs[:2], feeds_of(inputs, n))


@pytest.mark.parametrize("name", ["a branch in a loop", "a loop in a loop", "an array in a loop", "a loop in a branch"])
def test_ahead_of_time_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    inputs, outputs = declared(tf, name)
    grads = [g for g in tf.gradients(outputs, inputs[:2]) if g is not None]
    fetches = [*outputs, *grads]
    used = inputs if name != "an array in a loop" else inputs[:2]
    model = aot.compile(fetches, used, tmp_path, batch=4).load()
    with tf.Session() as session:
        for n in (4, 1):
            feeds = dict(list(feeds_of(inputs, n).items())[: len(used)])
            for found, wanted in zip(model.step(*feeds.values()), session.run(fetches, feeds), strict=True):
                assert np.asarray(found).tobytes() == np.asarray(wanted).tobytes()


@pytest.mark.parametrize("name", ["a loop in a loop", "scan"])
def test_ahead_of_time_serves_every_batch(name: str, tmp_path: Path) -> None:
    inputs, outputs = declared(tf, name)
    used = inputs if name != "scan" else inputs[:2]
    fetches = [*outputs, *tf.gradients(outputs, inputs[:2])]
    model = aot.compile(fetches, used, tmp_path, max_batch=4).load()
    for rows in (3, 4, 1):
        feeds = {**feeds_of(inputs, 3), inputs[0]: X[:rows]}
        wanted = evaluate(outputs[0].graph, feeds, fetches)
        for found, value in zip(model.step(*[feeds[x] for x in used]), wanted, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-13)


def test_gradients_with_respect_to_constants_around_a_loop_and_a_branch() -> None:
    v = tf.constant(2.0)

    def power(x: Any) -> Any:
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, v * y), (0, x))[1]

    def nested(i: Any, x: Any) -> Any:
        return i + 1, tf.gradients(x + power(x), v)[0]

    chosen = tf.cond(tf.constant(True), lambda: v * v, lambda: v)
    (first,) = tf.gradients(power(1.0), v)
    fetches = [
        first,
        *tf.gradients(first, v),
        *tf.gradients(chosen, v),
        tf.while_loop(lambda i, x: i < 2, nested, (0, 1.0))[1],
    ]
    with tf.Session() as session:
        assert session.run(fetches) == [12.0, 12.0, 4.0, 144.0]  # 3v^2, 6v, 2v, and x -> 3v^2 x twice
