"""Programs compiled once for every batch size: the values for several sizes, and how many compilations they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.graph import Graph
from graphc.interpret import evaluate
from tests.ops.harness import assert_close

Build = Callable[[Any], Any]

ROWS: dict[str, tuple[tuple[int, ...], Build]] = {
    "elementwise": ((4,), lambda x: tf.tanh(x) * 2.0 + x),
    "broadcast": ((4,), lambda x: x + tf.reduce_sum(x, 0)),
    "mean over the batch": ((4,), lambda x: tf.reduce_mean(x, 0)),
    "mean over all": ((4, 3), tf.reduce_mean),
    "softmax": ((5,), tf.nn.softmax),
    "flatten": ((3, 4), lambda x: tf.reshape(x, [-1, 12]) * 2.0),
    "flatten by shapes": ((3, 4), lambda x: tf.reshape(x, [tf.shape(x)[0] * 3, 4]) + 1.0),
    "transpose": ((3, 4), lambda x: tf.transpose(x, [1, 0, 2]) * 3.0),
    "concat": ((4,), lambda x: tf.concat([x, 2.0 * x, x], 0)),
    "concat along features": ((4,), lambda x: tf.concat([x, tf.exp(x)], 1)),
    "stack": ((4,), lambda x: tf.stack([x, -x], 1)),
    "split": ((6,), lambda x: tf.add_n(tf.split(x, 3, 1))),
    "first and last": ((4,), lambda x: x[0] + x[-1]),
    "all but the first": ((4,), lambda x: x[1:] - x[:-1]),
    "backwards": ((4,), lambda x: x[::-1] * 2.0),
    "pad": ((4,), lambda x: tf.pad(x, [[1, 2], [0, 3]])),
    "tile": ((4,), lambda x: tf.tile(x, [2, 3])),
    "size as a number": ((4,), lambda x: x / tf.cast(tf.shape(x)[0], tf.float32)),
    "range of the batch": ((4,), lambda x: x * tf.cast(tf.range(tf.shape(x)[0]), tf.float32)[:, None]),
    "running sum": ((4,), lambda x: tf.cumsum(x, 0)),
    "gather": ((4,), lambda x: tf.gather(x, [1, 0, 1])),
    "gather along features": ((4,), lambda x: tf.gather(x, [3, 0], axis=1)),
    "argmax": ((4,), lambda x: tf.one_hot(tf.argmax(x, 1), 4) * x),
    "gram": ((4,), lambda x: tf.matmul(x, x, transpose_a=True)),
    "outer": ((4,), lambda x: tf.matmul(x, x, transpose_b=True)),
    "batches of products": ((3, 4), lambda x: tf.matmul(x, x, transpose_b=True)),
    "convolution": ((6, 5, 3), lambda x: tf.nn.conv2d(x, tf.ones([3, 2, 3, 4]) * 0.1, 1, "SAME")),
    "strided convolution": ((6, 5, 3), lambda x: tf.nn.conv2d(x, tf.ones([3, 2, 3, 4]) * 0.1, 2, "SAME")),
    "max_pool": ((6, 5, 3), lambda x: tf.nn.max_pool(x, 2, 2, "SAME")),
    "avg_pool": ((6, 5, 3), lambda x: tf.nn.avg_pool(x, 2, 2, "SAME")),
    "zeros of the batch": ((4,), lambda x: x + tf.zeros([tf.shape(x)[0], 1])),
}
BATCHES = (3, 7, 5, 16, 1, 2)
# One program for the first size, one for all larger than one, one for a size of one, which broadcasting must know of.
COMPILATIONS = 3


@pytest.mark.parametrize("name", ROWS)
def test_one_program_serves_every_batch(name: str) -> None:
    shape, build = ROWS[name]
    with Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, *shape])
        y = build(x)
        targets = [y, tf.convert_to_tensor(tf.gradients(y * y, x)[0])]
    rng = np.random.default_rng(0)
    with tf.Session(graph=graph) as session:
        for batch in BATCHES:
            if batch == 1 and name in ("gather", "all but the first"):
                continue
            value = rng.uniform(-1, 1, (batch, *shape)).astype(np.float32)
            assert_close(session.run(targets, {x: value}), evaluate(graph, {x: value}, targets), 16.0)
        (plan,) = session._plans.values()
        assert plan.versions.compilations <= COMPILATIONS
