"""Which scopes are drawn as one box, so that a person can read the picture.

Scopes open from the outermost inwards as long as the picture does not show more than ``MOST_BOXES``. Scopes side by
side open together or not at all, and adjoints open with the operations whose adjoints they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar, Union

from graphc.ops.fused import Kernel
from graphc.pictures.scopes import Scope
from graphc.pictures.units import Unit

MOST_BOXES = 42  # about what a screen shows in letters that can be read
MOST_KERNELS = 30  # whose boxes are larger than others
# More than these side by side are gathered where they are alike; the parts of a training graph share the boxes.
MANY_SCOPES, MANY_UNITS = 13, 20
LONG_RUN = 4  # so many scopes that are alike, one right after the other, are gathered in any case
FEW_SCALARS = 2  # beside the updates of arrays, such as the powers of Adam's decay rates

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Likeness = tuple[str, Hashable]

# "auto", a depth to which scopes are open, the names of the scopes to fold, or None for no folding.
Fold = Union[str, int, Iterable[str], None]


def folded_scopes(trees: Sequence[Scope], fold: Fold = "auto") -> set[Scope]:
    """The scopes that are drawn as one box."""
    if fold == "auto":
        likeness = _likenesses(trees)
        for tree in trees:
            _group_many(tree, likeness)
        return _folded_to_fit(trees, likeness)
    is_folded = _test_of(fold)
    return {scope for tree in trees for scope in tree.all_scopes() if is_folded(scope)}


def equal_kernels(trees: Sequence[Scope]) -> set[Scope]:
    """Gathers kernels that are one native function where there are many, and returns the groups."""
    if sum(map(_size, trees)) <= MOST_KERNELS:
        return set()
    for tree in trees:
        equal = _grouped(tree.units, _meaning)
        many = [units for _, units in equal if len(units) >= 3]
        tree.units = [unit for _, units in equal if len(units) < 3 for unit in units]
        tree.scopes = [Scope(f"{len(units)} x", tree.role, tree, units=units, is_grouped=True) for units in many]
    return {scope for tree in trees for scope in tree.scopes}


def _meaning(unit: Unit) -> Hashable:
    """What a kernel computes; every other unit is alone."""
    return unit.node.kind.structure if isinstance(unit.node.kind, Kernel) else unit


def _test_of(fold: Fold) -> Callable[[Scope], bool]:
    if fold is None:
        return lambda scope: False
    if isinstance(fold, (bool, str)):
        raise ValueError(f'fold is {fold!r}; wanted "auto", a depth, a list of names of scopes, or None')
    if isinstance(fold, int) and fold < 0:
        raise ValueError(f"a depth of {fold} is none: 0 folds all scopes, 1 opens the outermost")
    if isinstance(fold, int):
        return lambda scope: scope.depth > fold
    names = frozenset(fold)
    return lambda scope: scope.full_name in names


def _folded_to_fit(trees: Sequence[Scope], likeness: Mapping[Scope, Likeness]) -> set[Scope]:
    folded = {scope for tree in trees for scope in tree.all_scopes()}
    shown = sum(_size(tree) for tree in trees)
    for siblings in _in_order_of_opening(_twins(trees)):
        closed = [twins for twins in siblings if not folded.intersection(scope.parent for scope in twins)]
        closed = [twins for twins in closed if not _holds_only_scalars(twins[0])]
        together = [[scope for twins in closed for scope in twins]]
        alike = [
            [x for twins in many for x in twins] for _, many in _grouped(closed, lambda x: likeness.get(x[0], x[0]))
        ]
        for scopes in [*together, *(sorted(alike, key=_operations, reverse=True) if _is_outermost(siblings) else [])]:
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
    return all(map(_is_scalar, scope.all_units()))


def _is_scalar(unit: Unit) -> bool:
    return bool(unit.node.outputs) and all(tensor.type.shape == () for tensor in unit.node.outputs)


# -- too many side by side -----------------------------------------------------------------------------


def _likenesses(trees: Sequence[Scope]) -> dict[Scope, Likeness]:
    """What each scope has in common with others; scopes of adjoints are alike where those of their operations are."""
    return {scope: _likeness(twins[0]) for twins in _twins(trees) for scope in twins}


def _likeness(scope: Scope) -> Likeness:
    """What scopes of repeated layers have in common: the name but for numbers, the operations, the variables' types."""
    units = list(scope.all_units())
    kinds = sorted(unit.node.type for unit in units)
    types = sorted(str(unit.node.outputs[0].type) for unit in units if unit.kind == "variable")
    return re.sub(r"\d+", "*", scope.name), (*kinds, *types)


def _group_many(scope: Scope, likeness: Mapping[Scope, Likeness]) -> None:
    """Gathers scopes alike but for the numbers in their names, units declared by one line, and scalars of an update."""
    if len(scope.scopes) > MANY_SCOPES:
        groups = _grouped(scope.scopes, likeness.__getitem__)
        scope.scopes = [kept for (name, _), many in groups for kept in _gathered(scope, name, many, 3)]
    else:
        runs = [(key, list(run)) for key, run in groupby(scope.scopes, likeness.__getitem__)]
        scope.scopes = [kept for (name, _), many in runs for kept in _gathered(scope, name, many, LONG_RUN)]
    if len(scope.units) > MANY_UNITS:
        lines = _grouped(scope.units, lambda unit: str(unit.node.origin or ""))
        scope.units = []
        for name, units in lines:
            if len(units) < 3:
                scope.units += units
            else:
                scope.scopes.append(Scope(name, scope.role, scope, units=units, is_grouped=True))
    scalars = [unit for unit in scope.units if _is_scalar(unit) and not unit.node.kind.has_effect]
    if scope.role == "update" and len(scalars) > FEW_SCALARS:
        gathered = set(scalars)
        scope.units = [unit for unit in scope.units if unit not in gathered]
        scope.scopes.append(Scope("scalars", scope.role, scope, units=scalars, is_grouped=True))
    for inner in scope.scopes:
        if not inner.is_grouped:
            _group_many(inner, likeness)


def _gathered(outer: Scope, name: str, many: list[Scope], least: int) -> list[Scope]:
    if len(many) < least:
        return many
    group = Scope(f"{name} x{len(many)}", outer.role, outer, scopes=many, is_grouped=True)
    for inner in many:
        inner.parent = group
    return [group]


def _grouped(items: Sequence[Item], key: Callable[[Item], Key]) -> list[tuple[Key, list[Item]]]:
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())
