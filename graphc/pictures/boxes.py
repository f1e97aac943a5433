"""A graph as boxes and links: a box is an operation, a variable or a folded scope, a link the tensors between two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Union

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.state import Assign
from graphc.pictures.fold import Fold, equal_kernels, folded_scopes
from graphc.pictures.scopes import ROLES, Scope, scope_trees
from graphc.pictures.units import Test, Unit, Units, initialisation, is_small_constant, needed_for, units_of


@dataclass(frozen=True)
class Facts:
    """What is known beyond the graph.

    What is asked of each node and which variables get their new value from it, lines for its box, where the memory of a
    tensor is, and which nodes are nothing but another look at their input.
    """

    results: Mapping[Operation, list[str]] = field(default_factory=dict)
    updates: Mapping[Operation, list[str]] = field(default_factory=dict)
    lines: Mapping[Operation, list[str]] = field(default_factory=dict)
    memory: Mapping[Tensor, str] = field(default_factory=dict)
    is_view: Test = lambda node: False


@dataclass(frozen=True)
class Choice:
    """What of a graph is drawn: the folding, and which things get boxes of their own."""

    fold: Fold = "auto"
    constants: bool = False
    initialisers: bool = False
    variables: bool = True
    scopes: bool = True


@dataclass(eq=False)
class Box:
    """One box: a unit, or a scope that is folded."""

    number: int
    content: Union[Unit, Scope]
    home: Scope  # the scope that it stands in
    results: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)  # variables in other boxes that get new values here

    @property
    def role(self) -> str:
        """Whether it belongs to the forward, adjoint or update part."""
        return self.content.role

    @property
    def first(self) -> int:
        """The number of its first operation: what comes earlier in the graph has a smaller one."""
        units = self.content.all_units() if isinstance(self.content, Scope) else (self.content,)
        return min(unit.node.number for unit in units)

    @property
    def sweep(self) -> str:
        """The outermost scope: adjoints of one call of gradients have it in common."""
        scope = self.content if isinstance(self.content, Scope) else self.home
        while scope.parent and scope.parent.parent:
            scope = scope.parent
        return scope.name


@dataclass(eq=False)
class Link:
    """What goes from one box to another: tensors, or only the order (``control``), or a new value (``write``)."""

    tail: Box
    head: Box
    kind: str
    tensors: dict[Tensor, None] = field(default_factory=dict)  # each once, in order


@dataclass(frozen=True)
class Drawing:
    """The boxes of each scope, the scopes, and the links between the boxes."""

    trees: list[Scope]
    boxes: dict[Unit | Scope, Box]
    links: list[Link]
    facts: Facts


def drawing_of(graph: Graph, targets: Iterable[Operation], choice: Choice, facts: Facts) -> Drawing:
    """What is drawn of the part of ``graph`` that ``targets`` need; of the whole graph where there are none."""
    units = units_of(_shown(graph, list(targets), choice), _aside(choice), facts.is_view)
    trees = scope_trees(units) if choice.scopes else _flat(units)
    folded = folded_scopes(trees, choice.fold) if choice.scopes else _folded_kernels(trees, choice.fold)
    owners = _owners(trees, folded)
    homes = _homes(trees)
    boxes: dict[Unit | Scope, Box] = {}
    for content in owners.values():
        boxes.setdefault(content, Box(len(boxes), content, homes[content]))
    for node, unit in units.of.items():
        boxes[owners[unit]].results += facts.results.get(node, [])
        boxes[owners[unit]].updated += facts.updates.get(node, [])
    return Drawing(trees, boxes, _tidied(_links(units, lambda unit: boxes[owners[unit]])), facts)


def _shown(graph: Graph, targets: list[Operation], choice: Choice) -> list[Operation]:
    if targets:
        needed = needed_for(targets)
        return [node for node in graph.nodes if node in needed]
    left_out = set() if choice.initialisers else initialisation(graph)
    return [node for node in graph.nodes if node not in left_out]


def _aside(choice: Choice) -> Test:
    """What is written into the boxes of its readers."""
    return lambda node: (
        (not choice.constants and is_small_constant(node)) or (not choice.variables and node.type == "VariableV2")
    )


def _flat(units: Units) -> list[Scope]:
    """No scopes: all units of a role side by side."""
    roots = {role: Scope("", role) for role in ROLES}
    for unit in units.units:
        unit.title = unit.node.name
        roots.setdefault(unit.role, Scope("", unit.role)).units.append(unit)
    return [root for root in roots.values() if root.units]


def _folded_kernels(trees: list[Scope], fold: Fold) -> set[Scope]:
    return equal_kernels(trees) if fold == "auto" else set()


def _owners(trees: list[Scope], folded: set[Scope]) -> dict[Unit, Unit | Scope]:
    """What each unit is drawn as: itself, or the outermost folded scope around it."""
    owners: dict[Unit, Unit | Scope] = {}

    def visit(scope: Scope, outer: Scope | None) -> None:
        outer = outer or (scope if scope in folded else None)
        owners.update({unit: outer or unit for unit in scope.units})
        for inner in scope.scopes:
            visit(inner, outer)

    for tree in trees:
        visit(tree, None)
    return owners


def _homes(trees: list[Scope]) -> dict[Unit | Scope, Scope]:
    """The scope that each unit and each scope stands in."""
    homes: dict[Unit | Scope, Scope] = {}
    for tree in trees:
        for scope in (tree, *tree.all_scopes()):
            homes.update(dict.fromkeys((*scope.units, *scope.scopes), scope))
    return homes


def _links(units: Units, box_of: Callable[[Unit], Box]) -> list[Link]:
    links: dict[tuple[Box, Box, str], Link] = {}

    def add(source: Operation, node: Operation, kind: str, tensor: Tensor | None) -> None:
        if source not in units.of:
            return
        tail, head = box_of(units.of[source]), box_of(units.of[node])
        if kind == "write":
            tail, head = head, tail
        if tail is head:
            return
        link = links.setdefault((tail, head, kind), Link(tail, head, kind))
        if tensor is not None:
            link.tensors[tensor] = None

    for node in units.of:
        for place, tensor in enumerate(node.inputs):
            add(tensor.op, node, "write" if isinstance(node.kind, Assign) and place == 0 else "data", tensor)
        for before in node.control_inputs:
            add(before, node, "control", None)
    return list(links.values())


def _tidied(links: list[Link]) -> list[Link]:
    """Without what a reader sees anyway, the links inside a part before those between parts.

    A new value of what stands elsewhere is a word in the box that makes it, since an arrow across the whole page says
    no more.
    """
    kept = []
    for link in _without_known_order(links):
        if link.kind == "write" and link.tail.role != link.head.role:
            link.tail.updated += [tensor.op.name for tensor in link.tensors]
            continue
        kept.append(link)
    return sorted(kept, key=lambda link: link.tail.role != link.head.role)


def _without_known_order(links: list[Link]) -> list[Link]:
    """Without links of order that follow from other links, and with one from scope to scope between two parts.

    Where a value is read, the order follows from it; between folded scopes a value may go the other way, and the order
    is of what is in them.
    """
    data = {(link.tail, link.head) for link in links if link.kind == "data"}
    seen = {link for link in links if link.kind != "control"}
    after: dict[Box, list[Link]] = {}
    for link in links:
        if link.kind == "data" or (link.kind == "control" and (link.head, link.tail) not in data):
            after.setdefault(link.tail, []).append(link)
    pairs: set[tuple[Box | Scope, Box | Scope]] = set()
    for tail, following in after.items():
        reached = {tail}
        for link in sorted(following, key=lambda link: (link.kind == "control", link.head.first)):
            if link.kind == "control" and link.head not in reached:
                pair = _place(tail), _place(link.head)
                if tail.role == link.head.role or pair not in pairs:
                    seen.add(link)
                pairs.add(pair)
            _reach(link.head, after, reached)
    return [link for link in links if link in seen]


def _place(box: Box) -> Box | Scope:
    """The scope around a box; the box itself where there is none."""
    return box.home if box.home.parent else box


def _reach(start: Box, after: Mapping[Box, list[Link]], reached: set[Box]) -> None:
    """Adds what comes after ``start``, and it itself."""
    waiting = [start]
    while waiting:
        box = waiting.pop()
        if box not in reached:
            reached.add(box)
            waiting += [link.head for link in after.get(box, [])]
