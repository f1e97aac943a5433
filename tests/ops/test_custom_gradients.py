"""Gradients that a program writes itself: what they give, in loops and branches too, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.nodes import Operation, Tensor
from tests.interpreted import InterpretedSession


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """A graph for each test."""
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=[tf.Session, InterpretedSession])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The values, the variables initialised."""

    def values(fetches: Any, feeds: Any = None) -> Any:
        initialise = tf.global_variables_initializer()
        with request.param() as session:
            session.run(initialise)
            return session.run(fetches, feeds)

    return values


@tf.custom_gradient
def log1pexp(x: Any) -> Any:
    """TensorFlow's example: the plain gradient is NaN for large x."""
    power = tf.exp(x)
    return tf.log(1 + power), lambda dy: dy * (1 - 1 / (1 + power))


def test_the_example_of_the_documentation(run: Any) -> None:
    x = tf.placeholder(tf.float64, [None])
    y = log1pexp(x)
    values, slopes = run([y, tf.gradients(y, x)[0]], {x: [0.0, 100.0, 1000.0]})
    np.testing.assert_allclose(values, [np.log(2), 100, np.inf])
    np.testing.assert_allclose(slopes, [0.5, 1, 1])


def test_several_arguments_and_results(run: Any) -> None:
    @tf.custom_gradient
    def both(a: Any, b: Any) -> Any:
        return [a * b, a + b], lambda d1, d2: (10 * d1, d2 * b)

    a, b = tf.constant(3.0), tf.constant(5.0)
    product, total = both(a, b)
    found = run([product, total, *tf.gradients(2 * product + 3 * total, [a, b])])
    assert found == [15.0, 8.0, 20.0, 15.0]


def test_variables_have_gradients_too(run: Any) -> None:
    @tf.custom_gradient
    def scaled(x: Any) -> Any:
        w = tf.get_variable("w", initializer=4.0)

        def grad(dy: Any, variables: Any = None) -> Any:
            assert [v.name for v in variables] == ["w:0"]
            return 100 * dy, [7 * dy * x]

        return w * x, grad

    x = tf.constant(3.0)
    y = scaled(x)
    assert run([y, *tf.gradients(y, [x, *tf.trainable_variables()])]) == [12.0, 100.0, 21.0]


def test_mistakes_are_said() -> None:
    @tf.custom_gradient
    def forgets(x: Any) -> Any:
        return x * tf.get_variable("w", initializer=4.0), lambda dy: dy

    with pytest.raises(TypeError, match="must accept a 'variables' keyword"):
        forgets(tf.constant(1.0))

    @tf.custom_gradient
    def two(x: Any) -> Any:
        return x * 1, lambda dy: (dy, dy)

    x = tf.constant(1.0)
    with pytest.raises(ValueError, match="expected to return 1 gradients of arguments but returned 2"):
        tf.gradients(two(x), x)


def test_in_a_loop_and_in_a_branch(run: Any) -> None:
    @tf.custom_gradient
    def doubled(x: Any) -> Any:
        kept = tf.exp(x)
        return 2 * x, lambda dy: dy * kept

    x, yes = tf.placeholder(tf.float32, []), tf.placeholder(tf.bool, [])
    _, y = tf.while_loop(lambda i, _: i < 2, lambda i, v: (i + 1, doubled(v)), [0, x])
    z = tf.cond(yes, lambda: doubled(x), lambda: x)
    found = run([y, tf.gradients(y, x)[0], z, tf.gradients(z, x)[0]], {x: 0.5, yes: True})
    np.testing.assert_allclose(found, [2.0, np.exp(0.5) * np.exp(1.0), 1.0, np.exp(0.5)], rtol=1e-6)


def test_second_order_goes_through_what_the_function_says(run: Any) -> None:
    @tf.custom_gradient
    def cubed(x: Any) -> Any:
        return x**3, lambda dy: dy * 5 * x**2

    x = tf.constant(2.0)
    slope = tf.gradients(cubed(x), x)[0]
    np.testing.assert_allclose(run([slope, tf.gradients(slope, x)[0]]), [20.0, 20.0])


@tf.RegisterGradient("test_straight")
def straight(op: Operation, grad: Tensor) -> Any:
    """Another adjoint."""
    return grad * op.inputs[0]


def test_kinds_of_nodes_get_other_gradients(graph: tf.Graph, run: Any) -> None:
    x = tf.constant([-3.0, 2.0])
    with graph.gradient_override_map({"Sign": "test_straight", "Relu": "test_straight"}):
        sign, relu = tf.sign(x), tf.nn.relu(x)
    plain = tf.nn.relu(x)
    slopes = run([tf.gradients(y, x)[0] for y in (sign, relu, plain)])
    np.testing.assert_array_equal(slopes, [[-3, 2], [-3, 2], [0, 1]])
    with pytest.raises(KeyError, match="two gradient with name"):
        tf.RegisterGradient("test_straight")(straight)


def test_names_without_a_gradient(graph: tf.Graph) -> None:
    tf.NotDifferentiable("test_flat")
    x = tf.constant([-3.0, 2.0])
    with graph.gradient_override_map({"Exp": "test_flat", "Log": "test_nobody"}):
        flat, nobody = tf.exp(x), tf.log(x)
    assert tf.gradients(flat, x) == [None]
    with pytest.raises(LookupError, match=r"No gradient defined for Log 'Log' .*'test_nobody'"):
        tf.gradients(nobody, x)
    with pytest.raises(TypeError, match="dictionary"), graph.gradient_override_map("Exp"):  # type: ignore[arg-type]
        pass


def test_identity_n(run: Any) -> None:
    x, y = tf.constant(2.0), tf.constant([3.0, 4.0])
    a, b = tf.identity_n([x, y])
    found = run([a, b, *tf.gradients(a * b, [x, y])])
    for value, wanted in zip(found, [2.0, [3.0, 4.0], 7.0, [2.0, 2.0]]):
        np.testing.assert_array_equal(value, wanted)
