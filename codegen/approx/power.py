"""pow: at most 1 ulp off for floats, with the special cases of IEEE 754; and whole-number powers that wrap.

``x^y = exp(y log|x|)``, and the sign of x for odd y. The exponent ``y log|x|`` may be as large as 88 (710), so log is
needed to more digits than the result: float32 is computed in double, and float64 in pairs of doubles whose sum is
the value (Dekker, 1971). ``log(1 + f) = 2 s + s z (2/3 + z u(z))`` with ``s = f / (2 + f)``, ``z = s^2``; the first
terms are pairs.

Origin of the coefficients: fitted here by the Remez exchange in 50 digits, to a relative error of log(1 + f) of 2^-66.
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.exponential import CONSTANTS as EXP_CONSTANTS
from graphc.codegen.approx.exponential import exp_lanes, nearest_power, times_power_of_two
from graphc.codegen.approx.functions import any_lane, in_own_function, internal_function
from graphc.codegen.approx.lanes import Lanes, constant, type_suffix
from graphc.codegen.approx.logarithm import log_reconstruct, split_power

TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)  # a pair
U = (
    0.40000000000002284,
    0.2857142857008667,
    0.22222222522377252,
    0.18181784140167945,
    0.1538676830610446,
    0.1325655093014238,
    0.13198902558435763,
)

Pair = tuple[Lanes, Lanes]  # a value and its rest, much smaller


@in_own_function
def pow(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, fma: bool = False) -> ir.Value:
    """x to the power y."""
    base, exponent = Lanes(builder, x, fma), Lanes(builder, y, fma)
    size = base.abs()
    magnitude = power_in_double(size, exponent) if str(base.element) == "float" else power_in_pairs(size, exponent)
    at_limits = (size.equals(0.0) ^ (exponent < 0.0)).choose(size.like(0.0), math.inf)
    is_limit = size.equals(0.0) | size.equals(math.inf)
    magnitude = is_limit.choose(exponent.is_nan().choose(exponent, at_limits), magnitude)
    return with_special_cases(base, exponent, magnitude).value


def power_in_double(size: Lanes, exponent: Lanes) -> Lanes:
    """``exp(y log(x))`` of float32 values, computed in double."""
    log = log_reconstruct(*split_power(size.widen()))
    return exp_lanes(exponent.widen() * log).narrow()


def power_in_pairs(size: Lanes, exponent: Lanes) -> Lanes:
    """``exp(y log(x))`` of doubles."""
    table = EXP_CONSTANTS["double"]
    log, log_rest = log_pair(size)
    product = exponent * log
    rest = exponent.lost_in_product(log, product) + exponent * log_rest
    bounded = product.at_least(table.lowest).at_most(table.highest)
    rest = bounded.equals(product).choose(rest, 0.0)
    n, exponent_bits = nearest_power(bounded)
    r_high = n.times_plus(-table.ln2_high, bounded)
    r_low = n.times_plus(-table.ln2_low, rest)
    r = r_high + r_low
    small = (r * r).times_plus(r.polynomial(table.q), r_low)
    return times_power_of_two(small + r_high + 1.0, exponent_bits, product < table.zero_below)


def log_pair(x: Lanes) -> Pair:
    """log(x) as a pair, for positive finite x."""
    table = EXP_CONSTANTS["double"]
    k, f = split_power(x)
    s, s_rest = quotient_pair(f)
    z = s * s
    z_rest = s.lost_in_product(s, z) + 2.0 * s * s_rest
    small = z * z.polynomial(U)
    factor = small + TWO_THIRDS[0]
    factor_rest = (small - (factor - TWO_THIRDS[0])) + TWO_THIRDS[1]
    cube, cube_rest = pair_product((s, s_rest), pair_product((z, z_rest), (factor, factor_rest)))
    # Each sum below has its larger part first; what it loses is kept.
    whole = k * table.ln2_high
    high = whole + 2.0 * s
    virtual = high - whole
    lost = (whole - (high - virtual)) + (2.0 * s - virtual)
    rest = lost + (2.0 * s_rest + k.times_plus(table.ln2_low, cube_rest))
    total = high + cube
    virtual = total - high
    return total, ((high - (total - virtual)) + (cube - virtual)) + rest


def quotient_pair(f: Lanes) -> Pair:
    """``f / (2 + f)`` as a pair."""
    divisor = f + 2.0
    divisor_rest = f - (divisor - 2.0)
    s = f / divisor
    product = s * divisor
    remainder = (f - product) - s.lost_in_product(divisor, product) - s * divisor_rest
    return s, remainder / divisor


def pair_product(a: Pair, b: Pair) -> Pair:
    """The product of two pairs."""
    product = a[0] * b[0]
    return product, a[0].lost_in_product(b[0], product) + (a[0] * b[1] + a[1] * b[0])


def with_special_cases(base: Lanes, exponent: Lanes, magnitude: Lanes) -> Lanes:
    """Signs, and what does not follow from the formula: ``x^0 = 1^y = (-1)^inf = 1``, ``(-x)^0.5 = nan``."""
    is_whole = exponent.rounded("floor").equals(exponent)
    half = exponent * 0.5
    is_odd = is_whole & (half.rounded("floor").equals(half) ^ 1)
    sign = base.bits() & (1 << (base.bits_per_lane - 1))
    result = (magnitude.bits() ^ is_odd.choose(sign, 0)).as_float()
    is_undefined = (base < 0.0) & (base > -math.inf) & (is_whole ^ 1)
    result = (is_undefined | base.is_nan()).choose(result.like(math.nan), result)
    is_one = base.equals(1.0) | exponent.equals(0.0) | (base.equals(-1.0) & exponent.abs().equals(math.inf))
    return is_one.choose(result.like(1.0), result)


def integer_pow(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, fma: bool = False) -> ir.Value:
    """Whole-number power modulo 2^bits; a negative y gives the true value cut to a whole number (0, 1 or -1)."""
    del fma  # the same signature as pow
    base, exponent = Lanes(builder, x, False), Lanes(builder, y, False)
    power = base.new(builder.call(integer_pow_function(builder.module, x.type), (x, y)))
    parity = (exponent & 1).equals(0)
    of_minus_one = parity.choose(base.like(1), -1)
    reciprocal = base.equals(1).choose(base.like(1), base.equals(-1).choose(of_minus_one, 0))
    return (exponent < 0).choose(reciprocal, power).value


def unsigned_pow(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, fma: bool = False) -> ir.Value:
    """Whole-number power modulo 2^bits of unsigned numbers."""
    del fma  # the same signature as pow
    return builder.call(integer_pow_function(builder.module, x.type), (x, y))


def integer_pow_function(module: ir.Module, kind: ir.Type) -> ir.Function:
    """The module's function for powers by repeated squaring: as many rounds as the largest exponent has bits."""
    name = f"graphc_integer_pow_{type_suffix(kind)}"
    if name in module.globals:
        return module.globals[name]
    function = internal_function(module, name, ir.FunctionType(kind, [kind, kind]))
    entry, loop, done = (function.append_basic_block(part) for part in ("entry", "loop", "done"))
    builder = ir.IRBuilder(entry)
    builder.branch(loop)
    builder.position_at_end(loop)
    state = [builder.phi(kind) for _ in range(3)]
    for phi, start in zip(state, (constant(kind, 1), *function.args), strict=True):
        phi.add_incoming(start, entry)
    result, square, left = (Lanes(builder, phi, False) for phi in state)
    following = (
        (left & 1).equals(1).choose(result * square, result),
        square * square,
        left.shift_right_unsigned(1),
    )
    for phi, value in zip(state, following, strict=True):
        phi.add_incoming(value.value, loop)
    is_left = following[2].equals(0) ^ 1
    builder.cbranch(any_lane(builder, is_left.value), loop, done)
    builder.position_at_end(done)
    builder.ret(following[0].value)
    return function
