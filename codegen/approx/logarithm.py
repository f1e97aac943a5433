"""log (at most 0.9 ulp off), log1p (1.5) and softplus (1.85), over the whole range; tiny arguments are not flushed.

``log(x) = k ln(2) + log(1 + f)`` with ``x = 2^k (1 + f)`` and ``1 + f`` between the roots of 1/2 and 2.
For float32 ``log(1 + f) = f - f^2/2 + f^3 p(f)``. For float64, as in fdlibm (Ng, 1993), with ``s = f / (2 + f)``:
``log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + s^2 r(s^2))``.

Origin of the coefficients: fitted here by the Remez exchange in 50 digits, for a relative error of log(1 + f) of
2^-27.3 (float32) and 2^-59.5 (float64).
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.exponential import CONSTANTS as EXP_CONSTANTS
from graphc.codegen.approx.exponential import exp_lanes
from graphc.codegen.approx.functions import in_place_at_first
from graphc.codegen.approx.lanes import Lanes
from graphc.records import record


@record
class LogConstants:
    """What differs between float32 and float64."""

    root_half: int  # the bits of sqrt(1/2)
    infinity: int  # the bits of infinity
    smallest_normal: float
    mantissa_bits: int
    coefficients: tuple[float, ...]  # p for float32, r for float64


CONSTANTS = {
    "float": LogConstants(
        root_half=0x3F3504F3,
        infinity=0x7F800000,
        smallest_normal=2.0**-126,
        mantissa_bits=23,
        coefficients=(
            0.3333333134651184,
            -0.2500082552433014,
            0.20001235604286194,
            -0.1662314385175705,
            0.14201362431049347,
            -0.13162004947662354,
            0.12765471637248993,
            -0.07634437084197998,
        ),
    ),
    "double": LogConstants(
        root_half=0x3FE6A09E667F3BCD,
        infinity=0x7FF0000000000000,
        smallest_normal=2.0**-1022,
        mantissa_bits=52,
        coefficients=(
            0.6666666666666735,
            0.3999999999940915,
            0.285714287437732,
            0.22222198415833372,
            0.18183573252148783,
            0.15313803921392352,
            0.14798592409561953,
        ),
    ),
}


@in_place_at_first
def log(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """Natural logarithm; -inf at zero, NaN below."""
    value = Lanes(builder, x, fma)
    k, f = split_power(value)
    return log_special(value, log_reconstruct(k, f)).value


@in_place_at_first
def log1p(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """log(1 + x), exact to the last digits also near zero; -inf at -1, NaN below."""
    return log1p_lanes(Lanes(builder, x, fma)).value


@in_place_at_first
def softplus(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))``."""
    value = Lanes(builder, x, fma)
    e = exp_lanes(-value.abs(), above_zero=False)
    k, f = split_power_of_sum(e)
    return (value.at_least(0.0) + log_reconstruct(k, f)).value


def log1p_lanes(x: Lanes) -> Lanes:
    """log(1 + x); zero is its own result, with its sign."""
    k, f = split_power_of_sum(x)
    result = log_special(x + 1.0, log_reconstruct(k, f), x)
    return x.equals(0.0).choose(x, result)


def split_power(x: Lanes) -> tuple[Lanes, Lanes]:
    """k and f of ``x = 2^k (1 + f)``, both as floats; denormal x are scaled up first."""
    table = CONSTANTS[str(x.element)]
    is_tiny = x < table.smallest_normal
    scale = 2.0**table.mantissa_bits
    bits = is_tiny.choose(x * scale, x).bits()
    steps = (bits - table.root_half) >> table.mantissa_bits
    mantissa = (bits - (steps << table.mantissa_bits)).as_float()
    k = steps.to_float()
    return is_tiny.choose(k - table.mantissa_bits, k), mantissa - 1.0


def split_power_of_sum(x: Lanes) -> tuple[Lanes, Lanes]:
    """k and f of ``1 + x = 2^k (1 + f)`` without the rounding error of ``1 + x``.

    ``f = x 2^-k + (2^-k - 1)``: the product is exact and the sum is rounded relative to f, not to 1.
    The factor is split in two, because 2^-k is denormal for the largest x.
    """
    table = CONSTANTS[str(x.element)]
    bias = EXP_CONSTANTS[str(x.element)].bias
    steps = ((x + 1.0).bits() - table.root_half) >> table.mantissa_bits
    quarter = (((bias + 2) - steps) << table.mantissa_bits).as_float()  # 4 * 2^-k
    scaled = (x * 0.25).times_plus(quarter, quarter.times_plus(0.25, -1.0))
    return steps.to_float(), steps.equals(0).choose(x, scaled)


def log_reconstruct(k: Lanes, f: Lanes) -> Lanes:
    """``k ln(2) + log(1 + f)``, the small terms first."""
    table = EXP_CONSTANTS[str(f.element)]
    half_square = f * f * 0.5
    correction = k.times_plus(table.ln2_low, log_polynomial(f, half_square))
    return k.times_plus(table.ln2_high, f - (half_square - correction))


def log_polynomial(f: Lanes, half_square: Lanes) -> Lanes:
    """What is missing from ``f - f^2/2`` to log(1 + f)."""
    coefficients = CONSTANTS[str(f.element)].coefficients
    if str(f.element) == "float":
        return f * f * f * f.polynomial(coefficients)
    s = f / (f + 2.0)
    z = s * s
    return s * z.times_plus(z.polynomial(coefficients), half_square)


def log_special(argument: Lanes, result: Lanes, passed: Lanes | None = None) -> Lanes:
    """The result for positive finite arguments, and the limits elsewhere: inf, NaN, -inf at zero, NaN below."""
    finite = (argument < math.inf).choose(result, argument if passed is None else passed)
    at_or_below_zero = argument.equals(0.0).choose(argument.like(-math.inf), math.nan)
    return (argument > 0.0).choose(finite, at_or_below_zero)
