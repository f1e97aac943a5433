"""Expensive values of one row are computed once and read again, where rows are long and lie packed in memory."""

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.lower.kernel import lower
from graphc.passes.pipeline import optimise
from tests.passes.printed import built


def lowered(build, **types):
    """The plain loops of the only kernel of a graph."""
    (node,) = [node for node in optimise(built(build, **types)).nodes if node.type == "Kernel"]
    return lower(node).kernel


def last_loop(kernel):
    """The text of the last round over a row."""
    return kernel.text.rsplit("for ", 1)[1]


def softmax(x):
    return tf.nn.softmax(x)


def test_exponentials_wait_for_their_sum():
    kernel = lowered(softmax, x="float32 3,100")
    assert [str(buffer) for buffer in kernel.scratch] == ["f32 row0_0[100]"]
    assert "exp(" not in last_loop(kernel)


@pytest.mark.parametrize("sizes", ["3,10", "3,40000"])
def test_rows_too_short_or_too_long_for_it(sizes):
    kernel = lowered(softmax, x=f"float32 {sizes}")
    assert kernel.scratch == ()
    assert "exp(" in last_loop(kernel)


def test_columns_have_no_memory_of_their_own():
    kernel = lowered(lambda x: tf.nn.softmax(x, 0), x="float32 100,3")
    assert kernel.scratch == ()


def test_cheap_values_are_computed_again():
    kernel = lowered(lambda x: (x + 1.0) / tf.reduce_sum(x + 1.0, 1, keepdims=True), x="float32 3,100")
    assert kernel.scratch == ()


def test_rows_over_several_axes_and_of_symbolic_length():
    kernel = lowered(lambda x: tf.exp(x) / tf.reduce_sum(tf.exp(x), [1, 2], keepdims=True), x="float32 2,n,30")
    assert [str(buffer) for buffer in kernel.scratch] == ["f32 row0_0[30*n]"]


def test_values_are_those_of_numpy():
    def build(x, g):
        y = tf.nn.softmax(tf.tanh(x))
        return y, tf.gradients(y, x, grad_ys=g)[0]

    kernel = lowered(build, x="float32 5,80", g="float32 5,80")
    assert len(kernel.scratch) == 2
    assert "exp(" not in last_loop(kernel)
    assert "tanh(" not in last_loop(kernel)
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(5, 80)).astype(np.float32) for _ in range(2))
    t = np.tanh(x)
    y = np.exp(t) / np.exp(t).sum(1, keepdims=True)
    dx = y * (g - (g * y).sum(1, keepdims=True)) * (1 - t * t)
    with tf.Session() as session:
        a, b = tf.placeholder(tf.float32, [5, 80]), tf.placeholder(tf.float32, [5, 80])
        found = session.run(build(a, b), {a: x, b: g})
    np.testing.assert_allclose(found[0], y, rtol=1e-5)
    np.testing.assert_allclose(found[1], dx, rtol=1e-4, atol=1e-6)
