"""What is drawn of a graph: operations, each with the small things that belong to it.

A variable is one thing with its ``read``; a small constant is written into what reads it, and so are variables in a
picture of kernels; what only gives variables their first values is left out of a picture of a whole graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, Placeholder, PlaceholderWithDefault
from graphc.ops.fused import Kernel
from graphc.ops.state import Assign, NoOp, ReadVariable, VariableV2

Test = Callable[[Operation], bool]

SMALL_CONSTANT = 64  # elements; a table of weights is worth a box, the numbers of a formula are not


@dataclass(eq=False)
class Unit:
    """An operation as it is drawn, with the constants and variables that are not drawn but written into its box."""

    node: Operation
    kind: str
    title: str
    constants: list[Tensor] = field(default_factory=list)
    variables: list[Tensor] = field(default_factory=list)

    @property
    def role(self) -> str:
        """Whether it belongs to the forward, adjoint or update part."""
        return self.node.role


@dataclass(frozen=True)
class Units:
    """The units of a picture in the graph's order, and which of them each operation is part of."""

    units: list[Unit]
    of: dict[Operation, Unit]


def units_of(nodes: Sequence[Operation], is_aside: Test, is_view: Test) -> Units:
    """The units that ``nodes`` (in the graph's order) make up.

    ``is_aside`` says what is written into its readers, ``is_view`` which operations are nothing but another look at
    their input.
    """
    found = Units([], {})
    read = {tensor.op for node in nodes for tensor in node.inputs}
    aside: dict[Operation, Tensor] = {}
    for node in nodes:
        source = node.inputs[0].op if node.inputs else node
        is_part = _is_plain_read(node) or is_view(node)
        if is_aside(node) and node in read:
            aside[node] = node.outputs[0]
        elif is_part and source in aside:
            aside[node] = aside[source]
        elif is_part and source in found.of:
            found.of[node] = found.of[source]
        else:
            found.of[node] = _unit(node, [aside[x.op] for x in node.inputs if x.op in aside])
            found.units.append(found.of[node])
    return found


def _unit(node: Operation, aside: list[Tensor]) -> Unit:
    variables = [tensor for tensor in dict.fromkeys(aside) if tensor.op.type == "VariableV2"]
    constants = [tensor for tensor in aside if tensor not in variables]
    return Unit(node, kind_of(node), node.name.rsplit("/", 1)[-1], constants, variables)


def kind_of(node: Operation) -> str:
    """What sort of thing a node is to a reader of the picture."""
    kinds = {
        VariableV2: "variable",
        Placeholder: "placeholder",
        PlaceholderWithDefault: "placeholder",
        Const: "constant",
        Kernel: "kernel",
    }
    return kinds.get(type(node.kind), "operation")


def needed_for(nodes: Iterable[Operation]) -> set[Operation]:
    """The nodes and everything that runs before them."""
    needed: set[Operation] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(node.before)
    return needed


def initialisation(graph: Graph) -> set[Operation]:
    """The nodes that only give variables their first values."""
    only = {node for node in graph.nodes if is_first_assignment(node)}
    for node in graph.nodes:
        if isinstance(node.kind, NoOp) and node.before and only.issuperset(node.before):
            only.add(node)
    followers: dict[Operation, list[Operation]] = {}
    for node in reversed(graph.nodes):
        after = followers.get(node, [])
        if after and only.issuperset(after):
            only.add(node)
        for before in node.before:
            followers.setdefault(before, []).append(node)
    return only


def is_first_assignment(node: Operation) -> bool:
    """Whether a node is the initializer of a variable, which stands in the variable's own scope."""
    return type(node.kind) is Assign and node.name == f"{node.inputs[0].op.name}/Assign"


def short_value(tensor: Tensor) -> str:
    """A constant in a few characters: its number, or its type where it holds several."""
    if not isinstance(tensor.op.kind, Const) or tensor.op.kind.value.size != 1:
        return str(tensor.type)
    number = tensor.op.kind.value.reshape(-1)[0]
    return f"{number:.4g}" if isinstance(number, np.floating) else str(number)


def is_small_constant(node: Operation) -> bool:
    """Whether a node is a constant that fits into the box of its reader."""
    return isinstance(node.kind, Const) and node.kind.value.size <= SMALL_CONSTANT


def _is_plain_read(node: Operation) -> bool:
    return isinstance(node.kind, ReadVariable) and not node.control_inputs
