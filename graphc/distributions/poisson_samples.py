"""Draws of the Poisson distribution by inversion: as many as the probabilities that fit under an even number."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.loops import while_loop
from graphc.ops.random import random_uniform
from graphc.ops.reduction import reduce_any, reduce_max
from graphc.ops.reshaping import broadcast_like
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.special import lgamma


def random_poisson(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws of the shape ``shape``, then that of ``lam``, the mean; no gradient flows through them.

    The numbers are graphc's own. The time grows with the greatest mean.
    """
    wanted = dtypes.as_dtype(dtype)
    mean = e.cast(convert_to_tensor(lam, name="lam"), dtypes.float64)
    with graph_of([mean]).name_scope(name or "random_poisson") as scope:
        given = shape.as_list() if hasattr(shape, "as_list") else shape
        inner = [n if isinstance(n, int) else shape_of(mean)[axis] for axis, n in enumerate(mean.type.shape or ())]
        sizes = [*([given] if hasattr(given, "__index__") else list(given)), *inner]
        even = e.stop_gradient(random_uniform(sizes, dtype=dtypes.float64, seed=seed))
        rate = broadcast_like(e.stop_gradient(mean), even)
        # Beyond, the rest of the probability is far below what an even number resolves.
        limit = reduce_max(rate + 60 * e.sqrt(rate) + 60)
        chance = lambda k: e.exp(k * e.log(rate) - rate - lgamma(k + 1))  # noqa: E731

        def more(k: Tensor, below: Tensor, _: Tensor) -> Tensor:
            return e.logical_and(reduce_any(even >= below), k < limit)

        def one(k: Tensor, below: Tensor, number: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            above = e.cast(even >= below, dtypes.float64)
            return k + 1, below + chance(k + 1), number + above

        start = constant(0.0, dtypes.float64), e.exp(-rate), 0 * even
        _, _, drawn = while_loop(more, one, start)
        return e.cast(drawn, wanted, name=scope)
