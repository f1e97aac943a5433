"""exp and expm1: at most 1.25 ulp from the true value, over the whole range.

``exp(x) = 2^n * exp(r)`` with ``n = round(x / ln 2)`` and ``|r| <= ln(2) / 2``; ``exp(r)`` is a polynomial.
Results below the smallest normal number are rounded, not flushed.

Origin of the coefficients: fitted here by the Remez exchange in 50 digits, for the smallest relative error of
``1 + r + r^2 q(r)`` on ``|r| <= 0.3473``: 2^-28.2 for float32 and 2^-64 for float64. ``ln 2`` is split as in Cody and
Waite (1980): the high part has so few bits that ``n`` times it is exact.
"""

from __future__ import annotations

from graphc.codegen import ir
from graphc.codegen.approx.functions import in_place_at_first
from graphc.codegen.approx.lanes import Lanes
from graphc.records import record

LOG2_E = 1.4426950408889634


@record
class ExpConstants:
    """What differs between float32 and float64."""

    lowest: float  # where the argument is clamped
    zero_below: float  # exp of anything below rounds to zero
    highest: float  # exp of anything above is infinite
    expm1_lowest: float  # expm1 of anything below rounds to -1
    tiny: float  # expm1(x) = x for all |x| below
    rounder: float  # adding it leaves round(v) + twice the exponent bias in the low bits
    zero_power: int  # the bits of ``rounder`` as an integer: these stand for n = 0
    ln2_high: float
    ln2_low: float
    mantissa_bits: int
    bias: int
    q: tuple[float, ...]  # exp(r) = 1 + r + r^2 q(r)


CONSTANTS = {
    "float": ExpConstants(
        lowest=-104.0,
        zero_below=-103.97209,
        highest=89.0,
        expm1_lowest=-18.0,
        tiny=2.0**-26,
        rounder=1.5 * 2**23 + 254,
        zero_power=0x4B400000 + 254,
        ln2_high=355 / 512,
        ln2_low=-2.12194440e-4,
        mantissa_bits=23,
        bias=127,
        q=(
            0.4999999403953552,
            0.16666515171527863,
            0.041668083518743515,
            0.00836934894323349,
            0.0013840390602126718,
        ),
    ),
    "double": ExpConstants(
        lowest=-746.0,
        zero_below=-745.1332191019412,
        highest=710.0,
        expm1_lowest=-38.0,
        tiny=2.0**-55,
        rounder=1.5 * 2**52 + 2046,
        zero_power=0x4338000000000000 + 2046,
        ln2_high=float.fromhex("0x1.62e42feep-1"),
        ln2_low=float.fromhex("0x1.a39ef35793c76p-33"),
        mantissa_bits=52,
        bias=1023,
        q=(
            0.5,
            0.16666666666666688,
            0.04166666666666682,
            0.00833333333331402,
            0.001388888888878856,
            0.00019841269902789711,
            2.4801587521682535e-05,
            2.7557229618263487e-06,
            2.7557111251753955e-07,
            2.511365442866812e-08,
            2.0966307049837903e-09,
        ),
    ),
}


@in_place_at_first
def exp(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """e to the power x."""
    return exp_lanes(Lanes(builder, x, fma)).value


@in_place_at_first
def expm1(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """exp(x) - 1, exact to the last digits also near zero."""
    return expm1_lanes(Lanes(builder, x, fma)).value


def exp_lanes(x: Lanes, above_zero: bool = True) -> Lanes:
    """exp of a value; ``above_zero=False`` promises x <= 0 and saves an instruction."""
    table = CONSTANTS[str(x.element)]
    bounded = x.at_least(table.lowest)
    if above_zero:
        bounded = bounded.at_most(table.highest)
    r, exponent_bits = reduce_by_ln2(bounded)
    return times_power_of_two(exp_polynomial(r), exponent_bits, x < table.zero_below)


def expm1_lanes(x: Lanes) -> Lanes:
    """exp(x) - 1 as twice ``expm1_scaled``; tiny x are their own result."""
    table = CONSTANTS[str(x.element)]
    bounded = x.at_least(table.expm1_lowest).at_most(table.highest)
    half = expm1_scaled(bounded, 1)
    return (x.abs() < table.tiny).choose(x, half + half)


def expm1_scaled(x: Lanes, halvings: int) -> Lanes:
    """(exp(x) - 1) / 2^halvings for bounded x; with one halving 2^n stays finite as long as the result does.

    ``2^n (1 + r) - 1`` comes first, from the part of r that is exact, and all small terms are added last,
    so that only two roundings are felt.
    """
    table = CONSTANTS[str(x.element)]
    n, exponent_bits = nearest_power(x)
    r_high = n.times_plus(-table.ln2_high, x)
    r_low = n * -table.ln2_low
    r = r_high + r_low
    power = ((exponent_bits - (table.bias + halvings)) << table.mantissa_bits).as_float()
    large = r_high.times_plus(power, power - 0.5**halvings)
    small = (r * r).times_plus(r.polynomial(table.q), r_low)
    return small.times_plus(power, large)


def nearest_power(x: Lanes) -> tuple[Lanes, Lanes]:
    """n = round(x / ln 2) as a float, and as integers whose low bits hold n + 2 * bias."""
    table = CONSTANTS[str(x.element)]
    shifted = x.times_plus(LOG2_E, table.rounder)
    return shifted - table.rounder, shifted.bits()


def reduce_by_ln2(x: Lanes) -> tuple[Lanes, Lanes]:
    """Splits ``x = n ln(2) + r``; returns r, and integers whose low bits hold n + 2 * bias."""
    table = CONSTANTS[str(x.element)]
    n, exponent_bits = nearest_power(x)
    return n.times_plus(-table.ln2_low, n.times_plus(-table.ln2_high, x)), exponent_bits


def split_exp(x: Lanes) -> tuple[Lanes, Lanes]:
    """Splits ``exp(x) = 2^n (1 + t)`` with t accurate near zero; for callers that add 1 to ``2^n + 2^n t``."""
    r, exponent_bits = reduce_by_ln2(x)
    return (r * r).times_plus(r.polynomial(CONSTANTS[str(x.element)].q), r), exponent_bits


def exp_polynomial(r: Lanes) -> Lanes:
    """exp(r) for ``|r| <= ln(2) / 2``."""
    return r.polynomial((1.0, 1.0, *CONSTANTS[str(r.element)].q))


def times_power_of_two(value: Lanes, exponent_bits: Lanes, is_zero: Lanes) -> Lanes:
    """``value * 2^n`` in two factors of about half the exponent each, so that the result may be tiny or infinite.

    Where ``is_zero`` holds the second factor is zero. The product would underflow to zero anyway, but x86
    processors take a trap of 150 cycles for each underflow, and softmax masks of -1e9 are common.
    """
    table = CONSTANTS[str(value.element)]
    first = exponent_bits.shift_right_unsigned(1)
    second = exponent_bits - first
    scaled = value * (first << table.mantissa_bits).as_float()
    return scaled * is_zero.choose(0, second << table.mantissa_bits).as_float()
