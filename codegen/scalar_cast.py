"""Conversions between dtypes.

Floats are cut towards zero. A float that a signed integer cannot hold, and NaN, gives the smallest integer, as x86
processors do; LLVM alone would leave such results undefined. For unsigned integers the float goes through int64 and
loses the upper bits (for uint64, floats from 2^63 on are right too). Integers lose upper bits. Anything but zero is
true.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen import ir
from graphc.codegen.approx.lanes import Lanes

WIDTHS = {"bool": 1, "u8": 8, "i32": 32, "u32": 32, "i64": 64, "u64": 64}
FLOATS = {"f32": ir.FloatType(), "f64": ir.DoubleType()}


def cast(x: Lanes, source: str, dtype: str) -> Lanes:
    """x of dtype ``source`` as ``dtype``."""
    if source == dtype:
        return x
    if dtype == "bool":
        emit = x.builder.fcmp_unordered if source in FLOATS else x.builder.icmp_unsigned
        return x.new(emit("!=", x.value, x.operand(0)))
    if source in FLOATS:
        return _from_float(x, dtype)
    builder = x.builder
    if dtype in FLOATS:
        return x.cast(builder.sitofp if source[0] == "i" else builder.uitofp, FLOATS[dtype])
    return _resize(x, dtype, signed=source[0] == "i")


def cast_meaning(x: Any, dtype: Any) -> Any:
    """What ``cast`` means for NumPy arrays, also where NumPy leaves the result to the processor."""
    x, dtype = np.asarray(x), np.dtype(dtype)
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return x.astype(dtype)
    whole = np.trunc(np.where(np.isfinite(x), x, 0))
    if dtype == np.uint64:
        large = np.isfinite(x) & (x >= 2.0**63) & (x < 2.0**64)
        upper = np.where(large, whole - 2.0**63, 0).astype(np.uint64) + np.uint64(2**63)
        return np.where(large, upper, cast_meaning(x, np.int64).astype(np.uint64))
    if dtype.kind == "u":
        return cast_meaning(x, np.int64).astype(dtype)
    limits = np.iinfo(dtype)
    fits = np.isfinite(x) & (x >= float(limits.min)) & (x < -float(limits.min))
    return np.where(fits, np.where(fits, whole, 0).astype(dtype), limits.min).astype(dtype)


def _from_float(x: Lanes, dtype: str) -> Lanes:
    if dtype in FLOATS:
        return x.widen() if dtype == "f64" else x.narrow()
    if dtype == "u64":
        is_large = (x >= 2.0**63) & (x < 2.0**64)
        upper = _to_signed(is_large.choose(x - 2.0**63, 0.0), 64) ^ -(2**63)
        return is_large.choose(upper, _to_signed(x, 64))
    if dtype[0] == "u":
        return _resize(_to_signed(x, 64), dtype, signed=True)
    return _to_signed(x, WIDTHS[dtype])


def _to_signed(x: Lanes, bits: int) -> Lanes:
    limit = 2.0 ** (bits - 1)
    fits = (x >= -limit) & (x < limit)
    whole = fits.choose(x, 0.0).cast(x.builder.fptosi, ir.IntType(bits))
    return fits.choose(whole, -(2 ** (bits - 1)))


def _resize(x: Lanes, dtype: str, signed: bool) -> Lanes:
    element, builder = ir.IntType(WIDTHS[dtype]), x.builder
    if element.width <= x.bits_per_lane:
        return x if element.width == x.bits_per_lane else x.cast(builder.trunc, element)
    return x.cast(builder.sext if signed else builder.zext, element)
