"""Graphs inside a graph: the branches of a cond, the condition and the body of a loop.

A :class:`Body` is declared into like any graph. What it uses of the graphs around it becomes a parameter; constants by
which no derivative is taken are copied, since shapes may follow from them. Capture turns bodies into :class:`Function`,
which has no graph around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.records import record
from graphc.shapes import TensorType


@record(eq=False)
class Function:
    """A graph with parameters: its placeholders of these names. One that nothing needs may be missing in the graph."""

    graph: Graph
    names: tuple[str | None, ...]

    @property
    def parameters(self) -> list[Tensor | None]:
        """The placeholder for each argument; None where nothing needs it."""
        found = {node.name: node.outputs[0] for node in self.graph.nodes if not node.inputs}
        return [None if name is None else found.get(name) for name in self.names]

    @property
    def targets(self) -> tuple[Tensor, ...]:
        """What the function gives."""
        return self.graph.targets


class Taken:
    """What the bodies of one node take from outside, each as an input of the node: values, then histories to replay."""

    def __init__(self) -> None:
        self.captures: dict[Tensor, None] = {}
        self.replayed: dict[Tensor, None] = {}

    @property
    def all(self) -> tuple[Tensor, ...]:
        """The inputs of the node after its own."""
        return (*self.captures, *self.replayed)


class Twin(Protocol):
    """The forward body that an adjoint body belongs to."""

    @property
    def graph(self) -> Graph:
        """The forward body."""

    def value(self, tensor: Tensor) -> Tensor:
        """What stands in the adjoint body for a tensor of the forward body."""


class Body(Graph):
    """A graph that stands in another one, ``outer``; what it captures from there, its siblings take as arguments too.

    Collections, variable stores, scopes and the seed are those of the graph around it.
    """

    def __init__(self, outer: Graph, what: str, taken: Taken, twin: Twin | None = None):
        self.outer = outer
        self.what = what  # such as "the body of while_loop 'while'", for messages
        self.taken = taken
        self.twin = twin
        self.arguments: list[Tensor] = []  # parameters before the captures
        self.waits_for: list[Operation] = []  # operations outside that something inside runs after
        self._places: dict[Tensor, Tensor] = {}
        super().__init__()
        self.collections, self.extras, self._names_used = outer.collections, outer.extras, outer._names_used
        self._take_scopes()

    def _take_scopes(self) -> None:
        """What is declared from here on stands in the scopes of the graph around it."""
        outer = self.outer
        self.seed, self.role, self._scope, self._device = outer.seed, outer.role, outer._scope, outer._device
        self.gradient_names = outer.gradient_names

    @property
    def graph(self) -> Graph:
        """The graph of the function that it is: itself."""
        return self

    @property
    def parameters(self) -> list[Tensor | None]:
        """The parameter for each argument; None where nothing needs it."""
        return [*self.arguments, *(self._places.get(tensor) for tensor in self.taken.all)]

    @property
    def captured(self) -> list[tuple[Tensor, Tensor]]:
        """The tensors that it takes from the graph around it, each with what stands for it here."""
        return [(tensor, self._places[tensor]) for tensor in self.taken.captures if tensor in self._places]

    @property
    def names(self) -> tuple[str | None, ...]:
        """The names of the parameters."""
        return tuple(None if x is None else x.op.name for x in self.parameters)

    @property
    def outermost(self) -> Graph:
        return self.outer.outermost

    @contextmanager
    def outside(self) -> Iterator[Graph]:
        """Inside, the outermost graph takes what is declared, in the scopes of this body: for variables."""
        graph = self.outermost
        before = graph.current, graph._scope
        graph.current, graph._scope = graph, self._scope
        try:
            with graph.as_default():
                yield graph
        finally:
            graph.current, graph._scope = before

    @property
    def version(self) -> int:
        return self.outer.version + len(self.nodes)

    # -- declaring -----------------------------------------------------------------------------------------

    @contextmanager
    def declaring(self) -> Iterator[None]:
        """Inside, this body takes whatever is declared, of its own tensors and of those around it."""
        self._take_scopes()
        with _taking(self, self._around()):
            yield

    def paused(self) -> AbstractContextManager[None]:
        """Inside, the graph around this body takes what is declared."""
        return _taking(self.outer, [self, *self._around()])

    def resumed(self) -> AbstractContextManager[None]:
        """Inside, this body takes what is declared, though a body in it is being declared: that needs more of it."""
        return _taking(self, [self, *self._around()])

    def _around(self) -> list[Graph]:
        """The graphs whose tensors can be used in this body."""
        graphs: list[Graph] = [] if self.twin is None else [self.twin.graph]
        graphs.append(self.outer)
        if isinstance(self.outer, Body):
            graphs += self.outer._around()
        return list(dict.fromkeys(graphs))

    def declare(self, kind: Op, inputs: tuple[Tensor, ...], name: str | None = None) -> Operation:
        if self.outer.current is not self:
            self.outer.own(inputs[0], kind.type)  # says that it has no value any more
        return super().declare(kind, tuple(self.own(tensor, kind.type) for tensor in inputs), name)

    def argument(self, type: TensorType, name: str) -> Tensor:
        """A further parameter, before the captures."""
        self.arguments.append(self._parameter(type, name))
        return self.arguments[-1]

    def replay(self, history: Tensor, type: TensorType) -> Tensor:
        """The values of a history of the graph around it, in each iteration the one before."""
        history = self.outer.own(history)
        if history not in self._places:
            self.taken.replayed[history] = None
            self._places[history] = self._parameter(type, history.op.name)
        return self._places[history]

    def own(self, tensor: Tensor, reader: str = "a body") -> Tensor:
        """What stands in this body for a tensor of a graph around it."""
        if tensor.op.graph is self:
            return tensor
        if tensor not in self._places:
            self._places[tensor] = self._taken_in(tensor, reader)
        return self._places[tensor]

    def _taken_in(self, tensor: Tensor, reader: str) -> Tensor:
        if _is_copied(tensor):
            return self._copied(tensor)
        if self.twin is not None and tensor.op.graph is self.twin.graph:
            return self._copied(tensor) if tensor.op.type == "Const" else self.twin.value(tensor)
        outside = self.outer.own(tensor, reader)
        if _is_copied(outside):
            return self._copied(outside)
        if outside not in self._places:
            self._places[outside] = self._captured(outside)
            self.taken.captures[outside] = None
        return self._places[outside]

    def _copied(self, constant: Tensor) -> Tensor:
        return self.add(constant.op.kind, (), (constant.type,), like=constant.op).outputs[0]

    def _captured(self, tensor: Tensor) -> Tensor:
        if tensor.op.type == "VariableV2":  # a place, not a value
            return self.add(tensor.op.kind, (), (tensor.type,), like=tensor.op).outputs[0]
        return self._parameter(tensor.type, tensor.op.name)

    def _parameter(self, type: TensorType, name: str) -> Tensor:
        from graphc.ops.base import Placeholder  # ops stand above the graph

        return self.add(Placeholder(type.dtype, type.shape), (), (type,), name=name).outputs[0]

    def current_control_dependencies(self) -> tuple[Operation, ...]:
        return (*self._control, *self.waits_for, *self.outer.current_control_dependencies())

    def _control_node(self, item: Any) -> Operation | None:
        element = getattr(item, "_as_graph_element", lambda: item)()
        node = element.op if isinstance(element, Tensor) else element
        if isinstance(node, Operation) and node.graph is not self and node.graph in self._around():
            self.waits_for.append(node)
            return None
        return super()._control_node(item)


@contextmanager
def _taking(graph: Graph, graphs: Sequence[Graph]) -> Iterator[None]:
    """Inside, ``graph`` takes what is declared of the tensors of these graphs."""
    before = [one.current for one in graphs]
    for one in graphs:
        one.current = graph
    try:
        with graph.as_default():
            yield
    finally:
        for one, current in zip(graphs, before, strict=True):
            one.current = current


def _is_copied(tensor: Tensor) -> bool:
    """Whether a body has a copy of the tensor: of a constant by which no derivative is taken."""
    return tensor.op.type == "Const" and not (tensor.dtype.is_floating or tensor.dtype.is_complex)
