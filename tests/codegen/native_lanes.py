"""Functions on lanes, compiled into loops over whole arrays; and how far floats are apart."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.codegen import ir, jit
from graphc.codegen.target import Target, host

I8, I64, POINTER = ir.IntType(8), ir.IntType(64), ir.PointerType()
IN_MEMORY = {
    "bool": I8,
    "u8": I8,
    "i32": ir.IntType(32),
    "u32": ir.IntType(32),
    "i64": I64,
    "u64": I64,
    "f32": ir.FloatType(),
    "f64": ir.DoubleType(),
}
NUMPY: dict[str, Any] = {
    "bool": np.bool_,
    "u8": np.uint8,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "u64": np.uint64,
    "f32": np.float32,
    "f64": np.float64,
}
WIDER: dict[Any, Any] = {np.float32: np.float64, np.float64: np.longdouble}


class Function(NamedTuple):
    """What to compile: ``emit(builder, *values)`` for arguments and result of these dtypes."""

    emit: Callable[..., ir.Value]
    arguments: Sequence[str]
    result: str


def wide(kind: ir.Type, width: int | None) -> ir.Type:
    """A vector of ``width`` lanes, or a scalar for None."""
    return kind if width is None else ir.VectorType(kind, width)


def module_text(functions: Mapping[str, Function], width: int | None) -> str:
    """A module with ``void name(inputs..., output, steps)`` for each function; each step does ``width`` elements."""
    module = ir.Module("lanes")
    for name, (emit, arguments, result) in functions.items():
        kind = ir.FunctionType(ir.VoidType(), [POINTER] * (len(arguments) + 1) + [I64])
        function = ir.Function(module, kind, name)
        entry, loop, done = (function.append_basic_block(part) for part in ("entry", "loop", "done"))
        builder = ir.IRBuilder(entry)
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(I64)
        step.add_incoming(I64(0), entry)
        *inputs, output, steps = function.args
        values = [_load(builder, pointer, step, dtype, width) for pointer, dtype in zip(inputs, arguments)]
        value = emit(builder, *values)
        if result == "bool":
            value = builder.zext(value, wide(I8, width))
        builder.store(value, _place(builder, output, step, result, width), align=1)
        following = builder.add(step, I64(1))
        step.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, steps), loop, done)
        ir.IRBuilder(done).ret_void()
    return str(module)


def _place(builder: ir.IRBuilder, pointer: ir.Value, step: ir.Value, dtype: str, width: int | None) -> ir.Value:
    return builder.gep(pointer, [builder.mul(step, I64(width or 1))], source_etype=IN_MEMORY[dtype])


def _load(builder: ir.IRBuilder, pointer: ir.Value, step: ir.Value, dtype: str, width: int | None) -> ir.Value:
    kind = wide(IN_MEMORY[dtype], width)
    value = builder.load(_place(builder, pointer, step, dtype, width), typ=kind, align=1)
    return builder.trunc(value, wide(ir.IntType(1), width)) if dtype == "bool" else value


class Compiled:
    """Functions of one module, to be called with arrays: ``compiled("exp", x)``."""

    def __init__(self, functions: Mapping[str, Function], width: int | None, target: Target | None = None):
        self.functions = dict(functions)
        self.width = width or 1
        self.library = jit.load([jit.compile_ir(module_text(functions, width), target or host())])

    def __call__(self, name: str, *arrays: Any) -> np.ndarray:
        _, arguments, result = self.functions[name]
        inputs = [self._padded(np.ascontiguousarray(x, NUMPY[d])) for x, d in zip(arrays, arguments)]
        output = np.empty(inputs[0].size, NUMPY[result])
        prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(inputs) + 1), ctypes.c_int64)
        call = prototype(self.library.address(name))
        call(*(x.ctypes.data for x in inputs), output.ctypes.data, output.size // self.width)
        return output[: np.size(arrays[0])]

    def _padded(self, x: np.ndarray) -> np.ndarray:
        return np.concatenate([x, np.ones(-x.size % self.width, x.dtype)])


def ulps(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The distance of ``got`` from the true values, in units of the last place; infinite where they differ in kind.

    ``true`` has a wider dtype. The unit is the distance of floats just below the magnitude of the true value.
    """
    kind = got.dtype.type
    with np.errstate(all="ignore"):
        nearest = true.astype(kind)
        largest = np.finfo(kind).max
        below = np.where(np.abs(nearest.astype(true.dtype)) > np.abs(true), np.nextafter(nearest, kind(0)), nearest)
        unit = np.spacing(np.abs(np.where(np.isfinite(below), below, largest))).astype(true.dtype)
        apart = np.abs(got.astype(true.dtype) - true) / unit
    # Beyond the largest float, infinity and the largest float are both neighbours of the true value.
    apart = np.where(np.isinf(got) & (np.abs(true) > largest) & (np.sign(got) == np.sign(true)), 0, apart)
    apart = np.where(np.isnan(got) & np.isnan(true), 0, apart)
    return np.where(np.isnan(apart), np.inf, apart)


def same(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where two arrays are equal, NaN included."""
    if got.dtype.kind != "f":
        return np.asarray(got == wanted)
    return np.asarray((got == wanted) | (np.isnan(got) & np.isnan(wanted)))


def undefined_symbols(data: bytes) -> list[str]:
    """The names that a 64-bit ELF object uses and does not define."""
    (table,), (count,) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<H", data, 60)
    # name, type, flags, address, offset, size, link, info, alignment, entry size
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * index) for index in range(count)]
    names = []
    for _, kind, _, _, offset, size, link, *_ in sections:
        if kind != 2:  # not a symbol table
            continue
        strings = sections[link][4]
        for place in range(offset + 24, offset + size, 24):  # the first entry is empty
            name, _, _, section = struct.unpack_from("<IBBH", data, place)
            if section == 0:
                names.append(data[strings + name : data.index(b"\0", strings + name)].decode())
    return sorted(names)
