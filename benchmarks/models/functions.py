"""Functions of arrays: calls with nothing to compute, Black-Scholes, softmax and layer norm with gradients, chains."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import uniform
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Arrays, Function, Momentum, Training, Workload

OPTIONS = 1_000_000
RATE, VOLATILITY = 0.02, 0.3
ROWS = (4096, 1024)


def scaled(v: Vocabulary, weights: list[Any], a: Any, b: Any) -> Any:
    """a * b + 1"""
    return a * b + 1


def line(v: Vocabulary, weights: list[Any], x: Any, y: Any) -> Any:
    """(weight * x - y)²"""
    return v.square(weights[0] * x - y)


def black_scholes(v: Vocabulary, weights: list[Any], spot: Any, strike: Any, years: Any) -> Any:
    """The price of a European call (Black and Scholes, 1973)."""
    spread = VOLATILITY * v.sqrt(years)
    first = (v.log(spot / strike) + (RATE + VOLATILITY**2 / 2) * years) / spread
    return spot * below(v, first) - strike * v.exp(-RATE * years) * below(v, first - spread)


def below(v: Vocabulary, x: Any) -> Any:
    """P(normal <= x)"""
    return 0.5 * (1.0 + v.erf(x * 0.5**0.5))


def softmax(v: Vocabulary, weights: list[Any], x: Any, cotangent: Any) -> Any:
    """Over the last axis."""
    return v.softmax(x)


def layer_norm(v: Vocabulary, weights: list[Any], x: Any, gain: Any, bias: Any, cotangent: Any) -> Any:
    """Over the last axis."""
    return v.layer_norm(x, gain, bias)


def chain(v: Vocabulary, weights: list[Any], c: Any, x: Any, cotangent: Any, length: int) -> Any:
    """Thousands of operations, each after the last: what grows faster than the graph shows here."""
    h = x
    for _ in range(length):
        h = v.tanh(h * c + x)
    return h


def scalars() -> Arrays:
    """Two numbers without axes."""
    return np.float32(2), np.float32(3)


def options(dtype: type) -> Arrays:
    """Spot, strike and years."""
    random = np.random.RandomState(0)
    ranges = (5.0, 30.0), (1.0, 100.0), (0.25, 10.0)
    return tuple(random.uniform(low, high, OPTIONS).astype(dtype) for low, high in ranges)


def chain_inputs() -> Arrays:
    """A factor, a term, and the cotangent."""
    return np.full(8, 0.9, np.float32), np.linspace(0.1, 1, 8, dtype=np.float32), np.ones(8, np.float32)


def chain_of(length: int) -> Workload:
    """Its point is the time to compile, so look there."""
    case = Function(partial(chain, length=length), chain_inputs, gradients_by=(0,))
    return Workload.single(f"chain_{length}", f"gradient of {length:,} times tanh(h*c+x)", case)


NO_SYSTEM = {"numpy": "two operations on numbers are no call of a system"}
OVERHEAD = (
    Workload("call", "one call of a*b+1, scalars", {"": Function(scaled, scalars)}, NO_SYSTEM),
    Workload(
        "prepared_call", "a*b+1, prepared (make_callable)", {"": Function(scaled, scalars, prepared=True)}, NO_SYSTEM
    ),
    Workload.single(
        "scalar_step",
        "training step of one scalar, Momentum",
        Training(line, lambda: [np.array(0.5, np.float32)], lambda: [scalars()], Momentum(0.01)),
    ),
)
WORKLOADS = (
    Workload.single(
        "black_scholes_32", "Black-Scholes, 1M options, float32", Function(black_scholes, partial(options, np.float32))
    ),
    Workload.single(
        "black_scholes_64", "Black-Scholes, 1M options, float64", Function(black_scholes, partial(options, np.float64))
    ),
    Workload.single(
        "softmax",
        "softmax 4096x1024, forward and backward",
        Function(softmax, partial(uniform, ROWS, ROWS), gradients_by=(0,)),
    ),
    Workload.single(
        "layer_norm",
        "layer norm 4096x1024, forward and backward",
        Function(layer_norm, partial(uniform, ROWS, ROWS[1:], ROWS[1:], ROWS), gradients_by=(0, 1, 2)),
    ),
    chain_of(1_000),
    chain_of(10_000),
)
