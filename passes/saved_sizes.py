"""Saves the sizes of values alone, where the adjoint of a loop needs no more of them.

Before, with the history ``h`` of a loop variable ``x: f32[m1,3]``::

    x: f32[m0,3], h = While(x0, 1)        body: Concat(x, row), m1 + 1, saved: x
    s: history<i64[]> = HistorySizes(h, axis=0)

After::

    x: f32[m0,3], s: history<i64[]> = While(x0, 1)        body: Concat(x, row), m1 + 1, saved: m1

What grows in each iteration would be saved whole each time otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc import dtypes
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.loops import While, history_of
from graphc.ops.reshaping import dim_value
from graphc.ops.told import COUNT, HistorySizes
from graphc.passes.rewrite import copy_node, rewrite
from graphc.records import replace
from graphc.scopes import get_default_graph


def saved_sizes(graph: Graph) -> Graph:
    """The graph in which loops save sizes in place of values of which only those are read."""
    wanted = _only_sizes(graph)
    if not wanted:
        return graph
    places: dict[tuple[Operation, int, int], Tensor] = {}

    def rule(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
        source = node.inputs[0] if isinstance(node.kind, HistorySizes) else None
        if source in wanted:
            return (places[source.op, source.value_index, node.kind.axis],)  # type: ignore[attr-defined]
        own = [out for out in node.outputs if out in wanted]
        return _saving(node, inputs, {out: wanted[out] for out in own}, places) if own else None

    return rewrite(graph, rule)


def _only_sizes(graph: Graph) -> dict[Tensor, list[int]]:
    """The histories of which only sizes are read, each with the axes of those."""
    axes: dict[Tensor, list[int]] = {}
    otherwise = set(graph.targets)
    for node in graph.nodes:
        for tensor in node.inputs:
            if isinstance(node.kind, HistorySizes) and isinstance(tensor.op.kind, While):
                axes.setdefault(tensor, []).append(node.kind.axis)
            else:
                otherwise.add(tensor)
    return {tensor: sorted(set(found)) for tensor, found in axes.items() if tensor not in otherwise}


def _saving(
    node: Operation, inputs: tuple[Tensor, ...], wanted: dict[Tensor, list[int]],
    places: dict[tuple[Operation, int, int], Tensor],
) -> Sequence[Tensor]:  # fmt: skip
    """The loop with further histories of sizes; who wants the old ones is asked for no more."""
    kind: While = node.kind  # type: ignore[assignment]
    body = rewrite(kind.body.graph, lambda inner, given: copy_node(get_default_graph(), inner, given).outputs)
    keys = [(out, axis) for out, found in wanted.items() for axis in found]
    with body.as_default():
        sizes = [dim_value(body.targets[out.value_index].type.sizes[axis], dtypes.int64) for out, axis in keys]
    body.targets += tuple(sizes)
    types = (*(out.type for out in node.outputs), *[history_of(COUNT)] * len(sizes))
    copy = get_default_graph().add(replace(kind, body=replace(kind.body, graph=body)), inputs, types, like=node)
    for (out, axis), place in zip(keys, copy.outputs[len(node.outputs) :], strict=True):
        places[node, out.value_index, axis] = place
    return copy.outputs[: len(node.outputs)]
