"""Drops what branches and loops give, take, carry and save, but nobody needs.

Before::

    a: f32[3], b: f32[3] = If(p, x, y)          then: x, Exp(y)     orelse: Neg(x), y
    return a

After::

    a: f32[3] = If(p, x)                        then: x             orelse: Neg(x)
    return a

A loop variable is needed where it is read after the loop, by the condition, or for the next value of a needed one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphc.body import Function
from graphc.dims import measured_in
from graphc.graph import Graph
from graphc.needed import mentioned_sizes
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.branches import If
from graphc.ops.loops import While
from graphc.passes.rewrite import copy_node
from graphc.records import replace


class Part(NamedTuple):
    """What of a node is kept."""

    kind: Op
    inputs: Sequence[int]
    outputs: Sequence[int]


def trim(graph: Graph) -> Graph:
    """The graph with only what its targets need, in its bodies too."""
    if not any(isinstance(node.kind, (If, While)) for node in graph.nodes):
        return graph
    return trimmed(graph, graph.targets)


def trimmed(graph: Graph, targets: Iterable[Tensor]) -> Graph:
    """The part of the graph that these targets need."""
    targets = tuple(targets)
    parts = parts_of(graph, targets)
    new = Graph()
    places: dict[Tensor, Tensor] = {}
    for node in graph.nodes:
        part = parts.get(node)
        if part is None:
            if node in parts:
                inputs = tuple(places[x] for x in node.inputs)
                places.update(zip(node.outputs, copy_node(new, node, inputs).outputs, strict=True))
            continue
        types = tuple(node.outputs[n].type for n in part.outputs)
        copy = new.add(part.kind, [places[node.inputs[n]] for n in part.inputs], types, like=node)
        places.update(zip((node.outputs[n] for n in part.outputs), copy.outputs, strict=True))
    new.targets = tuple(places[target] for target in targets)
    new.measured = {size: places[count] for size, count in graph.measured.items() if count in places}
    return new


def parts_of(graph: Graph, targets: Sequence[Tensor]) -> dict[Operation, Part | None]:
    """The needed nodes; of branches and loops, which part of them is needed."""
    needed = {*targets, *(count for size, count in graph.measured.items() if size.kept)}
    parts: dict[Operation, Part | None] = {}
    for node in reversed(graph.nodes):
        if graph.measured:  # a branch or a loop tells sizes of its own outputs
            wanted = [size for out in node.outputs if out in needed for size in out.type.shape or ()]
            counts = set().union(*map(measured_in, wanted))
            needed.update(graph.measured[size] for size in counts if size in graph.measured)
        outputs = [n for n, tensor in enumerate(node.outputs) if tensor in needed]
        if not outputs:
            continue
        if graph.measured:
            needed.update(graph.measured[size] for size in mentioned_sizes(node) if size in graph.measured)
        part = None
        if isinstance(node.kind, If):
            part = _part_of_if(node.kind, outputs)
        elif isinstance(node.kind, While):
            part = _part_of_while(node, node.kind, outputs)
        parts[node] = part
        needed.update(node.inputs if part is None else (node.inputs[n] for n in part.inputs))
    return parts


def _part_of_if(kind: If, outputs: Sequence[int]) -> Part:
    then, orelse = (_restricted(branch, outputs) for branch in (kind.then, kind.orelse))
    read = _read(then, orelse)
    kind = replace(kind, then=_with_names(then, read), orelse=_with_names(orelse, read))
    return Part(kind, (0, *(n + 1 for n in read)), outputs)


def _part_of_while(node: Operation, kind: While, outputs: Sequence[int]) -> Part:
    count = kind.variables
    condition = _restricted(kind.condition, [0])
    saved = [n for n in outputs if n >= count]
    carried = {n for n in outputs if n < count}
    while True:
        body = _restricted(kind.body, (*sorted(carried), *saved))
        read = _read(condition, body)
        more = {n for n in read if n < count} - carried
        if not more:
            break
        carried |= more
    inputs = sorted(carried | set(read))
    first_replayed = len(node.inputs) - kind.replays
    kind = replace(
        kind, condition=_with_names(condition, inputs), body=_with_names(body, inputs), variables=len(carried),
        replays=sum(n >= first_replayed for n in inputs),
    )  # fmt: skip
    return Part(kind, inputs, (*sorted(carried), *saved))


def _restricted(function: Function, targets: Iterable[int]) -> Function:
    """The function that gives only some of its results."""
    return Function(trimmed(function.graph, [function.targets[n] for n in targets]), function.names)


def _read(*functions: Function) -> list[int]:
    """The arguments that one of the functions reads."""
    rows = enumerate(zip(*(function.parameters for function in functions), strict=True))
    return [n for n, row in rows if any(parameter is not None for parameter in row)]


def _with_names(function: Function, kept: Sequence[int]) -> Function:
    return replace(function, names=tuple(function.names[n] for n in kept))
