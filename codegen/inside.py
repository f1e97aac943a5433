"""Branches and loops as actions: their bodies are built like steps, and then get their places from the graph outside.

A body of a loop is what a step is: loop variables are its states, updated in place where that is possible, constants
are its feeds, and what it saves are its fetches. Its arena is a block in the arena around it, alive while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from graphc.body import Function
from graphc.codegen.interface import Interface, bytes_of, source_of
from graphc.codegen.program import (
    Action,
    Branch,
    Call,
    Copy,
    Give,
    InArena,
    Inner,
    Loop,
    Place,
    Replay,
    Save,
    Take,
)
from graphc.dims import DimLike, is_bounded, measured_in
from graphc.errors import UnimplementedError
from graphc.nodes import Operation, Tensor
from graphc.ops.branches import If
from graphc.ops.loops import HistoryType, While
from graphc.records import replace

if TYPE_CHECKING:
    from graphc.codegen.build import Builder


def is_control(node: Operation) -> bool:
    """Whether the node is a branch or a loop."""
    return isinstance(node.kind, (If, While))


class Part:
    """Memory in the arena around a node for as long as it runs."""

    def __init__(self, bytes: DimLike):
        self.bytes = bytes
        self.offset: DimLike = 0


class _Body(Part):
    """A function's actions, in its own places, and its arena."""

    def __init__(self, outer: Builder, function: Function, targets: Sequence[Tensor], interface: Interface):
        shared = outer.shared
        shared.bodies += 1
        self.number = shared.bodies
        builder = type(outer)(shared, function.graph, targets, interface, self.number)
        self._actions = builder.run()
        self.may_fail = any(map(builder._may_fail, builder.nodes))
        super().__init__(builder.arena_bytes)

    def actions(self, places: dict[tuple[str, int], Place]) -> tuple[Action, ...]:
        """The actions with the places that its feeds, fetches and states have outside."""

        def outside(place: Place) -> Place:
            if isinstance(place, InArena):
                return InArena(self.offset + place.offset)
            if isinstance(place, Inner) and place.body == self.number:
                return places[place.kind, place.number]
            return place

        return moved(self._actions, outside)


class Inside:
    """A branch or a loop of the graph that is built."""

    def __init__(self, outer: Builder, node: Operation):
        self.outer, self.node = outer, node
        self._lowered = _Branches(outer, node) if isinstance(node.kind, If) else _Iteration(outer, node)
        self.parts: list[Part] = self._lowered.parts

    @property
    def may_fail(self) -> bool:
        """Whether the step may end inside."""
        return self._lowered.may_fail

    def begins_as(self, output: int, old: Tensor) -> bool:
        """Whether the output may be where ``old`` is: it is a loop variable that begins there, read nowhere else."""
        read = [n for n, x in enumerate(self.node.inputs) if source_of(x) is old]
        return isinstance(self.node.kind, While) and read == [output]

    def actions(self) -> Sequence[Action]:
        """What is done, once all places are known."""
        homes = self.outer.homes
        inputs = [homes[source_of(x)] for x in self.node.inputs]
        return self._lowered.actions(inputs, [homes[x] for x in self.node.outputs])


class _Branches:
    def __init__(self, outer: Builder, node: Operation):
        self.branches = [_branch(outer, function) for function in node.kind.functions().values()]
        self.parts: list[Part] = list(self.branches)
        self.may_fail = any(branch.may_fail for branch in self.branches)

    def actions(self, inputs: Sequence[Place], outputs: Sequence[Place]) -> Sequence[Action]:
        predicate, *captures = inputs
        places = _named("feed", captures) | _named("fetch", outputs)
        then, orelse = (branch.actions(places) for branch in self.branches)
        return [Branch(predicate, then, orelse)]


def _branch(outer: Builder, function: Function) -> _Body:
    targets = function.targets
    return _Body(outer, function, targets, Interface(tuple(function.parameters), (), len(targets)))


class _Iteration:
    def __init__(self, outer: Builder, node: Operation):
        self.node = node
        self.kind: While = node.kind  # type: ignore[assignment]
        self.count = self.kind.variables
        shared, before = outer.shared, outer.shared.runs
        runs = None if before is None or self.kind.iterations is None else before * self.kind.iterations
        shared.runs = runs
        self.condition = _branch(outer, self.kind.condition)
        self.predicate = Part(1)
        self.body = self._built_body(outer)
        shared.runs = before
        self.parts: list[Part] = [self.condition, self.predicate, self.body]
        sizes = [bytes_of(tensor.type) for tensor in self.kind.body.targets[self.count :]]
        self.may_fail = self.condition.may_fail or self.body.may_fail or (bool(sizes) and runs is None)
        self._check_saved(sizes)
        room = [None if runs is None or not is_bounded(n) else runs * n for n in sizes]
        self.saves = [(shared.cursor(), shared.stack(count), n) for count, n in zip(room, sizes, strict=True)]
        replayed = node.inputs[len(node.inputs) - self.kind.replays :]
        self.replays = [(shared.cursor(), shared.cursor(), _element_bytes(tensor)) for tensor in replayed]

    def _check_saved(self, sizes: Sequence[DimLike]) -> None:
        """``UnimplementedError`` where values of another size in each iteration would be saved for the gradient."""
        own = self.kind.body.graph.measured.keys()
        if any(measured_in(size) & own for size in sizes):
            raise UnimplementedError(
                self.node,
                self.node,
                f"{self.node.describe()}: its gradient needs a value whose size is counted in each iteration; compute "
                "with weights, as in x * tf.cast(mask, x.dtype), in a loop that is differentiated",
            )

    def _built_body(self, outer: Builder) -> _Body:
        body: Function = self.kind.body
        count, parameters = self.count, body.parameters
        variables, saved = body.targets[:count], body.targets[count:]
        states = tuple((x, target.type) for x, target in zip(parameters[:count], variables, strict=True))
        interface = Interface(tuple(parameters[count:]), states, len(saved), tuple(range(count)))
        return _Body(outer, body, (*saved, *variables), interface)

    def actions(self, inputs: Sequence[Place], outputs: Sequence[Place]) -> Sequence[Action]:
        """The loop variables are where the outputs are; they begin as copies of the inputs."""
        count = self.count
        end = len(inputs) - self.kind.replays
        variables, tokens = outputs[:count], outputs[count:]
        begin = [
            Copy(place, variable, bytes_of(tensor.type))
            for place, variable, tensor in zip(inputs, variables, self.node.inputs)
            if place != variable and source_of(tensor).op.type != "Undefined"
        ]
        saves = tuple(Save(*save, token) for save, token in zip(self.saves, tokens, strict=True))
        replays = tuple(
            Replay(cursor, position, token, bytes)
            for (cursor, position, bytes), token in zip(self.replays, inputs[end:], strict=True)
        )
        constants = inputs[count:end]
        predicate = InArena(self.predicate.offset)
        condition = self.condition.actions(_named("feed", (*variables, *inputs[count:])) | {("fetch", 0): predicate})
        body = self.body.actions(
            _named("state", variables)
            | _named("feed", (*constants, *(replay.cursor for replay in replays)))
            | _named("fetch", [save.cursor for save in saves])
        )
        return [*begin, Loop(condition, predicate, body, saves, replays)]


def _named(kind: str, places: Iterable[Place]) -> dict[tuple[str, int], Place]:
    return {(kind, number): place for number, place in enumerate(places)}


def _element_bytes(history: Tensor) -> DimLike:
    assert isinstance(history.dtype, HistoryType)
    return bytes_of(history.dtype.element)


def moved(actions: Iterable[Action], place: Callable[[Place], Place]) -> tuple[Action, ...]:
    """The actions with every place replaced."""

    def one(action: Action) -> Action:
        match action:
            case Call():
                return replace(action, places=tuple(map(place, action.places)), homes=tuple(map(place, action.homes)))
            case Copy():
                return replace(action, source=place(action.source), target=place(action.target))
            case Take() | Give():
                return action
            case Branch():
                then, orelse = moved(action.then, place), moved(action.orelse, place)
                return Branch(place(action.predicate), then, orelse)
        saves = tuple(replace(save, token=place(save.token)) for save in action.saves)
        replays = tuple(replace(replay, token=place(replay.token)) for replay in action.replays)
        condition, body = moved(action.condition, place), moved(action.body, place)
        return Loop(condition, place(action.predicate), body, saves, replays)

    return tuple(map(one, actions))
