"""Joins groups of nodes that share positions or inputs, where no value would wait for itself.

Before::

    {Max, Sub, Exp} -> {Sum} -> {Div}         and {Exp} -> {Div}

After::

    {Max, Sub, Exp, Sum, Div}

Two groups may become one unless a third lies on a path between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.nodes import Operation, Tensor
from graphc.passes.groups import Group, is_alias

MAX_SEARCH = 64  # groups visited to rule out a path; beyond, one is assumed: keeps merging linear


def merged(groups: Sequence[Group]) -> list[Group]:
    """The groups after merging producers with readers, then readers of one input with each other."""
    flow = _Flow(groups)
    for group in list(flow.sources):
        _absorb(flow, group, lambda g: flow.sources[g])
    for group in list(flow.sources):
        _absorb(flow, group, lambda g: flow.siblings(g))
    return list(flow.sources)


def _absorb(flow: _Flow, group: Group, candidates: object) -> None:
    """Merges ``group`` with its candidates, again and again until none fits."""
    current = flow.now(group)
    tried: set[Group] = set()
    while True:
        other = next((g for g in _by_number(candidates(current)) if g not in tried and g is not current), None)  # type: ignore[operator]
        if other is None:
            return
        tried.add(other)
        both = None if flow.has_detour(current, other) else current.merged_with(other)
        if both is not None:
            flow.replace(current, other, both)
            current, tried = both, set()


def _by_number(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: group.number)


def _source(tensor: Tensor) -> Tensor:
    """What a view is a view of."""
    while is_alias(tensor.op):
        tensor = tensor.op.inputs[0]
    return tensor


class _Flow:
    """Which group reads which, kept up to date while groups merge."""

    def __init__(self, groups: Sequence[Group]):
        self.home: dict[Operation, Group] = {node: group for group in groups for node in group.members}
        self.sources: dict[Group, set[Group]] = {group: set() for group in groups}
        self.readers: dict[Group, set[Group]] = {group: set() for group in groups}
        self.by_input: dict[Tensor, set[Group]] = {}
        for group in groups:
            self._connect(group)

    def _connect(self, group: Group) -> None:
        for tensor in map(_source, group.inputs()):
            self.by_input.setdefault(tensor, set()).add(group)
            source = self.home.get(tensor.op)
            if source is not None and source is not group:
                self.sources[group].add(source)
                self.readers[source].add(group)

    def now(self, group: Group) -> Group:
        """The group that the members of ``group`` are in by now."""
        return self.home[next(iter(group.members))]

    def siblings(self, group: Group) -> set[Group]:
        """Groups that read a tensor of the same size as the block, which this group reads too."""
        found: set[Group] = set()
        for tensor in group.inputs():
            if tensor.type.sizes == group.sizes:
                found |= self.by_input[_source(tensor)]
        return found - {group}

    def has_detour(self, a: Group, b: Group) -> bool:
        """Whether a path leads from one group to the other through a third."""
        return self._path(a, b) or self._path(b, a)

    def _path(self, start: Group, end: Group) -> bool:
        waiting = [group for group in self.readers[start] if group is not end]
        seen = set(waiting)
        while waiting:
            group = waiting.pop()
            if group is end or len(seen) > MAX_SEARCH:
                return True
            fresh = self.readers[group] - seen
            seen |= fresh
            waiting.extend(fresh)
        return False

    def replace(self, a: Group, b: Group, both: Group) -> None:
        """Puts ``both`` in the place of ``a`` and ``b``."""
        # A group hashes by its number, and equals only itself: the new one takes a's number without confusion.
        sources = (self.sources.pop(a) | self.sources.pop(b)) - {a, b}
        readers = (self.readers.pop(a) | self.readers.pop(b)) - {a, b}
        self.sources[both], self.readers[both] = sources, readers
        for group in sources:
            self.readers[group] = (self.readers[group] - {a, b}) | {both}
        for group in readers:
            self.sources[group] = (self.sources[group] - {a, b}) | {both}
        for tensor in map(_source, (*a.inputs(), *b.inputs())):
            self.by_input[tensor] -= {a, b}
        for tensor in map(_source, both.inputs()):
            self.by_input[tensor].add(both)
        for node in both.members:
            self.home[node] = both
