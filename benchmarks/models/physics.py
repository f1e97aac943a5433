"""A physics-informed network: Burgers' equation, whose loss holds second derivatives by the inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.data import dense_weights
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Arrays, Training, Workload

SIZES = (2, 32, 32, 32, 1)
POINTS, KNOWN = 1024, 128
VISCOSITY = 0.01 / np.pi


def network(v: Vocabulary, weights: list[Any], x: Any, t: Any) -> Any:
    """u(x, t), for columns [points, 1]."""
    hidden = v.concat([x, t], 1)
    *inner, (kernel, bias) = zip(weights[::2], weights[1::2])
    for inner_kernel, inner_bias in inner:
        hidden = v.tanh(v.dense(hidden, inner_kernel, inner_bias))
    return v.dense(hidden, kernel, bias)


def burgers(v: Vocabulary, weights: list[Any], x: Any, t: Any, known_x: Any, known_t: Any, known: Any) -> Any:
    """Mean square of u_t + u u_x - viscosity u_xx, and of the error where u is known (Raissi and others, 2019)."""

    def first(x: Any) -> tuple[Any, tuple[Any, Any]]:
        (u_x, u_t), u, _ = v.derivatives(lambda x, t: (network(v, weights, x, t), ()), x, t)
        return u_x, (u, u_t)

    (u_xx,), u_x, (u, u_t) = v.derivatives(first, x)
    residual = u_t + u * u_x - VISCOSITY * u_xx
    return v.mean(v.square(residual)) + v.mean(v.square(network(v, weights, known_x, known_t) - known))


def batches() -> list[Arrays]:
    """Points inside, and points at the start with u = -sin(pi x)."""
    random = np.random.RandomState(1)
    made = []
    for _ in range(8):
        x, t = random.uniform(-1, 1, (POINTS, 1)), random.uniform(0, 1, (POINTS, 1))
        start = random.uniform(-1, 1, (KNOWN, 1))
        arrays = (x, t, start, np.zeros_like(start), -np.sin(np.pi * start))
        made.append(tuple(array.astype(np.float32) for array in arrays))
    return made


WORKLOADS = (
    Workload.single(
        "physics",
        "physics-informed MLP 2-32-32-32-1 (u_t + u u_x = v u_xx), 1,024 points, Adam",
        Training(burgers, lambda: dense_weights(np.random.RandomState(0), SIZES, 1.0), batches, Adam()),
    ),
)
