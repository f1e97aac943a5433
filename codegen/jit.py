"""LLVM IR to object code, and object code to functions in this process.

Two halves that need each other's nothing but bytes, so that an on-disk cache fits between them::

    data = compile_ir(text, target)          # bytes of an object file; a pure function of its arguments
    library = load([data, other])            # objects link with each other
    address = library.address("kernel")      # valid as long as the library is referenced

LLVM's back end does the work without a pass pipeline before it: the loops come vectorised, and passes over explicit
vector loops cost time without gain. Objects may ask the C library for `EXTERNALS` only: mathematics is ours, so a call
of `expf` is a mistake and is reported by name.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from graphc import settings
from graphc.codegen.target import Target, target_machine

# What objects may use without defining it: the thread pool's functions, and what LLVM makes of copies and clears.
EXTERNALS = frozenset(
    """
    memcpy memmove memset calloc free getpid sched_getaffinity sysconf sigfillset pthread_sigmask
    pthread_create pthread_join pthread_attr_init pthread_attr_setstacksize pthread_attr_destroy
    pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_mutex_destroy
    pthread_cond_init pthread_cond_wait pthread_cond_signal pthread_cond_broadcast pthread_cond_destroy
    """.split()
)


def compile_ir(ir: object, target: Target) -> bytes:
    """The object file LLVM makes of one module, given as text (or as anything whose ``str`` is the text)."""
    from llvmlite import binding  # Late: loads LLVM, which `import graphc` must not.

    machine = target_machine(target)
    with binding.create_context() as context, binding.parse_assembly(str(ir), context) as module:
        module.verify()
        return _emit(machine, module)


def compile_many(irs: Sequence[object], target: Target, threads: int | None = None) -> list[bytes]:
    """`compile_ir` of each module, several at a time; ``threads`` defaults to the setting."""
    workers = min(len(irs), threads or settings.thread_count())
    if workers <= 1:
        return [compile_ir(ir, target) for ir in irs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda ir: compile_ir(ir, target), irs))


def _emit(machine: Any, module: Any) -> bytes:
    """``machine.emit_object(module)`` without llvmlite's lock around it.

    llvmlite lets one thread at a time into LLVM. LLVM itself is safe for threads that share neither context nor target
    machine, and here nothing is shared; two threads then finish 40 kernels in 0.6 of the time.
    """
    from llvmlite.binding import ffi  # Late: see `compile_ir`.

    lib = _unlocked_llvm()
    with ffi.OutputString() as error:
        buffer = lib.LLVMPY_TargetMachineEmitToMemory(machine._ptr, module._ptr, 1, error)
        if not buffer:
            raise RuntimeError(f"LLVM could not make object code: {error}")
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


@lru_cache(maxsize=1)
def _unlocked_llvm() -> ctypes.CDLL:
    """A second handle of llvmlite's library, whose functions do not take llvmlite's lock."""
    from llvmlite.binding import ffi  # Late: see `compile_ir`.

    lib = ctypes.CDLL(ffi.lib._name)
    for name in (
        "LLVMPY_TargetMachineEmitToMemory",
        "LLVMPY_GetBufferStart",
        "LLVMPY_GetBufferSize",
        "LLVMPY_DisposeMemoryBuffer",
    ):
        getattr(lib, name).argtypes = getattr(ffi.lib, name).argtypes
        getattr(lib, name).restype = getattr(ffi.lib, name).restype
    return lib


class Library:
    """Objects linked into this process. Whoever keeps an address from it must keep the library."""

    def __init__(self, name: str, engine: Any, holder: Any):
        self._name = name
        self._engine = engine
        self._trackers = {"": holder}  # The code goes when the first of them does.

    def address(self, symbol: str) -> int:
        """Where a function or a global of the objects stands."""
        if symbol not in self._trackers:
            try:
                self._trackers[symbol] = self._engine.lookup(self._name, symbol)
            except RuntimeError as error:
                raise RuntimeError(f"no symbol '{symbol}' in the generated code: {error}") from None
        return int(self._trackers[symbol][symbol])


def load(objects: Sequence[bytes], symbols: Mapping[str, int] | None = None) -> Library:
    """Link the objects with each other, with the C library's `EXTERNALS` and with ``symbols`` (name to address)."""
    from llvmlite import binding  # Late: see `compile_ir`.

    builder = binding.JITLibraryBuilder()
    for data in objects:
        builder.add_object_img(data)
    for name in EXTERNALS:
        builder.import_symbol(name, _process_address(name))
    for name, address in (symbols or {}).items():
        builder.import_symbol(name, address)
    name = f"graphc{next(_numbers)}"
    engine = _engine()
    return Library(name, engine, builder.link(engine, name))


_numbers = itertools.count()


@lru_cache(maxsize=1)
def _engine() -> Any:
    from llvmlite import binding  # Late: see `compile_ir`.
    from graphc.codegen.target import host

    return binding.create_lljit_compiler(target_machine(host()), suppress_errors=True)


def _process_address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
