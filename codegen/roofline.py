"""What one thread of this machine can do at most: multiply-adds a second, and bytes a second by how many there are.

Both are measured when they are first asked for, in a fraction of a second, by loops that do nothing else: registers
full of independent multiply-adds, and blocks as large as part of each cache and larger than most caches, which are
read, and copied. What copying takes longer than reading is writing.

A kernel that takes no longer than its operations and its bytes take at these speeds stands on the roofline (Williams,
Waterman and Patterson, Communications of the ACM 52, 2009).
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from graphc.alignment import address_of
from graphc.codegen import jit
from graphc.codegen.target import Target, host

CHAINS = 12  # multiply-adds in flight: more than any processor's latency times its units, and all in registers
UNROLLED = 4
FAR = 64 << 20  # bytes that few caches hold; where one does, its speed stands for that of memory
SHORTEST = 5e-4  # seconds of one measurement
TRIES = 5


class Stream(NamedTuple):
    """How fast kernels read and write that move at most so many bytes: in bytes a second."""

    most: int
    read: float
    written: float


class Roofline(NamedTuple):
    """Operations on single-precision numbers a second, and streams for ever more bytes."""

    flops: float
    streams: tuple[Stream, ...]
    call: float  # seconds that the smallest call of a native function takes from here

    def seconds(self, flops: float, read: float, written: float, item_bytes: int = 4) -> float:
        """The least time that so much work takes."""
        stream = next((x for x in self.streams if read + written <= x.most), self.streams[-1])
        return max(flops * item_bytes / 4 / self.flops, read / stream.read + written / stream.written)


@lru_cache(maxsize=1)
def roofline() -> Roofline:
    """The speeds of this machine, measured once."""
    target = host()
    request = jit.Request(f"roofline {CHAINS} {UNROLLED} read copy", lambda: _text(target))
    library = jit.load(jit.compile_cached([request], target))
    chains = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library.address("multiply_add"))
    moving = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)
    copy, read = moving(library.address("copy")), moving(library.address("read"))
    nothing = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 2)(library.address("nothing"))
    memory: np.ndarray[Any, Any] = np.ones(FAR + 2 * target.vector_bytes, np.uint8)
    begin = -(-address_of(memory) // target.vector_bytes) * target.vector_bytes
    vector = 2 * CHAINS * target.lanes("f32")
    flops = vector / _each(lambda times: chains(begin, times))
    streams = []
    for size in block_sizes(target):
        step = UNROLLED * target.vector_bytes
        half = size // 2 // step * step
        reading, copying = (_each(partial(work, begin, begin + half, half // step)) for work in (read, copy))
        writing = max(copying - reading, reading / 4)  # stores that cost nothing beside loads are measured as some
        streams.append(Stream(size if size < FAR else 1 << 62, half / reading, half / writing))
    call = _best(lambda: nothing(begin, begin, begin, 0, 0), 50)
    return Roofline(flops, tuple(streams), call)


def block_sizes(target: Target) -> list[int]:
    """The bytes of the blocks that are read and copied: parts of each cache, and one that few hold."""
    l1, l2, l3 = target.l1, target.l2, target.l3
    return sorted({min(size, FAR) for size in (l1 // 2, l2 // 2, min(4 * l2, l3 // 2), l3 // 2, FAR)})


def _each(work: Callable[[int], Any]) -> float:
    """The seconds of one turn of some work that is done so often as it is told."""
    times = 1
    while (seconds := _best(partial(work, times), TRIES)) < SHORTEST:
        times *= 4
    return seconds / times


def _best(work: Callable[[], Any], tries: int) -> float:
    seconds = float("inf")
    for _ in range(tries):
        start = time.perf_counter()
        work()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds


def _text(target: Target) -> str:
    """The loops as LLVM IR."""
    vector = f"<{target.lanes('f32')} x float>"
    numbers = range(CHAINS)
    phis = "\n".join(f"  %v{n} = phi {vector} [ zeroinitializer, %entry ], [ %w{n}, %loop ]" for n in numbers)
    if target.fma:
        steps = [f"  %w{n} = call {vector} @fma({vector} %v{n}, {vector} %a, {vector} %a)" for n in numbers]
    else:
        steps = [f"  %p{n} = fmul {vector} %v{n}, %a\n  %w{n} = fadd {vector} %p{n}, %a" for n in numbers]
    stores = "\n".join(f"  store volatile {vector} %w{n}, ptr %out" for n in numbers)
    loads = [
        f"  %j{n} = add i64 %first, {n}\n"
        f"  %s{n} = getelementptr {vector}, ptr %from, i64 %j{n}\n"
        f"  %x{n} = load volatile {vector}, ptr %s{n}"
        for n in range(UNROLLED)
    ]
    copies = [
        f"{load}\n  %t{n} = getelementptr {vector}, ptr %to, i64 %j{n}\n  store {vector} %x{n}, ptr %t{n}"
        for n, load in enumerate(loads)
    ]
    chains = _CHAINS.format(
        vector=vector, phis=phis, steps="\n".join(steps).replace("@fma", f"@llvm.fma.v{target.lanes('f32')}f32"),
        stores=stores, lanes=target.lanes("f32"),
    )  # fmt: skip
    moving = [
        _MOVING.format(name=name, places="\n".join(lines), unrolled=UNROLLED)
        for name, lines in (("read", loads), ("copy", copies))
    ]
    return "".join([chains, *moving])


_CHAINS = """
declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})

define void @nothing(ptr %a, ptr %b, ptr %c, i64 %begin, i64 %end) {{
  ret void
}}

define void @multiply_add(ptr %out, i64 %turns) {{
entry:
  %a = load volatile {vector}, ptr %out
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{steps}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %loop, label %end
end:
{stores}
  ret void
}}
"""

_MOVING = """
define void @{name}(ptr %to, ptr %from, i64 %steps, i64 %turns) {{
entry:
  br label %outer
outer:
  %turn = phi i64 [ 0, %entry ], [ %turn.next, %outer.end ]
  br label %loop
loop:
  %i = phi i64 [ 0, %outer ], [ %next, %loop ]
  %first = mul i64 %i, {unrolled}
{places}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %steps
  br i1 %more, label %loop, label %outer.end
outer.end:
  %turn.next = add i64 %turn, 1
  %again = icmp slt i64 %turn.next, %turns
  br i1 %again, label %outer, label %end
end:
  ret void
}}
"""
