"""Loops of TensorFlow 1, which stand in a graph as rings of nodes: which nodes are of which loop, and in what order.

    start -> Enter -> Merge -> Switch(Merge, LoopCond) -> Exit          for each loop variable
                        ^        '-> body -> NextIteration -.
                        '-----------------------------------'

Values of outside come in by an Enter of their own. A loop in the body of another is a frame in that frame.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

ENTER = ("Enter", "RefEnter")
MERGE = ("Merge", "RefMerge")
SWITCH = ("Switch", "RefSwitch")
NEXT = ("NextIteration", "RefNextIteration")
EXIT = ("Exit", "RefExit")


def canonical(reference: Any) -> str:
    """A name of a tensor, always with its number."""
    text = reference if isinstance(reference, str) else str(getattr(reference, "name", reference))
    return text if ":" in text or text.startswith("^") else f"{text}:0"


def source(reference: str) -> str:
    """The name of the node that an input, also one that is only waited for, comes from."""
    return reference.removeprefix("^").split(":")[0]


def breaks_rings(node: Any) -> bool:
    """Whether the node is a loop's way back."""
    return node.op in NEXT


class Frame:
    """One loop, in the loop ``outer`` or in none."""

    def __init__(self, name: str, outer: Frame | None):
        self.name, self.outer = name, outer
        self.depth: int = 1 if outer is None else outer.depth + 1
        self.members: list[str] = []  # its nodes, without those of loops inside
        self.inner: list[Frame] = []

    def all_members(self) -> Iterator[str]:
        """Its nodes and those of the loops inside."""
        yield from self.members
        for frame in self.inner:
            yield from frame.all_members()


Unit = str | Frame  # what is read at one go: a node, or a whole loop


class Frames:
    """The loops of a GraphDef."""

    def __init__(self, defs: Mapping[str, Any]):
        self._defs = defs
        self.of: dict[str, Frame | None] = {}
        if any(node.op in ENTER for node in defs.values()):
            self._find()

    def _find(self) -> None:
        known: dict[tuple[Frame | None, bytes], Frame] = {}
        later = []
        for name in in_order(list(self._defs), self._references):
            assert isinstance(name, str)
            node = self._defs[name]
            if breaks_rings(node):
                later.append(node)
                continue
            around = self._innermost(node)
            if node.op in ENTER:
                key = (around, node.attr["frame_name"].s)
                if key not in known:
                    known[key] = Frame(key[1].decode(), around)
                    if around is not None:
                        around.inner.append(known[key])
                around = known[key]
            elif node.op in EXIT and around is not None:
                around = around.outer
            self.of[name] = around
        for node in later:
            self.of[node.name] = self._innermost(node)
        for name in self._defs:
            frame = self.of[name]
            if frame is not None:
                frame.members.append(name)

    def _innermost(self, node: Any) -> Frame | None:
        found = [frame for reference in node.input if (frame := self.of.get(source(reference)))]
        return max(found, key=lambda frame: frame.depth, default=None)

    def exits(self, frame: Frame) -> list[str]:
        """The nodes by which values leave a loop; they are of the frame around it."""
        outer = self._defs if frame.outer is None else frame.outer.members
        names = [name for name in outer if self._defs[name].op in EXIT]
        return [name for name in names if self.of.get(source(self._defs[name].input[0])) is frame]

    def _references(self, name: Unit) -> list[str]:
        assert isinstance(name, str)
        node = self._defs[name]
        if breaks_rings(node):
            return []
        return [other for other in map(source, node.input) if other in self._defs]

    def order(self, targets: Iterable[Unit], frame: Frame | None, known: Container[str] = ()) -> list[Unit]:
        """The nodes of the frame that the targets need, and whole loops inside it, each after what it needs.

        What is needed for ``known`` nodes is left out.
        """
        found = in_order(list(targets), lambda unit: [] if unit in known else self._needs(unit, frame))
        return [unit for unit in found if unit not in known]

    def units(self, frame: Frame | None) -> list[Unit]:
        """All that is read in a frame; in none, the nodes outside all loops, and the outermost loops."""
        names = self._defs if frame is None else frame.all_members()
        found = dict.fromkeys(self.unit(name, frame) for name in names)
        return self.order([unit for unit in found if unit is not None], frame)

    def unit(self, name: str, frame: Frame | None) -> Unit | None:
        """What a node is in a frame: itself, or the loop in the frame that it is of; None outside the frame."""
        own = self.of.get(name)
        if own is frame:
            return name if name in self._defs else None
        while own is not None and own.outer is not frame:
            own = own.outer
        return own

    def _needs(self, unit: Unit, frame: Frame | None) -> list[Unit]:
        names = unit.all_members() if isinstance(unit, Frame) else [unit]
        found = [self.unit(name, frame) for inside in names for name in self._references(inside)]
        return [other for other in found if other is not None and not (other is unit and isinstance(unit, Frame))]


def in_order(targets: Sequence[Unit], needs: Callable[[Unit], Sequence[Unit]]) -> list[Unit]:
    """The targets and what they need, each after what it needs; ``ValueError`` where they need each other in a ring."""
    done: dict[Unit, bool] = {}
    order: list[Unit] = []
    for start in targets:
        stack = [(start, False)]
        while stack:
            unit, ready = stack.pop()
            if ready:
                done[unit] = True
                order.append(unit)
            elif unit not in done:
                done[unit] = False
                stack.append((unit, True))
                stack += [(other, False) for other in reversed(needs(unit))]
            elif done[unit] is False:
                called = unit.name if isinstance(unit, Frame) else unit
                raise ValueError(f"the nodes around '{called}' need each other in a ring")
    return order
