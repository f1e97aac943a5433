"""Runs one kernel natively, in one or several ranges of its tasks."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from graphc.codegen import ir, jit, philox
from graphc.codegen.emit import emit_kernel
from graphc.codegen.loops import Kernel
from graphc.codegen.scratch import scratch_bytes
from graphc.codegen.target import Target
from graphc.dims import evaluate


def native_text(kernel: Kernel, target: Target, symbols: Sequence[str] = ()) -> str:
    """The LLVM text of a kernel."""
    module = ir.Module()
    emit_kernel(module, kernel, target, symbols, "kernel")
    philox.define_fills(module, target)
    return str(module)


@lru_cache(maxsize=64)
def _library(text: str, target: Target) -> jit.Library:
    return jit.load([jit.compile_ir(text, target)])


def run_native(
    kernel: Kernel,
    arrays: Mapping[str, np.ndarray],
    target: Target,
    sizes: Mapping[str, int] | None = None,
    task_ranges: Sequence[tuple[int, int]] | None = None,
) -> None:
    """Compile a kernel and run it on arrays, given by argument name and changed in place."""
    sizes = dict(sizes or {})
    library = _library(native_text(kernel, target, list(sizes)), target)
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
    function = signature(library.address("kernel"))
    pointers = [arrays[buffer.name].ctypes.data for buffer in kernel.arguments]
    buffers = (ctypes.c_void_p * max(len(pointers), 1))(*pointers)
    dims = (ctypes.c_int64 * max(len(sizes), 1))(*sizes.values())
    scratch = np.zeros(evaluate(scratch_bytes(kernel, target), sizes) + 64, np.uint8)
    aligned = (scratch.ctypes.data + 63) // 64 * 64
    for begin, end in task_ranges or [(0, evaluate(kernel.tasks, sizes))]:
        function(buffers, dims, aligned, begin, end)
