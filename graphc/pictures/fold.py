"""Which scopes are drawn as one box, so that a person can read the picture.

Scopes open from the outermost inwards as long as the picture does not show more than ``MOST_BOXES``. Scopes side by
side open together or not at all, and adjoints open with the operations whose adjoints they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Union

from graphc.pictures.scopes import Scope

MOST_BOXES = 40

# "auto", a depth to which scopes are open, the names of the scopes to fold, or None for no folding.
Fold = Union[str, int, Iterable[str], None]


def folded_scopes(trees: Sequence[Scope], fold: Fold = "auto") -> set[Scope]:
    """The scopes that are drawn as one box."""
    if fold == "auto":
        for tree in trees:
            _group_many(tree)
        return _folded_to_fit(trees)
    return {scope for tree in trees for scope in tree.all_scopes() if _is_folded(fold)(scope)}


def _is_folded(fold: Fold) -> Callable[[Scope], bool]:
    if fold is None:
        return lambda scope: False
    if isinstance(fold, (bool, str)):
        raise ValueError(f'fold is {fold!r}; wanted "auto", a depth, a list of names of scopes, or None')
    if isinstance(fold, int):
        return lambda scope: scope.depth > fold
    names = frozenset(fold)
    return lambda scope: scope.full_name in names


def _folded_to_fit(trees: Sequence[Scope]) -> set[Scope]:
    folded = {scope for tree in trees for scope in tree.all_scopes()}
    shown = sum(_size(tree) for tree in trees)
    for siblings in _in_order_of_opening(_twins(trees)):
        closed = [twins for twins in siblings if not folded.intersection(scope.parent for scope in twins)]
        closed = [twins for twins in closed if not _holds_only_scalars(twins[0])]
        together = [[scope for twins in closed for scope in twins]]
        for scopes in [*together, *(sorted(closed, key=_operations, reverse=True) if _is_outermost(siblings) else [])]:
            more = sum(_size(scope) - 1 for scope in scopes if scope in folded)
            if shown + more <= MOST_BOXES:
                folded -= set(scopes)
                shown += more
    return folded


def _twins(trees: Sequence[Scope]) -> list[list[Scope]]:
    """Each scope of the forward part with the scopes of its adjoints; every other scope alone."""
    scopes = [scope for tree in trees for scope in tree.all_scopes()]
    twins = {scope.full_name: [scope] for scope in scopes if scope.role == "forward"}
    alone = []
    for scope in scopes:
        name = _name_of_twin(scope, twins)
        if name:
            twins[name].append(scope)
        elif scope.role != "forward":
            alone.append([scope])
    return [*twins.values(), *alone]


def _name_of_twin(scope: Scope, names: Container[str]) -> str | None:
    """``gradients/model/conv1`` -> ``model/conv1``, where there is such a scope."""
    parts = scope.full_name.split("/") if scope.role == "adjoint" else []
    ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((end for end in ends if end in names), None)


def _in_order_of_opening(twins: Sequence[list[Scope]]) -> list[list[list[Scope]]]:
    """Scopes side by side, the outermost first. An adjoint's scope without a twin, ``gradients``, comes early."""
    late = {"adjoint": -1.0, "update": 0.5}
    groups: dict[Scope | None, list[list[Scope]]] = {}
    for scopes in twins:
        groups.setdefault(scopes[0].parent, []).append(scopes)
    return sorted(groups.values(), key=lambda group: group[0][0].depth + late.get(group[0][0].role, 0.0))


def _is_outermost(siblings: list[list[Scope]]) -> bool:
    return siblings[0][0].depth == 1


def _operations(scopes: list[Scope]) -> int:
    return sum(1 for scope in scopes for _ in scope.all_units())


def _size(scope: Scope) -> int:
    """How many boxes the scope shows when it is open and the scopes in it are folded."""
    return len(scope.units) + len(scope.scopes)


def _holds_only_scalars(scope: Scope) -> bool:
    """The numbers beside the arrays, such as a learning rate: one box says enough."""
    return all(tensor.type.shape == () for unit in scope.all_units() for tensor in unit.node.outputs)


# -- too many side by side -----------------------------------------------------------------------------


def _group_many(scope: Scope) -> None:
    """Gathers what would not fit: scopes whose names differ in numbers only, and units declared by one line."""
    if len(scope.scopes) > MOST_BOXES // 2:
        groups = _grouped(scope.scopes, lambda inner: re.sub(r"\d+", "*", inner.name))
        scope.scopes = [inner for name, many in groups for inner in _gathered_scopes(scope, name, many)]
    if len(scope.units) > MOST_BOXES // 2:
        groups = _grouped(scope.units, lambda unit: str(unit.node.origin or ""))
        scope.units = []
        for name, units in groups:
            if len(units) < 3:
                scope.units += units
            else:
                scope.scopes.append(Scope(name, scope.role, scope, units=units, is_grouped=True))
    for inner in scope.scopes:
        if not inner.is_grouped:
            _group_many(inner)


def _gathered_scopes(outer: Scope, name: str, many: list[Scope]) -> list[Scope]:
    if len(many) < 3:
        return many
    group = Scope(f"{name} x{len(many)}", outer.role, outer, scopes=many, is_grouped=True)
    for inner in many:
        inner.parent = group
    return [group]


def _grouped(items: Sequence, key: Callable) -> list[tuple[str, list]]:
    groups: dict[str, list] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())
