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
    firsts = _firsts(graph.needed())
    if all(node is first for node, first in firsts.items()):
        return graph
    made: dict[Operation, Sequence[Tensor]] = {}

    def shared(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        first = firsts[node]
        if first not in made:
            made[first] = copy_node(get_default_graph(), node, inputs).outputs
        return made[first]

    return rewrite(graph, shared)


def _firsts(nodes: Sequence[Operation]) -> dict[Operation, Operation]:
    """For each node the first that computes the same."""
    firsts: dict[Operation, Operation] = {}
    known: dict[tuple[Op, tuple[tuple[int, int], ...]], Operation] = {}
    for node in nodes:
        if node.kind.by_identity:
            firsts[node] = node
            continue
        order = [(firsts[tensor.op].number, tensor.value_index) for tensor in node.inputs]
        if node.type in _COMMUTE:
            order.sort()
        firsts[node] = known.setdefault((node.kind, tuple(order)), node)
    return firsts
