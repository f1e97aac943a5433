"""A compiled step in this process: memory for its arena, a call frame, and the native function.

The frame is filled once with what does not change from run to run (arena, variables, constants, thread pool); a run
writes the addresses of its feeds and of freshly allocated fetches and makes one native call.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import empty, ndarray

from graphc import errors
from graphc.alignment import ALIGNMENT, address_of, aligned_bytes
from graphc.codegen import llvm
from graphc.codegen.entry import ENTRY, PLAIN, data_offset
from graphc.codegen.outline import FRAME_HEAD, Outline, Slot
from graphc.dims import DimLike, evaluate, is_bounded, measured_in, most
from graphc.faults import RefusedValue
from graphc.nodes import Operation

if TYPE_CHECKING:
    from graphc.codegen.door import Door, Job
    from graphc.codegen.program import Program

LARGE_ARENA = 1 << 22  # bytes, beside which LLVM's code need not lie in memory
LARGE = 1 << 16  # bytes from which a fetch begins on a cache line: stores across lines cost a tenth to a third more
_STEP = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


class Code:
    """The code of a program in this process. What is said of the program beyond its ``outline`` is built when asked."""

    def __init__(self, outline: Outline, library: Any, build: Callable[[], Program]):
        self.outline = outline
        self.library = library  # its end frees the code
        self._build = build

    @cached_property
    def program(self) -> Program:
        """The program that the code was made of."""
        return self._build()


class Executable:
    """A program loaded into this process, with memory of its own for one run at a time."""

    def __init__(self, code: Code, sizes: Mapping[str, int], threads: int, pool: int):
        self._code = code
        self.outline = outline = code.outline
        self._threads, self._pool = threads, pool
        self._takes_objects = data_offset() is not None
        self._function = _STEP(self.address(ENTRY if self._takes_objects else "step"))
        self.sizes = dict(sizes)
        workers = max(threads, 1)
        stride = max(_number(size, sizes) for size in outline.scratch_bytes)
        stride = -(-stride // ALIGNMENT) * ALIGNMENT
        self.arena_bytes = _number(outline.arena_bytes, sizes)
        self.scratch_bytes = stride * workers
        if self.arena_bytes + self.scratch_bytes >= LARGE_ARENA:
            llvm.rest()
        self._arena = aligned_bytes(self.arena_bytes, lambda: f"a step's values; {self._largest_value()}")
        self._scratch = aligned_bytes(self.scratch_bytes, lambda: f"{workers} threads; {self._largest_value()}")
        self._errors = np.zeros(max(outline.failing, 1), np.int64)
        self._frame = (ctypes.c_int64 * outline.frame_words)()
        self._frame_address = ctypes.addressof(self._frame)
        head: list[ctypes.c_int64 | int] = [
            address_of(self._arena),
            address_of(self._scratch),
            stride,
            pool,
            address_of(self._errors),
        ]
        self._frame[: len(FRAME_HEAD)] = head
        for n, name in enumerate(outline.symbols):
            self._frame[outline.first_symbol + n] = sizes.get(name, 0)  # 0 until the step has counted
        for slot in self._slots("constant"):
            self._frame[slot.word] = address_of(outline.constants[slot.number])
        self._where = id if self._takes_objects else address_of
        self._feed_words = [slot.word for slot in self._slots("feed")]
        self._expected: list[tuple[int, np.dtype[Any], tuple[int, ...]]] = []  # of each feed, with its word
        self._state_words = [slot.word for slot in self._slots("state")]
        self._states: Sequence[np.ndarray[Any, Any]] = ()
        self._fetches = [(slot.word, self._room(slot), slot.type.dtype.numpy) for slot in self._slots("fetch")]
        self._large = [math.prod(shape) * dtype.itemsize >= LARGE for _, shape, dtype in self._fetches]
        self._scalars = [place for place, (_, shape, _) in enumerate(self._fetches) if shape == ()]
        self._measured = [
            (place, slot.type.sizes, slot.word if slot.is_given else None)
            for place, slot in enumerate(self._slots("fetch"))
            if any(map(measured_in, slot.type.sizes))
        ]
        self.job: Job | None = None  # what the door knows, where there is one
        self._door: Door | None = None
        self._asked_for_door = False
        self.states_version = -1
        self.operations: Sequence[Operation] = ()

    def for_sizes(self, sizes: Mapping[str, int]) -> Executable:
        """The same code with memory for other values of the size symbols."""
        return Executable(self._code, sizes, self._threads, self._pool)

    @property
    def program(self) -> Program:
        """The program, built now where the code came from the cache."""
        return self._code.program

    def is_for(self, sizes: Mapping[str, int]) -> bool:
        """Whether no size of the step is below 0 for these values of the size symbols."""
        return all(evaluate(size, sizes) >= 0 for size in self.outline.open_sizes)

    def address(self, symbol: str) -> int:
        """Where a function of the step's code is."""
        return self._code.library.address(symbol)

    @property
    def is_new(self) -> bool:
        """Whether it has not been told what to expect."""
        return bool(self._feed_words) and not self._expected

    @property
    def arena_address(self) -> int:
        """Where the arena begins."""
        return address_of(self._arena)

    @property
    def scratch_address(self) -> int:
        """Where the first thread's private memory begins."""
        return address_of(self._scratch)

    @property
    def errors_address(self) -> int:
        """Where kernels note errors."""
        return address_of(self._errors)

    def number(self, size: DimLike) -> int:
        """A size as a number, the most where the step counts it."""
        return _number(size, self.sizes)

    def _room(self, slot: Slot) -> tuple[int, ...]:
        """The shape of the array that a fetch is written to: flat where the step counts a size of it."""
        if slot.is_given:
            return (0,)
        if any(map(measured_in, slot.type.sizes)):
            return (_number(slot.type.elements, self.sizes),)
        return tuple(_number(size, self.sizes) for size in slot.type.sizes)

    def _slots(self, kind: str) -> list[Slot]:
        return [slot for slot in self.outline.slots if slot.kind == kind]

    def expect(self, feeds: Sequence[np.ndarray[Any, Any]]) -> None:
        """Prepares ``run_plain`` for feeds of these shapes and dtypes."""
        self._expected = [(word, array.dtype, array.shape) for word, array in zip(self._feed_words, feeds, strict=True)]
        if self.job is not None:
            self._tell(self.job)

    def _tell(self, job: Job) -> None:
        """What feeds the job is to expect."""
        for number, (_, dtype, shape) in enumerate(self._expected):
            job.expect(number, dtype, shape)

    def _new_job(self) -> Job:
        """What a door must know of this step."""
        from graphc.codegen.door import Job  # late: for the second run

        start, ranks = self._frame_address, [len(shape) for _, _, shape in self._expected]
        feeds = [(start + 8 * word, rank) for word, rank in zip(self._feed_words, ranks, strict=True)]
        fetches = [(start + 8 * word, len(shape)) for word, shape, _ in self._fetches]
        job = Job(self._code.library.address("step"), start, feeds, fetches)
        for number, (_, shape, dtype) in enumerate(self._fetches):
            count = math.prod(shape) * dtype.itemsize
            job.make(number, dtype, shape, count + ALIGNMENT if self._large[number] else 0)
        self._tell(job)
        return job

    def bind_states(self, arrays: Sequence[np.ndarray[Any, Any]], version: int) -> None:
        """Tells the step where the variables are; again when one of them has moved."""
        self._states = arrays  # kept alive: what interrupts a run may move or drop them
        for word, array in zip(self._state_words, arrays, strict=True):
            self._frame[word] = address_of(array)
        self.states_version = version

    def run(self, feeds: Sequence[np.ndarray[Any, Any]]) -> list[Any]:
        """One native call; the feeds are contiguous arrays of the shapes and dtypes that the step was compiled for."""
        for word, array in zip(self._feed_words, feeds):
            self._frame[word] = self._where(array)
        return self._call()

    def run_plain(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """The same where every value is an array just as expected or a plain number; None, and no run, elsewhere."""
        self.open_door()
        door = self._door
        if door is not None:
            try:
                made = door(*values)
            except MemoryError:
                raise self._no_memory() from None
            if type(made) is tuple:
                return made
            if made is not None:
                self.refuse(made)
            return None
        frame, where = self._frame, self._where
        for value, (word, dtype, shape) in zip(values, self._expected):
            if type(value) is not ndarray or value.dtype is not dtype:
                return None
            if value.shape != shape or value.flags.num & PLAIN != PLAIN:
                return None
            frame[word] = where(value)
        return self._call()

    def open_door(self) -> None:
        """What a step that runs once need not wait for: its door, and memory given back."""
        if self._asked_for_door:
            return
        self._asked_for_door = True
        if not self._measured:
            job = self._new_job()
            self._door = job.door()
            self.job = None if self._door is None else job
        llvm.rest()

    def _call(self) -> list[Any]:
        """The native call, once the feeds are in the frame."""
        frame, where = self._frame, self._where
        results = []
        try:
            for (word, shape, dtype), large in zip(self._fetches, self._large):
                array = _on_cache_lines(shape, dtype) if large else empty(shape, dtype)
                results.append(array)
                frame[word] = where(array)
        except (MemoryError, OverflowError, ValueError):
            raise self._no_memory() from None
        for _, _, given in self._measured:
            if given is not None:
                frame[given] = 0
        status = self._function(self._frame_address)
        if status:
            self.refuse(status)
        for place in self._scalars:
            results[place] = results[place][()]
        if self._measured:
            self._cut(results)
        return results

    def _no_memory(self) -> errors.ResourceExhaustedError:
        count = max(math.prod(shape) * dtype.itemsize for _, shape, dtype in self._fetches)
        text = f"cannot allocate {count} bytes for a value that is fetched; {self._largest_value()}"
        return errors.ResourceExhaustedError(None, None, text)

    def _cut(self, results: list[Any]) -> None:
        """Leaves of what is fetched as much as the step has counted, from arrays with room for the most."""
        counted = self.counted()
        for place, sizes, word in self._measured:
            shape = tuple(evaluate(size, counted) for size in sizes)
            if word is not None:
                results[place] = _taken_over(self._frame[word], shape, results[place].dtype)
                continue
            used = results[place].reshape(-1)[: math.prod(shape)]
            # a small part would keep the whole in memory
            kept = used if 2 * used.size >= results[place].size else used.copy()
            results[place] = kept.reshape(shape)

    def counted(self) -> dict[str, int]:
        """All sizes, with those that the last run has counted."""
        words = {name: self.outline.first_symbol + n for n, name in enumerate(self.outline.symbols)}
        return self.sizes | {name: self._frame[words[name]] for name in self.outline.measured}

    def _largest_value(self) -> str:
        """The largest value that a kernel gives, and where it was declared."""
        values = [tensor for call in self.program.calls for tensor in call.node.outputs]
        bounded = [tensor for tensor in values if is_bounded(tensor.type.elements)]
        largest = max(bounded, key=lambda tensor: self.number(tensor.type.elements) * tensor.dtype.size, default=None)
        if largest is None:
            return "no kernel computes any"
        return f"the largest, {largest.type}, is computed for '{largest.op.name}' (declared at {largest.op.origin})"

    def _counted_value(self) -> str:
        """The first value whose size nothing bounds before the step runs, and where it was declared."""
        values = (tensor for call in self.program.calls for tensor in call.node.outputs)
        found = next((tensor for tensor in values if not is_bounded(tensor.type.elements)), None)
        return "" if found is None else f", such as '{found.op.name}' (declared at {found.op.origin})"

    def refuse(self, status: int) -> None:
        """Raises why the step has returned this."""
        if not status:
            raise self._no_memory()
        slot = status - 1
        if slot == self.outline.failing:
            for _, _, given in self._measured:
                if given is not None and self._frame[given]:
                    _free(self._frame[given])
            text = "there is no memory for what the loops of the step save, or for values whose size the step counts"
            raise errors.ResourceExhaustedError(None, None, text + self._counted_value())
        call = self.program.error_slots[slot]
        node = call.checked[int(self._errors[slot]) - 1]
        self._errors[:] = 0
        refused = node.kind.refused(node)  # type: ignore[attr-defined]
        raise RefusedValue(node, refused, self._limit(refused.size))

    def _limit(self, size: Any) -> Any:
        """The number, or for each axis the number, that decided what is refused; None where none did."""
        if isinstance(size, tuple):
            return tuple(_number(each, self.counted()) for each in size)
        return None if size is None else _number(size, self.counted())


def _taken_over(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array of its own with the values at an address, whose memory is given back."""
    result = empty(shape, dtype)
    ctypes.memmove(address_of(result), address, result.nbytes)
    _free(address)
    return result


def _free(address: int) -> None:
    free = ctypes.CDLL(None).free
    free.argtypes, free.restype = [ctypes.c_void_p], None
    free(address)


def _number(size: DimLike, sizes: Mapping[str, int]) -> int:
    """A size as a number; what is not known of it counts as the most that it can be."""
    if isinstance(size, int):
        return size
    unknown = any(counted.name not in sizes for counted in measured_in(size))
    return evaluate(most(size) if unknown else size, sizes)


def _on_cache_lines(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array whose vectors do not lie across cache lines."""
    count = math.prod(shape) * dtype.itemsize
    raw = empty(count + ALIGNMENT, np.uint8)
    start = -address_of(raw) % ALIGNMENT
    return raw[start : start + count].view(dtype).reshape(shape)
