"""All passes in their order, each with the reason for being there and at that place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module

from graphc.dtypes import HALVES
from graphc.graph import Graph
from graphc.nodes import Operation
from graphc.ops.loops import holds_complex
from graphc.passes.bodies import choose, everywhere
from graphc.passes.contractions import contractions
from graphc.passes.fold import fold
from graphc.passes.fuse import PART_NAMES, fuse, fused_so_far
from graphc.passes.moments import moments
from graphc.passes.prune import prune
from graphc.passes.share import share
from graphc.passes.simplify import simplify
from graphc.passes.specialise import Given, specialise_for
from graphc.passes.trim import trim
from graphc.records import record


@record
class Parts:
    """The smaller steps of a pass, for those who watch: their names, and the graph were each the last."""

    names: tuple[str, ...]
    run: Callable[[Graph], Iterator[Graph]]


@record
class Pass:
    """A step from graph to graph, and why it stands where it does."""

    name: str
    run: Callable[[Graph, Given], Graph]
    reason: str
    parts: Parts | None = None


def _for_few(name: str, concerns: Callable[[Operation], bool]) -> Callable[[Graph], Graph]:
    """The pass ``name`` of the module of that name, which loads for graphs with a node that it ``concerns``."""

    def run(graph: Graph) -> Graph:
        if not any(map(concerns, graph.nodes)):
            return graph
        return getattr(import_module(f"graphc.passes.{name}"), name)(graph)

    return run


def _has_complex(node: Operation) -> bool:
    return any(holds_complex(tensor.dtype) for tensor in node.outputs)


def _has_halves(node: Operation) -> bool:
    return any(tensor.dtype in HALVES for tensor in node.outputs)


def _has_bodies(node: Operation) -> bool:
    return bool(node.kind.functions())


complexes = _for_few("complexes", _has_complex)
widen = _for_few("widen", _has_halves)
count = _for_few("count", _has_bodies)
saved_sizes = _for_few("saved_sizes", _has_bodies)


PIPELINE: tuple[Pass, ...] = (
    Pass("specialise", specialise_for, "first: sizes are numbers or symbols from here on, and what follows from them"),
    Pass("complexes", everywhere(complexes), "no other pass needs to know that there are numbers of two parts"),
    Pass("widen", everywhere(widen), "nor that there are numbers of half size"),
    Pass("trim", everywhere(trim), "later passes need not look at what branches and loops do for nobody"),
    Pass("prune", everywhere(prune), "nor at other nodes that nobody asked for"),
    Pass("fold", everywhere(fold), "identities such as x * 1 show themselves when their constants are known"),
    Pass("choose", everywhere(choose), "a branch whose predicate is known stands among the other nodes"),
    Pass("simplify", everywhere(simplify), "fewer and cheaper nodes, before equal ones are looked for"),
    Pass("share", everywhere(share), "what is left is computed once; simplifying makes different spellings alike"),
    Pass("count", everywhere(count), "loops whose number of iterations shows by now, so that their adjoints do too"),
    Pass("saved sizes", everywhere(saved_sizes), "when no value that is saved is read for something known by now"),
    Pass("trim again", everywhere(trim), "what was saved or carried for values that are known by now"),
    Pass("moments", everywhere(moments), "when means have one spelling, and adjoints made use of how they are found"),
    Pass("contractions", everywhere(contractions), "products and convolutions take transposes and views in as strides"),
    Pass("share again", everywhere(share), "lowered convolutions may pad the same input twice"),
    Pass("fuse", everywhere(fuse), "last: kernels are opaque to the other passes", Parts(PART_NAMES, fused_so_far)),
)

Observer = Callable[[str, Graph, Graph], None]
NOTHING = Given()


def stages(
    graph: Graph, given: Given = NOTHING, passes: Sequence[Pass] = PIPELINE, in_parts: bool = False
) -> Iterator[tuple[str, Graph]]:
    """The name of each pass and the graph after it; ``in_parts`` shows what a pass of several parts does on its way."""
    for step in passes:
        if in_parts and step.parts:
            yield from zip(step.parts.names, step.parts.run(graph), strict=True)
        graph = step.run(graph, given)
        yield step.name, graph


def optimise(
    graph: Graph, given: Given = NOTHING, observers: Sequence[Observer] = (), passes: Sequence[Pass] = PIPELINE
) -> Graph:
    """The graph after all passes; each observer is shown the name of a pass and the graph before and after it."""
    for name, after in stages(graph, given, passes, in_parts=bool(observers)):
        for observe in observers:
            observe(name, graph, after)
        graph = after
    return graph


def stage_names() -> list[str]:
    """What :func:`stages` shows, in order."""
    return [name for step in PIPELINE for name in (*(step.parts.names if step.parts else ()), step.name)]
