"""Draws of the gamma distribution, with their gradient by the parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.draws import sizes_of_draws, standard_gammas
from graphc.ops.special import igamma, lgamma
from graphc.passes.gradients import gradients


@telling_line
def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draws of the shape ``shape``, then that of ``alpha + beta``: density ``x^(alpha-1) exp(-beta x)``.

    Differentiable by both parameters. The same seeds give TensorFlow's numbers, to rounding.
    """
    kind = dtypes.as_dtype(dtype)
    concentration = convert_to_tensor(alpha, kind, name="alpha")
    rate = convert_to_tensor(1 if beta is None else beta, kind, name="beta")
    with graph_of([concentration, rate]).name_scope(name or "random_gamma") as scope:
        both = concentration + 0 * rate
        drawn = standard_gamma(both, sizes_of_draws(shape, both), seed)
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
        value = e.cast(standard_gammas(alpha, sizes, seed), alpha.dtype)

        def slope(dy: Tensor) -> Tensor:
            by_alpha = gradients(igamma(concentration, value), concentration)[0]
            assert by_alpha is not None
            log_density = (concentration - 1) * e.log(value) - value - lgamma(concentration)
            return -dy * by_alpha * e.exp(-log_density)

        return value, slope

    return drawn(wide)
