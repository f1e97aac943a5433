"""The incomplete gamma functions and their derivative by the shape; computed in double, and float32 rounded once.

``P(a, x)`` is ``x^a exp(-x) / gamma(a + 1)`` times the series ``1 + x / (a + 1) + x^2 / ((a + 1) (a + 2)) + ...``
(Abramowitz and Stegun, 1964, 6.5.29) for ``x <= a + 1`` or ``x <= 1``; beyond, ``Q(a, x)`` is
``x^a exp(-x) / gamma(a)`` times the continued fraction 6.5.31 in its even form, evaluated as Lentz (1976) has it. The
error grows with a and x, as ``exp(a log(x) - x - lgamma(a))`` does: some ``2 max(a, x)`` units in the last place of a
double, for which tests look; below 1 in that of a float. The derivative is right to 1e-15, not relative to its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphc.codegen import ir
from graphc.codegen.approx.exponential import exp_lanes
from graphc.codegen.approx.functions import in_own_function, repeat, through_double
from graphc.codegen.approx.gamma import digamma_lanes, lgamma_lanes
from graphc.codegen.approx.lanes import Lanes
from graphc.codegen.approx.logarithm import log_reconstruct, split_power

SMALL = 2.0**-54  # a term or a change of this size relative to the whole is not felt
TINY = 1e-300  # in place of a zero that would be divided by


@in_own_function
def igamma(builder: ir.IRBuilder, a: ir.Value, x: ir.Value, fma: bool = False) -> ir.Value:
    """``P(a, x)``: the integral of ``t^(a-1) exp(-t)`` up to x, divided by ``gamma(a)``."""
    return through_double(lambda a, x: _both(a, x)[0], Lanes(builder, a, fma), Lanes(builder, x, fma)).value


@in_own_function
def igammac(builder: ir.IRBuilder, a: ir.Value, x: ir.Value, fma: bool = False) -> ir.Value:
    """``Q(a, x) = 1 - P(a, x)``."""
    return through_double(lambda a, x: _both(a, x)[1], Lanes(builder, a, fma), Lanes(builder, x, fma)).value


@in_own_function
def igamma_grad_a(builder: ir.IRBuilder, a: ir.Value, x: ir.Value, fma: bool = False) -> ir.Value:
    """The derivative of ``P(a, x)`` by a, term by term of the series."""
    return through_double(_grad_a, Lanes(builder, a, fma), Lanes(builder, x, fma)).value


def _both(a: Lanes, x: Lanes) -> tuple[Lanes, Lanes]:
    """P and Q."""
    by_series = (x <= 1.0) | (x <= a + 1.0)
    safe_a, safe_x = (a > 0.0).choose(a, 1.0), (x > 0.0).choose(x, 1.0).at_most(1e300)
    front = _front(safe_a, safe_x)
    series = front / safe_a * _series(safe_a, by_series.choose(safe_x, 0.5))
    fraction = front * _fraction(safe_a, by_series.choose(safe_a + 2.0, safe_x))
    p, q = by_series.choose(series, 1.0 - fraction), by_series.choose(1.0 - series, fraction)
    return _with_limits(a, x, p, 0.0, 1.0), _with_limits(a, x, q, 1.0, 0.0)


def _with_limits(a: Lanes, x: Lanes, value: Lanes, at_zero: float, at_infinity: float) -> Lanes:
    """The value, and those at x = 0 and at infinity of either; NaN where ``a <= 0`` or ``x < 0``.

    As in TensorFlow, P(a, 0) is 0 for every a.
    """
    value = a.equals(math.inf).choose(value.like(at_zero), value)
    value = x.equals(0.0).choose(value.like(at_zero), x.equals(math.inf).choose(value.like(at_infinity), value))
    defined = (a > 0.0) & (x >= 0.0)
    return (defined | x.equals(0.0) if at_zero == 0.0 else defined).choose(value, math.nan)


def _front(a: Lanes, x: Lanes) -> Lanes:
    """``x^a exp(-x) / gamma(a)``."""
    return exp_lanes(a * _log(x) - x - lgamma_lanes(a))


def _log(x: Lanes) -> Lanes:
    return log_reconstruct(*split_power(x))


def _series(a: Lanes, x: Lanes) -> Lanes:
    """``1 + x / (a + 1) + x^2 / ((a + 1) (a + 2)) + ...``."""

    def step(state: Sequence[Lanes]) -> tuple[Sequence[Lanes], Lanes]:
        _, x, place, term, total = state
        place = place + 1.0
        term = term * x / place
        return (state[0], x, place, term, total + term), term > total * SMALL

    one = a.like(1.0)
    return repeat("incomplete_gamma_series", step, (a, x, a, one, one))[4]


def _fraction(a: Lanes, x: Lanes) -> Lanes:
    """``1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...)))``."""

    def away_from_zero(value: Lanes) -> Lanes:
        return (value.abs() < TINY).choose(value.like(TINY), value)

    def step(state: Sequence[Lanes]) -> tuple[Sequence[Lanes], Lanes]:
        a, count, b, c, d, whole = state
        count = count + 1.0
        above = count * (a - count)
        b = b + 2.0
        d = 1.0 / away_from_zero(above * d + b)
        c = away_from_zero(b + above / c)
        change = d * c
        return (a, count, b, c, d, whole * change), (change - 1.0).abs() > 4 * SMALL

    b = x + (1.0 - a)
    d = 1.0 / away_from_zero(b)
    return repeat("incomplete_gamma_fraction", step, (a, a.like(0.0), b, a.like(1.0 / TINY), d, d))[5]


def _grad_a(a: Lanes, x: Lanes) -> Lanes:
    """``P(a, x) (log(x) - digamma(a + 1))`` and the series of the terms' own derivatives."""
    safe_a, safe_x = (a > 0.0).choose(a, 1.0), (x > 0.0).choose(x, 1.0).at_most(1e300)

    def step(state: Sequence[Lanes]) -> tuple[Sequence[Lanes], Lanes]:
        x, place, term, total, inverses, change = state
        place = place + 1.0
        term = term * x / place
        inverses = inverses + 1.0 / place
        change = change - term * inverses
        return (x, place, term, total + term, inverses, change), term * inverses > SMALL * change.abs()

    one, zero = a.like(1.0), a.like(0.0)
    _, _, _, total, _, change = repeat("incomplete_gamma_slope", step, (safe_x, safe_a, one, one, zero, zero))
    front = _front(safe_a, safe_x) / safe_a
    slope = front * (total * (_log(safe_x) - digamma_lanes(safe_a + 1.0)) + change)
    slope = slope.is_nan().choose(0.0, slope)  # so far out that the function is 1
    return _with_limits(a, x, slope, 0.0, 0.0)
