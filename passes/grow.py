"""Grows groups of nodes along the flow of values, each group one kernel: the first part of :mod:`fuse`.

Before::

    a: f32[64,10] = Add(x, b)
    h: f32[64,10] = Tanh(a)
    e: f32[64,10] = Exp(h)
    s: f32[64] = Sum(e, axes=[1])
    t: f32[10,64] = Transpose(h, perm=[1,0])
    y: f32[10,64] = Exp(t)
    return s, y

After::

    s: f32[64,10], s:1: f32[64] = Kernel(x, b, ops=Add+Tanh+Exp+Sum)
    y: f32[10,64] = Kernel(s, ops=Transpose+Exp)
    return s:1, y

A node joins the group that computes one of its inputs, the latest first, if its value is needed where the group is
(:mod:`align`); otherwise it begins a group. Groups have levels, and a group reads from lower levels only: so none waits
for itself, and to see that costs nothing. Nodes are visited as soon as all they read is computed, so that a value is
used up near to where it is made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from graphc.graph import Graph
from graphc.needed import told_before
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.fused import Space
from graphc.passes.align import Axes, placed, space_of, through_view
from graphc.passes.kinds import (
    behind_aliases,
    contracts,
    has_own_loops,
    is_alias,
    is_free,
    is_input,
    reads_memory,
    reduces,
)

MAX_MEMBERS = 64  # keeps compile time linear in the size of a graph, and registers enough
GOOD_SIZE = 40  # from here on, a group of a long chain ends where the one before it did, so that kernels are alike
_NONE = 1 << 60
PHASE = 1 << 32  # levels from one count of sizes to the next


class Group:
    """Nodes that become one kernel: members with their axes, and leaves, computed wherever they are asked for."""

    def __init__(self, number: int, node: Operation, phase: int = 0):
        self.number = number
        self.phase = phase
        self.space: Space = space_of(node)
        self.axes: dict[Operation, Axes] = {}
        self.leaves: set[Operation] = set()
        self.contraction = contracts(node)
        self.root = has_own_loops(node)
        self.level = phase * PHASE
        self.last = _NONE  # the last level at which it may run
        self.sources: set[Group] = set()
        self.readers: set[Group] = set()
        self.lowest_reader = _NONE  # a bound: levels of readers only rise

    def __len__(self) -> int:
        return len(self.axes) + len(self.leaves)

    def __lt__(self, other: Group) -> bool:
        return (self.level, self.number) < (other.level, other.number)


class Growth:
    """The groups of a graph while they grow and merge."""

    def __init__(self, graph: Graph):
        order = _eager_order(graph)
        stored = (*graph.targets, *graph.measured.values())
        self.targets = {behind_aliases(tensor) for tensor in stored}
        self.free = _free_nodes(order, stored)
        self.phases = _phases(graph)
        self.homes: dict[Operation, Group] = {}
        self.groups: dict[Group, None] = {}  # in the order in which they began
        self._ends: set[Any] = set()  # what the nodes were like for which a group had no room
        self._begun = 0
        for node in order:
            if node not in self.free and not is_input(node):
                self._visit(node)
        for count in map(behind_aliases, graph.measured.values()):
            if count.op in self.homes:
                home = self.homes[count.op]
                home.last = (home.phase + 1) * PHASE - 1

    # -- what is read --------------------------------------------------------------------------------

    def behind(self, tensor: Tensor, stops: type[Op] | tuple[()] = ()) -> Tensor:
        """What a tensor is a view of: views that each reader computes for itself are looked through, but ``stops``."""
        while tensor.op in self.free and tensor.op.inputs and not isinstance(tensor.op.kind, stops):
            tensor = tensor.op.inputs[0]
        return tensor

    def sources_of(self, node: Operation) -> set[Group]:
        """The groups that compute what the node reads."""
        found = {self.homes.get(self.behind(x).op) for x in node.inputs}
        return {group for group in found if group is not None}

    def axes_of(self, tensor: Tensor, axes: Mapping[Operation, Axes], space: Space) -> Axes | bool | None:
        """The axes of a value in a group; None where it comes from outside, False where other positions are seen."""
        views = []
        while tensor.op in self.free and tensor.op.inputs:
            views.append(tensor.op)
            tensor = tensor.op.inputs[0]
        found = axes.get(tensor.op)
        if found is not None and has_own_loops(tensor.op):
            return False
        for view in reversed(views):
            if found is not None:
                found = through_view(view, found, space)
                if found is None:
                    return False
        return found

    # -- joining -------------------------------------------------------------------------------------

    def _visit(self, node: Operation) -> None:
        sources = self.sources_of(node)
        if isinstance(node.kind, ConcatV2) and self._put_beside(node, sources):
            return
        if not (reads_memory(node) or has_own_loops(node)):
            for group in sorted(sources, reverse=True):
                if self._join(node, group, sources - {group}):
                    for other in sorted(sources - {group}, reverse=True):
                        self.merge(self.homes[node], other)
                    return
        self._begin(node, sources)

    def _put_beside(self, node: Operation, sources: set[Group]) -> bool:
        """Takes a concatenation into the group that computes all its parts, and can store them where they belong."""
        sizes = node.inputs[0].type.sizes
        whole = all(x.type.sizes == sizes and self._is_whole(x) for x in node.inputs)
        if not whole or len(node.inputs) < 2 or 0 in sizes:
            return False
        group, *others = sorted(sources, reverse=True)
        for other in others:
            if not self.merge(group, other):
                return False
        if len(group) >= MAX_MEMBERS:
            return False
        self._add(node, group, (), ())
        return True

    def _is_whole(self, tensor: Tensor) -> bool:
        """Whether a group computes the value at every position of its block."""
        home = self.homes.get(tensor.op)
        return home is not None and not home.root and home.axes[tensor.op] == tuple(range(len(home.space.sizes)))

    def _begin(self, node: Operation, sources: set[Group]) -> None:
        if any(len(source) >= MAX_MEMBERS for source in sources):
            self._ends.add(_likeness(node))
        group = Group(self._begun, node, self.phases.get(node, 0))
        self._begun += 1
        self.groups[group] = None
        self._rise(group, sources)
        axes = placed(node, [None] * len(node.inputs), group.space)
        # an op with loops of its own has no positions to share
        self._add(node, group, () if axes is None else axes, sources)

    def _join(self, node: Operation, group: Group, others: set[Group]) -> bool:
        if group.root or len(group) >= MAX_MEMBERS or len(node.outputs) != 1:
            return False
        if group.phase != self.phases.get(node, 0):
            return False
        if len(group) >= GOOD_SIZE and _likeness(node) in self._ends:
            return False
        space = group.space
        if reduces(node):
            if group.contraction:
                return False
            space = Space(space.sizes, space.reduced or space_of(node).reduced)
        axes = self._axes_in(node, group.axes, space)
        if axes is None or not self._rise(group, others):
            return False
        group.space = space
        self._add(node, group, axes, others)
        return True

    def _axes_in(self, node: Operation, axes: Mapping[Operation, Axes], space: Space) -> Axes | None:
        """The axes that the node's value would have among values with these; None where it cannot be there."""
        inputs = [self.axes_of(x, axes, space) for x in node.inputs]
        if any(found is False for found in inputs):
            return None
        return placed(node, inputs, space)  # type: ignore[arg-type]

    def _add(self, node: Operation, group: Group, axes: Axes, sources: Iterable[Group]) -> None:
        group.axes[node] = axes
        self.homes[node] = group
        for source in sources:
            connect(source, group)

    def _rise(self, group: Group, sources: Iterable[Group]) -> bool:
        """Lifts the group above its sources; False where a reader is in the way."""
        needed = 1 + max((source.level for source in sources), default=group.phase * PHASE)
        if needed >= group.lowest_reader:
            return False
        group.level = max(group.level, needed)
        return True

    def settle_levels(self) -> None:
        """Makes ``lowest_reader`` of each group more than a bound, while no level changes."""
        for group in self.groups:
            group.lowest_reader = min((reader.level for reader in group.readers), default=_NONE)

    # -- merging -------------------------------------------------------------------------------------

    def merge(self, group: Group, other: Group) -> bool:
        """Takes ``other`` into ``group``, where one block of positions serves both and nothing waits for itself."""
        if not self.may_stand_together(group, other):
            return False
        above = max(group, other)
        space = Space(group.space.sizes, group.space.reduced or other.space.reduced)
        axes = {**group.axes, **other.axes}
        both = ((node, other.axes) for node in group.axes), ((node, group.axes) for node in other.axes)
        for node, read in chain(*both):
            reads = not reads_memory(node) and any(self.behind(x).op in read for x in node.inputs)
            if reads and self._axes_in(node, axes, space) != axes[node]:
                return False
        if any(self.behind(x).op in axes for leaf in group.leaves | other.leaves for x in leaf.inputs):
            return False  # a leaf may be asked for at any position
        group.space, group.axes, group.level = space, axes, above.level
        group.contraction = group.contraction or other.contraction
        group.last = min(group.last, other.last)
        self._replace(other, group)
        return True

    def may_stand_together(self, group: Group, other: Group) -> bool:
        """Whether the groups have one block of positions, and none between them has to wait."""
        below, above = sorted((group, other))
        return self._may_merge(below, above) and not _reads_between(below, above)

    def _may_merge(self, a: Group, b: Group) -> bool:
        if a.root or b.root or a.space.sizes != b.space.sizes or len(a) + len(b) > MAX_MEMBERS or a.phase != b.phase:
            return False
        if a.space.reduced != b.space.reduced and a.space.reduced and b.space.reduced:
            return False
        if a.contraction or b.contraction:
            one_reduces = a.space.reduced or b.space.reduced
            return not ((a.contraction and b.contraction) or one_reduces or self.takes_from_memory(a, b))
        return True

    def takes_from_memory(self, a: Group, b: Group) -> bool:
        """Whether one of the groups reads a value of the other in a way that needs it in memory."""
        for reader, source in ((a, b), (b, a)):
            for node in filter(reads_memory, reader.axes):
                if any(self.homes.get(self.behind(x).op) is source for x in node.inputs):
                    return True
        return False

    def _replace(self, old: Group, new: Group) -> None:
        """Puts ``new`` in the place of ``old``."""
        new.leaves |= old.leaves
        for node in old.axes:
            self.homes[node] = new
        self.forget(old)
        for source in old.sources - {new}:
            connect(source, new)
        for reader in old.readers - {new}:
            connect(new, reader)

    def forget(self, group: Group) -> None:
        """Takes a group out, with all that leads to and from it."""
        del self.groups[group]
        for source in group.sources:
            source.readers.discard(group)
        for reader in group.readers:
            reader.sources.discard(group)

    # -- leaves --------------------------------------------------------------------------------------

    def absorb(self, group: Group) -> None:
        """Computes the members of ``group`` in each of its readers, as leaves."""
        for node in group.axes:
            del self.homes[node]
        for reader in group.readers:
            reader.leaves |= group.leaves | set(group.axes)
        self.forget(group)
        for reader in group.readers:
            for source in group.sources:
                connect(source, reader)


def connect(source: Group, reader: Group) -> None:
    """Notes that ``reader`` reads a value of ``source``."""
    source.readers.add(reader)
    source.lowest_reader = min(source.lowest_reader, reader.level)
    reader.sources.add(source)


def is_level(a: Group, b: Group) -> bool:
    """Whether groups of settled levels may be at one: no other reader of the lower has to stand between."""
    below, above = (a, b) if a.level <= b.level else (b, a)
    return below.lowest_reader > above.level or below in above.sources


def _reads_between(below: Group, above: Group) -> bool:
    """Whether a group that reads ``below`` may stand before ``above``, so that ``above`` may wait for it."""
    if below.lowest_reader > above.level:
        return False
    return any(reader.level <= above.level for reader in below.readers if reader is not above)


def _free_nodes(order: Sequence[Operation], targets: Iterable[Tensor]) -> set[Operation]:
    """The nodes that each reader computes for itself: free ones but those that must be in memory."""
    free = {node for node in order if is_free(node)}
    in_memory = {tensor.op for tensor in targets}
    for node in reversed(order):
        if reads_memory(node):
            in_memory.update(tensor.op for tensor in node.inputs)
        if node in free and node in in_memory:
            if is_alias(node):  # the memory of what it is a view of
                in_memory.add(node.inputs[0].op)
            else:
                free.discard(node)
    return free


def _phases(graph: Graph) -> dict[Operation, int]:
    """How many counts of sizes, one after the other, each node has to wait for; nothing where none is counted."""
    phases: dict[Operation, int] = {}
    for node in graph.needed() if graph.measured else ():
        counts = [count.op for count in told_before(node, graph.measured) if count.op in phases]
        waits = [phases[x.op] for x in node.inputs] + [phases[count] + 1 for count in counts]
        phases[node] = max(waits, default=0)
    return phases


def _eager_order(graph: Graph) -> list[Operation]:
    """The nodes that the targets need, each as soon as all that it reads has come."""
    nodes = graph.needed()
    missing = {node: len({tensor.op for tensor in node.inputs}) for node in nodes}
    readers: dict[Operation, list[Operation]] = {node: [] for node in nodes}
    for node in nodes:
        for source in {tensor.op for tensor in node.inputs}:
            readers[source].append(node)
    waiting = deque(node for node in nodes if not missing[node])
    order = []
    while waiting:
        node = waiting.popleft()
        order.append(node)
        for reader in readers[node]:
            missing[reader] -= 1
            if not missing[reader]:
                waiting.append(reader)
    return order


def _likeness(node: Operation) -> Any:
    """What nodes at the same place of repeated parts of a graph have in common."""
    return node.kind, node.outputs[0].type, tuple((x.op.type, x.type) for x in node.inputs)
