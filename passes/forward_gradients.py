"""Forward mode: appends to the graph the nodes that compute a Jacobian times a direction.

Before::

    y: f32[3] = Exp(x)
    return y

After ``forward_gradients([y], [x], [d], name="f")``, pruned::

    y: f32[3] = Exp(x)
    f/gradients_1/f/gradients/y_grad/mul_grad/mul: f32[3] = Mul(d, y)
    return f/gradients_1/f/gradients/y_grad/mul_grad/mul

With ``u`` of the shape of y, reverse mode gives ``g(u) = J^T u``, which is linear in u. Its own adjoint for the
direction ``d`` is ``J d``: what was to be computed. The nodes of ``g`` itself are then needed by nobody, and pruned.
(The double adjoint: J. Townsend, A new trick for calculating Jacobian vector products, 2017.)
"""

from __future__ import annotations

from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.elementwise import identity
from graphc.ops.reshaping import broadcast_like
from graphc.passes.gradients import UnconnectedGradients, as_list, dense_gradients, source_of


@telling_line
def forward_gradients(
    ys: Any,
    xs: Any,
    grad_xs: Any,
    name: str = "forward_gradients",
    stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Tensor | None]:
    """How fast each of ``ys`` changes when the xs move by ``grad_xs``: a list as long as ``ys``.

    A direction of None does not move. A y that no moving x reaches gets None, or zeros with
    ``UnconnectedGradients.ZERO``.
    """
    targets = [convert_to_tensor(y) for y in as_list(ys)]
    sources = [source_of(x) for x in as_list(xs)]
    directions = as_list(grad_xs)
    if len(directions) != len(sources):
        raise ValueError(f"forward_gradients got {len(sources)} xs and {len(directions)} grad_xs; wanted one for each")
    moving = [(x, convert_to_tensor(d, x.dtype)) for x, d in zip(sources, directions, strict=True) if d is not None]
    if not targets or not moving:
        raise ValueError("forward_gradients needs at least one y and one x with a direction")
    with targets[0].graph.name_scope(name):
        weights = [identity(broadcast_like(constant(0, y.dtype), y)) for y in targets]
        pulled = dense_gradients(targets, [x for x, _ in moving], weights, stop_gradients=stop_gradients)
        pairs = [(g, d) for g, (_, d) in zip(pulled, moving, strict=True) if g is not None]
        if not pairs:
            nothing = unconnected_gradients is UnconnectedGradients.NONE
            return [None if nothing else weight for weight in weights]
        back, pushed = zip(*pairs, strict=True)
        return dense_gradients(back, weights, list(pushed), unconnected_gradients=unconnected_gradients)
