"""lgamma, digamma and Hurwitz's zeta function; computed in double, and float32 rounded once.

``lgamma(x) = (x - 1) (x - 2) r(x)`` between 3/4 and 5/2, brought there by ``lgamma(x + 1) = lgamma(x) + log(x)``; from
8 on Stirling's series. ``digamma(x) = (x - x0) r(x)`` between 1 and 5/2, brought there by ``digamma(x + 1) = digamma(x)
+ 1 / x``; from 8 on its asymptotic series (Abramowitz and Stegun, 1964, 6.1.40 and 6.3.18). Below zero the reflection
formulas hold (6.1.17, 6.3.7): there, the error is that of the larger of two terms.
``zeta(s, q)`` is summed by Euler and Maclaurin's formula (23.1.30) from the first term beyond 9 on.

Origin of the coefficients: interpolated here at Chebyshev's points in 50 digits, to a relative error of 2^-57.
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.functions import any_lane, in_own_function, internal_function, through_double
from graphc.codegen.approx.lanes import Lanes, type_suffix
from graphc.codegen.approx.logarithm import log_reconstruct, split_power
from graphc.codegen.approx.power import log_pair, pow

HALF_LOG_TWO_PI = 0.9189385332046728
LOG_PI = 1.1447298858494002
FAR = 8.0  # the series for large x begin here
LEAST, MOST = 0.75, 2.5  # between them lgamma is a polynomial; digamma is from 1 on
CENTRE = 1.625
ROOT, ROOT_REST = 1.4616321449683622, 9.549995429965697e-17  # of digamma
DIGAMMA_CENTRE = 1.75

LGAMMA = (
    0.46580963736232694,
    -0.13157899128683395,
    0.05257942622043393,
    -0.024194436430695337,
    0.011991915956991154,
    -0.0062154504138531835,
    0.003317270859881184,
    -0.001807064015895237,
    0.0009992727458440684,
    -0.0005589497588870729,
    0.00031549451791055156,
    -0.0001793893919019666,
    0.00010262519614752536,
    -5.90250957167126e-05,
    3.409293078189143e-05,
    -1.971176761640429e-05,
    1.1467469951410114e-05,
    -6.89121396299772e-06,
    4.0349887641199846e-06,
    -1.8556935718535864e-06,
    1.0856044944041023e-06,
    -1.592931867312217e-06,
    9.476260654614583e-07,
    7.193333665877163e-07,
    -4.3343080692411575e-07,
    -9.460263025466854e-07,
    5.66619379106053e-07,
    4.150986442917476e-07,
    -2.4897533312577027e-07,
    -1.3221533221889257e-07,
    7.91911279300861e-08,
)
STIRLING = (
    0.08333333333333333,
    -0.0027777777777776747,
    0.0007936507935117282,
    -0.0005952380234291254,
    0.0008417325268022405,
    -0.001914965912162907,
    0.0062081367662297935,
    -0.020855820837463117,
)
DIGAMMA = (
    0.8581832171262995,
    -0.3262546278681058,
    0.1571201133520425,
    -0.08228558635575821,
    0.044799654452774916,
    -0.024890048490209468,
    0.013985786184791904,
    -0.007910468743092616,
    0.004491813674871815,
    -0.002556687022444161,
    0.0014573752539003284,
    -0.0008314922548000915,
    0.00047467512280592556,
    -0.00027112201887262866,
    0.00015486636037579158,
    -8.825337668837312e-05,
    5.042255206575745e-05,
    -2.9533939397506967e-05,
    1.6875489208875358e-05,
    -7.986967288663832e-06,
    4.5638433261049305e-06,
    -5.187036209674536e-06,
    2.964002015923038e-06,
    9.160503487595705e-07,
    -5.234593572155203e-07,
    -1.247403485022778e-06,
    7.128014565586763e-07,
)
DIGAMMA_FAR = (
    0.08333333333333333,
    -0.008333333333331664,
    0.003968253965999701,
    -0.004166665501516725,
    0.007575459920369175,
    -0.02105106090804764,
    0.08002337465397329,
    -0.299425370626662,
)
SINE_OF_HALF_TURNS = (
    3.141592653589793,
    -5.167712780049969,
    2.5501640398773007,
    -0.5992645293189447,
    0.0821458865731029,
    -0.007370430505916944,
    0.0004662998161898394,
    -2.1903497074626018e-05,
    7.697826768224191e-07,
)
# (2 k)! / B(2 k), the divisors of Euler and Maclaurin's formula.
BERNOULLI = (
    12.0,
    -720.0,
    30240.0,
    -1209600.0,
    47900160.0,
    -1307674368000.0 / 691,
    74724249600.0,
    -10670622842880000.0 / 3617,
    5109094217170944000.0 / 43867,
    -802857662698291200000.0 / 174611,
    14101100039391805440000.0 / 77683,
    -1693824136731743669452800000.0 / 236364091,
)
SUMMED = 9.0  # the terms of zeta up to here are added one by one
MOST_TERMS = 1 << 16


@in_own_function
def lgamma(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """The logarithm of |gamma(x)|; infinite at zero and at negative whole numbers."""
    return through_double(lgamma_lanes, Lanes(builder, x, fma)).value


@in_own_function
def digamma(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """The derivative of lgamma; NaN at zero and at negative whole numbers."""
    return through_double(digamma_lanes, Lanes(builder, x, fma)).value


@in_own_function
def zeta(builder: ir.IRBuilder, s: ir.Value, q: ir.Value, fma: bool = False) -> ir.Value:
    """The sum of ``(q + n)^-s`` over n >= 0; infinite for s = 1 and at q = 0, -1, ..., NaN for s < 1."""
    return through_double(_zeta, Lanes(builder, s, fma), Lanes(builder, q, fma)).value


def lgamma_lanes(x: Lanes) -> Lanes:
    """lgamma of doubles."""
    size = x.abs()
    result = _lgamma_above_zero(size)
    s, _ = sine_and_cosine(size)
    d = size * s
    k, f = split_power(d)
    below = (LOG_PI - log_reconstruct(k, f)) - result
    below = s.equals(0.0).choose(below.like(math.inf), below)
    result = ((x < 0.0) & (size > 2.0**-60)).choose(below, result)
    special = size.equals(math.inf) | size.equals(0.0)
    return special.choose(result.like(math.inf), x.is_nan().choose(x, result))


def _lgamma_above_zero(x: Lanes) -> Lanes:
    y, product = x, x.like(1.0)
    is_far, is_less = x >= FAR, x < LEAST
    for _ in range(6):
        takes = (y >= MOST) & (is_far ^ 1)
        following = y - 1.0
        product = takes.choose(product * following, product)
        y = takes.choose(following, y)
    y = is_less.choose(y + 1.0, y)
    logarithm, rest = log_pair((is_far | is_less).choose(x, product))
    near = (y - 1.0) * (y - 2.0) * (y - CENTRE).polynomial(LGAMMA)
    added = logarithm + (near + rest)
    subtracted = (near - rest) - logarithm
    return is_far.choose(_stirling(x, logarithm, rest), is_less.choose(subtracted, added))


def _stirling(x: Lanes, logarithm: Lanes, rest: Lanes) -> Lanes:
    """``(x - 1/2) (log(x) - 1) + log(2 pi) / 2 - 1/2 + s(1/x^2) / x``."""
    less = logarithm - 1.0
    less_rest = ((logarithm - less) - 1.0) + rest
    factor = x - 0.5
    product = factor * less
    lost = factor.lost_in_product(less, product) + factor * less_rest
    w = 1.0 / x
    small = w * (w * w).polynomial(STIRLING) + (HALF_LOG_TWO_PI - 0.5)
    return product + (x < 1e290).choose(lost + small, 0.0)


def digamma_lanes(x: Lanes) -> Lanes:
    """digamma of doubles."""
    is_below = x <= 0.0
    size = is_below.choose(1.0 - x, x)
    is_far, is_less = size >= FAR, size < 1.0
    y, total = size, is_less.choose(-1.0 / size, size.like(0.0))
    for _ in range(6):
        takes = (y >= MOST) & (is_far ^ 1)
        following = y - 1.0
        total = takes.choose(total + 1.0 / following, total)
        y = takes.choose(following, y)
    y = is_less.choose(y + 1.0, y)
    near = ((y - ROOT) - ROOT_REST) * (y - DIGAMMA_CENTRE).polynomial(DIGAMMA)
    w = 1.0 / size
    k, f = split_power(size)
    far = log_reconstruct(k, f) - (0.5 * w + w * w * (w * w).polynomial(DIGAMMA_FAR))
    result = is_far.choose(far, near + total)
    sine, cosine = sine_and_cosine(x.abs())
    turned = result + cosine / sine * math.pi
    result = is_below.choose(sine.equals(0.0).choose(result.like(math.nan), turned), result)
    result = x.equals(math.inf).choose(x, result)
    return x.equals(-math.inf).choose(result.like(math.nan), result)


def sine_and_cosine(x: Lanes) -> tuple[Lanes, Lanes]:
    """``|sin(pi x)|``, and ``cos(pi x)`` with the sign that their quotient has, for ``x >= 0``; exact at halves."""
    r = x - x.rounded("rint")
    size = r.abs()
    other = 0.5 - size
    sine = size * (size * size).polynomial(SINE_OF_HALF_TURNS)
    cosine = other * (other * other).polynomial(SINE_OF_HALF_TURNS)
    return sine, cosine.with_sign_of(r)


def _zeta(s: Lanes, q: Lanes) -> Lanes:
    builder = s.builder
    function = _zeta_function(builder.module, s.type, s.fma)
    result = s.new(builder.call(function, (s.value, q.value)))
    at_pole = (q <= 0.0) & q.rounded("floor").equals(q)
    result = (at_pole | s.equals(1.0)).choose(result.like(math.inf), result)
    is_undefined = (s < 1.0) | (q < 0.0) & (s.rounded("floor").equals(s) ^ 1)
    result = is_undefined.choose(result.like(math.nan), result)
    return (s.is_nan() | q.is_nan()).choose(s + q, result)


def _zeta_function(module: ir.Module, kind: ir.Type, fma: bool) -> ir.Function:
    """The module's function that adds terms while one of the lanes has some up to ``SUMMED``, and then the tail."""
    name = f"graphc_zeta_sum_{type_suffix(kind)}"
    if name in module.globals:
        return module.globals[name]
    function = internal_function(module, name, ir.FunctionType(kind, [kind, kind]))
    entry, loop, done = (function.append_basic_block(part) for part in ("entry", "loop", "done"))
    builder = ir.IRBuilder(entry)
    s, q = (Lanes(builder, argument, fma) for argument in function.args)
    first = s.new(pow(builder, q.value, (-s).value, fma=fma))
    builder.branch(loop)
    builder.position_at_end(loop)
    total, power, place, count = (builder.phi(kind) for _ in range(4))
    for phi, start in ((total, first), (power, first), (place, q), (count, q.like(0.0))):
        phi.add_incoming(start.value, entry)
    goes_on = (q.new(place) <= SUMMED) | (q.new(count) < SUMMED)
    following = q.new(place) + 1.0
    term = s.new(pow(builder, following.value, (-s).value, fma=fma))
    new_total = goes_on.choose(q.new(total) + term, q.new(total))
    new_power, new_place = goes_on.choose(term, q.new(power)), goes_on.choose(following, q.new(place))
    new_count = q.new(count) + 1.0
    for phi, value in ((total, new_total), (power, new_power), (place, new_place), (count, new_count)):
        phi.add_incoming(value.value, loop)
    again = ((new_place <= SUMMED) | (new_count < SUMMED)) & (new_count < float(MOST_TERMS))
    builder.cbranch(any_lane(builder, again.value), loop, done)
    builder.position_at_end(done)
    builder.ret(_zeta_tail(s, new_total, new_power, new_place).value)
    return function


def _zeta_tail(s: Lanes, total: Lanes, power: Lanes, place: Lanes) -> Lanes:
    """``total``, whose last term is ``place^-s = power``, and all terms after it."""
    tail = power * place / (s - 1.0) - 0.5 * power
    factor, step = s.like(1.0), 0.0
    for divisor in BERNOULLI:
        factor = factor * (s + step)
        power = power / place
        tail = tail + factor * power * (1.0 / divisor)
        factor = factor * (s + (step + 1.0))
        power = power / place
        step += 2.0
    return tail.is_nan().choose(total, total + tail)  # NaN: s is so large that no further term is felt
