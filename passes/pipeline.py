"""All passes in their order, each with the reason for being there and at that place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from graphc.graph import Graph
from graphc.passes.bodies import choose, everywhere
from graphc.passes.contractions import contractions
from graphc.passes.count import count
from graphc.passes.fold import fold
from graphc.passes.fuse import fuse
from graphc.passes.prune import prune
from graphc.passes.share import share
from graphc.passes.simplify import simplify
from graphc.passes.trim import trim


class Pass(NamedTuple):
    """A step from graph to graph, and why it stands where it does."""

    name: str
    run: Callable[[Graph], Graph]
    reason: str


PIPELINE: tuple[Pass, ...] = (
    Pass("trim", trim, "later passes need not look at what branches and loops do for nobody"),
    Pass("prune", prune, "nor at other nodes that nobody asked for"),
    Pass("fold", fold, "identities such as x * 1 show themselves when their constants are known"),
    Pass("choose", choose, "a branch whose predicate is known stands among the other nodes"),
    Pass("simplify", simplify, "fewer and cheaper nodes, before equal ones are looked for"),
    Pass("share", share, "what is left is computed once; simplifying makes different spellings alike"),
    Pass("count", count, "loops whose number of iterations shows by now, so that their adjoints do too"),
    Pass("trim again", trim, "what was saved or carried for values that are known by now"),
    Pass("contractions", contractions, "products and convolutions take transposes and views in as strides"),
    Pass("share again", share, "lowered convolutions may pad the same input twice"),
    Pass("fuse", fuse, "last: kernels are opaque to the other passes"),
)

Observer = Callable[[str, Graph, Graph], None]


def optimise(graph: Graph, observers: Sequence[Observer] = (), passes: Sequence[Pass] = PIPELINE) -> Graph:
    """The graph after all passes; each observer is shown the name of a pass and the graph before and after it."""
    for step in passes:
        before, graph = graph, everywhere(step.run)(graph)
        for observe in observers:
            observe(step.name, before, graph)
    return graph
