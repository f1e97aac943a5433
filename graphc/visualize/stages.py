"""How far a step has come on its way to machine code: the graph that a stage draws.

declared     what the user wrote, with the adjoints and updates that were appended
captured     one step as a function: variables come in, their new values come out
specialise   exact sizes: the first pass, and then each by its name
kernels      native functions with what they compute and move, and where their values are
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import compiler
from graphc.capture import capture
from graphc.dims import DimLike, symbol
from graphc.fetching import Fetches
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import ExpandDims, Reshape, Squeeze
from graphc.pictures.boxes import Facts
from graphc.pictures.units import initialisation
from graphc.scopes import get_default_graph
from graphc.step import Step

Shapes = Mapping[Any, Sequence[int | None]]


class Stage(NamedTuple):
    """What is drawn: a graph, the operations asked for (none for all), what else is known, and a word on the whole."""

    graph: Graph
    targets: list[Operation]
    facts: Facts
    summary: str = ""


def names() -> list[str]:
    """The stages in order."""
    from graphc.passes.pipeline import stage_names  # passes load when a step is compiled

    return ["declared", "captured", *stage_names(), "kernels"]


def stage_of(what: Any, stage: str, shapes: Shapes, feed_dict: Mapping[Any, Any]) -> Stage:
    """The stage called ``stage`` of a graph or of fetches."""
    graph = graph_of(what)
    fetches = None if isinstance(what, Graph) else Fetches(graph, what)
    if stage == "declared":
        return _declared(graph, fetches)
    if stage not in names():
        raise ValueError(f"stage is {stage!r}; wanted one of {', '.join(names())}")
    tensors, operations = _asked(fetches) if fetches else _leaves(graph)
    step = capture(tensors, operations, [_tensor(graph, key) for key in feed_dict])
    if stage == "captured":
        return Stage(step.graph, [], _facts(step, step.graph))
    sizes = _sizes(step, graph, shapes, feed_dict)
    if stage == "kernels":
        return _kernels(step, sizes)
    optimised = _after(step, sizes, stage)
    return Stage(optimised, [], _facts(step, optimised))


def graph_of(what: Any) -> Graph:
    """The graph that ``what`` is, or that it is part of; names are looked up in the default graph."""
    if isinstance(what, Graph):
        return what
    if isinstance(what, str):
        return get_default_graph()
    if isinstance(what, Mapping):
        what = list(what.values())
    if isinstance(what, (list, tuple)) and what:
        graphs = [graph_of(item) for item in what if not isinstance(item, str)]
        return graphs[0] if graphs else get_default_graph()
    graph = getattr(what, "graph", None)
    if not isinstance(graph, Graph):
        raise TypeError(f"cannot draw {what!r} ({type(what).__name__}); wanted a Graph, or fetches of one")
    return graph


def _declared(graph: Graph, fetches: Fetches | None) -> Stage:
    if fetches is None:
        return Stage(graph, [], Facts())
    asked = [*fetches.operations, *(tensor.op for tensor in fetches.tensors)]
    return Stage(graph, asked, Facts({node: ["fetched"] for node in asked}))


def _asked(fetches: Fetches) -> tuple[list[Tensor], list[Operation]]:
    """Values and effects; an operation that has no effect is meant for its value."""
    effects = [node for node in fetches.operations if node.kind.has_effect]
    values = [tensor for node in fetches.operations if node not in effects for tensor in node.outputs]
    return list(dict.fromkeys((*fetches.tensors, *values))), effects


def _after(step: Step, sizes: Mapping[Tensor, Sequence[DimLike]], stage: str) -> Graph:
    """The step's graph after the pass called ``stage``."""
    from graphc.passes.pipeline import stages  # passes load when a step is compiled
    from graphc.passes.specialise import Given

    given = Given(compiler.exact_types(step, sizes), by_value=True)
    return next(graph for name, graph in stages(step.graph, given, in_parts=True) if name == stage)


def _kernels(step: Step, sizes: Mapping[Tensor, Sequence[DimLike]]) -> Stage:
    from graphc.codegen.target import host  # code generation loads when a step is compiled
    from graphc.visualize.kernels import lines_of_kernels, memory_of_tensors, summary  # this reads it

    graph, program = compiler.build_program(step, sizes, host(), by_value=True)
    lines, memory = lines_of_kernels(program), memory_of_tensors(program)
    return Stage(graph, [], _facts(step, graph, lines=lines, memory=memory, is_view=_is_view), summary(program))


def _is_view(node: Operation) -> bool:
    """Whether a node is the same memory under another shape."""
    return isinstance(node.kind, (Reshape, ExpandDims, Squeeze, Barrier))


def _leaves(graph: Graph) -> tuple[list[Tensor], list[Operation]]:
    """What nobody reads, initialisation aside: what a graph is there for when nobody says."""
    if graph.targets:
        return list(graph.targets), []
    aside = initialisation(graph)
    shown = [node for node in graph.nodes if node not in aside]
    read = {before for node in shown for before in node.before}
    leaves = [node for node in shown if node not in read]
    tensors = [tensor for node in leaves if not node.kind.has_effect for tensor in node.outputs]
    return tensors, [node for node in leaves if node.kind.has_effect]


def _sizes(step: Step, graph: Graph, shapes: Shapes, feed_dict: Mapping[Any, Any]) -> dict[Tensor, Sequence[DimLike]]:
    """The sizes of each input: given, fed or declared. What nobody knows is a symbol; first sizes are all the batch."""
    given = {_tensor(graph, key): tuple(shape) for key, shape in shapes.items()}
    given |= {_tensor(graph, key): np.shape(value) for key, value in feed_dict.items()}
    sizes: dict[Tensor, Sequence[DimLike]] = {}
    for number, (fed, place) in enumerate(step.feeds.items()):
        known = given.get(fed, place.type.shape)
        if known is None:
            raise ValueError(f"{fed.op.describe()} has an unknown rank; give its shape with shapes={{...}}")
        symbols = ["batch", *(f"size{number}_{axis}" for axis in range(1, len(known)))]
        sizes[place] = [symbol(name) if size is None else size for name, size in zip(symbols, known)]
    return sizes


def _tensor(graph: Graph, key: Any) -> Tensor:
    element = graph.as_graph_element(key)
    return element.outputs[0] if isinstance(element, Operation) else element


def _facts(step: Step, graph: Graph, **more: Any) -> Facts:
    """What each target of a step's graph is for: a fetch, or the new value of a variable or of a random stream."""
    results: dict[Operation, list[str]] = {}
    updates: dict[Operation, list[str]] = {}
    for tensor in graph.targets[: step.fetches]:
        results.setdefault(tensor.op, []).append("fetched")
    for tensor, node in zip(graph.targets[step.fetches :], step.updates):
        if node.type == "VariableV2":
            updates.setdefault(tensor.op, []).append(node.name)
        else:
            results.setdefault(tensor.op, []).append(f"counter of {node.name}")
    return Facts(results, updates, **more)
