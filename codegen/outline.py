"""What a process must know of a program to run its code: the words of its call frame, and the memory it asks for.

All else of a program is for those who write the code, or look at it. A process that finds both in the cache needs no
more than this.
"""

from __future__ import annotations

from typing import Any

from graphc.dims import Dim, DimLike, is_bounded
from graphc.records import record
from graphc.shapes import TensorType

# The first words of every call frame; slots for values follow, then the size symbols.
FRAME_HEAD = ("arena", "scratch", "scratch_stride", "pool", "errors")
PARALLEL_FOR = "graphc_parallel_for"  # what the step function calls for kernels of several tasks


@record
class Slot:
    """A pointer in the call frame to memory that the caller owns: a feed, fetch, state or constant."""

    kind: str
    number: int
    type: TensorType
    word: int  # its index in the call frame

    @property
    def is_given(self) -> bool:
        """Whether the step gives the memory to the caller: a fetch whose size nothing bounds."""
        return self.kind == "fetch" and not is_bounded(self.type.elements)


@record
class Outline:
    """The outline of a program; what the fields hold is said in :class:`graphc.codegen.program.Program`."""

    slots: tuple[Slot, ...]
    symbols: tuple[str, ...]
    measured: tuple[str, ...]
    open_sizes: tuple[Dim, ...]
    frame_words: int
    arena_bytes: DimLike
    scratch_bytes: tuple[DimLike, ...]
    constants: tuple[Any, ...]
    failing: int  # how many calls can fail
    kernels: int
    is_parallel: bool

    @property
    def first_symbol(self) -> int:
        """The index of the first size symbol in the call frame."""
        return len(FRAME_HEAD) + len(self.slots)
