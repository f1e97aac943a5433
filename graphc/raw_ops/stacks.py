"""Stacks of tensors: which push a pop takes follows from the order that inputs and control dependencies give.

A stack is a list that is written while the graph is declared. A pop takes the newest push that runs before it and that
no other pop before it has taken; so the step holds no stack, only the tensors that were pushed.
"""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.elementwise import identity
from graphc.ops.state import no_op
from graphc.scopes import get_default_graph


class Stack:
    """What was pushed on it and popped from it, in the order of declaration."""

    def __init__(self, graph: Graph, max_size: Any, elem_type: Any, name: str):
        self.graph, self.max_size, self.name = graph, max_size, name
        self.dtype = dtypes.as_dtype(elem_type)
        self.events: list[tuple[Operation, Tensor | None]] = []  # a push has a tensor, a pop has none

    def check_place(self) -> None:
        """``NotImplementedError`` inside of a loop or a branch that the stack stands outside of."""
        if get_default_graph().current is not self.graph:
            raise NotImplementedError(
                f"{self.name}: a stack cannot be used inside of a loop or a branch that it was made outside of; "
                "use a tf.TensorArray"
            )

    def held(self, before: set[Operation]) -> list[Tensor]:
        """What it holds when these operations have run, the newest last."""
        tensors: list[Tensor] = []
        for node, pushed in self.events:
            if node not in before:
                continue
            if pushed is None:
                tensors.pop()
            else:
                tensors.append(pushed)
        return tensors


def stack(max_size: Any, elem_type: Any, stack_name: str = "", name: str | None = None) -> Stack:
    """A new, empty stack for tensors of this dtype."""
    return Stack(get_default_graph().current, max_size, elem_type, name or stack_name or "StackV2")


def stack_push(handle: Stack, elem: Any, swap_memory: bool = False, name: str | None = None) -> Tensor:
    """``elem``, which is on top of the stack for what runs afterwards."""
    handle.check_place()
    value = convert_to_tensor(elem, None if isinstance(elem, Tensor) else handle.dtype)
    if value.dtype is not handle.dtype:
        raise TypeError(f"StackPushV2: a stack of {handle.dtype.name} cannot hold {value.type}: {value.op.describe()}")
    pushed = identity(value, name=name or "StackPushV2")
    handle.events.append((pushed.op, pushed))
    return pushed


def stack_pop(handle: Stack, elem_type: Any, name: str | None = None) -> Tensor:
    """What was on top of the stack; ``InvalidArgumentError`` where nothing that runs before this has been pushed."""
    handle.check_place()
    if dtypes.as_dtype(elem_type) is not handle.dtype:
        raise TypeError(f"StackPopV2: {handle.name} holds {handle.dtype.name}, not {dtypes.as_dtype(elem_type).name}")
    held = handle.held(_before(handle.graph.current_control_dependencies()))
    if not held:
        raise InvalidArgumentError(message=f"Stack[{handle.name}] is empty when calling Pop()")
    popped = identity(held[-1], name=name or "StackPopV2")
    handle.events.append((popped.op, None))
    return popped


def stack_close(handle: Stack, name: str | None = None) -> Operation:
    """Nothing: a stack takes no memory of its own."""
    handle.check_place()
    return no_op(name=name or "StackCloseV2")


def _before(nodes: tuple[Operation, ...]) -> set[Operation]:
    """The operations that have run when these have."""
    found = set(nodes)
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        for source in (*(x.op for x in node.inputs), *node.control_inputs):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found
