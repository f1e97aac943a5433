"""Drops what no target needs.

Before::

    a: f32[3] = Exp(x)
    b: f32[3] = Log(x)
    return a

After::

    a: f32[3] = Exp(x)
    return a
"""

from __future__ import annotations

from graphc.graph import Graph
from graphc.passes.rewrite import rewrite


def prune(graph: Graph) -> Graph:
    """The nodes that the targets need; names for one value (``Identity`` and its kin) disappear too."""
    needed = graph.needed()
    if len(needed) == len(graph.nodes) and not any(node.type in _ONLY_NAMES for node in needed):
        return graph
    return rewrite(graph, lambda node, inputs: inputs[: len(node.outputs)] if node.type in _ONLY_NAMES else None)


_ONLY_NAMES = frozenset(
    {"Identity", "StopGradient", "PlaceholderWithDefault", "ReadVariableOp", "Recomputed", "IdentityN"}
)
