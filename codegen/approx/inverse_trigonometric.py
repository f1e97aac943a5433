"""asin, acos, atan and atan2: at most 1.5 ulp off for doubles; float32 is computed in double and rounded once.

``asin(x) = x + x^3 p(x^2)`` up to 1/2 and ``pi/2 - 2 asin(sqrt((1 - x) / 2))`` beyond, where what rounding the root
has lost is added again. ``atan(x) = t + t^3 q(t^2)`` for ``t <= tan(pi/8)``, to which larger x are brought by
``atan(x) = pi/4 + atan((x - 1) / (x + 1)) = pi/2 - atan(1 / x)``. Constants that are not exact are pairs.

Origin of the coefficients: interpolated here at Chebyshev's points in 50 digits, to a relative error of the function
of 2^-62.
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.functions import in_own_function, through_double
from graphc.codegen.approx.lanes import Lanes

HALF_PI, HALF_PI_REST = 1.5707963267948966, 6.123233995736766e-17
QUARTER_PI_REST = HALF_PI_REST / 2
TAN_PI_8 = 0.41421356237309503  # up to here the series is short
HUGE = 2.0**1000  # two numbers beyond are made smaller, so that their sum is finite

ASIN = (
    0.16666666666666666,
    0.07499999999999991,
    0.0446428571428834,
    0.030381944441363808,
    0.02237215927967998,
    0.017352757477819787,
    0.013965009932053607,
    0.011549086612987425,
    0.009792751320201996,
    0.008135829925501657,
    0.00879500607648843,
    0.000380853033290726,
    0.022553563638202982,
    -0.024020544918554605,
    0.030718768995191097,
)
ATAN = (
    -0.3333333333333333,
    0.19999999999999804,
    -0.14285714285659779,
    0.11111111105150588,
    -0.09090908753259112,
    0.07692296368042296,
    -0.0666642476020052,
    0.05878927554473807,
    -0.05230443640686948,
    0.045515447340221615,
    -0.03456931506332609,
    0.016284375050043393,
)


@in_own_function
def asin(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """The angle in [-pi/2, pi/2] whose sine is x; NaN beyond 1."""
    return through_double(_asin, Lanes(builder, x, fma)).value


@in_own_function
def acos(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """The angle in [0, pi] whose cosine is x; NaN beyond 1."""
    return through_double(_acos, Lanes(builder, x, fma)).value


@in_own_function
def atan(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """The angle in [-pi/2, pi/2] whose tangent is x."""
    return through_double(_atan, Lanes(builder, x, fma)).value


@in_own_function
def atan2(builder: ir.IRBuilder, y: ir.Value, x: ir.Value, fma: bool = False) -> ir.Value:
    """The angle in [-pi, pi] of the point (x, y), as IEEE 754 has it for zeros and infinities."""
    return through_double(_atan2, Lanes(builder, y, fma), Lanes(builder, x, fma)).value


def _asin(x: Lanes) -> Lanes:
    s, p, size = _root_and_rest(x)
    near_zero = size + p
    near_one = HALF_PI - (s + s + (p + p - HALF_PI_REST))
    return (size <= 0.5).choose(near_zero, near_one).with_sign_of(x)


def _acos(x: Lanes) -> Lanes:
    s, p, size = _root_and_rest(x)
    near_zero = HALF_PI - (x - (HALF_PI_REST - p.with_sign_of(x)))
    half = (x < 0.0).choose(HALF_PI - (s + (p - HALF_PI_REST)), s + p)
    return (size <= 0.5).choose(near_zero, half + half)


def _root_and_rest(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """s and p with ``asin(s) = s + p`` and p small, where s is |x| or ``sqrt((1 - |x|) / 2)``; and |x|."""
    size = x.abs()
    is_small = size <= 0.5
    z = is_small.choose(size * size, (1.0 - size) * 0.5)
    root = z.sqrt()
    square = root * root
    lost = ((z - square) - root.lost_in_product(root, square)) / (root + root)
    lost = (is_small | root.equals(0.0)).choose(0.0, lost)
    s = is_small.choose(size, root)
    return s, (s * z).times_plus(z.polynomial(ASIN), lost), size


def _atan(x: Lanes) -> Lanes:
    size = x.abs()
    is_middle, is_large = size > TAN_PI_8, size > 1.0 / TAN_PI_8
    above = is_large.choose(size.like(-1.0), is_middle.choose(size - 1.0, size))
    below = is_large.choose(size, is_middle.choose(size + 1.0, size.like(1.0)))
    whole = is_large.choose(size.like(HALF_PI), is_middle.choose(size.like(HALF_PI / 2), 0.0))
    rest = is_large.choose(size.like(HALF_PI_REST), is_middle.choose(size.like(QUARTER_PI_REST), 0.0))
    return _angle(above / below, whole, rest).with_sign_of(x)


def _angle(t: Lanes, whole: Lanes, rest: Lanes) -> Lanes:
    """``whole + rest + atan(t)``, the small parts first."""
    z = t * t
    return whole + (t + (t * z).times_plus(z.polynomial(ATAN), rest))


def _atan2(y: Lanes, x: Lanes) -> Lanes:
    height, width = y.abs(), x.abs()
    is_steep = height > width
    least, most = is_steep.choose(width, height), is_steep.choose(height, width)
    # Their sum must stay finite; two infinities are as good as two ones.
    both = least.equals(math.inf)
    least, most = both.choose(least.like(1.0), least), both.choose(most.like(1.0), most)
    scale = (most > HUGE).choose(most.like(0.125), 1.0)
    least, most = least * scale, most * scale
    is_middle = least > most * TAN_PI_8
    above = is_middle.choose(least - most, least)
    below = is_middle.choose(least + most, most)
    t = most.equals(0.0).choose(0.0, above / below)
    whole, rest = is_middle.choose(y.like(HALF_PI / 2), 0.0), is_middle.choose(y.like(QUARTER_PI_REST), 0.0)
    angle = _angle(t, whole, rest)
    is_left = x.bits() < 0
    angle = is_steep.choose(
        HALF_PI - (is_left.choose(-angle, angle) - HALF_PI_REST),
        is_left.choose(2 * HALF_PI - (angle - 2 * HALF_PI_REST), angle),
    )
    return (x.is_nan() | y.is_nan()).choose(x + y, angle.with_sign_of(y))
