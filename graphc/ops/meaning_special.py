"""What the special functions mean in NumPy: slow and plain, in float64, by other formulas than the native code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

SUMMED = 20  # terms of a series that are added one by one before its tail is taken from a formula
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # B(2), B(4), ...


def _each(function: Callable[..., float]) -> Callable[..., Any]:
    """A function of numbers as one of arrays."""
    return np.vectorize(function, otypes=[np.float64])


def _lgamma(x: float) -> float:
    if math.isnan(x):
        return x
    is_pole = math.isinf(x) or (x <= 0 and x == math.floor(x))
    return math.inf if is_pole else math.lgamma(x)


def _digamma(x: float) -> float:
    """By the asymptotic series from 20 on, and ``digamma(x) = digamma(x + 1) - 1 / x`` below."""
    if math.isnan(x) or x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.nan
    if x <= 0:
        return _digamma(1 - x) - math.pi / math.tan(math.pi * (x - round(x)))
    below = [x + step for step in range(max(0, math.ceil(SUMMED - x)))] if x < SUMMED else []
    far = x + len(below)
    if far == math.inf:
        return far
    series = [b / (2 * k * far ** (2 * k)) for k, b in enumerate(BERNOULLI, 1)]
    return math.fsum([math.log(far), -0.5 / far, *(-term for term in series), *(-1 / part for part in below)])


def _zeta(s: float, q: float) -> float:
    """By Euler and Maclaurin's formula after the first terms."""
    if math.isnan(s + q) or s < 1 or (q < 0 and s != math.floor(s)):
        return math.nan
    if s == 1 or (q <= 0 and q == math.floor(q)):
        return math.inf
    count = SUMMED + max(0, math.ceil(-q))
    terms = [_power(q + k, -s) for k in range(count)]
    far = q + count
    power = _power(far, -s)
    terms += [power * far / (s - 1), power / 2]
    rising, factorial = s, 2.0
    for k, b in enumerate(BERNOULLI, 1):
        terms.append(b * rising / factorial * power / far ** (2 * k - 1))
        rising *= (s + 2 * k - 1) * (s + 2 * k)
        factorial *= (2 * k + 1) * (2 * k + 2)
    return math.fsum(terms)


def _power(x: float, y: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.power(x, y))


def _igamma_limit(a: float, x: float) -> float | None:
    """P(a, x) where no formula is needed."""
    if math.isnan(a + x) or a <= 0 or x < 0:
        return math.nan
    if x == 0 or a == math.inf:
        return 0.0
    return 1.0 if x == math.inf else None


def _igamma(a: float, x: float) -> float:
    limit = 0.0 if x == 0 else _igamma_limit(a, x)
    if limit is not None:
        return limit
    return 1 - _igammac(a, x) if x > max(1, a + 1) else _front(a, x) * _terms(a, x)[0] / a


def _igammac(a: float, x: float) -> float:
    limit = _igamma_limit(a, x)
    if limit is not None:
        return 1 - limit
    if x <= max(1, a + 1):
        return 1 - _igamma(a, x)
    fraction = 0.0  # from its far end
    for k in range(400, 0, -1):
        fraction = k * (a - k) / (x + 2 * k + 1 - a + fraction)
    return _front(a, x) / (x + 1 - a + fraction)


def _igamma_grad_a(a: float, x: float) -> float:
    limit = 0.0 if x == 0 else _igamma_limit(a, x)
    if limit is not None:
        return limit if math.isnan(limit) else 0.0
    total, change = _terms(a, x)
    return _front(a, x) / a * (total * (math.log(x) - _digamma(a + 1)) + change)


def _front(a: float, x: float) -> float:
    return math.exp(a * math.log(x) - x - math.lgamma(a))


def _terms(a: float, x: float) -> tuple[float, float]:
    """The sum of ``x^n / ((a + 1) ... (a + n))``, and its derivative by a."""
    terms, changes, inverses = [1.0], [0.0], 0.0
    for n in range(1, 1000):
        inverses += 1 / (a + n)
        terms.append(terms[-1] * x / (a + n))
        changes.append(-terms[-1] * inverses)
        if terms[-1] * inverses < 1e-18:
            break
    return math.fsum(terms), math.fsum(changes)


def _bessel(order: int) -> Callable[..., Any]:
    """``exp(-|x|) I(x)`` as the mean of ``exp(|x| (cos(t) - 1)) cos(order t)`` over a turn."""
    t = (np.arange(400) + 0.5) * (np.pi / 400)
    weights = np.cos(order * t)

    def scaled(x: float) -> float:
        if not math.isfinite(x):
            return x if math.isnan(x) else 0.0
        mean = float(np.mean(np.exp(-2 * abs(x) * np.sin(t / 2) ** 2) * weights))
        return math.copysign(mean, x) if order else mean

    return _each(scaled)


def mul_no_nan(x: Any, y: Any) -> Any:
    """``x y``, and 0 where y is 0."""
    return np.where(np.asarray(y) == 0, np.zeros((), np.asarray(x).dtype), np.multiply(x, y))


lgamma = _each(_lgamma)
digamma = _each(_digamma)
zeta = _each(_zeta)
erfc = _each(math.erfc)
igamma = _each(_igamma)
igammac = _each(_igammac)
igamma_grad_a = _each(_igamma_grad_a)
bessel_i0e = _bessel(0)
bessel_i1e = _bessel(1)
