"""Computes equal things once.

Before::

    a: f32[3] = Exp(x)
    b: f32[3] = Exp(x)
    c: f32[3] = Add(a, b)

After::

    a: f32[3] = Exp(x)
    c: f32[3] = Add(a, a)
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.passes.rewrite import copy_node, rewrite
from graphc.scopes import get_default_graph

_COMMUTE = frozenset({"Add", "Mul", "Maximum", "Minimum", "Equal", "NotEqual", "LogicalAnd", "LogicalOr"})


def share(graph: Graph) -> Graph:
    """Equal ops of equal inputs become one node; ops that go by identity stay apart."""
    made: dict[tuple[Op, tuple[int, ...]], Sequence[Tensor]] = {}

    def shared(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
        if node.kind.by_identity:
            return None
        order = tuple(tensor.op.number * 8 + tensor.value_index for tensor in inputs)
        key = (node.kind, tuple(sorted(order)) if node.type in _COMMUTE else order)
        if key not in made:
            made[key] = copy_node(get_default_graph(), node, inputs).outputs
        return made[key]

    return rewrite(graph, shared)
