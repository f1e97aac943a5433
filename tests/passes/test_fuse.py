"""What becomes one kernel, and what does not; the number of kernels of programs that people write."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import capture, exact_types, optimised
from graphc.ops.fused import Space
from graphc.passes.pipeline import optimise
from tests.passes.printed import built, check_same_values


def kernels(before):
    """The kernels of a graph after all passes, checked to keep every value."""
    after = optimise(before)
    check_same_values(before, after)
    assert [node.type for node in after.nodes if node.type not in ("Placeholder", "Const", "Kernel", *ALIASES)] == []
    return [node for node in after.nodes if node.type == "Kernel"]


def ops(kernel):
    """What a kernel computes."""
    return kernel.kind.attributes()["ops"]


ALIASES = ("Reshape", "ExpandDims", "Squeeze")


def test_a_chain_is_one_kernel_that_stores_its_end():
    (kernel,) = kernels(built(lambda x: tf.tanh(tf.exp(x) + 1.0), x="float32 3,4"))
    assert ops(kernel) == "Exp+Add+Tanh"
    assert [str(out.type) for out in kernel.outputs] == ["f32[3,4]"]
    assert kernel.kind.spaces == ((Space((3, 4)), (0,)),)


def test_a_softmax_is_one_kernel():
    (kernel,) = kernels(built(lambda x: tf.nn.softmax(x), x="float32 5,7"))
    assert ops(kernel) == "Max+Sub+Exp+Sum+Reciprocal+Mul"
    assert kernel.kind.spaces == ((Space((5, 7), (1,)), (0,)),)


def test_a_softmax_and_its_gradient_are_one_kernel():
    def build(x, g):
        y = tf.nn.softmax(x)
        return y, tf.gradients(y, x, grad_ys=g)[0]

    assert len(kernels(built(build, x="float32 5,7", g="float32 5,7"))) == 1


def test_bias_and_activation_follow_a_product():
    kernel, *rest = kernels(
        built(lambda x, w, b: tf.nn.relu(x @ w + b), x="float32 5,7", w="float32 7,3", b="float32 3")
    )
    assert rest == []
    assert ops(kernel) == "Contract+Add+Relu"


def test_operands_of_a_product_are_in_memory():
    first, second = kernels(built(lambda x, w: tf.exp(x) @ w, x="float32 5,7", w="float32 7,3"))
    assert (ops(first), ops(second)) == ("Exp", "Contract")


def test_a_reduction_follows_a_product_in_a_kernel_of_its_own():
    first, second = kernels(built(lambda x, w: tf.reduce_sum(x @ w, 1), x="float32 5,7", w="float32 7,3"))
    assert (ops(first), ops(second)) == ("Contract", "Sum")


def test_reductions_over_different_axes_are_apart():
    spaces = [
        space for kernel in kernels(built(lambda x: (tf.reduce_sum(x, 0), tf.reduce_max(x, 1)), x="float32 200,300"))
        for space, _ in kernel.kind.spaces
    ]  # fmt: skip
    assert sorted(space.reduced for space in spaces) == [(0,), (1,)]


def test_reductions_of_one_input_over_the_same_axes_are_one_kernel():
    def build(x, y):
        return tf.reduce_sum(x * y, 0), tf.reduce_sum(x, 0)

    (kernel,) = kernels(built(build, x="float32 200,300", y="float32 200,300"))
    assert sorted(ops(kernel).split("+")) == ["Mul", "Sum", "Sum"]


def test_what_is_read_at_other_positions_is_not_in_one_block():
    def build(x):
        row = tf.exp(tf.reduce_sum(x, 1))  # [n]: of rows, but read along columns
        return x + row

    assert len(kernels(built(build, x="float32 200,200"))) == 2


def test_layer_normalisation_with_its_gradients_is_two_kernels():
    def build(x, gain, bias, g):
        mean, variance = tf.nn.moments(x, [1], keep_dims=True)
        y = (x - mean) * tf.rsqrt(variance + 1e-5) * gain + bias
        return y, *tf.gradients(y, [x, gain, bias], grad_ys=g)

    found = kernels(built(build, x="float32 200,300", gain="float32 300", bias="float32 300", g="float32 200,300"))
    assert [kernel.kind.spaces[0][0].reduced for kernel in found] == [(1,), (0,)]
    large = [out for kernel in found for out in kernel.outputs if out.type.elements == 200 * 300]
    assert len(large) == 2  # y and the adjoint of x: no other value as large is stored


def test_a_cheap_value_is_computed_where_it_is_read():
    def build(x, w):
        h = tf.tanh(x @ w)
        return tf.reduce_sum(h, 0), tf.gradients(h, x)[0]

    stored = [
        str(out.type)
        for kernel in kernels(built(build, x="float32 50,70", w="float32 70,90"))
        for out in kernel.outputs
    ]
    assert sorted(stored) == [
        "f32[50,70]",
        "f32[50,90]",
        "f32[50,90]",
        "f32[90]",
    ]  # h, and 1 - h^2 for a product to read


def test_small_independent_blocks_share_a_kernel():
    def build(x, y, z):
        return x + 1.0, tf.reduce_sum(y, 0), tf.exp(z)

    (kernel,) = kernels(built(build, x="float32 3", y="float32 4,5", z="float32 7"))
    assert [places for _, places in kernel.kind.spaces] == [(0,), (1,), (2,)]


def test_blocks_that_wait_for_each_other_do_not():
    def build(x):
        total = tf.reduce_sum(x, 0)
        return total, tf.exp(tf.reshape(x, [20])) + tf.reduce_max(total)

    assert len(kernels(built(build, x="float32 4,5"))) >= 2


def test_parts_of_a_product_are_read_in_place():
    def build(x, w, b):
        q, k, v = tf.split(x @ w + b, 3, 1)
        return tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v)

    found = kernels(built(build, x="float64 20,6", w="float64 6,30", b="float64 30"))
    assert [ops(kernel) for kernel in found] == [
        "Contract+Add",
        "Contract",
        "Max+Sub+Exp+Sum+Reciprocal+Mul",
        "Contract",
    ]


def test_parts_are_stored_where_a_concatenation_has_them():
    def build(x):
        y = tf.exp(x)
        return tf.concat([y, tf.sin(y)], 1)

    (kernel,) = kernels(built(build, x="float32 4,6"))
    assert (ops(kernel), kernel.kind.spaces) == ("Exp+Sin+ConcatV2", ((Space((4, 6)), (0,)),))


def test_the_adjoint_of_a_split_is_a_concatenation():
    def build(x, g):
        a, b, c = tf.split(x, 3, 1)
        return tf.gradients(tf.sin(a) * tf.tanh(b) + c, x, grad_ys=g)[0]

    found = kernels(built(build, x="float32 4,6", g="float32 4,2"))
    assert [ops(kernel) for kernel in found if "Pad" in ops(kernel)] == []
    assert sum("ConcatV2" in ops(kernel) for kernel in found) == 1


def test_symbolic_sizes_fuse_as_numbers_do():
    (kernel,) = kernels(built(lambda x, b: tf.nn.softmax(x + b), x="float32 7,5", b="float32 5"))
    (symbolic,) = [
        node for node in optimise(built(lambda x, b: tf.nn.softmax(x + b), x="float32 n,5", b="float32 5")).nodes
        if node.type == "Kernel"
    ]  # fmt: skip
    assert ops(symbolic) == ops(kernel)


def test_equal_kernels_have_equal_structure():
    def build(x, y):
        return tf.exp(x @ y) + 1.0, tf.exp(y @ x) + 1.0

    first, second = kernels(built(build, x="float32 64,64", y="float32 64,64"))
    assert first.kind.structure == second.kind.structure
    (other,) = kernels(built(lambda x, y: tf.exp(x @ y) + 2.0, x="float32 64,64", y="float32 64,64"))
    assert other.kind.structure != first.kind.structure


def training_step(optimizer):
    """The kernels of one step of a perceptron 784-128-10 on batches of 64."""
    x, labels = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int64, [None])
    hidden = tf.nn.relu(x @ tf.Variable(np.zeros((784, 128), np.float32)) + tf.Variable(np.zeros(128, np.float32)))
    logits = hidden @ tf.Variable(np.zeros((128, 10), np.float32)) + tf.Variable(np.zeros(10, np.float32))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    step = capture([loss], [optimizer.minimize(loss)], [x, labels])
    graph = optimised(step, exact_types(step, {step.feeds[x]: (64, 784), step.feeds[labels]: (64,)}))
    return [node for node in graph.nodes if node.type == "Kernel"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.train.GradientDescentOptimizer(0.1),
        lambda: tf.train.MomentumOptimizer(0.1, 0.9),
        lambda: tf.train.AdamOptimizer(),
    ],
)
def test_a_training_step_is_seven_kernels(make):
    found = training_step(make())
    assert len(found) == 7
    weights = [kernel for kernel in found if any(str(out.type) == "f32[784,128]" for out in kernel.outputs)]
    assert len(weights) == 1  # the gradient is used up where it is computed
    assert ops(weights[0]).startswith("Contract+")


def test_kernels_of_a_long_chain_are_alike():
    def build(x, c):
        h = x
        for _ in range(300):
            h = tf.tanh(h * c + x)
        return tf.gradients(tf.reduce_sum(h), [x, c])

    graph = optimise(built(build, x="float32 6,4", c="float32 4"))
    structures = [node.kind.structure for node in graph.nodes if node.type == "Kernel"]
    assert len(structures) < 100
    assert len(set(structures)) < 15


def test_no_kernel_computes_what_nothing_reads():
    def build(x):
        # The mask of the maximum is computed again for one of two adjoints that come to share a kernel.
        row = tf.expand_dims(x, 0)
        greatest = tf.maximum(row, row)
        part = greatest[::-1, 60, :]
        first, second = (tf.gradients(y, x)[0] for y in (part, x - greatest))
        return tf.minimum(first, second), tf.reshape(tf.gradients(part * part, x)[0], [1, 210])

    for kernel in kernels(built(build, x="float32 70,3")):
        assert kernel.outputs
        assert all(places for _, places in kernel.kind.spaces)


def test_kernels_of_repeated_blocks_are_alike():
    def build(x, **weights):
        h = x
        for number in range(0, 12, 2):
            h = tf.nn.relu(h + tf.nn.relu(h @ weights[f"w{number}"]) @ weights[f"w{number + 1}"])
        return tf.gradients(tf.reduce_sum(h * h), list(weights.values()))

    types = {f"w{n}": "float32 64,64" for n in range(12)}
    graph = optimise(built(build, x="float32 96,64", **types))
    structures = [node.kind.structure for node in graph.nodes if node.type == "Kernel"]
    assert len(structures) <= 35
    assert len(set(structures)) <= 6


def test_kernels_are_named_after_their_main_node():
    """A product's derivative of relu is computed with it, and an optimizer's update with the adjoint it uses."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [8, 6], name="x")
        hidden = tf.layers.dense(x, 5, tf.nn.relu, name="hidden")
        loss = tf.reduce_sum(tf.square(tf.layers.dense(hidden, 3, name="scores")), name="loss")
        train = tf.train.AdamOptimizer().minimize(loss, name="train")
        step = capture([loss], [train], ())
        made = [node for node in optimised(step, exact_types(step, {})).nodes if node.type == "Kernel"]
    named = {node.name: node.role for node in made}
    assert named["hidden/MatMul"] == "forward"
    (first,) = [node for node in made if node.name == "hidden/MatMul"]
    assert {"Contract", "Relu", "Greater"} <= {node.type for node in first.kind.body.nodes}
    assert named["train/update_hidden/kernel/AssignSub"] == "update"
    assert all(name.startswith("gradients/") == (role == "adjoint") for name, role in named.items())
