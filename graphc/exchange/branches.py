"""Conditionals of TensorFlow 1, which stand in a graph as Switch and Merge: which branch a node is of.

    cond/Switch(x, pred) -> x for false, x for true;  nodes of each branch;  cond/Merge(no, yes)

Both branches are computed, and where they merge the predicate chooses; so a branch must not change anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.exchange.foreign import Unreadable
from graphc.exchange.frames import SWITCH, breaks_rings

_CHANGING = ("Assign", "Apply", "ResourceApply", "Scatter", "Print", "Assert")
Sides = frozenset[tuple[str, bool]]  # the names of predicates, and for which of their values a node is computed


def has_effect(op: str) -> bool:
    """Whether a node of this type changes something."""
    return op.startswith(_CHANGING) and op != "ScatterNd"


class Branches:
    """The branches that the nodes of a GraphDef are of."""

    def __init__(self, defs: Mapping[str, Any]):
        self._defs = defs
        self._known: dict[str, Sides] = {}
        self._any = any(node.op in SWITCH for node in defs.values())

    def of_node(self, node: Any) -> Sides:
        """The branches that the node is of. It is asked for each node that is read, so after the node's inputs."""
        if not self._any:
            return frozenset()
        if node.name not in self._known:
            found = [self._of_reference(reference) for reference in node.input]
            sides = frozenset().union(*found)
            # past a merge, a value is of neither branch
            self._known[node.name] = frozenset(side for side in sides if (side[0], not side[1]) not in sides)
        return self._known[node.name]

    def _of_reference(self, reference: str) -> Sides:
        name, _, number = reference.removeprefix("^").partition(":")
        node = self._defs.get(name)
        if node is None or breaks_rings(node):
            return frozenset()
        if node.op not in SWITCH:
            return self.of_node(node)
        predicate = self._predicate(node.input[1])
        if (chosen := self._defs.get(predicate)) is not None and chosen.op == "LoopCond":
            return self.of_node(node)  # a loop decides when it ends, not which branch is taken
        return self.of_node(node) | {(predicate, number == "1")}

    def _predicate(self, reference: str) -> str:
        """The predicate itself, of which conditionals make copies."""
        name = reference.split(":")[0]
        while name in self._defs and self._defs[name].op == "Identity":
            reference = self._defs[name].input[0]
            name = reference.split(":")[0]
        return reference

    def guards(self, node: Any) -> bool:
        """Whether an Assert stands where its own condition is false, as TensorFlow puts each: so it may always run."""
        reference = node.input[0]
        while (source := self._defs.get(reference.split(":")[0])) is not None and source.op in ("Identity", "Switch"):
            reference = source.input[0]
        return node.op == "Assert" and self.of_node(node) == {(reference, False)}

    def decided(self, merge: Any) -> tuple[str, bool]:
        """The predicate that chooses between the two inputs of a Merge, and whether the first is for true."""
        if len(merge.input) == 2:
            first, second = (self._of_reference(reference) for reference in merge.input)
            for predicate, side in first:
                if (predicate, not side) in second:
                    return predicate, side
        raise Unreadable("it is of a loop, or of a conditional whose predicate was not found")
