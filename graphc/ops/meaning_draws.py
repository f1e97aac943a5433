"""What gamma and Poisson draws mean in Python: one number after the other, each from its own part of a stream."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

TURNS = 2000  # far more than are ever needed, so that what is no parameter ends too
LARGE_MEAN = 10.0  # the least mean of transformed rejection
HUGE = 1e300  # of which the logarithm of the factorial is beyond a double, nearly
TINY = 1e-300  # in place of a zero whose logarithm is asked for


class _Stream:
    """The numbers of a stream from a group on: a group makes two, of which the second is taken first."""

    def __init__(self, seed: int, seed2: int, group: int) -> None:
        self.seed, self.seed2, self.group = seed, seed2, group
        self.normals: list[float] = []
        self.uniforms: list[float] = []

    def _pair(self, kind: Callable[..., Any]) -> list[float]:
        found = kind((2,), np.float64, self.seed, self.seed2, self.group)
        self.group += 1
        return [float(number) for number in found]

    def normal(self) -> float:
        """The next normal number."""
        from graphc import philox  # only interpreting needs it

        self.normals = self.normals or self._pair(philox.normal)
        return self.normals.pop()

    def uniform(self) -> float:
        """The next even number."""
        from graphc import philox  # only interpreting needs it

        self.uniforms = self.uniforms or self._pair(philox.uniform)
        return self.uniforms.pop()


def _gamma(alpha: float, stream: _Stream) -> float:
    """Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000); below 1 for alpha + 1, section 6."""
    if alpha == 1:
        return -math.log1p(-stream.uniform())
    d = (alpha + 1 if alpha < 1 else alpha) - 1 / 3
    if not d > 0:
        return math.nan
    c = 1 / (3 * math.sqrt(d))
    for _ in range(TURNS):
        x = stream.normal()
        v = (1 + c * x) ** 3
        if v <= 0:
            continue
        u = stream.uniform()
        if u < 1 - 0.0331 * x**4 or _log(u) < 0.5 * x * x + d * (1 - v + _log(v)):
            return d * v * (_power(stream.uniform(), alpha) if alpha < 1 else 1)
    return math.nan


def _log(x: float) -> float:
    return math.log(max(x, TINY))


def _power(u: float, alpha: float) -> float:
    """``u^(1 / alpha)``."""
    with np.errstate(all="ignore"):
        return float(np.power(np.float64(u), np.divide(1.0, alpha)))


def _poisson(mean: float, stream: _Stream) -> float:
    """Small means: as many even numbers as their product stays above ``exp(-mean)`` (Knuth, TAOCP 2, 3.4.1).

    Others: algorithm PTRS of W. Hormann, Insurance: Mathematics and Economics 12 (1993).
    """
    if math.isnan(mean) or mean == math.inf:
        return mean
    if mean < LARGE_MEAN:
        return _by_product(math.exp(-max(mean, 0.0)), stream)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    for _ in range(TURNS):
        u, v = stream.uniform() - 0.5, stream.uniform()
        rest = 0.5 - abs(u)
        if rest == 0:
            continue
        k = float(np.floor((2 * a / rest + b) * u + mean + 0.43))
        if rest >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k < 0 or (rest < 0.013 and v > rest):
            continue
        chance = k * math.log(mean) - mean - (math.lgamma(k + 1) if k < HUGE else math.inf)
        if _log(v * inverse_alpha / (a / (rest * rest) + b)) <= chance:
            return k
    return math.nan


def _by_product(least: float, stream: _Stream) -> float:
    product = stream.uniform()
    number = 0
    while product > least:
        product *= stream.uniform()
        number += 1
    return number


def _each(draw: Callable[[float, _Stream], float]) -> Callable[..., Any]:
    """A draw of one number as a function of arrays of int64: the parameters' bits, seeds, groups; it gives bits."""

    def one(bits: int, seed: int, seed2: int, group: int) -> float:
        return draw(float(np.int64(bits).view(np.float64)), _Stream(int(seed), int(seed2), int(group)))

    whole = np.vectorize(one, otypes=[np.float64])
    return lambda *given: whole(*given).view(np.int64)


gamma_draw = _each(_gamma)
poisson_draw = _each(_poisson)
