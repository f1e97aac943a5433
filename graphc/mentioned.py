"""Which sizes that are counted while the step runs a node has to wait for: those that it mentions."""

from __future__ import annotations

from typing import Any

from graphc.dims import Dim, Measured, measured_in
from graphc.nodes import Operation
from graphc.records import fields


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
