"""A step as a program: kernels in order, each with the memory that its arguments stand for.

A program is called with one array, the *call frame*: pointers to feeds, fetches, variables and constants, the arena,
the thread pool, and the values of the size symbols. Just-in-time and ahead-of-time code differ only in who fills the
frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphc.alignment import ALIGNMENT
from graphc.codegen.loops import Kernel
from graphc.codegen.outline import FRAME_HEAD, Outline, Slot
from graphc.dims import Dim, DimLike, product
from graphc.nodes import Operation, Tensor
from graphc.records import record
from graphc.shapes import TensorType

STACK_WORDS = 3  # of what loops save: the memory of a stack, how many bytes it has, how many are used


@record
class InArena:
    """Memory in the arena, ``offset`` bytes from its start."""

    offset: DimLike


@record
class SizeWord:
    """The word of the call frame where kernels read a size that the step counts."""

    name: str


@record
class ErrorSlot:
    """The word of the errors array in which call number ``number`` notes what went wrong."""

    number: int


@record
class Cursor:
    """Memory whose address the step keeps in a word of the call frame, and moves from iteration to iteration."""

    number: int


@record
class Inner:
    """What a body calls a place outside of it, until that is decided: its feed, fetch or state of this number."""

    body: int
    kind: str
    number: int


@record
class OnStack:
    """The next place on the stack of this number."""

    number: int


@record
class Within:
    """Memory that begins ``bytes`` bytes after another place."""

    place: Place
    bytes: DimLike


Place = Slot | InArena | SizeWord | ErrorSlot | Cursor | Inner | OnStack | Within


def is_fixed(place: Place) -> bool:
    """Whether the distance of a place from a pointer of the call frame is a number."""
    if isinstance(place, Within):
        return isinstance(place.bytes, int) and is_fixed(place.place)
    return not isinstance(place, InArena) or isinstance(place.offset, int)


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


@record
class Branch:
    """One of two lists of actions, by the bool at ``predicate``."""

    predicate: Place
    then: tuple[Action, ...]
    orelse: tuple[Action, ...]


@record
class Stack:
    """What a loop saves: ``bytes`` from ``offset`` in the arena; without a size, memory that grows with iterations."""

    bytes: DimLike | None = None
    offset: DimLike = 0


@record
class Save:
    """Before each iteration ``cursor`` moves to a further value on a stack; ``token`` then says where the last is.

    A token is the number of the stack and how many bytes were on it then, in one word. Without ``bytes``, values are of
    several sizes, and the body hands them to the stack.
    """

    cursor: Cursor
    stack: int
    bytes: DimLike | None
    token: Place


@record
class Replay:
    """Before each iteration ``cursor`` moves to the value that was saved before the last one, from ``token`` down.

    Without ``bytes``, values are of several sizes, each beside what it notes of them: for an ``axis``, the cursor moves
    to the size along that.
    """

    cursor: Cursor
    position: Cursor
    token: Place
    bytes: DimLike | None
    rank: int = 0
    axis: int | None = None


@record
class Loop:
    """While the bool at ``predicate`` is true after ``condition``: ``body``, with its cursors moved before."""

    condition: tuple[Action, ...]
    predicate: Place
    body: tuple[Action, ...]
    saves: tuple[Save, ...] = ()
    replays: tuple[Replay, ...] = ()


@record
class Block:
    """Memory that the step takes while it runs: a word for its address, and one for how many bytes it has."""

    address: Cursor
    capacity: Cursor


@record
class Take:
    """The block has at least ``bytes`` bytes from here on; what was in it may be lost."""

    block: Block
    bytes: DimLike


@record
class Grow:
    """The block whose address is at ``place`` has at least ``bytes`` bytes from here on; the first ``kept`` stay."""

    place: Place
    bytes: DimLike
    kept: DimLike


@record
class Give:
    """The caller gets the memory of the block, and frees it."""

    block: Block
    slot: Slot


@record
class Hand:
    """A value whose size only a body knows goes outside: to a block, or on a stack, with its ``sizes``.

    One that stands in a block which the body has no more use for is not ``kept``: the blocks are exchanged.
    """

    source: Place
    target: Place
    sizes: tuple[DimLike, ...]
    item_bytes: int
    kept: bool

    @property
    def bytes(self) -> DimLike:
        """The bytes of the value."""
        return product(self.sizes) * self.item_bytes


Action = Call | Copy | Branch | Loop | Take | Grow | Give | Hand


def note_bytes(rank: int) -> int:
    """The bytes behind a value of a stack of several sizes: how many bytes both are, then the sizes, in whole lines."""
    return -(-8 * (1 + rank) // ALIGNMENT) * ALIGNMENT


def flat(actions: Iterable[Action]) -> Iterator[Call | Copy]:
    """All kernels and copies, those in branches and loops included, in the order of the program's text."""
    for action in actions:
        if isinstance(action, Branch):
            yield from flat((*action.then, *action.orelse))
        elif isinstance(action, Loop):
            yield from flat((*action.condition, *action.body))
        elif isinstance(action, (Call, Copy)):
            yield action


class Program:
    """Everything there is to know of a compiled step before it becomes machine code."""

    def __init__(self, feeds: Iterable[Tensor] = ()):
        self.actions: list[Action] = []
        self.slots: list[Slot] = []
        self.symbols: tuple[str, ...] = ()
        self.measured: tuple[str, ...] = ()  # those of the symbols that the step itself counts
        self.open_sizes: tuple[Dim, ...] = ()  # those that some sizes of inputs make less than 0: it is not for these
        self.cursors = 0
        self.stacks: list[Stack] = []
        self.blocks: list[Block] = []
        self.arena_bytes: DimLike = 0
        self.scratch_bytes: tuple[DimLike, ...] = (0,)  # the largest of these is needed per thread
        self.constants: list[Any] = []
        self.feeds = list(feeds)
        self.fetches: list[TensorType] = []

    @property
    def outline(self) -> Outline:
        """What is left to know once there is code."""
        return Outline(
            tuple(self.slots),
            self.symbols,
            self.measured,
            self.open_sizes,
            self.frame_words,
            self.arena_bytes,
            self.scratch_bytes,
            tuple(self.constants),
            len(self.error_slots),
            len(self.calls),
            self.is_parallel,
        )

    def add_slot(self, kind: str, number: int, type: TensorType) -> Slot:
        """A new word of the call frame."""
        self.slots.append(Slot(kind, number, type, len(FRAME_HEAD) + len(self.slots)))
        return self.slots[-1]

    @property
    def calls(self) -> list[Call]:
        """The kernels in order."""
        return [action for action in flat(self.actions) if isinstance(action, Call)]

    @property
    def is_parallel(self) -> bool:
        """Whether a kernel is cut into tasks for several threads."""
        return any(call.kernel.tasks != 1 for call in self.calls)

    @property
    def error_slots(self) -> list[Call]:
        """The calls that can fail, in the order of their words in the errors array."""
        failing = [call for call in self.calls if call.error_slot is not None]
        return sorted(failing, key=lambda call: call.error_slot or 0)

    @property
    def grows(self) -> bool:
        """Whether the step asks for memory while it runs.

        Loops that save, and whose iterations are not known, do, and values of sizes that nothing bounds.
        """
        return bool(self.blocks) or any(stack.bytes is None for stack in self.stacks)

    @property
    def first_symbol(self) -> int:
        """The index of the first size symbol in the call frame."""
        return len(FRAME_HEAD) + len(self.slots)

    @property
    def first_cursor(self) -> int:
        """The index of the first cursor in the call frame."""
        return self.first_symbol + len(self.symbols)

    @property
    def first_stack(self) -> int:
        """The index of the first stack in the call frame: its memory, the bytes of that, and those used."""
        return self.first_cursor + self.cursors

    @property
    def frame_words(self) -> int:
        """The length of the call frame."""
        return self.first_stack + STACK_WORDS * len(self.stacks)
