"""Computes cheap values again where they are read, when what they follow from is in memory anyway.

Before::

    {Tanh, Square, Sub} -> h, 1 - h^2            {Mul(g, h), Mul(g, 1 - h^2)}

After::

    {Tanh} -> h                                  {Square, Sub, Mul(g, h), Mul(g, 1 - h^2)}
"""

from __future__ import annotations

from typing import NamedTuple

from graphc.dims import substitute
from graphc.nodes import Operation, Tensor
from graphc.ops.fused import Space
from graphc.passes.grow import MAX_MEMBERS, Group, Growth, connect
from graphc.passes.kinds import CHEAP, flops, is_input, is_pointwise, reads_memory

LARGEST_CONE = 4  # nodes computed again for one value
SMALL = 8  # a value of so many times fewer bytes is rather stored than computed again
USUAL_SIZE = 64  # what a symbolic size is taken to be, to compare bytes


class Cone(NamedTuple):
    """A value's way from memory: the nodes to compute, and the tensors that they read."""

    nodes: list[Operation]
    inputs: list[Tensor]


def recompute(growth: Growth) -> None:
    """Moves cheap values from the group that computes them to those that read them, where that moves fewer bytes."""
    _Search(growth).run()
    _drop_unread(growth)


class _Search:
    def __init__(self, growth: Growth):
        self.growth = growth
        self.pinned = set(growth.targets)
        self.reading: dict[Tensor, set[Group]] = {}
        self.spaces: dict[Tensor, set[Space]] = {}  # of the groups that read a tensor and may take siblings in
        for group in growth.groups:
            for node in (*group.axes, *group.leaves):
                for x in map(growth.behind, node.inputs):
                    self.reading.setdefault(x, set()).add(group)
                    if not (group.contraction or group.root):
                        self.spaces.setdefault(x, set()).add(group.space)
                    if reads_memory(node):
                        self.pinned.add(x)

    def run(self) -> None:
        """From the last value to the first, so that what only moved values needed is not stored for them."""
        for group in sorted(self.growth.groups, reverse=True):
            for node in sorted(group.axes, key=lambda node: node.number, reverse=True):
                readers = self.reading.get(node.outputs[0], set()) - {group}
                if readers and _is_cheap(node) and node.outputs[0] not in self.pinned:
                    self._consider(node.outputs[0], group, readers)

    def _consider(self, tensor: Tensor, group: Group, readers: set[Group]) -> None:
        cone = self._cone(tensor, group)
        if cone is None or not self._is_worth_it(tensor, group, cone, readers):
            return
        self.reading[tensor] -= readers
        for reader in readers:
            reader.leaves.update(cone.nodes)
            for x in cone.inputs:
                self.reading.setdefault(x, set()).add(reader)
                if x.op in self.growth.homes:
                    connect(self.growth.homes[x.op], reader)

    def _cone(self, tensor: Tensor, group: Group) -> Cone | None:
        """How to compute a value from what is in memory, or would be put there; None where that is not cheap."""
        nodes: dict[Operation, None] = {}
        inputs: dict[Tensor, None] = {}
        waiting = [tensor]
        while waiting:
            node = waiting.pop().op
            if not _is_cheap(node) or len(nodes) == LARGEST_CONE:
                return None
            nodes[node] = None
            for x in map(self.growth.behind, node.inputs):
                is_small = _bytes(x) * SMALL <= _bytes(tensor)
                if self._is_in_memory(x, group) or (x.op in group.axes and (is_small or not _is_cheap(x.op))):
                    inputs[x] = None
                elif x.op not in self.growth.free and x.op not in nodes:
                    waiting.append(x)
        return Cone(list(nodes), list(inputs))

    def _is_in_memory(self, tensor: Tensor, group: Group) -> bool:
        if is_input(tensor.op) or tensor in self.pinned:
            return True
        home = self.growth.homes.get(tensor.op)
        if home is group:
            return not _is_cheap(tensor.op) and len(self.reading[tensor]) > 1
        return home is not None and tensor.op not in group.leaves

    def _is_worth_it(self, tensor: Tensor, group: Group, cone: Cone, readers: set[Group]) -> bool:
        if any(len(reader) + len(cone.nodes) > 2 * MAX_MEMBERS for reader in readers):
            return False
        stored = sum(_bytes(x) for x in cone.inputs if not self._is_in_memory(x, group))
        loaded = [sum(_bytes(x) for x in cone.inputs if not self._reads(reader, x)) for reader in readers]
        own = _bytes(tensor)
        # a sum of two large values is stored rather than read as two, again and again along a chain of such sums
        return max(loaded) <= own + own // SMALL and stored + sum(loaded) < own * (1 + len(readers))

    def _reads(self, reader: Group, tensor: Tensor) -> bool:
        """Whether a group reads the tensor anyway, or one does that will be merged with it as its sibling."""
        if tensor.op in reader.axes:
            return True
        return reader in self.reading.get(tensor, ()) or reader.space in self.spaces.get(tensor, ())


def _is_cheap(node: Operation) -> bool:
    return is_pointwise(node) and flops(node) <= CHEAP


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


def _bytes(tensor: Tensor) -> int:
    size = substitute(tensor.type.elements, lambda _: USUAL_SIZE)
    assert isinstance(size, int)
    return size * tensor.dtype.size
