"""The processor's floating-point mode inside a step: round to nearest, and denormal numbers count as zero.

Numbers below the smallest normal one cost a processor over a hundred cycles each, and training makes them: the speeds
of a unit that has died shrink by a tenth each step and then stay at the smallest number for good. TensorFlow and XLA
count them as zero too. A step sets the mode when it begins and puts the caller's back when it ends, a worker of the
pool sets it once; so no result depends on the mode that the caller came with. RISC-V has no such mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.codegen import ir

# MXCSR, Intel's manual, volume 1, 10.2.3: no exception traps (bits 7 to 12); denormal operands (6), results (15) are 0.
_MXCSR = 0x1F80 | 1 << 6 | 1 << 15
# FPCR, Arm's manual of the A profile, C5.2: denormal operands and results are 0 (bit 24), but for halves.
_FPCR = 1 << 24


def enter(builder: ir.IRBuilder, triple: str) -> Callable[[], None]:
    """Writes what sets the mode; the function that is returned writes what puts the caller's back."""
    arch = triple.split("-")[0]
    if arch == "x86_64":
        word = ir.IntType(32)
        saved, wanted = builder.alloca(word), builder.alloca(word)
        builder.store(word(_MXCSR), wanted)
        _call(builder, "llvm.x86.sse.stmxcsr", [saved])
        _call(builder, "llvm.x86.sse.ldmxcsr", [wanted])
        return lambda: _call(builder, "llvm.x86.sse.ldmxcsr", [saved])
    if arch in ("aarch64", "arm64"):
        word = ir.IntType(64)
        before = _call(builder, "llvm.aarch64.get.fpcr", [], word)
        _call(builder, "llvm.aarch64.set.fpcr", [word(_FPCR)])
        return lambda: _call(builder, "llvm.aarch64.set.fpcr", [before])
    return lambda: None


def _call(builder: ir.IRBuilder, name: str, given: Sequence[ir.Value], result: ir.Type | None = None) -> Any:
    kind = ir.FunctionType(result or ir.VoidType(), [value.type for value in given])
    return builder.call(builder.module.globals.get(name) or ir.Function(builder.module, kind, name), given)


def setter_ir(triple: str, name: str) -> str:
    """``void name()``, which sets the mode for good."""
    module = ir.Module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    enter(builder, triple)
    builder.ret_void()
    return "\n".join(str(part) for part in module.globals.values())
