"""Passes inside of branches and loops: a body is a graph, and every pass is for graphs.

One pass is here, ``choose``. Before::

    training: bool[] = Const(value=True)
    y: f32[3] = If(training, x, z)
        then:
            y/noisy: f32[3] = Add(x, z)
            return y/noisy
        orelse:
            return x
    return y

After::

    y/noisy: f32[3] = Add(x, z)
    return y/noisy
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.body import Function
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.branches import If
from graphc.passes.rewrite import copy_node, rewrite
from graphc.records import replace
from graphc.scopes import get_default_graph


def everywhere(run: Callable[[Graph], Graph]) -> Callable[..., Graph]:
    """The pass for a graph and, before it, for the bodies in it, whatever is known of inputs."""

    def run_everywhere(graph: Graph, _: object = None) -> Graph:
        if any(node.kind.functions() for node in graph.nodes):
            graph = rewrite(graph, inside)
        return run(graph)

    def inside(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
        functions = node.kind.functions()
        if not functions:
            return None
        changed = {name: replace(f, graph=run_everywhere(f.graph)) for name, f in functions.items()}
        types = tuple(tensor.type for tensor in node.outputs)
        return get_default_graph().add(replace(node.kind, **changed), inputs, types, like=node).outputs

    return run_everywhere


def choose(graph: Graph) -> Graph:
    """The branch of an ``If`` whose predicate is known takes its place."""
    if not any(isinstance(node.kind, If) for node in graph.nodes):
        return graph
    return rewrite(graph, _chosen)


def _chosen(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
    if not isinstance(node.kind, If) or not isinstance(inputs[0].op.kind, Const):
        return None
    branch: Any = node.kind.then if inputs[0].op.kind.value.item() else node.kind.orelse
    if any(own.type != out.type for own, out in zip(branch.targets, node.outputs)):
        return None  # its sizes are told while the step runs
    return inlined(branch, inputs[1:])


def inlined(function: Function, arguments: Sequence[Tensor]) -> list[Tensor]:
    """The function's nodes in the default graph, with ``arguments`` in the places of its parameters."""
    graph = get_default_graph()
    pairs = zip(function.parameters, arguments, strict=True)
    places = {parameter: argument for parameter, argument in pairs if parameter is not None}
    for node in function.graph.nodes:
        if any(tensor not in places for tensor in node.outputs):
            copy = copy_node(graph, node, tuple(places[tensor] for tensor in node.inputs))
            places.update(zip(node.outputs, copy.outputs, strict=True))
    graph.measured |= {size: places[count] for size, count in function.graph.measured.items()}
    return [places[target] for target in function.targets]
