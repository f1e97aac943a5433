"""Angles beyond 2^20, reduced exactly: the slow way of sin, cos and tan (Payne and Hanek, 1983).

``x = m 2^e`` with an integer m of 53 bits. Of the bits of 2/pi only those matter whose product with ``m 2^e`` is
neither a multiple of 4 (full turns) nor too small to be felt: 192 bits that start at a place given by e. One integer
product then holds the quarter turns in its top 2 bits and the fraction of a quarter turn below them.
Multiplications are built from 32-bit halves, so that no target needs a library routine for wide integers.
"""

from __future__ import annotations

import math

from graphc.codegen import ir
from graphc.codegen.approx.functions import any_lane, internal_function
from graphc.codegen.approx.lanes import Lanes, element_type, lane_count, type_suffix

I1, I32, I64, DOUBLE = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.DoubleType()

# 64 zero bits, then the first 1216 bits of 2/pi: enough for the largest double.
TWO_OVER_PI_WORDS = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
)
HALF_PI_FIXED = 0xC90FDAA22168C234  # pi/2 * 2^63


Reduced = tuple[Lanes, Lanes, Lanes]  # n, r and rest of x = n pi/2 + r + rest


def replace_huge_angles(x: Lanes, quick: Reduced, limit: float) -> Reduced:
    """The quick reduction, with those lanes computed anew where ``x > limit``; ``x >= 0``.

    Leaves the builder in a new basic block, in which the two ways meet.
    """
    builder = x.builder
    any_huge = any_lane(builder, (x > limit).value)
    before = builder.block
    rare = builder.append_basic_block("huge_angle")
    join = builder.append_basic_block("angle_reduced")
    builder.cbranch(any_huge, rare, join, likely=False)
    builder.position_at_end(rare)
    values = [part.value for part in quick]
    slow = builder.call(lanes_function(builder.module, x.type, values[0].type, limit), (x.value, *values))
    replaced = [builder.extract_value(slow, index) for index in range(3)]
    builder.branch(join)
    builder.position_at_end(join)
    n, r, rest = (
        x.new(merge(builder, before, value, rare, other)) for value, other in zip(values, replaced, strict=True)
    )
    return n, r, rest


def merge(builder: ir.IRBuilder, first: ir.Block, value: ir.Value, second: ir.Block, other: ir.Value) -> ir.Value:
    """The value that comes from whichever block ran."""
    phi = builder.phi(value.type)
    phi.add_incoming(value, first)
    phi.add_incoming(other, second)
    return phi


def lanes_function(module: ir.Module, x_type: ir.Type, n_type: ir.Type, limit: float) -> ir.Function:
    """The module's function that goes over the lanes of x and reduces the huge ones."""
    name = f"graphc_huge_angles_{type_suffix(x_type)}"
    if name in module.globals:
        return module.globals[name]
    result_types = [n_type, x_type, x_type]
    kind = ir.FunctionType(ir.LiteralStructType(result_types), [x_type, *result_types])
    function = internal_function(module, name, kind, rare=True)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    places = [stack_place(builder, value.type) for value in function.args]
    for value, place in zip(function.args, places, strict=True):
        builder.store(value, place)
    loop, huge, step, done = (function.append_basic_block(part) for part in ("loop", "huge", "step", "done"))
    start = builder.block
    builder.branch(loop)
    builder.position_at_end(loop)
    lane = builder.phi(I64)
    lane.add_incoming(I64(0), start)
    x_lane, *result_lanes = (
        builder.gep(place, [lane], source_etype=element_type(value.type))
        for value, place in zip(function.args, places, strict=True)
    )
    angle = Lanes(builder, builder.load(x_lane, typ=element_type(x_type)), False)
    builder.cbranch((angle > limit).value, huge, step)
    builder.position_at_end(huge)
    for reduced, place in zip(reduce_one(angle), result_lanes, strict=True):
        builder.store(reduced.value, place)
    builder.branch(step)
    builder.position_at_end(step)
    following = builder.add(lane, I64(1))
    lane.add_incoming(following, step)
    builder.cbranch(builder.icmp_unsigned("<", following, I64(lane_count(x_type) or 1)), loop, done)
    builder.position_at_end(done)
    results = [builder.load(place, typ=part) for place, part in zip(places[1:], result_types, strict=True)]
    builder.ret(packed(builder, kind.return_type, results))
    return function


def reduce_one(angle: Lanes) -> Reduced:
    """n, r and rest of one scalar."""
    if str(angle.element) == "float":
        return reduce_one_float(angle)
    builder = angle.builder
    found = builder.call(scalar_function(builder.module), (angle.value,))
    n, r, rest = (angle.new(builder.extract_value(found, index)) for index in range(3))
    return n, r, rest


def reduce_one_float(x: Lanes) -> Reduced:
    """The same with m of 24 bits and 96 bits of 2/pi; 62 bits of the fraction are plenty, and no rest is kept."""
    builder = x.builder
    bits = x.new(builder.zext(x.bits().value, I64))
    mantissa = (bits & 0x7FFFFF) | 0x800000
    words, shift = words_from(bits.shift_right_unsigned(23) - (127 + 23 - 62), 3)
    upper, lower = (funnel_left(words[index], words[index + 1], shift) for index in range(2))
    turns = mantissa * upper + (mantissa * lower.shift_right_unsigned(32)).shift_right_unsigned(32)
    n = (turns + (1 << 61)).shift_right_unsigned(62)
    r = ((turns << 2).to_float() * (math.pi / 2 / 2.0**64)).narrow()
    return n.cast(builder.trunc, I32), (x < math.inf).choose(r, math.nan), x.like(0.0)


def stack_place(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    """Room for one value; an untyped pointer, so that single lanes may be addressed."""
    place = builder.alloca(kind)
    place.type = ir.PointerType()
    return place


def packed(builder: ir.IRBuilder, kind: ir.Type, values: list[ir.Value]) -> ir.Value:
    """Several values as one structure."""
    result: ir.Value = ir.Constant(kind, ir.Undefined)
    for index, value in enumerate(values):
        result = builder.insert_value(result, value, index)
    return result


def scalar_function(module: ir.Module) -> ir.Function:
    """The module's function for one angle above 1 in double precision; NaN for infinity."""
    name = "graphc_huge_angle"
    if name in module.globals:
        return module.globals[name]
    kind = ir.FunctionType(ir.LiteralStructType([I64, DOUBLE, DOUBLE]), [DOUBLE])
    function = internal_function(module, name, kind, rare=True)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    x = Lanes(builder, function.args[0], False)
    high, low = turns_fixed_point(x)
    n = (high + (1 << 61)).shift_right_unsigned(62)
    r, rest = angle_from_fraction(high << 2 | low.shift_right_unsigned(62), low << 2)
    r = (x < math.inf).choose(r, math.nan)
    builder.ret(packed(builder, kind.return_type, [n.value, r.value, rest.value]))
    return function


def turns_fixed_point(x: Lanes) -> tuple[Lanes, Lanes]:
    """``x * 2/pi`` modulo 4 as 128 bits, of which the first two stand before the point."""
    bits = x.bits()
    mantissa = (bits & ((1 << 52) - 1)) | (1 << 52)
    words, shift = words_from(bits.shift_right_unsigned(52) - (1023 + 52 - 62), 4)
    g2, g1, g0 = (funnel_left(words[index], words[index + 1], shift) for index in range(3))
    carry0, _ = multiply_wide(mantissa, g0)
    high1, low1 = multiply_wide(mantissa, g1)
    middle = carry0 + low1
    overflow = middle.new(x.builder.zext(middle.below(low1).value, I64))
    return mantissa * g2 + high1 + overflow, middle


def angle_from_fraction(high: Lanes, low: Lanes) -> tuple[Lanes, Lanes]:
    """pi/2 times a signed fixed-point fraction in [-1/2, 1/2): a double with all its bits right, and the rest."""
    builder = high.builder
    sign = high >> 63
    high, low = high ^ sign, low ^ sign
    leading = high.new(builder.ctlz(high.value, I1(0)))
    # Below 2^63 each, so that the conversions are those of signed integers.
    product = multiply_wide(funnel_left(high, low, leading & 63), high.like(HALF_PI_FIXED))[0].shift_right_unsigned(1)
    scale = (((1023 - 62 - leading) << 52) | (sign << 63)).as_float()
    nearest = product.to_float()
    rest = product - nearest.cast(builder.fptosi, I64)
    return nearest * scale, rest.to_float() * scale


def words_from(place: Lanes, count: int) -> tuple[list[Lanes], Lanes]:
    """The words of the table that hold its bits from ``place``, and how many bits of the first stand before that.

    ``place`` is e + 62: there the bits begin whose weight is 2 and less.
    """
    # Infinity would start beyond the table; its result is not used.
    place = place.below(1035).choose(place, 0)
    word = place.shift_right_unsigned(6)
    return [load_word(place, word + index) for index in range(count)], place & 63


def load_word(x: Lanes, index: Lanes) -> Lanes:
    """One word of 2/pi."""
    module = x.builder.module
    table = module.globals.get("graphc_two_over_pi")
    if table is None:
        kind = ir.ArrayType(I64, len(TWO_OVER_PI_WORDS))
        table = ir.GlobalVariable(module, kind, "graphc_two_over_pi")
        table.initializer = ir.Constant(kind, list(TWO_OVER_PI_WORDS))
        table.global_constant = True
        table.linkage = "internal"
    place = x.builder.gep(table, [I64(0), index.value], source_etype=table.kind, inbounds=True)
    return x.new(x.builder.load(place, typ=I64))


def funnel_left(high: Lanes, low: Lanes, shift: Lanes) -> Lanes:
    """The upper word of ``high:low`` shifted left by 0 to 63; in two steps on the right, where 64 is not allowed."""
    return (high << shift) | low.shift_right_unsigned(1).shift_right_unsigned(63 - shift)


def multiply_wide(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The upper and the lower word of the product of two unsigned words."""
    mask = 0xFFFFFFFF
    a_low, a_high = a & mask, a.shift_right_unsigned(32)
    b_low, b_high = b & mask, b.shift_right_unsigned(32)
    cross = a_high * b_low + (a_low * b_low).shift_right_unsigned(32)
    other = a_low * b_high + (cross & mask)
    return a_high * b_high + cross.shift_right_unsigned(32) + other.shift_right_unsigned(32), a * b
