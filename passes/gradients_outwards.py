"""Walking back from inside a branch or a loop to what it takes from the graphs around it.

    rows = map_fn(lambda i: gradients(y[i], x)[0], range(n))         y and x stand around the loop

What the body captures is where the walk through it ends. It goes on from there through the graph around, whose adjoints
are declared in the body too: they are other ones in each iteration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphc.body import Body
from graphc.graph import Graph
from graphc.nodes import Op, Tensor
from graphc.passes.adjoints import Adjoints, BodyRule, propagate


def propagate_outwards(
    graph: Graph, targets: Sequence[Tensor], sources: Sequence[Tensor], stops: set[Tensor], adjoints: Adjoints,
    with_bodies: Mapping[type[Op], BodyRule],
) -> None:  # fmt: skip
    """Walks from the targets back to the sources, be they in the same graph or in one around it.

    What is declared goes into ``graph``: that of the targets, or a body in it.
    """
    level = targets[0].graph
    ways = {body: _captured_on_the_way(body, depending) for body, depending in _depending(level, sources)}
    while True:
        inside = ways[level] if isinstance(level, Body) else {}
        ends = [x for x in sources if x.op.graph is level]
        stops_here = stops | {x for x, outside in inside.items() if outside in stops}
        propagate(graph, targets, [*ends, *inside], stops_here, adjoints, with_bodies)
        if not inside or not isinstance(level, Body):
            return
        for x, outside in inside.items():
            adjoints.hand_on(x, outside)
        targets, level = list(dict.fromkeys(inside.values())), level.outer


def _captured_on_the_way(body: Body, depending: set[Tensor]) -> dict[Tensor, Tensor]:
    """What stands in a body for tensors around it that depend on the sources, or are sources: those tensors."""
    return {x: outside for outside, x in body.captured if outside in depending}


def _depending(graph: Graph, sources: Sequence[Tensor]) -> Iterable[tuple[Body, set[Tensor]]]:
    """The bodies from the outermost to ``graph``, each with the tensors around it that depend on the sources."""
    bodies: list[Body] = []
    while isinstance(graph, Body):
        bodies.append(graph)
        graph = graph.outer
    found = set(sources)
    for body in reversed(bodies):
        for node in body.outer.nodes:
            if not found.isdisjoint(node.inputs):
                found.update(node.outputs)
        yield body, found
        found.update(x for outside, x in body.captured if outside in found)
