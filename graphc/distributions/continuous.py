"""Distributions over real numbers.

Formulas: Forbes, Evans, Hastings, Peacock, Statistical Distributions, 4th edition, 2011.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.debugging.assertions import assert_less, assert_non_negative
from graphc.distributions.distribution import (
    FULLY_REPARAMETERIZED,
    HALF_LOG_TWO_PI,
    Distribution,
    Sizes,
    derived_seed,
    divergence,
    parameters,
)
from graphc.distributions.gamma_samples import standard_gamma
from graphc.distributions.validity import Checks, between_0_and_1, positive
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant
from graphc.ops.random import random_normal, random_uniform
from graphc.ops.reshaping import broadcast_like
from graphc.ops.special import digamma, erfc, igamma, lgamma

_ROOT_TWO = math.sqrt(2)


class _Located(Distribution):
    """A distribution of ``(x - loc) / scale``."""

    _loc: Tensor
    _scale: Tensor

    @property
    def loc(self) -> Tensor:
        """Where the middle is."""
        return self._loc

    @property
    def scale(self) -> Tensor:
        """By what distances from the middle are divided."""
        return self._scale

    def _whole(self) -> Tensor:
        return self._loc + self._scale

    def _checks(self) -> Checks:
        return positive(scale=self._scale)

    def _z(self, x: Tensor) -> Tensor:
        return (x - self._loc) / self._scale

    def _mean(self) -> Tensor:
        return self._loc + 0 * self._scale

    def _variance(self) -> Tensor:
        return e.square(self._stddev())

    def _mode(self) -> Tensor:
        return self._mean()


class Normal(_Located):
    """``exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal"
    ):
        given = dict(locals())
        self._loc, self._scale = parameters((loc, "loc"), (scale, "scale"))
        super().__init__(name, self._scale.dtype, given, validate_args, allow_nan_stats)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        return random_normal(sizes, dtype=self.dtype, seed=seed) * self._scale + self._loc

    def _log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * e.square(self._z(value)) - (HALF_LOG_TWO_PI + e.log(self._scale))

    def _cdf(self, value: Tensor) -> Tensor:
        return 0.5 * erfc(-self._z(value) / _ROOT_TWO)

    def _survival_function(self, value: Tensor) -> Tensor:
        return 0.5 * erfc(self._z(value) / _ROOT_TWO)

    def _log_cdf(self, value: Tensor) -> Tensor:
        return _log_normal_cdf(self._z(value))

    def _entropy(self) -> Tensor:
        return 0.5 + HALF_LOG_TWO_PI + e.log(self._scale + 0 * self._loc)

    def _stddev(self) -> Tensor:
        return self._scale + 0 * self._loc


def _log_normal_cdf(z: Tensor) -> Tensor:
    """``log P(Z <= z)``, far below 0 by the asymptotic series (Abramowitz and Stegun, 26.2.12)."""
    edge = -14.0 if z.dtype.name == "float64" else -8.0
    near = e.maximum(z, edge)
    far = e.minimum(z, edge)
    square = e.square(far)
    series = 1 - 1 / square + 3 / e.square(square) - 15 / (square * square * square) + 105 / e.square(square * square)
    tail = -0.5 * square - e.log(-far) - HALF_LOG_TWO_PI + e.log(series)
    return e.select(z > edge, e.log(0.5 * erfc(-near / _ROOT_TWO)), tail)


class NormalWithSoftplusScale(Normal):
    """:class:`Normal` with the deviation ``softplus(scale)``."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "NormalWithSoftplusScale",
    ):  # fmt: skip
        given = dict(locals())
        super().__init__(loc, e.softplus(scale), validate_args, allow_nan_stats, name)
        self._parameters = {key: value for key, value in given.items() if key != "self" and key[0] != "_"}


class Uniform(Distribution):
    """``1 / (high - low)`` from ``low`` up to ``high``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, low: Any = 0.0, high: Any = 1.0, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Uniform",
    ):  # fmt: skip
        given = dict(locals())
        self._low, self._high = parameters((low, "low"), (high, "high"))
        super().__init__(name, self._low.dtype, given, validate_args, allow_nan_stats)

    @property
    def low(self) -> Tensor:
        """The least value."""
        return self._low

    @property
    def high(self) -> Tensor:
        """What all values are less than."""
        return self._high

    def range(self, name: str = "range") -> Tensor:
        """``high - low``"""
        with self._scope(name):
            return self._high - self._low

    def _whole(self) -> Tensor:
        return self._low + self._high

    def _checks(self) -> Checks:
        return [assert_less(self._low, self._high, message="uniform not defined when low >= high.")]

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        return self._low + (self._high - self._low) * random_uniform(sizes, dtype=self.dtype, seed=seed)

    def _prob(self, value: Tensor) -> Tensor:
        outside = e.logical_or(value < self._low, value >= self._high)
        density = broadcast_like(1 / (self._high - self._low), value + self._whole())
        return e.select(outside, 0 * density, density)

    def _log_prob(self, value: Tensor) -> Tensor:
        return e.log(self._prob(value))

    def _cdf(self, value: Tensor) -> Tensor:
        return e.minimum(e.maximum((value - self._low) / (self._high - self._low), 0), 1)

    def _quantile(self, value: Tensor) -> Tensor:
        return self._low + (self._high - self._low) * value

    def _entropy(self) -> Tensor:
        return e.log(self._high - self._low)

    def _mean(self) -> Tensor:
        return (self._low + self._high) / 2

    def _variance(self) -> Tensor:
        return e.square(self._high - self._low) / 12

    def _stddev(self) -> Tensor:
        return (self._high - self._low) / math.sqrt(12)


class Laplace(_Located):
    """``exp(-|x - loc| / scale) / (2 scale)``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace"
    ):
        given = dict(locals())
        self._loc, self._scale = parameters((loc, "loc"), (scale, "scale"))
        super().__init__(name, self._loc.dtype, given, validate_args, allow_nan_stats)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        least = -1 + float(np.finfo(self.dtype.numpy).epsneg)
        uniform = random_uniform(sizes, least, 1.0, self.dtype, seed)
        return self._loc - self._scale * e.sign(uniform) * e.log1p(-e.abs(uniform))

    def _log_prob(self, value: Tensor) -> Tensor:
        return -e.abs(self._z(value)) - math.log(2.0) - e.log(self._scale)

    def _cdf(self, value: Tensor) -> Tensor:
        z = self._z(value)
        return 0.5 + 0.5 * e.sign(z) * (1 - e.exp(-e.abs(z)))

    def _log_cdf(self, value: Tensor) -> Tensor:
        z = self._z(value)
        return e.select(z < 0, -math.log(2.0) + z, e.log1p(-0.5 * e.exp(-e.abs(z))))

    def _entropy(self) -> Tensor:
        return math.log(2.0) + 1 + e.log(self._scale + 0 * self._loc)

    def _stddev(self) -> Tensor:
        return math.sqrt(2.0) * self._scale + 0 * self._loc


class Gamma(Distribution):
    """``rate^concentration x^(concentration - 1) exp(-rate x) / Gamma(concentration)``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Gamma",
    ):  # fmt: skip
        given = dict(locals())
        self._concentration, self._rate = parameters((concentration, "concentration"), (rate, "rate"))
        super().__init__(name, self._rate.dtype, given, validate_args, allow_nan_stats)

    @property
    def concentration(self) -> Tensor:
        """The shape parameter."""
        return self._concentration

    @property
    def rate(self) -> Tensor:
        """One over the scale."""
        return self._rate

    def _whole(self) -> Tensor:
        return self._concentration + self._rate

    def _checks(self) -> Checks:
        return positive(concentration=self._concentration, rate=self._rate)

    def _checks_of(self, value: Tensor) -> Checks:
        return positive(sample=value)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        least = constant(np.finfo(self.dtype.numpy).tiny, self.dtype)
        return e.maximum(standard_gamma(self._concentration + 0 * self._rate, sizes, seed) / self._rate, least)

    def _log_prob(self, value: Tensor) -> Tensor:
        a, rate = self._concentration, self._rate
        return (a - 1) * e.log(value) - rate * value - (lgamma(a) - a * e.log(rate))

    def _cdf(self, value: Tensor) -> Tensor:
        return igamma(*_together(self._concentration, self._rate * value))

    def _entropy(self) -> Tensor:
        a = self._concentration
        return a - e.log(self._rate) + lgamma(a) + (1 - a) * digamma(a)

    def _mean(self) -> Tensor:
        return self._concentration / self._rate

    def _variance(self) -> Tensor:
        return self._concentration / e.square(self._rate)

    def _stddev(self) -> Tensor:
        return e.sqrt(self._concentration) / self._rate

    def _mode(self) -> Tensor:
        mode = (self._concentration - 1) / self._rate
        return e.select(self._concentration + 0 * self._rate > 1, mode, 0 * mode + np.nan)


class Exponential(Gamma):
    """``rate exp(-rate x)``"""

    def __init__(self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Exponential"):
        given = dict(locals())
        (self._rate,) = parameters((rate, "rate"))
        self._concentration = 0 * self._rate + 1
        Distribution.__init__(self, name, self._rate.dtype, given, validate_args, allow_nan_stats)

    def _checks(self) -> Checks:
        return positive(rate=self._rate)

    def _checks_of(self, value: Tensor) -> Checks:
        return [assert_non_negative(value, message="sample must be non-negative")]

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        least = float(np.finfo(self.dtype.numpy).tiny)
        return -e.log(random_uniform(sizes, least, 1.0, self.dtype, seed)) / self._rate

    def _log_prob(self, value: Tensor) -> Tensor:
        return e.log(self._rate) - self._rate * value

    def _cdf(self, value: Tensor) -> Tensor:
        return -e.expm1(-self._rate * value)

    def _entropy(self) -> Tensor:
        return 1 - e.log(self._rate)


class Beta(Distribution):
    """``x^(concentration1 - 1) (1 - x)^(concentration0 - 1)``, normalised"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, concentration1: Any = None, concentration0: Any = None, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Beta",
    ):  # fmt: skip
        given = dict(locals())
        self._one, self._zero = parameters((concentration1, "concentration1"), (concentration0, "concentration0"))
        super().__init__(name, self._one.dtype, given, validate_args, allow_nan_stats)

    @property
    def concentration1(self) -> Tensor:
        """How much lies near 1."""
        return self._one

    @property
    def concentration0(self) -> Tensor:
        """How much lies near 0."""
        return self._zero

    @property
    def total_concentration(self) -> Tensor:
        """The sum of both."""
        return self._one + self._zero

    def _whole(self) -> Tensor:
        return self._one + self._zero

    def _checks(self) -> Checks:
        return positive(concentration1=self._one, concentration0=self._zero)

    def _checks_of(self, value: Tensor) -> Checks:
        return between_0_and_1(value)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        first = standard_gamma(self._one + 0 * self._zero, sizes, seed)
        second = standard_gamma(self._zero + 0 * self._one, sizes, derived_seed(seed, "beta"))
        return first / (first + second)

    def _log_prob(self, value: Tensor) -> Tensor:
        a, b = self._one, self._zero
        return (a - 1) * e.log(value) + (b - 1) * e.log1p(-value) - self._log_normaliser()

    def _log_normaliser(self) -> Tensor:
        return lgamma(self._one) + lgamma(self._zero) - lgamma(self._one + self._zero)

    def _entropy(self) -> Tensor:
        a, b = self._one, self._zero
        return self._log_normaliser() - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)

    def _mean(self) -> Tensor:
        return self._one / (self._one + self._zero)

    def _variance(self) -> Tensor:
        total = self._one + self._zero
        return self._one * self._zero / (e.square(total) * (total + 1))

    def _mode(self) -> Tensor:
        a, b = self._one, self._zero
        mode = (a - 1) / (a + b - 2)
        return e.select(e.logical_and(a + 0 * b > 1, b + 0 * a > 1), mode, 0 * (a + b) + np.nan)


class StudentT(Distribution):
    """Student's t with ``df`` degrees of freedom, moved by ``loc`` and stretched by ``scale``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, df: Any, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "StudentT",
    ):  # fmt: skip
        given = dict(locals())
        self._df, self._loc, self._scale = parameters((df, "df"), (loc, "loc"), (scale, "scale"))
        super().__init__(name, self._scale.dtype, given, validate_args, allow_nan_stats)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self._df

    @property
    def loc(self) -> Tensor:
        """The middle."""
        return self._loc

    @property
    def scale(self) -> Tensor:
        """The width."""
        return self._scale

    def _whole(self) -> Tensor:
        return self._df + self._loc + self._scale

    def _checks(self) -> Checks:
        return positive(df=self._df)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        normal = random_normal(sizes, dtype=self.dtype, seed=seed)
        half = 0.5 * (self._df + 0 * (self._loc + self._scale))
        square = 2 * standard_gamma(half, sizes, derived_seed(seed, "student_t"))
        return normal * e.rsqrt(square / self._df) * self._scale + self._loc

    def _log_prob(self, value: Tensor) -> Tensor:
        y, df = (value - self._loc) / self._scale, self._df
        normaliser = e.log(e.abs(self._scale)) + 0.5 * e.log(df) + 0.5 * math.log(math.pi)
        normaliser = normaliser + lgamma(0.5 * df) - lgamma(0.5 * (df + 1))
        return -0.5 * (df + 1) * e.log1p(e.square(y) / df) - normaliser

    def _entropy(self) -> Tensor:
        half, more = 0.5 * self._df, 0.5 * (self._df + 1)
        beta = lgamma(half) + math.lgamma(0.5) - lgamma(more)
        spread = e.log(e.abs(self._scale + 0 * self._loc))
        return spread + 0.5 * e.log(self._df) + beta + more * (digamma(more) - digamma(half))

    def _mean(self) -> Tensor:
        mean = self._loc + 0 * (self._df + self._scale)
        return e.select(self._df + 0 * mean > 1, mean, 0 * mean + np.nan)

    def _variance(self) -> Tensor:
        df = self._df + 0 * (self._loc + self._scale)
        square = e.square(self._scale) + 0 * df
        finite = square * df / e.select(df > 2, df - 2, 0 * df + 1)
        infinite = e.select(df > 1, 0 * df + np.inf, 0 * df + np.nan)
        return e.select(df > 2, finite, infinite)

    def _mode(self) -> Tensor:
        return self._loc + 0 * (self._df + self._scale)


def _together(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both in their common shape."""
    return a + 0 * b, b + 0 * a


# -- how far one lies from another -----------------------------------------------------------------------


@divergence(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    """``(mu_p - mu_q)^2 / (2 s_q^2) + (r - 1 - log r) / 2`` with ``r = s_p^2 / s_q^2``"""
    square = e.square(q.scale)
    ratio = e.square(p.scale) / square
    return e.square(p.loc - q.loc) / (2 * square) + 0.5 * (ratio - 1 - e.log(ratio))


@divergence(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    """Penny, KL-divergences of normal, gamma, Dirichlet and Wishart densities, 2001"""
    a, b = p.concentration, q.concentration
    parts = (a - b) * digamma(a) + lgamma(b) - lgamma(a) + b * e.log(p.rate) - b * e.log(q.rate)
    return parts + a * (q.rate / p.rate - 1)


@divergence(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    """The difference of the normalisers and of the mean logarithms of x and 1 - x"""
    total = p.total_concentration
    parts = (p.concentration1 - q.concentration1) * digamma(p.concentration1)
    parts = parts + (p.concentration0 - q.concentration0) * digamma(p.concentration0)
    return q._log_normaliser() - p._log_normaliser() + parts - (total - q.total_concentration) * digamma(total)
