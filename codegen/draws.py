"""Gamma and Poisson draws as native code: every lane takes numbers from its own part of a stream until one fits.

The formulas and the order of the numbers are those of :mod:`graphc.ops.meaning_draws`. All lanes turn together; one
that has its number stays as it is. NaN stands for a number that a lane has not in store.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphc.codegen import ir
from graphc.codegen.approx import log1p, pow
from graphc.codegen.approx.exponential import exp_lanes
from graphc.codegen.approx.functions import in_own_function, repeat
from graphc.codegen.approx.gamma import lgamma_lanes
from graphc.codegen.approx.lanes import Lanes
from graphc.codegen.approx.logarithm import log_reconstruct, split_power
from graphc.codegen.philox import normal_pair, stream, unit_pair, words
from graphc.ops.meaning_draws import LARGE_MEAN, TINY

State = Sequence[Lanes]


@in_own_function
def gamma_draw(builder: ir.IRBuilder, *arguments: ir.Value, fma: bool = False) -> ir.Value:
    """The bits of a gamma number from those of its parameter, two seeds and a group; all of them int64."""
    return _gamma(*(Lanes(builder, value, fma) for value in arguments)).value


def _gamma(parameter: Lanes, seed: Lanes, seed2: Lanes, group: Lanes) -> Lanes:
    alpha = parameter.as_float()
    is_small, is_one = alpha < 1.0, alpha.equals(1.0)
    d = is_small.choose(alpha + 1.0, alpha) - 1.0 / 3
    fits = d > 0.0
    c = 1.0 / (fits.choose(d, 1.0).sqrt() * 3.0)
    nothing = d.like(math.nan)
    # Of alpha = 1 only the even number counts: the normal one is as if it were in store, and 0, which always fits.
    start = (nothing, d, c, is_one.choose(d.like(0.0), nothing), nothing, nothing, group, seed, seed2)
    value, _, _, _, even_left, even, place, *_ = repeat("gamma_draw", _gamma_turn, start)
    exponential = -even.new(log1p(even.builder, (-even).value, fma=even.fma))
    value = is_one.choose(exponential, value)
    last = even_left.is_nan().choose(unit_pair(words(place, stream(seed, seed2)))[1], even_left)
    root = value.new(pow(value.builder, last.value, (1.0 / alpha).value, fma=value.fma))
    value = is_small.choose(value * root, value)
    return (fits | is_one).choose(value, math.nan).bits()


def _gamma_turn(state: State) -> tuple[State, Lanes]:
    """One proposal: a normal number and, where that may do, an even one."""
    _, d, c, normal_left, even_left, _, group, seed, seed2 = state
    of = stream(seed, seed2)
    takes = normal_left.is_nan()
    first, second = normal_pair(words(group, of))
    x, normal_left = takes.choose(second, normal_left), takes.choose(first, math.nan)
    group = takes.choose(group + 1, group)
    root = c * x + 1.0
    above = root > 0.0
    v = above.choose(root * root * root, 1.0)
    takes = above & even_left.is_nan()
    first, second = unit_pair(words(group, of))
    u = takes.choose(second, even_left)
    even_left = above.choose(takes.choose(first, math.nan), even_left)
    group = takes.choose(group + 1, group)
    square = x * x
    quick = u < 1.0 - square * square * 0.0331
    slow = _log(u) < square * 0.5 + d * (1.0 - v + _log(v))
    accepted = above & (quick | slow)
    return (d * v, d, c, normal_left, even_left, u, group, seed, seed2), (accepted | d.is_nan()) ^ 1


@in_own_function
def poisson_draw(builder: ir.IRBuilder, *arguments: ir.Value, fma: bool = False) -> ir.Value:
    """The bits of a Poisson number, as :func:`gamma_draw`."""
    return _poisson(*(Lanes(builder, value, fma) for value in arguments)).value


def _poisson(parameter: Lanes, seed: Lanes, seed2: Lanes, group: Lanes) -> Lanes:
    given = parameter.as_float()
    given = (given < 0.0).choose(0.0, given)
    fits = given < math.inf
    mean = fits.choose(given, 0.0)
    least = exp_lanes(-mean)
    start = (mean.like(0.0), mean.like(1.0), mean, least, group, seed, seed2)
    number = repeat("poisson_draw", _poisson_turn, start)[0]
    return fits.choose(number, given).bits()


def _poisson_turn(state: State) -> tuple[State, Lanes]:
    """One group: two factors of a small mean's product, or one proposal of a large one."""
    count, product, mean, least, group, seed, seed2 = state
    second, first = unit_pair(words(group, stream(seed, seed2)))
    product = product * first
    after_first = (product > least).choose(count + 1.0, count)
    goes_on = product > least
    product = product * second
    goes_on = goes_on & (product > least)
    after_second = goes_on.choose(after_first + 1.0, after_first)
    is_large = mean >= LARGE_MEAN
    proposed, accepted = _proposal(is_large.choose(mean, LARGE_MEAN), first - 0.5, second)
    number = is_large.choose(proposed, after_second)
    more = is_large.choose(accepted ^ 1, goes_on)
    return (number, product, mean, least, group + 1, seed, seed2), more


def _proposal(mean: Lanes, u: Lanes, v: Lanes) -> tuple[Lanes, Lanes]:
    """A number, and whether it is accepted."""
    b = mean.sqrt() * 2.53 + 0.931
    a = b * 0.02483 - 0.059
    inverse_alpha = 1.1328 / (b - 3.4) + 1.1239
    rest = 0.5 - u.abs()
    k = ((a * 2.0 / rest + b) * u + mean + 0.43).rounded("floor")
    at_once = (rest >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0))
    outside = (k < 0.0) | ((rest < 0.013) & (v > rest))
    share = _log(v * inverse_alpha / (a / (rest * rest) + b))
    chance = k * _log(mean) - mean - lgamma_lanes(k.at_least(0.0) + 1.0)
    return k, at_once | ((outside ^ 1) & (share <= chance))


def _log(x: Lanes) -> Lanes:
    return log_reconstruct(*split_power(x.at_least(TINY)))
