"""Branches and loops as actions: their bodies are built like steps, and then get their places from the graph outside.

A body of a loop is what a step is: loop variables are its states, updated in place where that is possible, constants
are its feeds, and what it saves are its fetches. Its arena is a block in the arena around it, alive while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from graphc.body import Function
from graphc.codegen.interface import Interface, bytes_of, source_of
from graphc.codegen.memory import aligned
from graphc.codegen.program import (
    Action,
    Block,
    Branch,
    Call,
    Copy,
    Cursor,
    Give,
    Grow,
    Hand,
    InArena,
    Inner,
    Loop,
    OnStack,
    Place,
    Replay,
    Save,
    Take,
    Within,
    note_bytes,
)
from graphc.dims import DimLike, is_bounded, measured_in, most
from graphc.nodes import Operation, Tensor
from graphc.ops.branches import If
from graphc.ops.loops import HistoryType, While
from graphc.ops.told import HistorySizes
from graphc.records import replace
from graphc.shapes import TensorType

if TYPE_CHECKING:
    from graphc.codegen.build import Builder


class Part:
    """Memory in the arena around a node for as long as it runs."""

    def __init__(self, bytes: DimLike):
        self.bytes = bytes
        self.offset: DimLike = 0

    def put(self, place: InArena) -> None:
        """Takes its memory there."""
        self.offset = place.offset


class _Body(Part):
    """A function's actions, in its own places, and its arena."""

    def __init__(self, outer: Builder, function: Function, targets: Sequence[Tensor], interface: Interface):
        shared = outer.shared
        shared.bodies += 1
        self.number = shared.bodies
        builder = type(outer)(shared, function.graph, targets, interface, self.number)
        self._actions = builder.run()
        self.may_fail = any(map(builder.may_fail, builder.nodes))
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

    @property
    def resized(self) -> set[Tensor]:
        """The outputs whose memory the node itself takes, since nothing bounds a size that it tells."""
        return {self.node.outputs[n] for n in self._lowered.resized}

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
        functions = node.kind.functions().values()
        targets = [function.targets for function in functions]
        self.resized = [n for n, out in enumerate(node.outputs) if _is_resized(out, [own[n] for own in targets])]
        self.branches = [_branch(outer, function, frozenset(self.resized)) for function in functions]
        self.parts: list[Part] = list(self.branches)
        self.may_fail = any(branch.may_fail for branch in self.branches) or bool(self.resized)

    def actions(self, inputs: Sequence[Place], outputs: Sequence[Place]) -> Sequence[Action]:
        predicate, *captures = inputs
        places = _named("feed", captures) | _named("fetch", outputs)
        then, orelse = (branch.actions(places) for branch in self.branches)
        return [Branch(predicate, then, orelse)]


def _is_resized(output: Tensor, inside: Sequence[Tensor]) -> bool:
    return not is_bounded(output.type.elements) and any(own.type != output.type for own in inside)


def _branch(outer: Builder, function: Function, handed: frozenset[int] = frozenset()) -> _Body:
    targets = function.targets
    return _Body(outer, function, targets, Interface(tuple(function.parameters), (), len(targets), handed=handed))


class _Iteration:
    def __init__(self, outer: Builder, node: Operation):
        self.node = node
        self.kind: While = node.kind  # type: ignore[assignment]
        self.count = self.kind.variables
        shared, before = outer.shared, outer.shared.runs
        runs = None if before is None or self.kind.iterations is None else before * self.kind.iterations
        if runs is not None and not is_bounded(runs):
            runs = None  # what nothing bounds tells no size of a stack
        shared.runs = runs
        targets = self.kind.body.targets
        self.resized = [
            n for n, out in enumerate(node.outputs[: self.count]) if _is_resized(out, (targets[n], node.inputs[n]))
        ]
        saved = [tensor.type for tensor in targets[self.count :]]
        self.on_stack = [any(map(measured_in, type.sizes)) for type in saved]
        self.condition = _branch(outer, self.kind.condition)
        self.predicate = Part(1)
        self.body = self._built_body(outer)
        shared.runs = before
        self.parts: list[Part] = [self.condition, self.predicate, self.body]
        self.may_fail = self.condition.may_fail or self.body.may_fail or bool(self.resized)
        self.may_fail = self.may_fail or (bool(saved) and runs is None)
        room = [self._room(runs, type) for type in saved]
        sizes = [None if varies else bytes_of(type) for type, varies in zip(saved, self.on_stack)]
        self.saves = [(shared.cursor(), shared.stack(count), n) for count, n in zip(room, sizes, strict=True)]
        replayed = node.inputs[len(node.inputs) - self.kind.replays :]
        self.replays = [(shared.cursor(), shared.cursor(), *_replayed_from(tensor)) for tensor in replayed]

    @staticmethod
    def _room(runs: DimLike | None, type: TensorType) -> DimLike | None:
        """The bytes of all that is saved; None where that is not known."""
        bytes = bytes_of(type)
        if runs is None or not is_bounded(bytes):
            return None
        noted = any(map(measured_in, type.sizes))
        return runs * (aligned(most(bytes)) + note_bytes(len(type.sizes)) if noted else bytes)

    def _built_body(self, outer: Builder) -> _Body:
        body: Function = self.kind.body
        count, parameters = self.count, body.parameters
        variables, saved = body.targets[:count], body.targets[count:]
        states = tuple((x, target.type) for x, target in zip(parameters[:count], variables, strict=True))
        handed = {n for n, on_stack in enumerate(self.on_stack) if on_stack}
        handed |= {len(saved) + n for n in self.resized}
        interface = Interface(
            tuple(parameters[count:]), states, len(saved), tuple(range(count)), handed=frozenset(handed)
        )
        return _Body(outer, body, (*saved, *variables), interface)

    def actions(self, inputs: Sequence[Place], outputs: Sequence[Place]) -> Sequence[Action]:
        """The loop variables are where the outputs are; they begin as copies of the inputs."""
        count = self.count
        end = len(inputs) - self.kind.replays
        variables, tokens = outputs[:count], outputs[count:]
        begin: list[Action] = []
        for n, (place, variable, tensor) in enumerate(zip(inputs, variables, self.node.inputs)):
            if n in self.resized:
                assert isinstance(variable, Cursor), variable
                begin.append(Take(Block(variable, Cursor(variable.number + 1)), bytes_of(tensor.type)))
            if place != variable and source_of(tensor).op.type != "Undefined":
                begin.append(Copy(place, variable, bytes_of(tensor.type)))
        saves = tuple(Save(*save, token) for save, token in zip(self.saves, tokens, strict=True))
        replays = tuple(
            Replay(cursor, position, token, bytes, rank, axis)
            for (cursor, position, bytes, rank, axis), token in zip(self.replays, inputs[end:], strict=True)
        )
        constants = inputs[count:end]
        predicate = InArena(self.predicate.offset)
        condition = self.condition.actions(_named("feed", (*variables, *inputs[count:])) | {("fetch", 0): predicate})
        body = self.body.actions(
            _named("state", variables)
            | _named("feed", (*constants, *(replay.cursor for replay in replays)))
            | _named("fetch", [save.cursor if save.bytes is not None else OnStack(save.stack) for save in saves])
        )
        return [*begin, Loop(condition, predicate, body, saves, replays)]


def _named(kind: str, places: Iterable[Place]) -> dict[tuple[str, int], Place]:
    return {(kind, number): place for number, place in enumerate(places)}


def _replayed_from(history: Tensor) -> tuple[DimLike | None, int, int | None]:
    """Of a value that is replayed: its bytes where all are of one size, its rank, and the axis whose size is read."""
    axis = None
    if isinstance(history.op.kind, HistorySizes):
        axis, history = history.op.kind.axis, history.op.inputs[0]
    assert isinstance(history.dtype, HistoryType)
    type = history.dtype.element
    varies = any(map(measured_in, type.sizes))
    return None if varies else bytes_of(type), len(type.sizes), axis


def moved(actions: Iterable[Action], place: Callable[[Place], Place]) -> tuple[Action, ...]:
    """The actions with every place replaced."""

    def argument(found: Place) -> Place:
        return replace(found, place=place(found.place)) if isinstance(found, Within) else place(found)

    def one(action: Action) -> Action:
        match action:
            case Call():
                places = tuple(map(argument, action.places))
                return replace(action, places=places, homes=tuple(map(place, action.homes)))
            case Copy():
                return replace(action, source=place(action.source), target=place(action.target))
            case Hand():
                return replace(action, source=place(action.source), target=place(action.target))
            case Grow():
                return replace(action, place=place(action.place))
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
