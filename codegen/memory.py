"""Where every value of a step lives: planned before the first run, so that a run allocates nothing but its fetches.

Values that are never alive at the same time share memory. With exact sizes the blocks are packed like boxes on a
shelf, largest first (a best-fit form of the offset assignment in Pisarchyk and Lee, arXiv:2001.03288); that takes time
quadratic in their number, so very many blocks are placed in the order of time instead. A value whose size is a symbol
shares only with values of the same symbolic size, in slots that are laid behind the exact ones. A value whose size is
counted while the step runs has room for the most that it can be.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from graphc.alignment import ALIGNMENT
from graphc.dims import DimLike, ceildiv, most
from graphc.records import record

MOST_BY_SIZE = 256  # blocks packed largest first, in some ten milliseconds


@record
class Block:
    """A value of ``size`` bytes that is alive from step ``first`` to step ``last``, both included."""

    size: DimLike
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


@record
class Layout:
    """The offset of each block in bytes, and the bytes needed in all."""

    offsets: tuple[DimLike, ...]
    size: DimLike


def plan(blocks: Sequence[Block]) -> Layout:
    """A place in one arena for each block, in the order given."""
    fixed: list[tuple[int, Block, int]] = []
    groups: dict[DimLike, list[int]] = {}
    for n, block in enumerate(blocks):
        size = aligned(most(block.size))
        if isinstance(size, int):
            fixed.append((size, block, n))
        else:
            groups.setdefault(size, []).append(n)
    offsets: dict[int, DimLike] = {}
    end: DimLike = _pack(fixed, offsets)
    for size, numbers in groups.items():
        slots: dict[int, int] = {}
        count = _pack_by_time([(1, blocks[n], n) for n in numbers], slots)
        offsets.update((n, end + slot * size) for n, slot in slots.items())
        end = end + count * size
    return Layout(tuple(offsets[n] for n in range(len(blocks))), end)


def _pack(sized: Sequence[tuple[int, Block, int]], offsets: dict[int, DimLike]) -> int:
    found: dict[int, int] = {}
    end = (_pack_by_size if len(sized) <= MOST_BY_SIZE else _pack_by_time)(sized, found)
    offsets.update(found)
    return end


def _pack_by_size(sized: Iterable[tuple[int, Block, int]], offsets: dict[int, int]) -> int:
    """Largest blocks first, each as low as the larger ones allow."""
    end = 0
    placed: list[tuple[int, int, Block]] = []  # offset, end, block
    for size, block, number in sorted(sized, key=lambda item: -item[0]):
        taken = sorted((start, stop) for start, stop, other in placed if other.meets(block))
        start = _first_gap(taken, size)
        offsets[number] = start
        placed.append((start, start + size, block))
        end = max(end, start + size)
    return end


def _first_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    """The lowest offset at which ``size`` bytes are free of all ``taken`` ranges."""
    position = 0
    for start, stop in taken:
        if start - position >= size:
            return position
        position = max(position, stop)
    return position


def _pack_by_time(sized: Iterable[tuple[int, Block, int]], offsets: dict[int, int]) -> int:
    """Blocks as they begin to live, each in the smallest gap that those before have left."""
    gaps = _Gaps()
    living: list[tuple[int, int, int]] = []  # last step and offset, negated, and end; the next to go stands last
    for size, block, number in sorted(sized, key=lambda item: (item[1].first, -item[0])):
        while living and -living[-1][0] < block.first:
            _, start, stop = living.pop()
            gaps.give_back(-start, stop)
        if size == 0:  # it may lie anywhere, and leaves no gap
            offsets[number] = 0
            continue
        start = offsets[number] = gaps.take(size)
        insort(living, (-block.last, -start, start + size))
    return gaps.end


class _Gaps:
    """The free ranges below ``end``; beyond it all is free."""

    def __init__(self) -> None:
        self.end = 0
        self.by_size: list[tuple[int, int]] = []  # length and start, sorted
        self.stop_of: dict[int, int] = {}
        self.start_of: dict[int, int] = {}

    def take(self, size: int) -> int:
        """The start of the smallest range of at least ``size``; the rest of it stays free."""
        place = bisect_left(self.by_size, (size, 0))
        if place == len(self.by_size):
            start = self.start_of.get(self.end, self.end)
            if start < self.end:
                self._remove(start)
            self.end = start + size
            return start
        length, start = self.by_size[place]
        self._remove(start)
        if length > size:
            self._add(start + size, start + length)
        return start

    def give_back(self, start: int, stop: int) -> None:
        """Free a range; free neighbours become one."""
        if start in self.start_of:
            before = self.start_of[start]
            self._remove(before)
            start = before
        if stop in self.stop_of:
            after = self.stop_of[stop]
            self._remove(stop)
            stop = after
        self._add(start, stop)

    def _add(self, start: int, stop: int) -> None:
        insort(self.by_size, (stop - start, start))
        self.stop_of[start], self.start_of[stop] = stop, start

    def _remove(self, start: int) -> None:
        stop = self.stop_of.pop(start)
        del self.start_of[stop]
        del self.by_size[bisect_left(self.by_size, (stop - start, start))]


def aligned(size: DimLike) -> DimLike:
    """The size of whole cache lines."""
    return ceildiv(size, ALIGNMENT) * ALIGNMENT
