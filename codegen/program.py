"""A step as a program: kernels in order, each with the memory that its arguments stand for.

A program is called with one array, the *call frame*: pointers to feeds, fetches, variables and constants, the arena,
the thread pool, and the values of the size symbols. Just-in-time and ahead-of-time code differ only in who fills the
frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.codegen.loops import Kernel
from graphc.dims import DimLike
from graphc.nodes import Operation, Tensor
from graphc.records import record
from graphc.shapes import TensorType

# The first words of every call frame; slots for values follow, then the size symbols.
FRAME_HEAD = ("arena", "scratch", "scratch_stride", "pool", "errors")


@record
class Slot:
    """A pointer in the call frame to memory that the caller owns: a feed, fetch, state or constant."""

    kind: str
    number: int
    type: TensorType
    word: int  # its index in the call frame


@record
class InArena:
    """Memory in the arena, ``offset`` bytes from its start."""

    offset: DimLike


@record
class ErrorSlot:
    """The word of the errors array in which call number ``number`` notes what went wrong."""

    number: int


Place = Slot | InArena | ErrorSlot


@record
class Call:
    """One kernel applied to the memory of its arguments; ``homes`` says where its node's inputs and outputs are."""

    kernel: Kernel
    places: tuple[Place, ...]
    node: Operation
    homes: tuple[Place, ...] = ()
    checked: tuple[Operation, ...] = ()
    error_slot: int | None = None


@record
class Copy:
    """``bytes`` bytes moved from one place to another."""

    source: Place
    target: Place
    bytes: DimLike


class Program:
    """Everything there is to know of a compiled step before it becomes machine code."""

    def __init__(self, feeds: Iterable[Tensor] = ()):
        self.actions: list[Call | Copy] = []
        self.slots: list[Slot] = []
        self.symbols: tuple[str, ...] = ()
        self.arena_bytes: DimLike = 0
        self.scratch_bytes: tuple[DimLike, ...] = (0,)  # the largest of these is needed per thread
        self.constants: list[Any] = []
        self.feeds = list(feeds)
        self.fetches: list[TensorType] = []

    def add_slot(self, kind: str, number: int, type: TensorType) -> Slot:
        """A new word of the call frame."""
        self.slots.append(Slot(kind, number, type, len(FRAME_HEAD) + len(self.slots)))
        return self.slots[-1]

    @property
    def calls(self) -> list[Call]:
        """The kernels in order."""
        return [action for action in self.actions if isinstance(action, Call)]

    @property
    def error_slots(self) -> list[Call]:
        """The calls that can fail, in the order of their words in the errors array."""
        return [call for call in self.calls if call.error_slot is not None]

    @property
    def first_symbol(self) -> int:
        """The index of the first size symbol in the call frame."""
        return len(FRAME_HEAD) + len(self.slots)

    @property
    def frame_words(self) -> int:
        """The length of the call frame."""
        return self.first_symbol + len(self.symbols)
