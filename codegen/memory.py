"""Where every value of a step lives: planned before the first run, so that a run allocates nothing but its fetches.

Values that are never alive at the same time share memory. With exact sizes the blocks are packed like boxes on a
shelf, largest first (a best-fit form of the offset assignment in Pisarchyk and Lee, arXiv:2001.03288). A value whose
size is a symbol shares only with values of the same symbolic size, in slots that are laid behind the exact ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.dims import DimLike, ceildiv

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Block:
    """A value of ``size`` bytes that is alive from step ``first`` to step ``last``, both included."""

    size: DimLike
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Layout:
    """The offset of each block in bytes, and the bytes needed in all."""

    offsets: tuple[DimLike, ...]
    size: DimLike


def plan(blocks: Sequence[Block]) -> Layout:
    """A place in one arena for each block, in the order given."""
    offsets: dict[int, DimLike] = {}
    fixed = [n for n, block in enumerate(blocks) if isinstance(block.size, int)]
    end: DimLike = _pack_exact(blocks, fixed, offsets)
    symbolic = [n for n, block in enumerate(blocks) if not isinstance(block.size, int)]
    for size in dict.fromkeys(_aligned(blocks[n].size) for n in symbolic):
        slots: list[list[Block]] = []
        for n in symbolic:
            if _aligned(blocks[n].size) == size:
                slot = _free_slot(slots, blocks[n])
                offsets[n] = end + slot * size
        end = end + len(slots) * size
    return Layout(tuple(offsets[n] for n in range(len(blocks))), end)


def _pack_exact(blocks: Sequence[Block], numbers: Sequence[int], offsets: dict[int, DimLike]) -> int:
    end = 0
    placed: list[tuple[int, int, Block]] = []  # offset, end, block
    sizes = {n: size for n in numbers if isinstance(size := _aligned(blocks[n].size), int)}
    for n, size in sorted(sizes.items(), key=lambda item: -item[1]):
        taken = sorted((start, stop) for start, stop, other in placed if other.meets(blocks[n]))
        start = _first_gap(taken, size)
        offsets[n] = start
        placed.append((start, start + size, blocks[n]))
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


def _free_slot(slots: list[list[Block]], block: Block) -> int:
    for number, slot in enumerate(slots):
        if not any(other.meets(block) for other in slot):
            slot.append(block)
            return number
    slots.append([block])
    return len(slots) - 1


def _aligned(size: DimLike) -> DimLike:
    return ceildiv(size, ALIGNMENT) * ALIGNMENT
