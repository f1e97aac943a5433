"""What is stored for a gradient, and what is computed again: counted in large values and in bytes."""

from __future__ import annotations

import numpy as np

import graphc as tf
from graphc.passes.pipeline import optimise
from tests.passes.printed import built, check_same_values


def kernels(build, **types):
    """The kernels of a program, checked to keep its values."""
    before = built(build, **types)
    after = optimise(before)
    check_same_values(before, after)
    return [node for node in after.nodes if node.type == "Kernel"]


def stored(found, sizes):
    """How many values of these sizes the kernels write."""
    return sum(out.type.sizes == sizes for kernel in found for out in kernel.outputs)


def moved(found):
    """Bytes that the kernels read and write."""
    return sum(x.type.elements * x.dtype.size for kernel in found for x in (*kernel.inputs, *kernel.outputs))


def test_a_gelu_keeps_one_value_for_its_gradient():
    def build(x, w, v):
        y = tf.nn.gelu(x @ w, approximate=True) @ v
        return y, tf.gradients(y, w)[0]

    found = kernels(build, x="float64 40,50", w="float64 50,60", v="float64 60,70")
    assert stored(found, (40, 60)) == 3  # what goes in and comes out, and the adjoint


def test_an_expensive_value_is_stored_rather_than_computed_twice():
    def build(x, w, v):
        y = tf.erf(x @ w)
        return tf.gradients(tf.square(y) @ v, w)[0]

    found = kernels(build, x="float64 40,50", w="float64 50,60", v="float64 60,70")
    ops = [kernel.kind.attributes()["ops"] for kernel in found]
    assert sum(each.count("Erf") for each in ops) == 1


def lstm(steps):
    """The kernels of a recurrent net over so many steps, with the gradient of its weights."""

    def build(x, w, h, c):
        for _ in range(steps):
            i, j, f, o = tf.split(tf.concat([x, h], 1) @ w, 4, 1)
            c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
        return tf.gradients(h, w)[0]

    return kernels(build, x="float32 6,5", w="float32 12,28", h="float32 6,7", c="float32 6,7")


def test_later_steps_of_a_recurrent_net_move_as_much_as_earlier_ones():
    three, five, seven = (moved(lstm(steps)) for steps in (3, 5, 7))
    assert seven - five == five - three


def test_a_value_that_a_product_reads_is_not_computed_beside_it():
    def build(x):
        y = x / (tf.square(x) + 0.5)
        total = tf.reduce_sum(y, [0, 1], keepdims=True)
        return tf.minimum(total, tf.gradients(tf.matmul(x, y, transpose_b=True), x)[0])

    x = np.random.RandomState(0).uniform(-2, 2, [5, 70]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        place = tf.placeholder(tf.float32, [5, 70])
        y = x / (x * x + 0.5)
        ones = np.ones((5, 5))
        wanted = np.minimum(y.sum(), ones @ y + ones @ x * (0.5 - x * x) / (x * x + 0.5) ** 2)
        np.testing.assert_allclose(session.run(build(place), {place: x}), wanted, rtol=1e-4, atol=1e-4)
