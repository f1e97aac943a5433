"""Second derivatives by all pairs of elements: a gradient of each element of the gradient."""

from __future__ import annotations

from typing import Any

from graphc.functional import map_fn
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.arrays import concat, stack
from graphc.ops.reshaping import reshape, shape, size
from graphc.ops.sequences import range as iota
from graphc.passes.gradients import UnconnectedGradients, as_list, dense_gradients, source_of

_ZERO = UnconnectedGradients.ZERO


@telling_line
def hessians(
    ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False, gate_gradients: Any = False,
    aggregation_method: Any = None,
) -> list[Tensor]:  # fmt: skip
    """The second derivatives of ``sum(ys)`` by each of ``xs``, in the shape of x twice.

    Each element of x costs one gradient; a loop computes them where the size of x is not known while declaring.
    """
    sources = [source_of(x) for x in as_list(xs)]
    if not sources:
        raise ValueError("hessians needs at least one x")
    with sources[0].graph.current.name_scope(name):
        return [_hessian(ys, x) for x in sources]


def _hessian(ys: Any, x: Tensor) -> Tensor:
    first = reshape(dense_gradients(ys, x, unconnected_gradients=_ZERO)[0], [-1])
    if x.type.is_exact:
        sizes = x.type.sizes
        count: Any = x.type.elements
        rows = [_row(first, i, x) for i in range(count)]
        return reshape(stack(rows) if rows else first, (*sizes, *sizes))
    loop = map_fn(lambda i: _row(first, i, x), iota(size(first)), dtype=first.dtype)
    return reshape(loop, concat([shape(x), shape(x)], 0))


def _row(first: Tensor, i: Any, x: Tensor) -> Tensor:
    return dense_gradients(first[i], x, unconnected_gradients=_ZERO)[0]
