"""Draws of the Poisson distribution."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.draws import poissons, sizes_of_draws


def random_poisson(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws of the shape ``shape``, then that of ``lam``, the mean; no gradient flows through them.

    The same seeds give TensorFlow's numbers. A mean below 0 counts as 0, infinity and NaN are their own draws (for the
    mean NaN TensorFlow does not end).
    """
    wanted = dtypes.as_dtype(dtype)
    mean = convert_to_tensor(lam, name="lam")
    with graph_of([mean]).name_scope(name or "random_poisson") as scope:
        return e.cast(poissons(mean, sizes_of_draws(shape, mean), seed), wanted, name=scope)
