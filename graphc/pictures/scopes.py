"""The tree of scopes in which units stand, one tree for each role.

Names say most: ``model/conv1/Conv2D`` stands in ``model`` and there in ``conv1``. An operation called like a scope is
the result of what is in it, and stands inside. An adjoint stands where the operation stands whose adjoint it is, so
that both parts of a training graph look alike. What an optimizer keeps stands where it is updated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphc.nodes import Operation
from graphc.ops.state import Assign
from graphc.pictures.units import Unit, Units, is_first_assignment

ROLES = ("forward", "adjoint", "update")
Path = tuple[str, ...]

_GRADIENT_SCOPE = re.compile(r"(.+)_grad(_\d+)?")


@dataclass(eq=False)
class Scope:
    """A scope with the scopes and the units that stand directly in it; the root of a role has no name."""

    name: str
    role: str
    parent: Scope | None = None
    scopes: list[Scope] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    is_grouped: bool = False  # a group of many, made for the picture; no scope of the user's

    def all_units(self) -> Iterator[Unit]:
        """Every unit in the scope, those in its scopes included."""
        yield from self.units
        for scope in self.scopes:
            yield from scope.all_units()

    def all_scopes(self) -> Iterator[Scope]:
        """Every scope below this one."""
        for scope in self.scopes:
            yield scope
            yield from scope.all_scopes()

    @property
    def full_name(self) -> str:
        """The names from the outermost scope to this one, joined by slashes."""
        outer = self.parent.full_name if self.parent else ""
        return f"{outer}/{self.name}" if outer else self.name

    @property
    def depth(self) -> int:
        """1 for the outermost scopes."""
        return self.parent.depth + 1 if self.parent else 0


def scope_trees(units: Units) -> list[Scope]:
    """The tree of each role that has units."""
    paths = _Paths(units)
    roots = {role: Scope("", role) for role in ROLES}
    places: dict[tuple[str, Path], Scope] = {}
    for unit in units.units:
        root = roots.setdefault(unit.role, Scope("", unit.role))
        _place(root, paths.of(unit), places).units.append(unit)
    return [_tidied(root) for root in roots.values() if root.units or root.scopes]


def _place(root: Scope, path: Path, places: dict[tuple[str, Path], Scope]) -> Scope:
    """The scope at ``path``, made where it is not there yet."""
    if not path:
        return root
    key = (root.role, path)
    if key not in places:
        outer = _place(root, path[:-1], places)
        places[key] = Scope(path[-1], root.role, outer)
        outer.scopes.append(places[key])
    return places[key]


def _tidied(scope: Scope) -> Scope:
    """Without boxes in boxes for nothing: a lone scope in a scope joins it; a lone unit needs no scope around it."""
    kept: list[Scope] = []
    for inner in map(_tidied, scope.scopes):
        if not inner.scopes and len(inner.units) == 1 and inner.units[0].kind != "variable":
            inner.units[0].title = inner.name
            scope.units += inner.units
        else:
            kept.append(inner)
    scope.scopes = kept
    if scope.parent and len(kept) == 1 and not scope.units:
        scope.name, scope.units, scope.scopes = f"{scope.name}/{kept[0].name}", kept[0].units, kept[0].scopes
        for inner in scope.scopes:
            inner.parent = scope
    return scope


class _Paths:
    """Where each unit stands."""

    def __init__(self, units: Units):
        self.units = {unit.node.name: unit for unit in units.units}
        computed = [unit.node.name for unit in units.units if unit.kind != "variable"]
        self.scopes = {name[:end] for name in computed for end in _slashes(name)}
        self.updates = _updates(units.units)
        self.known: dict[str, Path] = {}

    def of(self, unit: Unit) -> Path:
        """The scopes from the outermost to the one that the unit stands in; asked in the graph's order."""
        name = unit.node.name
        if name not in self.known:
            self.known[name] = self._find(unit)
        return self.known[name]

    def _find(self, unit: Unit) -> Path:
        home = self.updates.get(unit.node, unit.node) if unit.role == "update" else unit.node
        if home.role == "adjoint":
            return self._of_adjoint(home.name)
        return self._of_name(home.name)

    def _of_name(self, name: str) -> Path:
        parts = tuple(name.split("/"))
        return parts if name in self.scopes else parts[:-1]

    def _of_adjoint(self, name: str) -> Path:
        """``gradients/model/dropout_grad/mul`` -> gradients, model, dropout, dropout_grad."""
        parts = tuple(name.split("/"))
        for end in reversed(range(len(parts) - 1)):
            match = _GRADIENT_SCOPE.fullmatch(parts[end])
            for start in range(end + 1) if match else ():
                forward = self.units.get("/".join((*parts[start:end], match[1])))  # type: ignore[index]
                if forward is not None:
                    return (*parts[:start], *self.of(forward), *parts[end:-1])
        return self._of_sum(name)

    def _of_sum(self, name: str) -> Path:
        """The sum of partial adjoints stands where all of these stand."""
        node = self.units[name].node if name in self.units else None
        parts = [self.units[x.op.name] for x in node.inputs if x.op.name in self.units] if node else []
        if not parts or any(unit.role != "adjoint" for unit in parts):
            return self._of_name(name)
        return _common_start([self.of(unit) for unit in parts])


def _common_start(paths: Sequence[Path]) -> Path:
    """What all paths begin with."""
    shortest = min(paths, key=len)
    length = next((n for n, part in enumerate(shortest) if any(path[n] != part for path in paths)), len(shortest))
    return shortest[:length]


def _slashes(name: str) -> Iterator[int]:
    return (place for place, character in enumerate(name) if character == "/")


def _updates(units: Sequence[Unit]) -> dict[Operation, Operation]:
    """What an optimizer keeps -> the operation that changes it, or else the first that reads it."""
    homes: dict[Operation, Operation] = {}
    for unit in units:
        node = unit.node
        if isinstance(node.kind, Assign) and not is_first_assignment(node):
            homes[node.inputs[0].op] = node
    for unit in units:
        for tensor in unit.node.inputs:
            source = tensor.op.inputs[0].op if tensor.op.type == "ReadVariableOp" else tensor.op
            if unit.role == "update" and source.type == "VariableV2":
                homes.setdefault(source, unit.node)
    return homes
