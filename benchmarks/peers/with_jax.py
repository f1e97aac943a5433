"""JAX: one jitted step, weights and momentum donated so that they are updated in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from problems import MOMENTUM, RATE

Step = Callable[[np.ndarray, np.ndarray], float]


def mlp(weights: list[np.ndarray]) -> Step:
    """Dense, relu, dense."""
    return trainer(weights, dense_layers)


def cnn(weights: list[np.ndarray]) -> Step:
    """Two times convolution, relu, pool; then dense, relu, dense."""
    return trainer(weights, convolutional)


def dense_layers(weights: list[Any], inputs: Any) -> Any:
    """Scores of the classes."""
    kernel1, bias1, kernel2, bias2 = weights
    return jax.nn.relu(inputs @ kernel1 + bias1) @ kernel2 + bias2


def convolutional(weights: list[Any], inputs: Any) -> Any:
    """Scores of the classes."""
    maps = inputs
    for kernel, bias in (weights[:2], weights[2:4]):
        layout = ("NHWC", "HWIO", "NHWC")
        maps = jax.nn.relu(jax.lax.conv_general_dilated(maps, kernel, (1, 1), "SAME", dimension_numbers=layout) + bias)
        maps = jax.lax.reduce_window(maps, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return dense_layers(weights[4:], maps.reshape(maps.shape[0], -1))


def trainer(start: list[np.ndarray], model: Callable[[list[Any], Any], Any]) -> Step:
    """The training step of a model."""

    def loss_of(weights: list[Any], inputs: Any, labels: Any) -> Any:
        logs = jax.nn.log_softmax(model(weights, inputs))
        return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()

    def update(weights: list[Any], speeds: list[Any], inputs: Any, labels: Any) -> tuple[Any, list[Any], list[Any]]:
        loss, grads = jax.value_and_grad(loss_of)(weights, inputs, labels)
        speeds = [MOMENTUM * speed + grad for speed, grad in zip(speeds, grads, strict=True)]
        weights = [weight - RATE * speed for weight, speed in zip(weights, speeds, strict=True)]
        return loss, weights, speeds

    jitted = jax.jit(update, donate_argnums=(0, 1))
    weights = [jnp.array(value) for value in start]
    speeds = [jnp.zeros_like(value) for value in weights]

    def step(inputs: np.ndarray, labels: np.ndarray) -> float:
        nonlocal weights, speeds
        loss, weights, speeds = jitted(weights, speeds, inputs, labels.astype(np.int32))
        return float(loss)

    return step


def matmul(left: np.ndarray, right: np.ndarray) -> Callable[[], np.ndarray]:
    """The product of two arrays that are handed in with each call."""
    product = jax.jit(jnp.matmul)
    return lambda: np.asarray(product(left, right))


def overhead() -> dict[str, Callable[[], Any]]:
    """A jitted function of two NumPy scalars."""
    call = jax.jit(lambda a, b: a * b + 1)
    two, three = np.float32(2), np.float32(3)
    return {"callable": lambda: np.asarray(call(two, three))}


def chain(length: int) -> float:
    """Trace, differentiate, compile, run once."""

    def value(c: Any, x: Any) -> Any:
        h = x
        for _ in range(length):
            h = jnp.tanh(h * c + x)
        return h.sum()

    c, x = np.full(8, 0.9, np.float32), np.linspace(0.1, 1, 8).astype(np.float32)
    return float(jax.jit(jax.grad(value))(c, x).sum())
