"""Division with whole quotients: rounded down or towards zero, of integers and of floats, and the remainders.

Processors trap where a whole number is divided by zero, and where the smallest number is divided by -1. Both are
divided by 1 instead: by zero gives zero for quotient and remainder, by -1 gives the negative, which may wrap.

Of floats, remainders are exact, however large the quotient is.
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.functions import any_lane, in_own_function
from graphc.codegen.approx.lanes import Lanes


def truncated_divide(a: Lanes, b: Lanes) -> Lanes:
    """The quotient rounded towards zero."""
    is_minus_one = b.equals(-1)
    is_zero = b.equals(0)
    safe = (is_minus_one | is_zero).choose(b.like(1), b)
    quotient = a.new(a.builder.sdiv(a.value, safe.value))
    return is_zero.choose(a.like(0), is_minus_one.choose(-a, quotient))


def truncated_modulo(a: Lanes, b: Lanes) -> Lanes:
    """What remains of truncated division; it has the sign of ``a``."""
    return b.equals(0).choose(a.like(0), a - truncated_divide(a, b) * b)


def floor_divide(a: Lanes, b: Lanes) -> Lanes:
    """The quotient rounded down: one less than the truncated one where the remainder has another sign than b."""
    quotient = truncated_divide(a, b)
    return _has_other_sign(a - quotient * b, b).choose(quotient - 1, quotient)


def floor_modulo(a: Lanes, b: Lanes) -> Lanes:
    """What remains of rounding down; it has the sign of ``b``."""
    remainder = truncated_modulo(a, b)
    return _has_other_sign(remainder, b).choose(remainder + b, remainder)


def unsigned_divide(a: Lanes, b: Lanes) -> Lanes:
    """The quotient of unsigned numbers."""
    is_zero = b.equals(0)
    safe = is_zero.choose(b.like(1), b)
    return is_zero.choose(a.like(0), a.new(a.builder.udiv(a.value, safe.value)))


def unsigned_modulo(a: Lanes, b: Lanes) -> Lanes:
    """The remainder of unsigned numbers."""
    return b.equals(0).choose(a.like(0), a - unsigned_divide(a, b) * b)


def _has_other_sign(remainder: Lanes, b: Lanes) -> Lanes:
    return ((remainder ^ b) < 0) & (remainder.equals(0) ^ 1) & (b.equals(0) ^ 1)


def truncated_divide_floats(a: Lanes, b: Lanes) -> Lanes:
    """``trunc(a / b)``."""
    return (a / b).rounded("trunc")


def truncated_modulo_floats(a: Lanes, b: Lanes) -> Lanes:
    """C's fmod; float32 by way of double."""
    if a.bits_per_lane == 32:
        return truncated_modulo_floats(a.widen(), b.widen()).narrow()
    size, divisor = a.abs(), b.abs()
    is_plain = (size < math.inf) & (divisor > 0.0) & (divisor < math.inf)
    numerator, denominator = is_plain.choose(size, 0.0), is_plain.choose(divisor, 1.0)
    remainder = a.new(_positive_remainder(a.builder, numerator.value, denominator.value, fma=a.fma))
    is_undefined = divisor.equals(0.0) | size.equals(math.inf) | a.is_nan() | b.is_nan()
    special = is_undefined.choose(a.like(math.nan), size)  # x modulo infinity is x
    return is_plain.choose(remainder, special).with_sign_of(a)


@in_own_function
def _positive_remainder(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, fma: bool = False) -> ir.Value:
    """The remainder of doubles ``a >= 0`` and ``b > 0``, as in long division.

    Each round subtracts ``q b 2^k``, with k such that the whole number q has at most 51 bits: then nothing is rounded.
    Most quotients are small, so k is 0 at once, and that was the last round.
    """
    start = builder.block
    again, done = builder.append_basic_block("again"), builder.append_basic_block("done")
    builder.branch(again)
    builder.position_at_end(again)
    phi = builder.phi(a.type)
    phi.add_incoming(a, start)
    rest, divisor = Lanes(builder, phi, fma), Lanes(builder, b, fma)
    k = _exponent(rest) - _exponent(divisor) - 50
    k = (k > 0).choose(k, 0)
    k = (k < 2046).choose(k, 2046)  # twice the exponent of the largest power of two
    step = divisor * _power_of_two(k >> 1) * _power_of_two(k - (k >> 1))
    quotient = (rest / step).rounded("trunc")
    product = quotient * step
    smaller = (rest - product) - quotient.lost_in_product(step, product)
    # The quotient may have been rounded up to the next whole number.
    smaller = (smaller < 0.0).choose(smaller + step, smaller)
    phi.add_incoming(smaller.value, builder.block)
    builder.cbranch(any_lane(builder, (k > 0).value), again, done)
    builder.position_at_end(done)
    return smaller.value


def _exponent(x: Lanes) -> Lanes:
    """The exponent of a double above or equal zero, biased; below 1 for denormal numbers."""
    is_tiny = x < 2.0**-1022
    field = is_tiny.choose(x * 2.0**54, x).bits().shift_right_unsigned(52)
    return is_tiny.choose(field - 54, field)


def _power_of_two(k: Lanes) -> Lanes:
    return ((k + 1023) << 52).as_float()


def floor_modulo_floats(a: Lanes, b: Lanes) -> Lanes:
    """NumPy's mod: like fmod, but with the sign of ``b``; zero too."""
    remainder = truncated_modulo_floats(a, b)
    adjusted = _lies_across_zero(remainder, b).choose(remainder + b, remainder)
    return remainder.equals(0.0).choose(remainder.with_sign_of(b), adjusted)


def floor_divide_floats(a: Lanes, b: Lanes) -> Lanes:
    """``floor(a / b)`` of the rounded quotient, as in TensorFlow: 1.0 // 0.1 is 10 in float32, where NumPy says 9."""
    return (a / b).rounded("floor")


def _lies_across_zero(remainder: Lanes, b: Lanes) -> Lanes:
    return ((remainder < 0.0) ^ (b < 0.0)) & (remainder.equals(0.0) ^ 1)
