"""The nodes that something needs: those that it reads, and those that tell the sizes that it mentions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphc.dims import Dim, Measured, measured_in
from graphc.nodes import Operation, Tensor
from graphc.records import fields


def needed_nodes(targets: Iterable[Tensor], measured: Mapping[Measured, Tensor] | None = None) -> list[Operation]:
    """The nodes on which ``targets`` depend, in the order of the graph; what tells a size that one mentions too."""
    seen: set[Operation] = set()
    waiting = [tensor.op for tensor in targets]
    if measured:
        waiting += [count.op for size, count in measured.items() if size.kept]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(tensor.op for tensor in node.inputs)
            if measured:
                waiting.extend(measured[size].op for size in mentioned_sizes(node) if size in measured)
    return sorted(seen, key=lambda node: node.number)


def mentioned_sizes(node: Operation) -> set[Measured]:
    """The sizes counted while the step runs that the node's types, its fields and the graphs inside it mention."""
    found: set[Measured] = set()
    for tensor in node.outputs:
        for size in tensor.type.shape or ():
            found |= measured_in(size)
    for name in fields(node.kind):
        found |= _sizes_inside(getattr(node.kind, name))
    for function in node.kind.functions().values():
        found |= _sizes_inside(function.graph)
    return found


def told_before(node: Operation, measured: Mapping[Measured, Tensor]) -> list[Tensor]:
    """What tells the sizes that the node mentions, and what checks others that follow from these alone."""
    sizes = mentioned_sizes(node)
    return [
        count
        for size, count in measured.items()
        if size in sizes or (size.checked != 0 and measured_in(size.checked) <= sizes)
    ]


def _sizes_inside(value: Any) -> set[Measured]:
    if isinstance(value, Dim):
        return measured_in(value)
    if hasattr(value, "measured"):  # a graph
        return set().union(*map(mentioned_sizes, value.nodes)) - value.measured.keys()
    found: set[Measured] = set()
    parts = value if isinstance(value, (tuple, list)) else [getattr(value, name) for name in fields(value)]
    for part in parts:
        found |= _sizes_inside(part)
    return found
