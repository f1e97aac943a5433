"""Reads a loop of TensorFlow 1, a ring of nodes (:mod:`graphc.exchange.frames`), as a ``tf.while_loop``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphc.exchange.branches import has_effect
from graphc.exchange.foreign import Unreadable, readable
from graphc.exchange.frames import ENTER, MERGE, NEXT, SWITCH, Frame, Unit, source
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.loops import while_loop
from graphc.shapes import Size

if TYPE_CHECKING:
    from graphc.exchange.reading import Reader

Shape = tuple[Size, ...] | None


class _Wider(Exception):
    """A loop variable changes its shape: sizes that do not stay are to be unknown."""

    def __init__(self, shapes: list[Any]):
        super().__init__()
        self.shapes = shapes


class _Variable:
    """The nodes of one loop variable, by name; ``following`` is the input that its next value comes by."""

    def __init__(self, enter: str, merge: str, following: str):
        self.enter, self.merge, self.following = enter, merge, following
        self.switches: list[str] = []
        self.exits: list[str] = []


class _Ring:
    """What the nodes of a frame are in their loop."""

    def __init__(self, reader: Reader, frame: Frame):
        self.frame = frame
        defs = [reader.definition(name) for name in frame.members]
        self.enters = [node for node in defs if node.op in ENTER]
        self.variables = [self._variable(reader, node) for node in defs if node.op in MERGE and _is_ring(reader, node)]
        by_merge = {variable.merge: variable for variable in self.variables}
        by_switch = {}
        for node in defs:
            if node.op in SWITCH and (found := by_merge.get(source(node.input[0]))):
                found.switches.append(node.name)
                by_switch[node.name] = found
        for name in reader.exits(frame):
            reference = reader.definition(name).input[0]
            if source(reference) not in by_switch:
                raise Unreadable(f"node '{name}' leaves a loop in a way that graphc does not read")
            by_switch[source(reference)].exits.append(name)
        conditions = [node for node in defs if node.op == "LoopCond"]
        if len(conditions) != 1 or not self.variables:
            raise Unreadable(f"the loop '{frame.name}' is not as TensorFlow writes loops")
        self.condition: str = conditions[0].input[0]
        self.effects: list[Unit] = [node.name for node in defs if has_effect(node.op)]

    @staticmethod
    def _variable(reader: Reader, merge: Any) -> _Variable:
        enter, following = (source(reference) for reference in merge.input[:2])
        return _Variable(enter, merge.name, reader.definition(following).input[0])


def _is_ring(reader: Reader, merge: Any) -> bool:
    """Whether a Merge is that of a loop variable, and not that of a conditional."""
    ops = [reader.definition(source(reference)).op for reference in merge.input[:2]]
    return ops[0] in ENTER and ops[1] in NEXT


def read_loop(reader: Reader, frame: Frame) -> None:
    """Declares the loop, and its results under the names of the nodes where its variables leave it."""
    ring = _Ring(reader, frame)
    starts = {node.name: reader.input_of(node, 0) for node in ring.enters}
    for name, value in starts.items():  # those that graphc cannot compute may be for nodes that nobody needs
        reader.give(name, [value])
    values = [readable(starts[variable.enter]) for variable in ring.variables]
    results = widened_loop(
        lambda *now: _condition(reader, ring, now), lambda *now: _following(reader, ring, now), values,
        f"{reader.prefix}{ring.frame.name}",
    )  # fmt: skip
    for variable, result in zip(ring.variables, results, strict=True):
        for name in variable.exits:
            reader.give(name, [result], named=True)


def widened_loop(
    condition: Callable[..., Tensor], following: Callable[..., list[Any]], values: Sequence[Any], name: str
) -> list[Any]:
    """The variables after a loop. No file says which sizes stay: those that the body changes are given up."""
    shapes: list[Shape] = [getattr(value, "flow", value).type.shape for value in values]

    def body(*now: Any) -> list[Any]:
        found = following(*now)
        kept = [_kept(shape, value) for shape, value in zip(shapes, found, strict=True)]
        if kept != shapes:
            raise _Wider(kept)
        return found

    while True:
        try:
            return list(while_loop(condition, body, list(values), list(shapes), name=name, return_same_structure=True))
        except _Wider as wider:
            shapes = wider.shapes


def _condition(reader: Reader, ring: _Ring, now: Sequence[Any]) -> Tensor:
    with reader.inside(ring.frame):
        for variable, value in zip(ring.variables, now, strict=True):
            reader.give(variable.merge, [value])
        return convert_to_tensor(reader.value(ring.condition))


def _following(reader: Reader, ring: _Ring, now: Sequence[Any]) -> list[Any]:
    with reader.inside(ring.frame):
        for variable, value in zip(ring.variables, now, strict=True):
            for name in variable.switches:
                reader.give(name, [value, value])
        for effect in ring.effects:
            reader.read_units(reader.order([effect], ring.frame), ring.frame)
        return [reader.value(variable.following) for variable in ring.variables]


def _kept(shape: Shape, value: Any) -> Shape:
    """What of the shape of a loop variable still holds after the body; that of an array may be learnt there."""
    if not isinstance(value, Tensor):
        return shape
    after = value.type.shape
    if shape is None or after is None or len(shape) != len(after):
        return None
    return tuple(one if one == other else None for one, other in zip(shape, after, strict=True))
