"""Values that other groups read: which of them are stored, and which are computed again from those that are.

Before::

    {Tanh, Square, Sub} -> h, 1 - h^2            {Mul(g, h), Mul(g, 1 - h^2)}

After::

    {Tanh} -> h                                  {Square, Sub, Mul(g, h), Mul(g, 1 - h^2)}

A group's values are looked at together. In a network from memory to the readers, cutting a value's edge is to store it
and read it back, cutting an operation's edge is to do it again in the readers: the least cut is the cheapest plan.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.dims import DimLike, product, substitute
from graphc.nodes import Operation, Tensor
from graphc.passes.absorb import are_siblings, is_outer
from graphc.passes.cut import SINK, SOURCE, UNCUT, Network
from graphc.passes.grow import MAX_MEMBERS, Group, Growth, connect, is_level
from graphc.passes.kinds import flops, is_input, is_pointwise, reads_memory
from graphc.records import record

BYTE = 2  # flops; what moving a byte to or from a cache that all cores share costs
USUAL_SIZE = 64  # what a symbolic size is taken to be, to compare costs


@record
class Value:
    """A value that readers need: the operands to compute it from, None where it can only be read; and who needs it."""

    operands: list[Tensor] | None
    readers: set[Group]


def recompute(growth: Growth) -> None:
    """Moves values from the groups that compute them to those that read them, where that costs less."""
    growth.settle_levels()
    _Search(growth).run()
    _drop_unread(growth)


class _Search:
    def __init__(self, growth: Growth):
        self.growth = growth
        self.positions = {group: _number(product(group.space.sizes)) for group in growth.groups}
        self.pinned = set(growth.targets)  # stored whatever happens
        self.reading: dict[Tensor, set[Group]] = {}
        self.in_place: set[tuple[Tensor, Group]] = set()  # read from memory as a whole
        for group in growth.groups:
            for node in (*group.axes, *group.leaves):
                for x in map(growth.behind, node.inputs):
                    self.reading.setdefault(x, set()).add(group)
                    if reads_memory(node):
                        self.pinned.add(x)
                        self.in_place.add((x, group))

    def run(self) -> None:
        """From the last group to the first, so that what only moved values needed is not stored for them."""
        for group in sorted(self.growth.groups, reverse=True):
            wanted = {
                node.outputs[0]: readers
                for node in group.axes
                if (readers := self._readers(node.outputs[0], group)) and is_pointwise(node)
            }
            if wanted:
                self._plan(group, wanted)

    def _readers(self, tensor: Tensor, group: Group) -> set[Group]:
        """The groups that could compute the tensor for themselves."""
        return {r for r in self.reading.get(tensor, ()) if r is not group and (tensor, r) not in self.in_place}

    def _plan(self, group: Group, wanted: dict[Tensor, set[Group]]) -> None:
        region = self._region(group, wanted)
        network = Network()
        made = {tensor: 2 * number for number, tensor in enumerate(region, start=1)}
        needed = self._needed_here(group, region)
        for tensor, value in region.items():
            node = made[tensor]
            read = node + 1
            if value.operands is None:
                network.add(SOURCE, node)
            else:
                network.add(SOURCE, node, self._again(tensor, value.readers, tensor in needed))
                for x in value.operands:
                    network.add(made[x] + 1, node)
            network.add(node, read, self._moved(tensor, group, wanted, value.readers))
            if tensor in wanted:
                network.add(read, SINK)
        behind = network.behind_cut()
        if behind is None:
            return
        again = {tensor for tensor in region if made[tensor] in behind}
        if again & wanted.keys() and self._have_room(wanted, len(again)):
            for tensor in (tensor for tensor in wanted if tensor in again):
                self._move(tensor, wanted[tensor], again, region)

    def _region(self, group: Group, wanted: dict[Tensor, set[Group]]) -> dict[Tensor, Value]:
        """The wanted values, and what they follow from up to what is in memory or no pointwise op computes."""
        region: dict[Tensor, Value] = {}
        inside = {*group.axes, *group.leaves}
        waiting = list(wanted.items())
        while waiting:
            tensor, readers = waiting.pop()
            known = region.get(tensor)
            if known is not None and readers <= known.readers:
                continue
            operands = self._operands(tensor.op) if tensor.op in inside and is_pointwise(tensor.op) else None
            region[tensor] = Value(operands, readers | (known.readers if known else set()))
            waiting += [(x, region[tensor].readers) for x in operands or ()]
        return region

    def _operands(self, node: Operation) -> list[Tensor]:
        """What is read to compute a node, but numbers."""
        return [x for x in map(self.growth.behind, node.inputs) if x.op not in self.growth.free]

    def _needed_here(self, group: Group, region: dict[Tensor, Value]) -> set[Tensor]:
        """The values of the region that the group computes for its own sake, whatever others read."""
        waiting = [x for x in region if x in self.pinned]
        for node in (*group.axes, *group.leaves):
            if not is_pointwise(node):
                waiting += self._operands(node)
        found: set[Tensor] = set()
        while waiting:
            tensor = waiting.pop()
            if tensor in region and tensor not in found:
                found.add(tensor)
                waiting += region[tensor].operands or ()
        return found

    def _again(self, tensor: Tensor, readers: set[Group], needed: bool) -> int:
        """What computing the value in its readers costs, less what its own group saves."""
        if any((tensor, reader) in self.in_place for reader in readers):
            return UNCUT  # it is in memory there, and cannot be both
        elements = _number(tensor.type.elements)
        times = sum(self._times(tensor, elements, reader) for reader in readers)
        own = 0 if needed else elements
        return max(flops(tensor.op) * (times - own), 0) + 1

    def _times(self, tensor: Tensor, elements: int, reader: Group) -> int:
        """How often a reader computes a value: at each of its positions, but for values of outer axes alone."""
        positions = self.positions[reader]
        return elements if elements >= positions or is_outer(tensor.type.sizes, reader) else positions

    def _moved(self, tensor: Tensor, group: Group, wanted: dict[Tensor, set[Group]], readers: set[Group]) -> int:
        """What storing the value, where it is not stored anyway, and reading it costs."""
        size = _number(tensor.type.elements) * tensor.dtype.size
        home = self.growth.homes.get(tensor.op)
        if home is None and not is_input(tensor.op):
            return UNCUT  # another's leaf: computed wherever it is read
        stored = home is not group or tensor in self.pinned
        asking = wanted.get(tensor, ())
        loads = [reader for reader in readers if reader in asking or not self._reads(reader, tensor)]
        return BYTE * size * (len(loads) + (not stored)) + 1

    def _reads(self, reader: Group, tensor: Tensor) -> bool:
        """Whether a group reads the tensor anyway, or one does that it will be merged with."""
        groups = self.reading.get(tensor, set())
        if reader in groups:
            return True
        return any(is_level(reader, other) and are_siblings(self.growth, reader, other) for other in groups)

    def _have_room(self, wanted: dict[Tensor, set[Group]], more: int) -> bool:
        return all(len(reader) + more <= 2 * MAX_MEMBERS for readers in wanted.values() for reader in readers)

    def _move(self, tensor: Tensor, readers: Iterable[Group], again: set[Tensor], region: dict[Tensor, Value]) -> None:
        """Computes the tensor in its readers."""
        self.reading[tensor] -= set(readers)
        waiting, done = [tensor], set()
        while waiting:
            x = waiting.pop()
            if x in done:
                continue
            done.add(x)
            if x in again:
                for reader in readers:
                    reader.leaves.add(x.op)
                waiting += region[x].operands or ()
                continue
            for reader in readers:
                self.reading.setdefault(x, set()).add(reader)
                if x.op in self.growth.homes:
                    connect(self.growth.homes[x.op], reader)


def _number(size: DimLike) -> int:
    number = size if isinstance(size, int) else substitute(size, lambda _: USUAL_SIZE)
    assert isinstance(number, int)
    return number


def _drop_unread(growth: Growth) -> None:
    """Leaves out what nothing reads any more; groups that read are looked at before those that they read."""
    read = {tensor.op for tensor in growth.targets}
    for group in sorted(growth.groups, reverse=True):
        inside = group.leaves | set(group.axes)
        wanted = {node for node in group.axes if node in read}
        for node in sorted(inside, key=lambda node: node.number, reverse=True):
            if node in wanted:
                behind = {growth.behind(x).op for x in node.inputs}
                wanted |= behind & inside
                read |= behind - inside
        for node in [node for node in group.axes if node not in wanted]:
            del group.axes[node], growth.homes[node]
        group.leaves &= wanted
        if not group.axes:
            growth.forget(group)
