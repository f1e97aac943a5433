"""Distributions over vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.debugging.assertions import assert_none_equal
from graphc.distributions.distribution import (
    FULLY_REPARAMETERIZED,
    HALF_LOG_TWO_PI,
    Distribution,
    Sizes,
    divergence,
    parameter,
    parameters,
)
from graphc.distributions.gamma_samples import standard_gamma
from graphc.distributions.validity import Checks, positive, shares
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.random import random_normal
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import count, expand_dims
from graphc.ops.sequences import eye
from graphc.ops.special import digamma, lgamma


class Dirichlet(Distribution):
    """Probabilities that add up to 1: ``prod x_i^(concentration_i - 1)``, normalised"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Dirichlet"
    ):
        given = dict(locals())
        self._concentration = parameter(concentration, "concentration")
        super().__init__(name, self._concentration.dtype, given, validate_args, allow_nan_stats, event_rank=1)

    @property
    def concentration(self) -> Tensor:
        """How much each part gets."""
        return self._concentration

    @property
    def total_concentration(self) -> Tensor:
        """The sum over the parts."""
        return reduce_sum(self._concentration, -1)

    def _whole(self) -> Tensor:
        return self._concentration

    def _checks(self) -> Checks:
        return positive(concentration=self._concentration)

    def _checks_of(self, value: Tensor) -> Checks:
        return [*positive(sample=value), *shares(value, "sample")]

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        parts = standard_gamma(self._concentration, sizes, seed)
        return parts / reduce_sum(parts, -1, keepdims=True)

    def _log_normaliser(self) -> Tensor:
        return reduce_sum(lgamma(self._concentration), -1) - lgamma(self.total_concentration)

    def _log_prob(self, value: Tensor) -> Tensor:
        return reduce_sum((self._concentration - 1) * e.log(value), -1) - self._log_normaliser()

    def _number(self) -> Tensor:
        rank = self._concentration.type.rank or 1
        return count(self._concentration, (rank - 1,), self.dtype)

    def _entropy(self) -> Tensor:
        a, total = self._concentration, self.total_concentration
        inner = reduce_sum((a - 1) * digamma(a), -1)
        return self._log_normaliser() + (total - self._number()) * digamma(total) - inner

    def _mean(self) -> Tensor:
        return self._concentration / expand_dims(self.total_concentration, -1)

    def _variance(self) -> Tensor:
        total = expand_dims(self.total_concentration, -1)
        mean = self._mean()
        return mean * (1 - mean) / (total + 1)

    def _mode(self) -> Tensor:
        a = self._concentration
        mode = (a - 1) / expand_dims(self.total_concentration - self._number(), -1)
        return e.select(a > 1, mode, 0 * a + np.nan)


class MultivariateNormalDiag(Distribution):
    """Independent normal numbers along the last axis, with the deviations ``scale_diag * scale_identity_multiplier``"""

    reparameterization_type = FULLY_REPARAMETERIZED

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
        validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalDiag",
    ):  # fmt: skip
        given = dict(locals())
        if loc is None and scale_diag is None:
            raise ValueError("MultivariateNormalDiag needs loc or scale_diag, from which the size of events follows")
        given_ones = [(value, what) for value, what in ((loc, "loc"), (scale_diag, "scale_diag")) if value is not None]
        tensors = dict(zip((what for _, what in given_ones), parameters(*given_ones)))
        first = next(iter(tensors.values()))
        scale = tensors.get("scale_diag", 0 * first + 1)
        if scale_identity_multiplier is not None:
            scale = scale * expand_dims(parameter(scale_identity_multiplier, "scale_identity_multiplier", first), -1)
        self._loc = tensors.get("loc", 0 * scale)
        self._scale = scale
        super().__init__(name, first.dtype, given, validate_args, allow_nan_stats, event_rank=1)

    @property
    def loc(self) -> Tensor:
        """The mean."""
        return self._loc

    @property
    def scale_diag(self) -> Tensor:
        """The deviations."""
        return self._scale

    def _whole(self) -> Tensor:
        return self._loc + self._scale

    def _checks(self) -> Checks:
        return [assert_none_equal(self._scale, 0 * self._scale, message="scale_diag must not be zero")]

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        return random_normal(sizes, dtype=self.dtype, seed=seed) * self._scale + self._loc

    def _log_prob(self, value: Tensor) -> Tensor:
        z = (value - self._loc) / self._scale
        return reduce_sum(-0.5 * e.square(z) - e.log(e.abs(self._scale)) - HALF_LOG_TWO_PI, -1)

    def _entropy(self) -> Tensor:
        return reduce_sum(0.5 + HALF_LOG_TWO_PI + e.log(e.abs(self._scale)) + 0 * self._loc, -1)

    def _mean(self) -> Tensor:
        return self._loc + 0 * self._scale

    def _stddev(self) -> Tensor:
        return e.abs(self._scale) + 0 * self._loc

    def _variance(self) -> Tensor:
        return e.square(self._stddev())

    def _covariance(self) -> Tensor:
        size = self.event_shape[0].value
        if size is None:
            raise ValueError("covariance needs an event size that is known while declaring")
        return expand_dims(self._variance(), -1) * eye(size, dtype=self.dtype)

    def _mode(self) -> Tensor:
        return self._mean()


class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """:class:`MultivariateNormalDiag` with the deviations ``softplus(scale_diag)``"""

    def __init__(
        self, loc: Any, scale_diag: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "MultivariateNormalDiagWithSoftplusScale",
    ):  # fmt: skip
        given = dict(locals())
        super().__init__(loc, e.softplus(scale_diag), None, validate_args, allow_nan_stats, name)
        self._parameters = {key: value for key, value in given.items() if key != "self" and key[0] != "_"}


@divergence(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    """The difference of the normalisers and of the mean logarithms of the parts"""
    logs = digamma(p.concentration) - expand_dims(digamma(p.total_concentration), -1)
    parts = reduce_sum((p.concentration - q.concentration) * logs, -1)
    return parts + q._log_normaliser() - p._log_normaliser()


@divergence(MultivariateNormalDiag, MultivariateNormalDiag)
def _normals(p: MultivariateNormalDiag, q: MultivariateNormalDiag) -> Tensor:
    """The sum of the divergences of the parts"""
    square = e.square(q.scale_diag)
    ratio = e.square(p.scale_diag) / square
    each = e.square(p.loc - q.loc) / (2 * square) + 0.5 * (ratio - 1 - e.log(ratio))
    return reduce_sum(each, -1)
