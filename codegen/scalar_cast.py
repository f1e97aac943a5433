"""Conversions between dtypes.

Floats are cut towards zero. A float that a signed integer cannot hold, and NaN, gives the smallest integer, as x86
processors do; LLVM alone would leave such results undefined. For unsigned integers the float goes through int64 and
loses the upper bits (for uint64, floats from 2^63 on are right too). Integers lose upper bits. Anything but zero is
true. float16 and bfloat16 are bits, which are converted from and to float32 by arithmetic on integers, since few
processors have instructions for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen import ir
from graphc.codegen.approx.lanes import Lanes

WIDTHS = {"bool": 1, "u8": 8, "i8": 8, "u16": 16, "i16": 16, "i32": 32, "u32": 32, "i64": 64, "u64": 64}
FLOATS = {"f32": ir.FloatType(), "f64": ir.DoubleType()}


def cast(x: Lanes, source: str, dtype: str) -> Lanes:
    """x of dtype ``source`` as ``dtype``."""
    if source == dtype:
        return x
    if source in _FROM_HALF:
        return cast(_FROM_HALF[source](x), "f32", dtype)
    if dtype in _TO_HALF:
        return _TO_HALF[dtype](cast(x, source, "f32"))
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
    if dtype.itemsize < 4:  # the low bits of what processors convert to
        return cast_meaning(x, np.int32).astype(dtype)
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
    return _resize(_to_signed(x, max(32, WIDTHS[dtype])), dtype, signed=True)


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


# -- float16: a sign, 5 bits of exponent with bias 15, 10 of fraction ------------------------------------------------


def _from_float16(h: Lanes) -> Lanes:
    """The bits moved to where float32 has them, with 112 more of exponent for the other bias.

    Those below 2^-14 become 2^-14 (1 + f), from which 2^-14 is taken: exact, and no step is denormal in float32.
    """
    bits = h.cast(h.builder.zext, ir.IntType(32))
    magnitude = (bits & 0x7FFF) << 13
    small = ((magnitude + (113 << 23)).as_float() - 2.0**-14).bits()
    value = (magnitude < 1 << 23).choose(small, magnitude + (112 << 23))
    value = (magnitude >= 0x0F800000).choose(magnitude | 0x7F800000, value)  # infinities and NaN
    return (value | ((bits & 0x8000) << 16)).as_float()


def _to_float16(x: Lanes) -> Lanes:
    """Rounded to nearest, ties to even: by adding below 2^-14, where the places end at 2^-24, by carrying above."""
    bits = x.bits()
    magnitude = bits & 0x7FFFFFFF
    small = (magnitude.as_float() + 0.5).bits() - 0x3F000000  # the last place of 1/2 in float32 is 2^-24
    odd = magnitude.shift_right_unsigned(13) & 1
    normal = (magnitude + odd + (0xFFF - (112 << 23))).shift_right_unsigned(13)
    half = (magnitude < 0x38800000).choose(small, normal)
    half = (magnitude >= 0x477FF000).choose(x.bits().like(0x7C00), half)  # from 65520 on: infinite
    half = (magnitude > 0x7F800000).choose(half | 0x200, half)
    return (half | (bits.shift_right_unsigned(16) & 0x8000)).cast(x.builder.trunc, ir.IntType(16))


# -- bfloat16: the upper half of a float32 ---------------------------------------------------------------------------


def _from_bfloat16(h: Lanes) -> Lanes:
    return (h.cast(h.builder.zext, ir.IntType(32)) << 16).as_float()


def _to_bfloat16(x: Lanes) -> Lanes:
    """Rounded to nearest, ties to even; NaN stays one."""
    bits = x.bits()
    rounded = (bits + 0x7FFF + (bits.shift_right_unsigned(16) & 1)).shift_right_unsigned(16)
    nan = bits.shift_right_unsigned(16) | 0x40
    return x.is_nan().choose(nan, rounded).cast(x.builder.trunc, ir.IntType(16))


_FROM_HALF = {"f16": _from_float16, "bf16": _from_bfloat16}
_TO_HALF = {"f16": _to_float16, "bf16": _to_bfloat16}


def half_bits(value: float, dtype: str) -> int:
    """The bits of a number as float16 or bfloat16."""
    if dtype == "f16":
        return int(np.float16(value).view(np.uint16))
    bits = int(np.float32(value).view(np.uint32))
    return (bits >> 16) | 0x40 if value != value else (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
