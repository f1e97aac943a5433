"""Expensive values of one row are computed once and read again, where rows lie packed in memory."""

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.loops import Declare
from graphc.codegen.lower.kernel import lower
from graphc.codegen.schedule import schedule
from graphc.codegen.target import named
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


def test_short_rows_wait_beside_each_other():
    """So that the lanes of a vector, a row in each, are neighbours in memory too."""
    kernel = lowered(softmax, x="float32 3,40,10")
    assert [str(buffer) for buffer in kernel.scratch] == ["f32 row0_0[1200]"]
    assert "row0_0[40*i0+i1+120*i2]" in last_loop(kernel)
    for target in (named("avx512"), named("avx2"), named("sse2")):
        (loop,) = schedule(kernel, target).body
        assert loop.width > 1 and isinstance(loop.body[0], Declare)


def test_few_short_rows_are_half_the_code():
    widths = [schedule(lowered(softmax, x=f"float32 {n},10"), named("avx512")).body[0].width for n in (64, 2000)]
    assert widths == [16, 32]


@pytest.mark.parametrize("sizes", ["3,40000", "5000,10", "n,10"])
def test_rows_that_may_not_fit_the_cache(sizes):
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


@pytest.mark.parametrize("rows, columns", [(5, 80), (70, 7), (3, 20)])
def test_values_are_those_of_numpy(rows, columns):
    def build(x, g):
        y = tf.nn.softmax(tf.tanh(x))
        return y, tf.gradients(y, x, grad_ys=g)[0]

    kernel = lowered(build, x=f"float32 {rows},{columns}", g=f"float32 {rows},{columns}")
    assert len(kernel.scratch) == 2
    assert "exp(" not in last_loop(kernel)
    assert "tanh(" not in last_loop(kernel)
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(rows, columns)).astype(np.float32) for _ in range(2))
    t = np.tanh(x)
    y = np.exp(t) / np.exp(t).sum(1, keepdims=True)
    dx = y * (g - (g * y).sum(1, keepdims=True)) * (1 - t * t)
    with tf.Session() as session:
        a, b = tf.placeholder(tf.float32, [rows, columns]), tf.placeholder(tf.float32, [rows, columns])
        found = session.run(build(a, b), {a: x, b: g})
    np.testing.assert_allclose(found[0], y, rtol=1e-5)
    np.testing.assert_allclose(found[1], dx, rtol=1e-4, atol=1e-6)
