"""sinh, cosh and the inverse hyperbolic functions: at most 2 ulp off for doubles; float32 is computed in double.

``sinh(x) = h + h / (2 h + 1)`` and ``cosh(x) = 1 + 2 h^2 / (2 h + 1)`` with ``h = (exp(x) - 1) / 2``. The inverse ones
are log1p of a sum or quotient, whose rounding error is kept and added after the logarithm (its derivative is
``1 / (1 + u)``).
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.exponential import expm1_scaled
from graphc.codegen.approx.functions import in_own_function, through_double
from graphc.codegen.approx.lanes import Lanes
from graphc.codegen.approx.logarithm import log_reconstruct, split_power, split_power_of_sum

TINY = 2.0**-28  # the functions are x or 1 to the last digit below
HUGE = 2.0**28  # sqrt(x^2 + 1) is x from here on
HIGHEST = 710.6  # sinh and cosh are infinite beyond


@in_own_function
def sinh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``(exp(x) - exp(-x)) / 2``."""
    return through_double(_sinh, Lanes(builder, x, fma)).value


@in_own_function
def cosh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``(exp(x) + exp(-x)) / 2``."""
    return through_double(_cosh, Lanes(builder, x, fma)).value


@in_own_function
def asinh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``log(x + sqrt(x^2 + 1))``."""
    return through_double(_asinh, Lanes(builder, x, fma)).value


@in_own_function
def acosh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``log(x + sqrt(x^2 - 1))``; NaN below 1."""
    return through_double(_acosh, Lanes(builder, x, fma)).value


@in_own_function
def atanh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``log((1 + x) / (1 - x)) / 2``; infinite at 1, NaN beyond."""
    return through_double(_atanh, Lanes(builder, x, fma)).value


def _sinh(x: Lanes) -> Lanes:
    size = x.abs()
    quarter = expm1_scaled(size.at_most(HIGHEST), 2)
    half = quarter + quarter / (4.0 * quarter + 1.0)
    return (size < TINY).choose(size, half + half).with_sign_of(x)


def _cosh(x: Lanes) -> Lanes:
    quarter = expm1_scaled(x.abs().at_most(HIGHEST), 2)
    power = 4.0 * quarter + 1.0
    near_zero = 8.0 * quarter * quarter / power + 1.0
    half = quarter + (0.25 + 0.25 / power)
    return (x.abs() < 0.5).choose(near_zero, half + half)


def _asinh(x: Lanes) -> Lanes:
    size = x.abs()
    square = size * size
    added = square / (1.0 + (square + 1.0).sqrt())
    u = size + added
    result = _log_of_sum(u, added - (u - size), size, size > HUGE)
    return (size < TINY).choose(size, result).with_sign_of(x)


def _acosh(x: Lanes) -> Lanes:
    above = x - 1.0
    root = (above * (x + 1.0)).sqrt()
    u = root + above
    result = _log_of_sum(u, above - (u - root), x, x > HUGE)
    return (x >= 1.0).choose(result, math.nan)


def _atanh(x: Lanes) -> Lanes:
    size = x.abs()
    divisor = 1.0 - size
    divisor_lost = (1.0 - divisor) - size
    double = size + size
    u = double / divisor
    product = u * divisor
    lost = (((double - product) - u.lost_in_product(divisor, product)) - u * divisor_lost) / divisor
    logarithm = _log_of_sum(u, lost, u, size > 2.0)
    limit = size.equals(1.0).choose(size.like(math.inf), math.nan)
    result = (size < 1.0).choose(logarithm * 0.5, limit)
    return (size < TINY).choose(size, result).with_sign_of(x)


def _log_of_sum(u: Lanes, lost: Lanes, x: Lanes, is_huge: Lanes) -> Lanes:
    """``log(1 + u + lost)``, or ``log(2 x)`` where ``is_huge``."""
    k, f = split_power_of_sum(u)
    k_huge, f_huge = split_power(x)
    k, f = is_huge.choose(k_huge + 1.0, k), is_huge.choose(f_huge, f)
    result = log_reconstruct(k, f) + is_huge.choose(0.0, lost / (u + 1.0))
    return x.equals(math.inf).choose(x, (x.is_nan()).choose(x, result))
