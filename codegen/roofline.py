"""What one thread of this machine can do at most: multiply-adds a second, and bytes a second by how many there are.

Both are measured when they are first asked for, in a fraction of a second, by loops that do nothing else: registers
full of independent multiply-adds, and copies of blocks as large as part of each cache and larger than all of them.

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
FAR = 64 << 20  # bytes that no cache holds
SHORTEST = 5e-4  # seconds of one measurement
TRIES = 5


class Roofline(NamedTuple):
    """Operations on single-precision numbers a second, and bytes read and written a second for amounts up to each."""

    flops: float
    streams: tuple[tuple[int, float], ...]
    call: float  # seconds that the smallest call of a native function takes from here

    def seconds(self, flops: float, moved: float, item_bytes: int = 4) -> float:
        """The least time that so much work takes."""
        return max(flops * item_bytes / 4 / self.flops, moved / self.stream(moved))

    def stream(self, moved: float) -> float:
        """The bytes a second of a kernel that moves so many."""
        return next((speed for size, speed in self.streams if moved <= size), self.streams[-1][1])


@lru_cache(maxsize=1)
def roofline() -> Roofline:
    """The speeds of this machine, measured once."""
    target = host()
    (data,) = jit.compile_cached([jit.Request(f"roofline {CHAINS} {UNROLLED}", lambda: _text(target))], target)
    library = jit.load([data])
    chains = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library.address("multiply_add"))
    copy = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)(library.address("copy"))
    nothing = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 2)(library.address("nothing"))
    memory: np.ndarray[Any, Any] = np.ones(FAR + 2 * target.vector_bytes, np.uint8)
    begin = -(-address_of(memory) // target.vector_bytes) * target.vector_bytes
    vector = 2 * CHAINS * target.lanes("f32")
    flops = vector / _each(lambda times: chains(begin, times))
    streams = []
    for size in sorted({target.l1 // 2, target.l2 // 2, min(4 * target.l2, target.l3 // 2), target.l3 // 2, FAR}):
        step = UNROLLED * target.vector_bytes
        half = size // 2 // step * step
        seconds = _each(partial(copy, begin, begin + half, half // step))
        streams.append((size if size < FAR else 1 << 62, 2 * half / seconds))
    call = _best(lambda: nothing(begin, begin, begin, 0, 0), 50)
    return Roofline(flops, tuple(streams), call)


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
    places = "\n".join(
        f"  %j{n} = add i64 %first, {n}\n"
        f"  %s{n} = getelementptr {vector}, ptr %from, i64 %j{n}\n"
        f"  %t{n} = getelementptr {vector}, ptr %to, i64 %j{n}\n"
        f"  %x{n} = load {vector}, ptr %s{n}\n"
        f"  store {vector} %x{n}, ptr %t{n}"
        for n in range(UNROLLED)
    )
    return _LOOPS.format(
        vector=vector, phis=phis, steps="\n".join(steps).replace("@fma", f"@llvm.fma.v{target.lanes('f32')}f32"),
        stores=stores, places=places, unrolled=UNROLLED, lanes=target.lanes("f32"),
    )  # fmt: skip


_LOOPS = """
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

define void @copy(ptr %to, ptr %from, i64 %steps, i64 %turns) {{
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
