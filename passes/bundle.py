"""Puts groups that do not wait for each other into one kernel: small ones, and updates of variables.

Before::

    a: f32[10] = Kernel(v, ops=Exp)
    b: f32[784] = Kernel(w, ops=Sqrt)
    return a, b

After::

    b: f32[10], b:1: f32[784] = Kernel(v, w, ops=Exp+Sqrt)
    return b, b:1

The last part of :mod:`fuse`. A kernel may visit several blocks of positions one after the other; its tasks are
numbered through all of them. So the optimizer's updates of all small variables are one call, and those of all large
ones one parallel loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from graphc.dims import product
from graphc.passes.grow import Group, Growth

SMALL = 8192  # positions; a block too small to be worth a call, or threads, of its own
MOST_MEMBERS = 256  # nodes in a kernel: LLVM's time grows faster than its length (2,000 took twice the time)
MOST_SPACES = 32  # blocks in a kernel, each a loop nest of its own: for the same reason


class Sort(Enum):
    """What may stand in a kernel together."""

    SMALL = 1
    UPDATE = 2
    ALONE = 3


def bundles(growth: Growth) -> list[list[Group]]:
    """The groups of each kernel.

    A group may run between the last of what it reads and the first that reads it. Levels say when that is, so groups
    put at the same level never wait for each other.
    """
    top = max((group.level for group in growth.groups), default=0)
    result: list[list[Group]] = []
    for sort in Sort:
        chosen = [group for group in growth.groups if _sort(group) is sort]
        result += [[group] for group in chosen] if sort is Sort.ALONE else _gathered(chosen, top)
    return result


def _gathered(groups: Iterable[Group], top: int) -> list[list[Group]]:
    """Groups put together at the latest level that suits the first of them."""
    result: list[list[Group]] = []
    level = members = 0
    for group in sorted(groups, key=lambda group: (_latest(group, top), group.level, group.number)):
        members += len(group)
        if not result or group.level > level or members > MOST_MEMBERS or len(result[-1]) == MOST_SPACES:
            result.append([])
            level, members = _latest(group, top), len(group)
        result[-1].append(group)
    return result


def _latest(group: Group, top: int) -> int:
    return min(min((reader.level for reader in group.readers), default=top + 1) - 1, group.last)


def _sort(group: Group) -> Sort:
    if group.root or group.contraction:
        return Sort.ALONE
    positions = product(group.space.sizes)
    if isinstance(positions, int) and positions <= SMALL:
        return Sort.SMALL
    return Sort.ALONE if group.readers or group.space.reduced else Sort.UPDATE
