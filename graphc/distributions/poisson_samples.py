"""Draws of the Poisson distribution.

Means below 10 by inversion: as many as the probabilities that fit under an even number. Others by transformed rejection
(PTRS of W. Hormann, The transformed rejection method for generating Poisson random variables, Insurance: Mathematics
and Economics 12, 1993), in a time that does not grow with the mean.
"""

from __future__ import annotations

import math
from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.loops import while_loop
from graphc.ops.random import random_uniform
from graphc.ops.reduction import reduce_any
from graphc.ops.reshaping import broadcast_like
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.special import lgamma

_LARGE = 10.0  # the least mean for which the constants of PTRS hold


def random_poisson(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws of the shape ``shape``, then that of ``lam``, the mean; no gradient flows through them.

    NaN where the mean is negative, infinite or NaN. The numbers are graphc's own.
    """
    wanted = dtypes.as_dtype(dtype)
    mean = e.cast(convert_to_tensor(lam, name="lam"), dtypes.float64)
    with graph_of([mean]).name_scope(name or "random_poisson") as scope:
        given = shape.as_list() if hasattr(shape, "as_list") else shape
        inner = [n if isinstance(n, int) else shape_of(mean)[axis] for axis, n in enumerate(mean.type.shape or ())]
        sizes = [*([given] if hasattr(given, "__index__") else list(given)), *inner]
        even = e.stop_gradient(random_uniform(sizes, dtype=dtypes.float64, seed=seed))
        rate = broadcast_like(e.stop_gradient(mean), even)
        is_mean = e.logical_and(e.is_finite(rate), rate >= 0)
        is_large = e.logical_and(is_mean, rate >= _LARGE)
        small = _inverted(even, e.select(e.logical_and(is_mean, rate < _LARGE), rate, 0 * even))
        large = _accepted(is_large, e.select(is_large, rate, 0 * even + _LARGE), None if seed is None else seed + 1)
        drawn = e.select(is_large, large, e.select(is_mean, small, 0 * even + math.nan))
        return e.cast(drawn, wanted, name=scope)


def _inverted(even: Tensor, rate: Tensor) -> Tensor:
    """How many of the sums of probabilities lie at or below the even number."""
    # Beyond, the rest of the probability is far below what an even number resolves.
    limit = _LARGE + 60 * math.sqrt(_LARGE) + 60

    def more(k: Tensor, below: Tensor, _: Tensor) -> Tensor:
        return e.logical_and(reduce_any(even >= below), k < limit)

    def one(k: Tensor, below: Tensor, number: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return k + 1, below + e.exp(_log_chance(k + 1, rate)), number + e.cast(even >= below, dtypes.float64)

    start = constant(0.0, dtypes.float64), e.exp(-rate), 0 * even
    return while_loop(more, one, start)[2]


def _log_chance(k: Tensor, rate: Tensor) -> Tensor:
    return k * e.log(rate) - rate - lgamma(k + 1)


def _accepted(wanted: Tensor, rate: Tensor, seed: int | None) -> Tensor:
    """Where ``wanted``, the first proposal that is accepted: three of four are, whatever the mean."""
    b = 0.931 + 2.53 * e.sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = e.log(1.1239 + 1.1328 / (b - 3.4))
    at_once = 0.9277 - 3.6224 / (b - 2)
    sizes = shape_of(rate)

    def one(open: Tensor, number: Tensor) -> tuple[Tensor, Tensor]:
        u = random_uniform(sizes, -0.5, 0.5, dtypes.float64, seed)
        v = random_uniform(sizes, dtype=dtypes.float64, seed=None if seed is None else seed + 1)
        rest = 0.5 - e.abs(u)
        k = e.floor((2 * a / rest + b) * u + rate + 0.43)
        inside = e.logical_and(rest >= 0.07, v <= at_once)
        outside = e.logical_or(k < 0, e.logical_and(rest < 0.013, v > rest))
        log_share = e.log(v) + log_inverse_alpha - e.log(a / (rest * rest) + b)
        below = e.logical_and(e.logical_not(outside), log_share <= _log_chance(k, rate))
        taken = e.logical_and(open, e.logical_or(inside, below))
        return e.logical_and(open, e.logical_not(taken)), e.select(taken, k, number)

    return while_loop(lambda open, _: reduce_any(open), one, (wanted, 0 * rate))[1]
