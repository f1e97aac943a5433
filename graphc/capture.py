"""From a graph with effects to a step without: what one run needs, as values in and values out.

The user's graph reads and assigns variables in an order given by control inputs. A :class:`Step` is a plain
function: feeds and the state before the run come in, fetches and the state after the run go out. A read sees
the value from before the run unless an assignment is among its ancestors, then it sees the latest such.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphc import dtypes
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, Placeholder
from graphc.ops.elementwise import select
from graphc.ops.random import Random
from graphc.ops.state import Assign, InitializedValue, IsVariableInitialized, NoOp, ReadVariable, VariableV2
from graphc.passes.rewrite import copy_node
from graphc.shapes import TensorType

Versions = dict[Operation, Tensor]  # the value of each assigned variable, as some node sees it


class Step:
    """One run as a function: ``graph.targets`` are the fetches, then the new values of ``updates``, in order."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.feeds: dict[Tensor, Tensor] = {}  # fed tensor -> input of the step
        self.states: dict[Operation, Tensor] = {}  # variable or random op -> input of the step
        self.flags: dict[Operation, Tensor] = {}  # variable -> input: is it initialised?
        self.read: set[Operation] = set()  # the variables that must be initialised
        self.updates: tuple[Operation, ...] = ()  # whose values the run replaces
        self.fetches = 0


def capture(
    fetches: Sequence[Tensor], effects: Iterable[Operation], feeds: Iterable[Tensor], fresh: bool = False
) -> Step:
    """The step that computes ``fetches`` and performs ``effects`` when ``feeds`` are given.

    ``fresh``: no variable has a value yet.
    """
    return _Capture(set(feeds), fresh).run(tuple(fetches), tuple(effects))


class _Capture:
    def __init__(self, fed: set[Tensor], fresh: bool):
        self.fed = fed
        self.fresh = fresh
        self.step = Step(Graph())
        self.places: dict[Tensor, Tensor] = {}
        self.seen: dict[Operation, Versions] = {}  # what the ancestors of each node have assigned
        self.latest: Versions = {}
        self.given: dict[Operation, Tensor] = {}  # what each variable was last set to, in the user's graph

    def run(self, fetches: tuple[Tensor, ...], effects: tuple[Operation, ...]) -> Step:
        for node in self._needed(fetches, effects):
            self.seen[node] = self._merged(node)
            self._translate(node)
        values = [self._place(tensor) for tensor in fetches]
        self.step.fetches = len(values)
        self.step.updates = tuple(self.latest)
        self.step.graph.targets = (*values, *self.latest.values())
        return self.step

    def _needed(self, fetches: tuple[Tensor, ...], effects: tuple[Operation, ...]) -> list[Operation]:
        needed: set[Operation] = set()
        waiting = [*effects, *(tensor.op for tensor in fetches if tensor not in self.fed)]
        while waiting:
            node = waiting.pop()
            if node in needed:
                continue
            needed.add(node)
            waiting.extend(tensor.op for tensor in node.inputs if tensor not in self.fed)
            waiting.extend(node.control_inputs)
        return sorted(needed, key=lambda node: node.number)

    def _merged(self, node: Operation) -> Versions:
        """The assignments among the ancestors of ``node``; the dictionary is shared while it does not differ."""
        earlier = [self.seen[before] for before in node.before if self.seen.get(before)]
        if not earlier:
            return {}
        merged = earlier[0]
        for versions in earlier[1:]:
            if versions is merged:
                continue
            merged = dict(merged)
            for variable, value in versions.items():
                if variable not in merged or value.op.number > merged[variable].op.number:
                    merged[variable] = value
        return merged

    def _translate(self, node: Operation) -> None:
        kind = node.kind
        if isinstance(kind, (VariableV2, NoOp, Placeholder)):
            return
        if isinstance(kind, ReadVariable):
            variable = node.inputs[0].op
            written = self.seen[node].get(variable)
            self.places[node.outputs[0]] = self._state(variable) if written is None else written
        elif isinstance(kind, IsVariableInitialized):
            self.places[node.outputs[0]] = self._flag(node.inputs[0].op)
        elif isinstance(kind, InitializedValue):
            self.places[node.outputs[0]] = self._initialized_value(node)
        elif isinstance(kind, Assign):
            self._assign(node, kind)
        elif isinstance(kind, Random):
            self._random(node, kind)
        else:
            inputs = tuple(self._place(tensor) for tensor in node.inputs)
            copy = copy_node(self.step.graph, node, inputs)
            self.places.update(zip(node.outputs, copy.outputs, strict=True))

    def _assign(self, node: Operation, kind: Assign) -> None:
        variable = node.inputs[0].op
        value = self._place(node.inputs[1])
        old = value if type(kind) is Assign else self._latest(variable)
        with self.step.graph.as_default(), self.step.graph.standing_for(node):
            new = kind.new_value(old, value)
        self.latest[variable] = new
        self.given[variable] = node.inputs[1]
        self.places[node.outputs[0]] = new
        self.seen[node] = {**self.seen[node], variable: new}

    def _latest(self, variable: Operation) -> Tensor:
        return self.latest[variable] if variable in self.latest else self._state(variable)

    def _random(self, node: Operation, kind: Random) -> None:
        graph = self.step.graph
        counter = self._input(node, TensorType(dtypes.int64, ()), f"{node.name}/counter")
        self.step.states[node] = counter
        seeds = graph.add(Const(np.array([kind.seed, kind.seed2], np.int64)), (), like=node, name=f"{node.name}/seeds")
        inputs = (*(self._place(tensor) for tensor in node.inputs), seeds.outputs[0], counter)
        copy = graph.add(kind, inputs, tuple(tensor.type for tensor in node.outputs), like=node)
        self.places.update(zip(node.outputs, copy.outputs, strict=True))
        with graph.as_default(), graph.standing_for(node):
            self.latest[node] = kind.advanced(counter, copy.outputs[0])

    def _place(self, tensor: Tensor) -> Tensor:
        """Where the value of a tensor of the user's graph is in the step."""
        if tensor not in self.places:
            if tensor in self.fed or isinstance(tensor.op.kind, Placeholder):
                self.places[tensor] = self.step.feeds[tensor] = self._input(tensor.op, tensor.type, tensor.label)
            else:
                self.places[tensor] = self._state(tensor.op)
        return self.places[tensor]

    def _initialized_value(self, node: Operation) -> Tensor:
        variable, first = node.inputs[0].op, node.inputs[1]
        if self.fresh or self.given.get(variable) is first:
            return self._place(first)
        flag, value = self._flag(variable), self._held(variable)
        with self.step.graph.as_default(), self.step.graph.standing_for(node):
            return select(flag, value, self._place(first))

    def _state(self, variable: Operation) -> Tensor:
        """What the variable holds before the run; it must be initialised."""
        self.step.read.add(variable)
        return self._held(variable)

    def _held(self, variable: Operation) -> Tensor:
        if variable not in self.step.states:
            self.step.states[variable] = copy_node(self.step.graph, variable, ()).outputs[0]
        return self.step.states[variable]

    def _flag(self, variable: Operation) -> Tensor:
        if variable not in self.step.flags:
            self.step.flags[variable] = self._input(
                variable, TensorType(dtypes.bool, ()), f"{variable.name}/initialized"
            )
        return self.step.flags[variable]

    def _input(self, like: Operation, type: TensorType, name: str) -> Tensor:
        kind = Placeholder(type.dtype, type.shape)
        return self.step.graph.add(kind, (), (type,), like=like, name=name).outputs[0]
