"""Reshaping to sizes that are known only while the step runs: a copy, so that nothing is read beyond the elements."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.dims import DimLike, floordiv, product
from graphc.nodes import Tensor
from graphc.ops.base import apply
from graphc.ops.indexing import GatherV2
from graphc.ops.measured import measured_value, require
from graphc.ops.reshaping import Reshape
from graphc.ops.sequences import Iota


def reshaped(x: Tensor, shape: Any, *told: tuple[Tensor, Any]) -> Tensor:
    """``x`` under a shape, or under the one that a tensor tells, with its value as far as that is known.

    One entry may be -1. It is an error of the step where the numbers of elements differ.
    """
    total = x.type.elements
    sizes: list[DimLike] = list(shape if not told else measured_value(told[0][0], dict(told)).reshape(-1))
    given = product(size for size in sizes if size != -1)
    sizes = [floordiv(total, given) if size == -1 else size for size in sizes]
    require(product(sizes), total, x.graph)
    flat = apply(Reshape((total,)), x)
    return apply(Reshape(tuple(sizes)), apply(GatherV2(0), flat, apply(Iota(product(sizes), dtypes.int64))))
