"""JAX: one jitted step, weights and optimizer state donated so that they are updated in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.systems.vocabulary import EPSILON, Vocabulary
from benchmarks.workload import Adam, Function, Training

LAYOUT = ("NHWC", "HWIO", "NHWC")
PLACES = (1, 2)


class Words(Vocabulary):
    """jax.numpy, jax.nn and jax.lax."""

    def __init__(self) -> None:
        self.exp, self.log, self.sqrt, self.tanh, self.square = jnp.exp, jnp.log, jnp.sqrt, jnp.tanh, jnp.square
        self.erf, self.sigmoid, self.relu = jax.scipy.special.erf, jax.nn.sigmoid, jax.nn.relu
        self.softmax, self.concat = jax.nn.softmax, jnp.concatenate
        self.reshape, self.transpose = jnp.reshape, jnp.transpose

    def gelu(self, x: Any) -> Any:
        return jax.nn.gelu(x, approximate=True)

    def mean(self, x: Any, axes: tuple[int, ...] | None = None) -> Any:
        return jnp.mean(x, axes, keepdims=axes is not None)

    def matmul(self, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        return jnp.matmul(a.mT if transpose_a else a, b.mT if transpose_b else b)

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], axis=1).mean()

    def rows(self, table: Any, places: Any) -> Any:
        return table[places]

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        def total(*inputs: Any) -> tuple[Any, tuple[Any, Any]]:
            y, more = function(*inputs)
            return y.sum(), (y, more)

        gradients, (y, more) = jax.grad(total, argnums=tuple(range(len(inputs))), has_aux=True)(*inputs)
        return gradients, y, more

    def flatten(self, maps: Any) -> Any:
        return maps.reshape(maps.shape[0], -1)

    def conv2d(self, maps: Any, kernel: Any, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
        steps, dilations = (stride, stride), (dilation, dilation)
        return lax.conv_general_dilated(
            maps, kernel, steps, [(padding, padding)] * 2, rhs_dilation=dilations, dimension_numbers=LAYOUT
        )

    def conv2d_channels_first(self, x: Any, kernel: Any, stride: int, padding: int) -> Any:
        layout, steps = ("NCHW", "HWIO", "NCHW"), (stride, stride)
        return lax.conv_general_dilated(x, kernel, steps, [(padding, padding)] * 2, dimension_numbers=layout)

    def conv2d_transpose(self, maps: Any, kernel: Any, stride: int, padding: int, shape: tuple[int, ...]) -> Any:
        steps = (stride, stride)
        return lax.conv_transpose(maps, kernel, steps, "SAME", dimension_numbers=LAYOUT, transpose_kernel=True)

    def depthwise_conv2d(self, maps: Any, kernel: Any, padding: int) -> Any:
        height, width, channels, _ = kernel.shape
        return lax.conv_general_dilated(
            maps, kernel.reshape(height, width, 1, channels), (1, 1), [(padding, padding)] * 2,
            dimension_numbers=LAYOUT, feature_group_count=channels,
        )  # fmt: skip

    def max_pool(self, maps: Any) -> Any:
        return lax.reduce_window(maps, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def mean_of_pictures(self, maps: Any) -> Any:
        return maps.mean(PLACES)

    def batch_norm(self, maps: Any, gain: Any, bias: Any) -> Any:
        axes = (0, *PLACES)
        return (maps - maps.mean(axes)) * lax.rsqrt(maps.var(axes) + EPSILON) * gain + bias

    def lstm(self, x: Any, kernel: Any, recurrent: Any, bias: Any, steps: int, units: int) -> Any:
        projected = jnp.swapaxes(x @ kernel + bias, 0, 1)

        def step(state: tuple[Any, Any], gates: Any) -> tuple[tuple[Any, Any], None]:
            output, cell = state
            cell, output = self.lstm_cell(gates + output @ recurrent, cell, units)
            return (output, cell), None

        zeros = jnp.zeros((x.shape[0], units), x.dtype)
        (output, _), _ = lax.scan(step, (zeros, zeros), projected)
        return output


words = Words()


def training(case: Training) -> Callable[..., float]:
    """Loss, gradients and update in one jitted function."""
    update = adam if isinstance(case.optimizer, Adam) else momentum

    def step(weights: list[Any], state: Any, *batch: Any) -> tuple[Any, list[Any], Any]:
        loss, gradients = jax.value_and_grad(lambda weights: case.loss(words, weights, *batch))(weights)
        return loss, *update(case.optimizer, weights, gradients, state)

    jitted = jax.jit(step, donate_argnums=(0, 1))
    weights = [jnp.array(value) for value in case.weights()]
    slots = [[jnp.zeros_like(weight) for weight in weights] for _ in range(2 if update is adam else 1)]
    state = (jnp.zeros(()), *slots)

    def one_step(*batch: np.ndarray) -> float:
        nonlocal weights, state
        loss, weights, state = jitted(weights, state, *batch)
        return float(loss)

    return one_step


def momentum(settings: Any, weights: list[Any], gradients: list[Any], state: Any) -> tuple[list[Any], Any]:
    """The next weights and speeds."""
    count, speeds = state
    speeds = [settings.momentum * speed + gradient for speed, gradient in zip(speeds, gradients)]
    return [weight - settings.rate * speed for weight, speed in zip(weights, speeds)], (count, speeds)


def adam(settings: Any, weights: list[Any], gradients: list[Any], state: Any) -> tuple[list[Any], Any]:
    """The next weights and moments."""
    rate, beta1, beta2, epsilon = settings
    count, firsts, seconds = state
    count = count + 1
    rate = rate * jnp.sqrt(1 - beta2**count) / (1 - beta1**count)
    firsts = [beta1 * first + (1 - beta1) * gradient for first, gradient in zip(firsts, gradients)]
    seconds = [beta2 * second + (1 - beta2) * gradient**2 for second, gradient in zip(seconds, gradients)]
    steps = zip(weights, firsts, seconds)
    return [w - rate * first / (jnp.sqrt(second) + epsilon) for w, first, second in steps], (count, firsts, seconds)


def function(case: Function) -> Callable[..., Any]:
    """The value or its gradients in one jitted function."""
    if any(array.dtype == np.float64 for array in case.inputs()):
        jax.config.update("jax_enable_x64", True)
    weights = [jnp.array(value) for value in case.weights()]

    def gradients(weights: list[Any], *inputs: Any) -> Sequence[Any]:
        def part(*chosen: Any) -> Any:
            mixed = list(inputs)
            for place, value in zip(case.gradients_by, chosen):
                mixed[place] = value
            return case.value(words, weights, *mixed)

        _, backward = jax.vjp(part, *(inputs[place] for place in case.gradients_by))
        return backward(inputs[-1])

    jitted = jax.jit(gradients if case.gradients_by else partial_value(case))
    return lambda *inputs: jax.tree.map(np.asarray, jitted(weights, *inputs))


def partial_value(case: Function) -> Callable[..., Any]:
    """The value in these words."""
    return lambda weights, *inputs: case.value(words, weights, *inputs)
