"""The thread pool behind every parallel loop, as LLVM IR that JIT and ahead-of-time code share.

Generated code calls one function::

    void graphc_parallel_for(ptr pool, ptr kernel, ptr buffers, ptr dims, ptr scratch, i64 scratch_stride, i64 tasks)

It calls ``kernel(buffers, dims, scratch + w * scratch_stride, begin, end)`` until the ranges ``[begin, end)`` cover
``[0, tasks)``; ``w`` numbers the worker that makes the call and is 0 for the caller. Which worker gets which range
is chance, so a kernel's result must not depend on it.

How a job goes round. The pool holds one job at a time and one word, ``state``, that says all about it: bit 0 *open*,
bit 1 *stop*, bits 2 to 15 how many workers have *joined*, from bit 16 on the job's number. The caller writes the job,
opens it, wakes who sleeps, works itself, closes it, and waits until all who joined have left. A worker that comes
late finds the job closed and nobody waited for it: a job that the caller finishes alone does not cost a wake-up.

Each worker begins with its own share of the tasks (the same one every time, which keeps its caches warm) and takes
half of what is left of it per grab; when its share is empty it helps with the other shares.

A second caller while the pool is busy (another thread, or a kernel that itself asks for a loop) runs its loop alone.
Workers start with the first parallel loop; after ``fork`` the child sees that it is not their owner and starts new
ones. Nobody but ``graphc_pool_create`` and the start of the workers allocates.
"""

from __future__ import annotations

import ctypes
import os

from graphc.codegen import jit
from graphc.codegen.target import host

# A worker looks for a job this many times before it sleeps. One look takes 5 to 50 ns (`pause` differs that much
# between CPUs), so this is 10 to 100 us: about what it costs to put a thread to sleep and wake it again.
SPINS = 2000

# Kernels keep their arrays in the arena and in scratch; the stack holds spilled registers only.
WORKER_STACK_BYTES = 1 << 20

# 14 bits of the state word count the workers that joined.
MAX_THREADS = 1 << 12


def runtime_ir(triple: str, serial: bool = False) -> str:
    """The text of an LLVM module with the pool for this target; with ``serial``, its twin that knows no threads."""
    from graphc.codegen import float_mode  # for a pool that the cache has not: it loads what writes IR

    text = _SERIAL if serial else _pool_template().replace("$available_cpus", _available_cpus(triple))
    text = text.replace("$float_mode", float_mode.setter_ir(triple, "set_float_mode"))
    for name, value in _platform(triple).items():
        text = text.replace(f"${name}", value)
    return text


def _pool_template() -> str:
    with open(os.path.join(os.path.dirname(__file__), "runtime.ll"), encoding="utf-8") as file:
        return file.read()


def _available_cpus(triple: str) -> str:
    return _CPUS_LINUX if "linux" in triple else _CPUS_POSIX


def process_pool(threads: int) -> int:
    """The address of this process's pool with so many threads, shared by all programs; 0 (no pool) for one thread."""
    if threads <= 1:
        return 0
    if threads not in _pools:
        create = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int)(_runtime().address("graphc_pool_create"))
        _pools.setdefault(threads, create(threads) or 0)
    return _pools[threads]


def parallel_for() -> int:
    """The address of ``graphc_parallel_for``, which only programs with a pool call."""
    return _runtime().address("graphc_parallel_for")


def _runtime() -> jit.Library:
    """The pool's code, loaded into this process; what takes time in it is to wait, so it may be plain."""
    if not _runtimes:
        target = host()
        request = jit.Request("runtime", lambda: runtime_ir(target.triple), jit.QUICK)
        _runtimes.append(jit.load(jit.compile_cached([request], target)))
    return _runtimes[0]


# Never given back: threads may be in a parallel loop until the process ends. No lock, which a fork could leave locked;
# of two made at the same moment one stays unused, and a pool without work has no threads yet.
_pools: dict[int, int] = {}
_runtimes: list[jit.Library] = []


def _platform(triple: str) -> dict[str, str]:
    """What differs between platforms: the width of ``size_t``, two numbers of the C headers, how a core waits."""
    arch = triple.split("-")[0]
    darwin = "apple" in triple or "darwin" in triple
    pause_declaration, pause = _pause(arch)
    return {
        "triple": triple,
        "word": "i64" if "64" in arch or arch == "s390x" else "i32",
        "sig_setmask": "3" if darwin else "2",
        "online_cpus": "58" if darwin else "84",  # _SC_NPROCESSORS_ONLN
        "pause_declaration": pause_declaration,
        "pause": pause,
        "spins": str(SPINS),
        "max_threads": str(MAX_THREADS),
        "stack": str(WORKER_STACK_BYTES),
    }


def _pause(arch: str) -> tuple[str, str]:
    """Declaration and call of the instruction by which a waiting core rests.

    Intrinsics, not inline assembly: that would need an assembly parser for every target.
    """
    if arch.startswith(("x86", "i386", "i686")):
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if arch.startswith(("aarch64", "arm64")):
        # `yield` is free on most cores; a barrier takes about as long as `pause` does elsewhere.
        return "declare void @llvm.aarch64.isb(i32)", "call void @llvm.aarch64.isb(i32 15)"
    return "", 'fence syncscope("singlethread") seq_cst'


_SERIAL = """
target triple = "$triple"

define ptr @graphc_pool_create(i32 %threads) { ret ptr null }

define void @graphc_pool_destroy(ptr %pool) { ret void }

define void @graphc_parallel_for(ptr %pool, ptr %kernel, ptr %buffers, ptr %dims, ptr %scratch, i64 %stride,
                                 i64 %tasks) {
  tail call void %kernel(ptr %buffers, ptr %dims, ptr %scratch, i64 0, i64 %tasks)
  ret void
}
"""

_CPUS_LINUX = """
declare i32 @sched_getaffinity(i32, $word, ptr)
declare i64 @llvm.ctpop.i64(i64)

; How many CPUs this process may use: the bits of its affinity mask; 1 when there are more than the mask holds.
define internal i32 @available_cpus() {
entry:
  %mask = alloca [16 x i64], align 64
  store [16 x i64] zeroinitializer, ptr %mask
  %failed = call i32 @sched_getaffinity(i32 0, $word 128, ptr %mask)
  br label %count
count:
  %i = phi i64 [0, %entry], [%i.next, %count]
  %sum = phi i64 [0, %entry], [%sum.next, %count]
  %word.ptr = getelementptr i64, ptr %mask, i64 %i
  %word = load i64, ptr %word.ptr
  %ones = call i64 @llvm.ctpop.i64(i64 %word)
  %sum.next = add i64 %sum, %ones
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, 16
  br i1 %more, label %count, label %done
done:
  %cpus = trunc i64 %sum.next to i32
  ret i32 %cpus
}
"""

_CPUS_POSIX = """
declare $word @sysconf(i32)

; How many CPUs this process may use.
define internal i32 @available_cpus() {
  %online = call $word @sysconf(i32 $online_cpus)
  %pointer = inttoptr $word %online to ptr      ; from a `long` of either width to 32 bits
  %cpus = ptrtoint ptr %pointer to i32
  ret i32 %cpus
}
"""
