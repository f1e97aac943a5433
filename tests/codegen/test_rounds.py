"""Kernels of several rounds as several kernels: values against NumPy, and what they hand over."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.lower.kernel import lower
from graphc.codegen.schedule_rounds import split_rounds, stages
from graphc.codegen.target import host
from graphc.interpret import evaluate
from graphc.passes.pipeline import optimise
from tests.passes.printed import built


def normalised(x, g):
    """Batch normalisation in training, with the adjoint of what it normalises."""
    scale, shift = tf.reduce_sum(g[:2], 0), tf.reduce_max(g[:3], 0)
    mean, variance = tf.nn.moments(x, [0])
    y = tf.nn.batch_normalization(x, mean, variance, shift, scale, 1e-3)
    return [y, mean, variance, *tf.gradients(y, x, grad_ys=g)]


def columns(x, g):
    """A softmax of each column."""
    e = tf.exp(x - tf.reduce_max(x, 0, keepdims=True))
    return [e / tf.reduce_sum(e, 0, keepdims=True) * g]


@pytest.mark.parametrize("build", [normalised, columns])
@pytest.mark.parametrize("rows", [8192, 10007, None])
def test_values_are_those_of_numpy(build, rows):
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.Session() as session:
        x, g = tf.placeholder(tf.float64, [rows, 6]), tf.placeholder(tf.float64, [rows, 6])
        fetches = build(x, g)
        for count in (8192, 9001, 7000) if rows is None else (rows,):
            feeds = {x: rng.normal(size=(count, 6)), g: rng.normal(size=(count, 6))}
            found = session.run(fetches, feeds)
            calls = session.compiled(fetches, feeds)[0].program.calls
            for value, expected in zip(found, evaluate(x.graph, feeds, fetches), strict=True):
                np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
        assert rows is None or len(calls) > 3


def test_results_do_not_depend_on_threads():
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(20000, 16)).astype(np.float32) for _ in range(2))
    results = []
    for threads in (1, 2, 3):
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Graph().as_default(), tf.Session(config=config) as session:
            places = tf.placeholder(tf.float32, x.shape), tf.placeholder(tf.float32, x.shape)
            results.append(session.run(normalised(*places), dict(zip(places, (x, g), strict=True))))
    for other in results[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(results[0], other, strict=True))


def kernel(build, rows):
    """The loops of the last kernel of a program."""
    graph = optimise(built(build, x=f"float32 {rows},16", g=f"float32 {rows},16"))
    return lower([node for node in graph.nodes if node.type == "Kernel"][-1]).kernel


def test_rounds_hand_totals_over():
    parts = split_rounds(kernel(normalised, 8000), host())
    assert parts is not None
    handed = [[b.name for b in part.arguments if b.name.startswith(("partials", "total"))] for part in parts]
    assert handed == [
        ["partials0", "partials1", "partials2"],
        ["total_r0", "total_r2", "total_r3", "partials0", "partials1", "partials2"],
        ["total_r0", "partials10"],
        ["total_r1", "partials10"],
        ["total_r0", "total_r2", "total_r3", "total_r1"],
        ["total_r0", "total_r1"],
    ]
    tasks = [part.tasks for part in stages(kernel(normalised, 8000), host())]
    assert all(count > 4 for count in tasks[::2][:3]) and tasks[1::2] == [1, 1, 1]


def test_small_kernels_and_those_of_many_tasks_stay_whole():
    assert split_rounds(kernel(normalised, 100), host()) is None
    assert len(stages(kernel(lambda x, g: [tf.nn.softmax(x * g)], 20000), host())) == 1
