"""Draws of the gamma distribution: Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000).

Each element has twelve proposals, of which the first that is accepted counts. One is accepted with a probability of
at least 0.95, so that none is in less than one of 10^15 draws; the last one counts then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.random import random_normal, random_uniform
from graphc.ops.reshaping import broadcast_like
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.special import igamma, lgamma
from graphc.passes.gradients import gradients

_PROPOSALS = 12


def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draws of the shape ``shape``, then that of ``alpha + beta``: density ``x^(alpha-1) exp(-beta x)``.

    Differentiable by both parameters. The numbers are graphc's own: TensorFlow's depend on how it splits its work.
    """
    kind = dtypes.as_dtype(dtype)
    concentration = convert_to_tensor(alpha, kind, name="alpha")
    rate = convert_to_tensor(1 if beta is None else beta, kind, name="beta")
    with graph_of([concentration, rate]).name_scope(name or "random_gamma") as scope:
        both = concentration + 0 * rate
        sizes = _sizes(shape)
        inner = [n if isinstance(n, int) else shape_of(both)[axis] for axis, n in enumerate(both.type.shape or ())]
        drawn = standard_gamma(both, [*sizes, *inner], seed)
        least = constant(np.finfo(kind.numpy).tiny, kind)
        return e.maximum(least, drawn / rate, name=scope)


def standard_gamma(alpha: Tensor, sizes: list[Any], seed: int | None) -> Tensor:
    """Draws of the rate 1, of the shape ``sizes``, which ends in that of ``alpha``.

    The gradient by ``alpha`` follows from ``cdf(alpha, x) = u`` with u held (Figurnov et al., NeurIPS 2018):
    ``dx/dalpha = -(d cdf / d alpha) / density``.
    """
    wide = alpha + zeros(sizes, alpha.dtype)

    @custom_gradient
    def drawn(concentration: Tensor) -> Any:
        value = e.stop_gradient(_accepted(concentration, sizes, seed))

        def slope(dy: Tensor) -> Tensor:
            by_alpha = gradients(igamma(concentration, value), concentration)[0]
            assert by_alpha is not None
            log_density = (concentration - 1) * e.log(value) - value - lgamma(concentration)
            return -dy * by_alpha * e.exp(-log_density)

        return value, slope

    return drawn(wide)


def _accepted(alpha: Tensor, sizes: list[Any], seed: int | None) -> Tensor:
    dtype = alpha.dtype
    small = alpha < 1
    # Below 1, a draw for alpha + 1 times u^(1 / alpha).
    raised = e.select(small, alpha + 1, alpha)
    d = raised - 1 / 3
    c = e.rsqrt(9 * d)
    normal = random_normal([_PROPOSALS, *sizes], dtype=dtype, seed=seed)
    uniform = 1 - random_uniform([_PROPOSALS + 1, *sizes], dtype=dtype, seed=None if seed is None else seed + 1)
    result: Tensor = d
    for number in reversed(range(_PROPOSALS)):
        x, u = normal[number], uniform[number]
        root = 1 + c * x
        v = root * root * root
        safe = e.select(v > 0, v, broadcast_like(constant(1, dtype), v))
        good = e.logical_and(v > 0, e.log(u) < 0.5 * x * x + d - d * v + d * e.log(safe))
        result = e.select(good, d * safe, result)
    return result * e.select(
        small, e.exp(e.log(uniform[_PROPOSALS]) / alpha), broadcast_like(constant(1, dtype), alpha)
    )


def _sizes(shape: Any) -> list[Any]:
    if hasattr(shape, "as_list"):
        return list(shape.as_list())
    if isinstance(shape, (list, tuple)):
        return list(shape)
    tensor = convert_to_tensor(shape)
    if tensor.type.rank == 0:
        return [tensor]
    number = (tensor.type.shape or (None,))[0]
    if not isinstance(number, int):
        raise ValueError("random_gamma: the length of shape must be known")
    return [tensor[axis] for axis in range(number)]
