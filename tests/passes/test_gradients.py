"""Reverse mode, forward mode and second derivatives on graphs with known answers; the ops have their own table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Tensor
from graphc.ops.base import constant, placeholder
from graphc.ops.contraction import matmul
from graphc.ops.elementwise import exp, floor, identity, log, sigmoid, stop_gradient, tanh
from graphc.ops.reduction import reduce_logsumexp, reduce_sum
from graphc.passes.forward_gradients import forward_gradients
from graphc.passes.gradients import UnconnectedGradients, gradients
from graphc.second_derivatives import hessians
from graphc.testing import check_gradients, compute_gradient, compute_gradient_error


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as fresh:
        yield fresh


def _value(tensor: Tensor | None, feeds: dict[Tensor, Any]) -> Any:
    assert tensor is not None
    return evaluate(tensor.graph, feeds, [tensor])[0]


def _input(shape: Any = (3,), name: str = "x") -> Tensor:
    return placeholder("float64", shape, name=name)


X = np.array([0.5, -1.5, 2.0])


def test_adjoints_of_several_readers_are_summed() -> None:
    x = _input()
    y = x * x + x * 3.0 + exp(x)
    np.testing.assert_allclose(_value(gradients(y, x)[0], {x: X}), 2 * X + 3 + np.exp(X), rtol=1e-15)


def test_a_tensor_read_twice_by_one_node() -> None:
    x = _input()
    np.testing.assert_array_equal(_value(gradients(x * x, x)[0], {x: X}), 2 * X)


def test_several_ys_and_their_weights() -> None:
    x = _input()
    found = gradients([x * 2.0, x * x], x, grad_ys=[constant(X), None])
    np.testing.assert_array_equal(_value(found[0], {x: X}), 2 * X + 2 * X)


def test_the_gradient_of_y_by_itself_is_one() -> None:
    x = _input()
    np.testing.assert_array_equal(_value(gradients(x, x)[0], {x: X}), np.ones(3))


def test_an_x_between() -> None:
    x = _input()
    middle = x * x
    y = middle * 3.0
    by_x, by_middle = gradients(y, [x, middle])
    np.testing.assert_array_equal(_value(by_x, {x: X}), 6 * X)
    np.testing.assert_array_equal(_value(by_middle, {x: X}), 3 * np.ones(3))


def test_unconnected() -> None:
    x, other = _input(), _input((2, 4), "other")
    assert gradients(x * 2.0, [other]) == [None]
    zero = gradients(x * 2.0, [other], unconnected_gradients=UnconnectedGradients.ZERO)[0]
    np.testing.assert_array_equal(_value(zero, {x: X}), np.zeros((2, 4)))
    assert gradients(floor(x), x) == [None]


def test_stop_gradient_is_a_constant() -> None:
    x = _input()
    y = x * stop_gradient(x)
    np.testing.assert_array_equal(_value(gradients(y, x)[0], {x: X}), X)


def test_stop_gradients_gives_partial_derivatives() -> None:
    a = _input((), "a")
    b = a * 2.0
    total = gradients(a + b, [a, b])
    partial = gradients(a + b, [a, b], stop_gradients=[a, b])
    assert [float(_value(g, {a: 1.0})) for g in total] == [3.0, 1.0]
    assert [float(_value(g, {a: 1.0})) for g in partial] == [1.0, 1.0]


def test_stop_gradients_on_the_way() -> None:
    x = _input()
    middle = x * x
    y = middle * x
    np.testing.assert_array_equal(_value(gradients(y, x, stop_gradients=[middle])[0], {x: X}), X * X)


def test_whole_numbers_carry_no_gradient() -> None:
    x = _input()
    index = placeholder("int32", [2], name="index")
    y = x * reduce_sum(tf.cast(index, "float64"))
    assert gradients(y, [index]) == [None]
    assert gradients([index, tf.cast(x, "int32"), x > 1.0], [x, index]) == [None, None]
    np.testing.assert_array_equal(_value(gradients([x > 1.0, x * x], x)[0], {x: X}), 2 * X)
    zeros = gradients(tf.cast(x, "int32"), x, unconnected_gradients=UnconnectedGradients.ZERO)[0]
    np.testing.assert_array_equal(_value(zeros, {x: X}), np.zeros(3))


def test_higher_orders() -> None:
    x = _input()
    y: Any = sigmoid(x)
    s = 1 / (1 + np.exp(-X))
    wanted = [s * (1 - s), s * (1 - s) * (1 - 2 * s), s * (1 - s) * (1 - 6 * s + 6 * s * s)]
    for value in wanted:
        y = gradients(y, x)[0]
        np.testing.assert_allclose(_value(y, {x: X}), value, rtol=1e-12)


def test_log_sum_exp_stays_finite_and_its_gradient_is_a_softmax() -> None:
    x = _input()
    large = np.array([1000.0, 999.0, -1000.0])
    weights = np.exp(large - 1000) / np.exp(large - 1000).sum()
    np.testing.assert_allclose(_value(gradients(reduce_logsumexp(x), x)[0], {x: large}), weights, rtol=1e-14)


def test_nodes_of_adjoints_are_marked_and_named(graph: Graph) -> None:
    x = _input()
    y = tanh(x, name="y")
    before = len(graph)
    gradients(y, x)
    added = graph.nodes[before:]
    assert {node.role for node in added} == {"adjoint"}
    assert all(node.name.startswith("gradients/") for node in added)
    assert any(node.name.startswith("gradients/y_grad/") for node in added)


def test_hessian_of_a_quadratic_form() -> None:
    x = _input((3,))
    a = np.random.default_rng(0).normal(size=(3, 3))
    y = reduce_sum(x * tf.reshape(matmul(constant(a), tf.reshape(x, [3, 1])), [3]))
    np.testing.assert_allclose(_value(hessians(y, x)[0], {x: X}), a + a.T, rtol=1e-12)


def test_hessian_of_a_matrix_has_its_shape_twice() -> None:
    x = _input((2, 3))
    value = np.arange(6.0).reshape(2, 3)
    found = _value(hessians(x * x * x, x)[0], {x: value})
    assert found.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(found.reshape(6, 6), np.diag(6 * value.reshape(-1)), rtol=1e-14)


def test_hessian_of_what_is_linear_is_zero() -> None:
    x = _input((2,))
    np.testing.assert_array_equal(_value(hessians(x * 3.0, x)[0], {x: X[:2]}), np.zeros((2, 2)))


def test_hessians_of_unknown_size_are_a_loop() -> None:
    """Of sum(x^3) x_0: 6 x_i x_0 on the diagonal, 3 x_i^2 beside x_0, and both for x_0 itself."""
    x = _input((None, 2))
    (found,) = hessians(reduce_sum(x * x * x) * x[0, 0], x)
    with tf.Session() as session:
        for rows in (1, 3):
            value = np.arange(1.0, 2 * rows + 1)
            wanted = np.diag(6 * value * value[0])
            wanted[0] += 3 * value**2
            wanted[:, 0] += 3 * value**2
            hessian = session.run(found, {x: value.reshape(rows, 2)})
            np.testing.assert_allclose(hessian, wanted.reshape(rows, 2, rows, 2), rtol=1e-14)


def test_forward_mode_is_the_jacobian_times_a_direction() -> None:
    x, w = _input((2, 3)), _input((3, 4), "w")
    rng = np.random.default_rng(0)
    feeds = {x: rng.normal(size=(2, 3)), w: rng.normal(size=(3, 4))}
    dx, dw = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    y, z = tanh(matmul(x, w)), exp(x)
    pushed = forward_gradients([y, z], [x, w], [dx, dw])
    inside = 1 - np.tanh(feeds[x] @ feeds[w]) ** 2
    np.testing.assert_allclose(_value(pushed[0], feeds), inside * (dx @ feeds[w] + feeds[x] @ dw), rtol=1e-12)
    np.testing.assert_allclose(_value(pushed[1], feeds), np.exp(feeds[x]) * dx, rtol=1e-12)


def test_forward_mode_of_what_does_not_move() -> None:
    x, other = _input(), _input((3,), "other")
    assert forward_gradients([x * 2.0, other * 2.0], [x], [X])[1] is None
    zero = forward_gradients(other * 2.0, x, X, unconnected_gradients=UnconnectedGradients.ZERO)[0]
    np.testing.assert_array_equal(_value(zero, {x: X}), np.zeros(3))
    moved = forward_gradients(x * other, [x, other], [X, None])[0]
    np.testing.assert_array_equal(_value(moved, {x: X, other: X}), X * X)


def test_forward_over_reverse_is_a_hessian_times_a_direction() -> None:
    x = _input()
    y = reduce_sum(x * x * x)
    pushed = forward_gradients(gradients(y, x), x, np.array([1.0, 0.0, 2.0]))[0]
    np.testing.assert_allclose(_value(pushed, {x: X}), 6 * X * [1.0, 0.0, 2.0], rtol=1e-14)


def test_two_ys_of_one_type_keep_their_directions_apart() -> None:
    x = _input()
    found = forward_gradients([x * 2.0, x * 5.0], x, np.ones(3))
    assert [float(_value(f, {x: X})[0]) for f in found] == [2.0, 5.0]


def test_the_checker_finds_a_wrong_gradient() -> None:
    x = _input()
    wrong = identity(x * stop_gradient(x), name="wrong")
    with pytest.raises(AssertionError) as error:
        check_gradients(wrong, x, {x: X})
    assert "reverse mode by Placeholder 'x'" in str(error.value)
    assert "forward mode of Identity 'wrong'" in str(error.value)


def test_the_checker_accepts_a_right_one() -> None:
    x = _input()
    assert check_gradients([exp(x), log(x * x)], [x], {x: X}) < 1e-8
    single = placeholder("float32", [3], name="single")
    assert check_gradients(exp(single), single, {single: X}) < 1e-2


def test_compute_gradient_gives_both_jacobians() -> None:
    x = _input()
    by_gradients, by_differences = compute_gradient(x, (3,), x * x, (3,), x_init_value=X)
    np.testing.assert_array_equal(by_gradients, np.diag(2 * X))
    np.testing.assert_allclose(by_differences, by_gradients, atol=1e-10)
    assert compute_gradient_error([x], [(3,)], exp(x), (3,)) < 1e-5


def test_a_missing_value_is_named() -> None:
    x = _input()
    with pytest.raises(ValueError) as error:
        check_gradients(x * x, x, {})
    assert str(error.value) == "check_gradients needs a value for each x; feeds lack x:0"
