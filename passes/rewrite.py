"""Walking a graph and building the next one. No pass: what every pass on single nodes stands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor

Rule = Callable[[Operation, tuple[Tensor, ...]], Tensor | Sequence[Tensor] | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """The graph with each needed node replaced by what ``rule`` gives for it, or copied where that is None.

    ``rule`` gets the old node and its inputs in the new graph, and builds with the public operations.
    """
    new = Graph()
    places: dict[Tensor, Tensor] = {}
    needed = graph.needed()
    new.keep_names_for(node for node in needed if not node.inputs)
    with new.as_default():
        for node in needed:
            inputs = tuple([places[tensor] for tensor in node.inputs])
            new.stand_for(node)
            result = rule(node, inputs)
            if isinstance(result, Tensor):
                places[node.outputs[0]] = result
                continue
            outputs = copy_node(new, node, inputs).outputs if result is None else result
            places.update(zip(node.outputs, outputs, strict=True))
    new.stand_for(None)
    new.targets = tuple(places[tensor] for tensor in graph.targets)
    new.measured |= {size: places[count] for size, count in graph.measured.items() if count in places}
    new.keep_needed()
    return new


def copy_node(graph: Graph, node: Operation, inputs: tuple[Tensor, ...]) -> Operation:
    """``node`` in ``graph``, of other inputs of the same types."""
    return graph.copy(node, inputs)
