"""Computes cheap values where they are read, and joins groups that read the same memory.

Before::

    {Mul(m, 0.9)} -> {Contract, Mul, Add, ...}        {Sum(dy * x)} and {Sum(dy)}

After::

    {Contract, Mul, Mul, Add, ...}                    {Sum(dy * x), Sum(dy)}
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.dims import DimLike, product
from graphc.nodes import Tensor
from graphc.ops.recomputed import Barrier
from graphc.passes.grow import MAX_MEMBERS, Group, Growth
from graphc.passes.kinds import CHEAP, flops, is_leaf, reads_memory

FEW = 3  # members of a group that may be computed several times over


def absorb_leaves(growth: Growth) -> None:
    """Takes groups of pointwise nodes into their readers, where that computes nothing more often, or little."""
    for group in sorted(growth.groups, reverse=True):
        if not _is_of_leaves(growth, group) or not all(_takes(growth, reader, group) for reader in group.readers):
            continue
        if len(group.readers) == 1 or _is_as_cheap_as_reading(growth, group):
            growth.absorb(group)


def merge_siblings(growth: Growth) -> None:
    """Joins groups over the same positions that read the same tensor of that size."""
    last: dict[tuple[Tensor, object], Group] = {}
    for group in sorted(growth.groups):
        current = group
        for tensor in list(_whole_inputs(growth, group)):
            key = (tensor, current.space.reduced)
            other = last.get(key)
            while other is not None and other not in growth.groups:
                other = growth.homes[next(iter(other.axes))]
            if other not in (None, current) and are_siblings(growth, other, current) and growth.merge(other, current):
                current = other
            last[key] = current


def are_siblings(growth: Growth, a: Group, b: Group) -> bool:
    """Whether groups that read the same may be joined, and should be: what follows a contraction has to wait for it."""
    return a.space == b.space and not (a.contraction or b.contraction) and growth.may_stand_together(a, b)


def _is_of_leaves(growth: Growth, group: Group) -> bool:
    if not group.readers or group.space.reduced or not all(is_leaf(node) for node in group.axes):
        return False
    return not any(out in growth.targets for node in group.axes for out in node.outputs)


def _takes(growth: Growth, reader: Group, group: Group) -> bool:
    """Whether the reader can compute the group's values where it needs them, without doing much work again."""
    if len(reader) + len(group) > MAX_MEMBERS or growth.takes_from_memory(reader, group):
        return False
    if reader.root and len(_read(growth, reader, group)) > 1:
        return False  # what they share would be computed for each
    if reader.root or not _is_fewer(group.space.sizes, reader.space.sizes):
        return True
    return all(flops(node) <= CHEAP for node in group.axes) or is_outer(group.space.sizes, reader)


def _read(growth: Growth, reader: Group, group: Group) -> set[Tensor]:
    """The values of a group that another reads."""
    read = {growth.behind(x) for node in (*reader.axes, *reader.leaves) for x in node.inputs}
    return {tensor for tensor in read if tensor.op in group.axes}


def _is_fewer(sizes: tuple[DimLike, ...], others: tuple[DimLike, ...]) -> bool:
    """Whether a block certainly or possibly has fewer positions than another."""
    count, other = product(sizes), product(others)
    if isinstance(count, int) and isinstance(other, int):
        return count < other
    return count != other


def is_outer(sizes: tuple[DimLike, ...], reader: Group) -> bool:
    """Whether values of these sizes depend on outer axes only, so that they are computed before the inner loop."""
    others = reader.space.sizes
    if reader.contraction or any(size != 1 for size in sizes[-1:]):
        return False
    own = sizes[max(0, len(sizes) - len(others)) :]
    return all(a == b or a == 1 for a, b in zip(own, others[len(others) - len(own) :], strict=True))


def _is_as_cheap_as_reading(growth: Growth, group: Group) -> bool:
    """Whether computing the group again takes little more than reading its result would."""
    if len(group) > FEW or any(flops(node) > CHEAP for node in group.axes):
        return False
    return len(list(_whole_inputs(growth, group))) <= 1


def _whole_inputs(growth: Growth, group: Group) -> Iterator[Tensor]:
    """The tensors as large as the block that the group reads from memory."""
    nodes = sorted({*group.axes, *group.leaves}, key=lambda node: node.number)
    read = (growth.behind(x, stops=Barrier) for node in nodes for x in node.inputs if not reads_memory(node))
    for tensor in dict.fromkeys(read):
        if tensor.op not in nodes and tensor.type.sizes == group.space.sizes:
            yield tensor
