"""What a step costs: the operations, bytes moved and time of each kernel when it runs alone, and the memory of all.

    rows = graphc.profile.kernels(session, [loss, train_op], {x: images, y: labels})
    print(graphc.profile.table(rows))
    print(graphc.profile.memory(session, [loss, train_op], {x: images, y: labels}))

The kernels run on copies of the variables, so profiling changes nothing. Memory is planned: it is known before a run.
"""

from __future__ import annotations

import ctypes
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.alignment import address_of, aligned_array, aligned_bytes
from graphc.codegen.estimate import estimate
from graphc.codegen.loops import ITEM_BYTES, Buffer
from graphc.codegen.objects import kernel_symbol
from graphc.codegen.outline import Slot
from graphc.codegen.program import Call, Cursor, ErrorSlot, InArena, Inner, OnStack, Place, SizeWord, Within
from graphc.codegen.roofline import roofline
from graphc.dims import DimLike, evaluate
from graphc.errors import brief
from graphc.executable import Executable

LONGEST_OPS = 100  # characters, behind the hundred that the figures take
_KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 2)


class Row(NamedTuple):
    """One kernel of a step: what it computes, floating-point operations, bytes read and written, and seconds.

    ``least`` are the seconds that its operations, or its bytes, take at the best speeds of this machine's one thread
    (:mod:`graphc.codegen.roofline`); a function such as exp counts as one operation, so its kernels take longer. They
    are never more than ``seconds``: a kernel that beats those loops, as the processor's clock wanders, is at its best.
    """

    name: str
    ops: str
    flops: int
    bytes: int
    tasks: int
    seconds: float
    least: float


def kernels(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, repeats: int = 20) -> list[Row]:
    """A row for each kernel of the step, in running order; the times are of one thread, the best of ``repeats``."""
    _check_session("kernels", session)
    session.run(fetches, feed_dict)
    executable, arrays = session.compiled(fetches, feed_dict or {})
    bench = _Bench(executable, arrays, session)
    return [bench.row(call, repeats) for call in executable.program.calls]


def _check_session(what: str, session: Any) -> None:
    if not hasattr(session, "compiled"):
        raise TypeError(f"profile.{what} takes the tf.Session first, not {brief(session)}")


class Memory(NamedTuple):
    """The bytes that a step works in, besides its code.

    ``arena`` holds the values that kernels leave to each other, and is of one size from run to run; ``scratch`` is
    private to the threads. ``variables`` are those that the step reads or updates. Each run makes its ``fetches`` anew.
    """

    arena: int
    scratch: int
    constants: int
    variables: int
    fetches: int


def memory(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Memory:
    """What a run of these would take; the step is compiled for the shapes of the feeds, but not run."""
    _check_session("memory", session)
    executable, _ = session.compiled(fetches, feed_dict or {})
    program = executable.program
    kinds = ("constant", "state", "fetch")
    sizes = {kind: [_slot_bytes(slot, executable) for slot in program.slots if slot.kind == kind] for kind in kinds}
    held = [sum(sizes[kind]) for kind in kinds]
    return Memory(executable.arena_bytes, executable.scratch_bytes, *held)


def _slot_bytes(slot: Slot, executable: Executable) -> int:
    return executable.number(slot.type.elements * slot.type.dtype.size)


def table(rows: Sequence[Row]) -> str:
    """The rows as text: times and their shares, speeds, and the share of the roofline; then a line of sums."""
    total = _total(rows)
    return "\n".join([_HEADS, *(_line(row, total.seconds) for row in (*rows, total))])


_HEADS = (
    f"{'kernel':<44} {'us':>9} {'time':>5} {'kFLOP':>10} {'kB':>9} {'GFLOP/s':>8} {'GB/s':>7} {'roof':>5} "
    f"{'tasks':>6}  ops"
)


def _line(row: Row, total: float) -> str:
    seconds = row.seconds or float("inf")
    return (
        f"{row.name[-44:]:<44} {1e6 * row.seconds:>9.1f} {row.seconds / (total or 1):>5.0%} "
        f"{row.flops / 1e3:>10.1f} {row.bytes / 1e3:>9.1f} {row.flops / seconds / 1e9:>8.1f} "
        f"{row.bytes / seconds / 1e9:>7.1f} {row.least / seconds:>5.0%} {row.tasks:>6}  {_counted(row.ops)}"
    ).rstrip()


def _counted(ops: str) -> str:
    """``Mul+Add+Mul`` -> ``2 Mul + Add``, cut where a line of a terminal ends."""
    counts = Counter(ops.split("+"))
    text = " + ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())
    return text if len(text) <= LONGEST_OPS else f"{text[: LONGEST_OPS - 3]}..."


def _total(rows: Sequence[Row]) -> Row:
    flops, moved, tasks = (sum(getattr(row, field) for row in rows) for field in ("flops", "bytes", "tasks"))
    seconds, least = (sum(getattr(row, field) for row in rows) for field in ("seconds", "least"))
    return Row(f"all {len(rows)} kernels", "", flops, moved, tasks, seconds, least)


class _Bench:
    """A second copy of a step's memory on which its kernels can be run one by one."""

    def __init__(self, executable: Executable, feeds: Sequence[np.ndarray[Any, Any]], session: Any):
        self.executable = executable.for_sizes(executable.sizes)
        self.program = executable.program
        self.feeds = feeds
        self.states = [_copy(array) for array in session.state_arrays(executable)]
        self.executable.bind_states(self.states, 0)
        self.results = self.executable.run(feeds)
        self.sizes = self.executable.counted()
        self.kept: list[np.ndarray[Any, Any]] = []

    def row(self, call: Call, repeats: int) -> Row:
        """Times one kernel."""
        address = self.executable.address(kernel_symbol(call.kernel, self.program.symbols))
        function = _KERNEL(address)
        pointers = (ctypes.c_int64 * len(call.places))(
            *(self._address(place, buffer) for place, buffer in zip(call.places, call.kernel.arguments, strict=True))
        )
        dims = (ctypes.c_int64 * max(len(self.program.symbols), 1))(*(self.sizes[s] for s in self.program.symbols))
        tasks = self._number(call.kernel.tasks)
        best = float("inf")
        for _ in range(repeats):
            start = time.perf_counter()
            function(pointers, dims, self.executable.scratch_address, 0, tasks)
            best = min(best, time.perf_counter() - start)
        cost = estimate(call.kernel)
        flops, read, written = (self._number(amount) for amount in cost)
        machine = roofline()
        size = 8 if any(b.dtype == "f64" for b in call.kernel.arguments) else 4
        seconds = max(best - machine.call, 0.0)  # what Python takes to call a native function is no part of the step
        least = min(machine.seconds(flops, read, written, size), seconds)
        ops = call.node.kind.attributes().get("ops", "")
        return Row(call.node.name, ops, flops, read + written, tasks, seconds, least)

    def _address(self, place: Place, buffer: Buffer) -> int:
        if isinstance(place, Within):
            return self._address(place.place, buffer) + self._number(place.bytes)
        if isinstance(place, (Cursor, OnStack)):  # what a loop saves or replays: memory of that size serves
            count = self._number(buffer.size * ITEM_BYTES[buffer.dtype])
            self.kept.append(aligned_bytes(count, lambda: "what a loop saves"))
            return address_of(self.kept[-1])
        assert not isinstance(place, (Inner, SizeWord)), place
        if isinstance(place, InArena):
            return self.executable.arena_address + self._number(place.offset)
        if isinstance(place, ErrorSlot):
            return self.executable.errors_address + 8 * place.number
        return address_of(self._array(place))

    def _array(self, slot: Slot) -> np.ndarray[Any, Any]:
        owners = {"feed": self.feeds, "fetch": self.results, "state": self.states, "constant": self.program.constants}
        return owners[slot.kind][slot.number]

    def _number(self, size: DimLike) -> int:
        return size if isinstance(size, int) else evaluate(size, self.sizes)


def _copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy that lies as a session's variables do: on a cache line."""
    result = aligned_array(array.shape, array.dtype, lambda: "a copy of a variable")
    result[...] = array
    return result
