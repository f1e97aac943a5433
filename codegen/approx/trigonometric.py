"""sin and cos (at most 1.65 ulp off) and tan (2), for every finite argument however large.

``|x| = n pi/2 + r`` with ``|r| <= pi/4``; sin(r) and cos(r) are polynomials, and n says which of them, and its sign.
Up to 2^20 the reduction is that of Cody and Waite (1980): pi/2 in parts so short that their products with n are
exact, or made exact by fused multiply-add. Lanes beyond take the slow way in
``huge_angles``, behind a branch that is hardly ever taken; because of the branch each of the three is a
function of its own in the module.

Origin of the coefficients: fitted here by the Remez exchange in 50 digits, to a relative error of 2^-28 (sin) and
2^-33 (cos) for float32, 2^-58 and 2^-64 for float64.
"""

from __future__ import annotations

from graphc.codegen import ir
from graphc.codegen.approx.functions import in_own_function
from graphc.codegen.approx.huge_angles import replace_huge_angles
from graphc.codegen.approx.lanes import Lanes
from graphc.records import record

TWO_OVER_PI = 0.6366197723675814
LARGEST_QUICK = 2.0**20  # up to here, products with the parts of pi/2 are exact


@record
class CircleConstants:
    """What differs between float32 and float64."""

    rounder: float  # adding it leaves the nearest integer in the low bits
    half_pi: tuple[float, ...]  # parts that add up to pi/2
    sine: tuple[float, ...]  # sin(r) = r + r^3 sine(r^2)
    cosine: tuple[float, ...]  # cos(r) = 1 - r^2/2 + r^4 cosine(r^2)


CONSTANTS = {
    "float": CircleConstants(
        rounder=1.5 * 2**23,
        # Full float32 numbers: only used with fused multiply-add.
        half_pi=(float.fromhex("0x1.921fb6p+0"), float.fromhex("-0x1.777a5cp-25"), float.fromhex("-0x1.ee59dap-50")),
        sine=(-0.16666655242443085, 0.00833216030150652, -0.00019515218446031213),
        cosine=(0.04166664555668831, -0.0013887315290048718, 2.4433085854980163e-05),
    ),
    "double": CircleConstants(
        rounder=1.5 * 2**52,
        # 33 bits each, so that products with n below 2^20 are exact; the last has the rest.
        half_pi=(
            float.fromhex("0x1.921fb544p+0"),
            float.fromhex("0x1.0b4611a6p-34"),
            float.fromhex("0x1.3198a2ep-69"),
            float.fromhex("0x1.b839a252049c1p-104"),
        ),
        sine=(
            -0.1666666666666663,
            0.008333333333322106,
            -0.0001984126982957938,
            2.755731361777825e-06,
            -2.5050747184556706e-08,
            1.589619585236636e-10,
        ),
        cosine=(
            0.041666666666666595,
            -0.0013888888888873043,
            2.480158728884235e-05,
            -2.755731417648226e-07,
            2.0875700445561855e-09,
            -1.135851533412176e-11,
        ),
    ),
}


@in_own_function
def sin(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """Sine."""
    value = Lanes(builder, x, fma)
    n, r, _ = reduce_angle(value.abs())
    result = is_odd(n).choose(cosine_polynomial(r), sine_polynomial(r))
    return flip_sign(result, sign_bit(value) ^ half_turn(n)).value


@in_own_function
def cos(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """Cosine."""
    value = Lanes(builder, x, fma)
    n, r, _ = reduce_angle(value.abs())
    result = is_odd(n).choose(sine_polynomial(r), cosine_polynomial(r))
    return flip_sign(result, half_turn(n + 1)).value


def sincos_bounded(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> tuple[ir.Value, ir.Value]:
    """Sine and cosine for little more than the price of one, for ``|x| < 2^20`` alone: no branch."""
    value = Lanes(builder, x, fma)
    n, r, _ = reduce_quickly(value.abs())
    sine, cosine = sine_polynomial(r), cosine_polynomial(r)
    first = flip_sign(is_odd(n).choose(cosine, sine), sign_bit(value) ^ half_turn(n))
    second = flip_sign(is_odd(n).choose(sine, cosine), half_turn(n + 1))
    return first.value, second.value


@in_own_function
def tan(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """Tangent; float32 by a division of doubles, because three float32 roundings are more than 2 ulp."""
    value = Lanes(builder, x, fma)
    if str(value.element) == "float":
        n, r, _ = reduce_angle(value.abs().widen())
        sine, cosine = sine_polynomial(r, "float"), cosine_polynomial(r, "float")
        quotient = is_odd(n).choose(cosine, sine) / is_odd(n).choose(sine, cosine)
        quarter_turn = (n << 31).cast(builder.trunc, ir.IntType(32))
        return flip_sign(quotient.narrow(), sign_bit(value) ^ quarter_turn).value
    n, r, r_low = reduce_angle(value.abs())
    quotient = careful_tangent(n, r, r_low)
    return flip_sign(quotient, sign_bit(value) ^ (n << 63)).value


def careful_tangent(n: Lanes, r: Lanes, r_low: Lanes) -> Lanes:
    """sin / cos, or cos / sin after an odd number of quarter turns, corrected for the rounding of both of them.

    With ``s + ds`` and ``c + dc`` the exact values, ``(s + ds) / (c + dc) = q + (ds - q dc) / c`` for ``q = s / c``.
    """
    z = r * r
    sine_small = (r * z).times_plus(z.polynomial(CONSTANTS["double"].sine), r_low)
    z_lost = r.lost_in_product(r, z)
    cosine_rest = r.times_plus(r_low, z_lost * 0.5)
    cosine_small = (z * z).times_plus(z.polynomial(CONSTANTS["double"].cosine), z * -0.5 - cosine_rest)
    sine, cosine = sine_small + r, cosine_small + 1.0
    sine_lost, cosine_lost = sine_small - (sine - r), cosine_small - (cosine - 1.0)
    odd = is_odd(n)
    numerator, denominator = odd.choose(cosine, sine), odd.choose(sine, cosine)
    numerator_lost, denominator_lost = odd.choose(cosine_lost, sine_lost), odd.choose(sine_lost, cosine_lost)
    quotient = numerator / denominator
    return quotient + (numerator_lost - quotient * denominator_lost) / denominator


def reduce_angle(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """n, r and a small rest of ``x = n pi/2 + r + rest`` for ``x >= 0``; only the low bits of n are right."""
    return replace_huge_angles(x, reduce_quickly(x), LARGEST_QUICK)


def reduce_quickly(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """The same for x up to 2^20."""
    if str(x.element) == "double":
        return reduce_double(x)
    return reduce_float(x) if x.fma else reduce_float_in_double(x)


def reduce_float(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """The reduction with fused multiply-add; no rest is kept."""
    table = CONSTANTS["float"]
    shifted = x.times_plus(TWO_OVER_PI, table.rounder)
    n = shifted - table.rounder
    r = x
    for part in table.half_pi:
        r = n.times_plus(-part, r)
    return shifted.bits(), r, x.like(0.0)


def reduce_double(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """The reduction that keeps what each subtraction loses: r itself is then rounded only once."""
    table = CONSTANTS["double"]
    first, second, third, fourth = table.half_pi
    shifted = x.times_plus(TWO_OVER_PI, table.rounder)
    n = shifted - table.rounder
    start = n.times_plus(-first, x)
    step = n * second
    nearly = start - step
    lost = (start - nearly) - step
    low = n.times_plus(-fourth, n.times_plus(-third, lost))
    r = nearly + low
    return shifted.bits(), r, low - (r - nearly)


def reduce_float_in_double(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """The reduction of a float32 without fused multiply-add: float32 parts of pi/2 would have too few bits."""
    n, r, _ = reduce_double(x.widen())
    return n.cast(n.builder.trunc, ir.IntType(32)), r.narrow(), x.like(0.0)


def sine_polynomial(r: Lanes, precision: str = "") -> Lanes:
    """sin(r) for ``|r| <= pi/4``; to float32 precision if asked."""
    z = r * r
    return (r * z).times_plus(z.polynomial(CONSTANTS[precision or str(r.element)].sine), r)


def cosine_polynomial(r: Lanes, precision: str = "") -> Lanes:
    """cos(r) for ``|r| <= pi/4``; to float32 precision if asked."""
    z = r * r
    return (z * z).times_plus(z.polynomial(CONSTANTS[precision or str(r.element)].cosine), z.times_plus(-0.5, 1.0))


def is_odd(n: Lanes) -> Lanes:
    """Whether sine and cosine change places after n quarter turns."""
    return (n & 1).equals(1)


def half_turn(n: Lanes) -> Lanes:
    """The sign bit set where n quarter turns end in the lower half of the circle."""
    return (n & 2) << (n.bits_per_lane - 2)


def sign_bit(x: Lanes) -> Lanes:
    """The sign bit alone."""
    return x.bits() & (1 << (x.bits_per_lane - 1))


def flip_sign(value: Lanes, sign: Lanes) -> Lanes:
    """``value`` with its sign changed where ``sign`` has the sign bit."""
    return (value.bits() ^ sign).as_float()
