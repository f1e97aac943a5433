"""Random numbers as native code: the functions of ``graphc.philox``, which tells the conventions.

Two forms. ``element`` computes the number at an index, alone or for each lane of a vector: it makes a whole group of
random bits for every element. ``define_fill`` writes the function that fills a range of an array, and uses all of
each group; truncated normal numbers, which take groups until they have enough, come in this form only.

The 32-bit words of Philox stand in 64-bit lanes: the product of two words needs no other shape then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from graphc.codegen import ir
from graphc.codegen.approx import sincos_bounded
from graphc.codegen.approx.lanes import Lanes, in_every_lane
from graphc.codegen.approx.logarithm import log_reconstruct, split_power
from graphc.codegen.loops import FILL
from graphc.codegen.target import Target
from graphc.philox import KEY_STEPS, MULTIPLIERS, RESERVED_PER_ELEMENT, ROUNDS, SMALLEST_UNIFORM, TRUNCATED_AT

I32, I64, POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()
IN_MEMORY = {"f32": ir.FloatType(), "f64": ir.DoubleType(), "i32": I32, "i64": I64}
PER_GROUP = {"f32": 4, "f64": 2, "i32": 4, "i64": 2}

# Ranges to fill begin at multiples of this many elements, so that any vector width can serve them.
FILL_BLOCK = 64

Words = tuple[Lanes, Lanes, Lanes, Lanes]
Range = tuple[ir.Value, ir.Value]  # the limits of whole numbers
Seed = int | Lanes
Halves = tuple[Any, Any]  # of a seed: two numbers, or two Lanes


class Machine(Protocol):
    """What is asked of a target."""

    @property
    def fma(self) -> bool: ...

    @property
    def vector_bytes(self) -> int: ...


class Stream(NamedTuple):
    """What two seeds mean to each round: the upper half of the counter, and the keys."""

    upper: Halves
    keys: list[Halves]


def stream(seed: Seed, seed2: Seed) -> Stream:
    """The stream of two seeds: numbers, or i64 values with as many lanes as the groups that are asked for."""
    mask = 0xFFFFFFFF
    keys = [_halves(seed)]
    for _ in range(ROUNDS - 1):
        k0, k1 = keys[-1]
        keys.append(((k0 + KEY_STEPS[0]) & mask, (k1 + KEY_STEPS[1]) & mask))
    return Stream(_halves(seed2), keys)


def _halves(seed: Seed) -> Halves:
    mask = 0xFFFFFFFF
    if isinstance(seed, int):
        return seed & mask, (seed >> 32) & mask
    return seed & mask, seed.shift_right_unsigned(32)


def words(group: Lanes, of: Stream) -> Words:
    """The four words of each group, given by number (i64)."""
    mask = 0xFFFFFFFF
    c0, c1 = group & mask, group.shift_right_unsigned(32)
    c2, c3 = (group.like(half) if isinstance(half, int) else half for half in of.upper)
    for k0, k1 in of.keys:
        product0, product1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            product1.shift_right_unsigned(32) ^ c1 ^ k0,
            product1 & mask,
            product0.shift_right_unsigned(32) ^ c3 ^ k1,
            product0 & mask,
        )
    return c0, c1, c2, c3


# One number for each lane.


def element(
    builder: ir.IRBuilder,
    kind: str,
    dtype: str,
    seed: int,
    seed2: int,
    position: ir.Value,
    index: ir.Value,
    fma: bool = False,
    limits: Range | None = None,
) -> ir.Value:
    """The element at ``index`` (i64, or a vector) of what a run draws that begins at group ``position`` (same type).

    ``limits`` are two values of the result's type, for ``uniform_int``.
    """
    place = Lanes(builder, index, fma)
    per_group = PER_GROUP[dtype]
    group = Lanes(builder, position, fma) + place.shift_right_unsigned(2 if per_group == 4 else 1)
    lane = place & (per_group - 1)
    drawn = words(group, stream(seed, seed2))
    is_odd = (lane & 1).equals(1)
    if kind == "normal":
        return _normal_element(drawn, lane, is_odd, dtype).value
    picked = _pick(drawn, lane, is_odd, dtype)
    if kind == "uniform":
        return _unit_floats(picked, dtype).value
    assert kind == "uniform_int" and limits is not None, kind
    return _within(picked, limits).value


def _pick(drawn: Words, lane: Lanes, is_odd: Lanes, dtype: str) -> Lanes:
    """The bits of one element: a word as i32, or two words as i64 in the order of the dtype."""
    if PER_GROUP[dtype] == 4:
        upper = lane > 1
        return _as_i32(is_odd.choose(upper.choose(drawn[3], drawn[1]), upper.choose(drawn[2], drawn[0])))
    first, second = _joined(drawn, dtype)
    return is_odd.choose(second, first)


def _normal_element(drawn: Words, lane: Lanes, is_odd: Lanes, dtype: str) -> Lanes:
    if dtype == "f64":
        first, second = _joined(drawn, dtype)
    else:
        upper = lane > 1
        first, second = (_as_i32(upper.choose(drawn[2 + part], drawn[part])) for part in range(2))
    sine, cosine = _box_muller(_unit_floats(first, dtype), _unit_floats(second, dtype))
    return is_odd.choose(cosine, sine)


# All numbers of a group; of W groups in lanes, in the order of memory.


def group_numbers(kind: str, dtype: str, drawn: Words, limits: Range | None = None) -> list[Lanes]:
    """The elements that groups make: vectors to be stored one after the other (for one group, single values)."""
    if kind != "normal":
        bits = _in_order(drawn, dtype)
        if kind == "uniform":
            return [_unit_floats(part, dtype) for part in bits]
        assert limits is not None
        return [_within(part, limits) for part in bits]
    pairs = [_joined(drawn, dtype)] if dtype == "f64" else [drawn[:2], drawn[2:]]
    parts = [_as_i32(part) if dtype == "f32" else part for pair in pairs for part in pair]
    numbers: list[Lanes] = []
    for first, second in zip(parts[::2], parts[1::2], strict=True):
        numbers += _box_muller(_unit_floats(first, dtype), _unit_floats(second, dtype))
    return _interleave(numbers)


def _joined(drawn: Words, dtype: str) -> tuple[Lanes, Lanes]:
    """Two words as one, twice: TensorFlow takes the first as the upper half for doubles, as the lower for int64."""
    if dtype == "f64":
        return drawn[0] << 32 | drawn[1], drawn[2] << 32 | drawn[3]
    return drawn[1] << 32 | drawn[0], drawn[3] << 32 | drawn[2]


def _in_order(drawn: Words, dtype: str) -> list[Lanes]:
    """The bits of the elements: i32 or i64 vectors in the order of memory."""
    if PER_GROUP[dtype] == 2:
        return _interleave(list(_joined(drawn, dtype)))
    return _interleave([_as_i32(word) for word in drawn])


def _interleave(parts: list[Lanes]) -> list[Lanes]:
    """``[a0 a1 ..], [b0 b1 ..]`` as ``[a0 b0 ..], [a1 b1 ..]`` in vectors of the same size; for two or four parts."""
    if not isinstance(parts[0].type, ir.VectorType):
        return parts
    if len(parts) == 2:
        return _zipped(parts[0], parts[1])
    even, odd = _zipped(parts[0], parts[2]), _zipped(parts[1], parts[3])
    return [vector for a, b in zip(even, odd, strict=True) for vector in _zipped(a, b)]


def _zipped(a: Lanes, b: Lanes) -> list[Lanes]:
    count = a.type.count
    halves = []
    for start in (0, count // 2):
        order = [lane for index in range(start, start + count // 2) for lane in (index, index + count)]
        mask = ir.Constant(ir.VectorType(I32, count), order)
        halves.append(a.new(a.builder.shuffle_vector(a.value, b.value, mask)))
    return halves


# Bits to numbers.


def unit_pair(drawn: Words) -> tuple[Lanes, Lanes]:
    """The two doubles in [0, 1) that a group makes."""
    first, second = _joined(drawn, "f64")
    return _unit_floats(first, "f64"), _unit_floats(second, "f64")


def normal_pair(drawn: Words) -> tuple[Lanes, Lanes]:
    """The two normal doubles that a group makes."""
    return _box_muller(*unit_pair(drawn))


def _as_i32(word: Lanes) -> Lanes:
    return word.cast(word.builder.trunc, I32)


def _unit_floats(bits: Lanes, dtype: str) -> Lanes:
    """Random bits as the mantissa of a float in [1, 2), minus 1."""
    if dtype == "f32":
        return ((bits & 0x7FFFFF) | 0x3F800000).as_float() - 1.0
    return ((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).as_float() - 1.0


def _box_muller(u: Lanes, v: Lanes) -> tuple[Lanes, Lanes]:
    """``r sin(2 pi v), r cos(2 pi v)`` with ``r = sqrt(-2 log(u))``."""
    radius = (log_reconstruct(*split_power(u.at_least(SMALLEST_UNIFORM))) * -2.0).sqrt()
    is_float = str(u.element) == "float"
    # The product is taken in float64 and then rounded, as in TensorFlow.
    angle = (v.widen() * (2 * math.pi)).narrow() if is_float else v * (2 * math.pi)
    sine, cosine = sincos_bounded(u.builder, angle.value, fma=u.fma)
    return radius * u.new(sine), radius * u.new(cosine)


def _within(bits: Lanes, limits: Range) -> Lanes:
    """``low + bits % (high - low)``, unsigned; ``low`` where the range is empty."""
    low, high = (Lanes(bits.builder, limit, bits.fma) for limit in limits)
    width = high - low
    safe = width.equals(0).choose(width.like(1), width)
    if bits.bits_per_lane == 64:
        return low + bits.new(bits.builder.urem(bits.value, safe.value))
    return low + _modulo_in_double(bits, safe)


def _modulo_in_double(bits: Lanes, width: Lanes) -> Lanes:
    """``bits % width`` of 32-bit words: exact in float64, where vectors can be divided."""
    emit = bits.builder.uitofp
    number, divisor = bits.cast(emit, ir.DoubleType()), width.cast(emit, ir.DoubleType())
    rest = number - (number / divisor).rounded("trunc") * divisor
    # The quotient is not rounded up to the next whole number: that is at least 2^-32 of itself away.
    return _as_i32((rest + 2.0**52).bits())


# Whole arrays.


FILL_TYPE = ir.FunctionType(ir.VoidType(), [POINTER, *[I64] * 7])


def fill_ir(name: str, target: Target) -> str:
    """The module of the fill function ``graphc_fill_KIND_DTYPE``."""
    module = ir.Module(name)
    module.triple = target.triple
    define_fill(declare_fill(module, name), target)
    return str(module)


def declare_fill(module: ir.Module, name: str) -> ir.Function:
    """The function ``void name(ptr output, i64 begin, i64 end, i64 position, i64 low, i64 high, i64 seed, i64 seed2)``.

    It writes the elements from ``begin`` (a multiple of FILL_BLOCK) up to ``end`` of an array that starts at
    ``output``. Their values depend on nothing but index, seeds and position, so ranges may be filled in any order.
    ``low`` and ``high`` are used by ``uniform_int`` alone. One function serves all kernels that draw such numbers.
    """
    return module.globals.get(name) or ir.Function(module, FILL_TYPE, name)


def define_fills(module: ir.Module, target: Target) -> None:
    """Gives the fill functions that a module declares their bodies."""
    for function in list(module.functions):
        if function.is_declaration and function.name.startswith(FILL):
            define_fill(function, target)


def define_fill(function: ir.Function, target: Machine) -> None:
    """Writes the body of a fill function, which its name tells."""
    kind, _, dtype = function.name.removeprefix(FILL).rpartition("_")
    function.attributes.add("nounwind")
    if kind == "truncated_normal":
        _fill_truncated(function, dtype, target.fma)
    else:
        _fill_blocks(function, kind, dtype, target)


def _fill_blocks(function: ir.Function, kind: str, dtype: str, target: Machine) -> None:
    """Blocks of as many groups as a vector has 32-bit lanes; what lies beyond the end goes into a spare block."""
    output, begin, end, position, low, high, *seeds = function.args
    width = target.vector_bytes // 4  # two vectors for each word: their rounds run side by side
    block = width * PER_GROUP[dtype]
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    spare = _stack(builder, ir.ArrayType(IN_MEMORY[dtype], block))
    numbers = ir.VectorType(I64, width)
    first_lanes = ir.Constant(numbers, list(range(width)))
    per_group = I64(PER_GROUP[dtype])
    of = stream(*(Lanes(builder, in_every_lane(builder, seed, width), target.fma) for seed in seeds))

    def body(builder: ir.IRBuilder, index: ir.Value) -> None:
        first = builder.add(position, builder.udiv(index, per_group))
        group = Lanes(builder, builder.add(in_every_lane(builder, first, width), first_lanes), target.fma)
        drawn = words(group, of)
        limits = None
        if kind == "uniform_int":
            limits = (_limit(builder, low, dtype, drawn), _limit(builder, high, dtype, drawn))
        vectors = group_numbers(kind, dtype, drawn, limits)
        is_whole = builder.icmp_signed("<=", builder.add(index, I64(block)), end)
        start = builder.gep(output, [index], source_etype=IN_MEMORY[dtype])
        place = builder.select(is_whole, start, spare)
        for number, vector in enumerate(vectors):
            offset = I64(number * vector.type.count)
            builder.store(vector.value, builder.gep(place, [offset], source_etype=IN_MEMORY[dtype]), align=4)
        with builder.if_then(builder.not_(is_whole), likely=False):
            _copy(builder, spare, start, builder.sub(end, index), dtype)

    _loop(builder, begin, end, block, body)
    builder.ret_void()


def _fill_truncated(function: ir.Function, dtype: str, fma: bool) -> None:
    """Group by group of the output: normal numbers are written, and those within two deviations are kept."""
    output, begin, end, position, _, _, *seeds = function.args
    per_group = PER_GROUP[dtype]
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    # Each number is written behind those kept so far, and perhaps overwritten by the next: one place more than kept.
    kept = _stack(builder, ir.ArrayType(IN_MEMORY[dtype], 2 * per_group))
    reserved = per_group * RESERVED_PER_ELEMENT // 4
    of = stream(*(Lanes(builder, seed, fma) for seed in seeds))

    def body(builder: ir.IRBuilder, index: ir.Value) -> None:
        number = builder.udiv(index, I64(per_group))
        first = builder.add(position, builder.mul(number, I64(reserved)))
        before = builder.block
        again, done = builder.append_basic_block("draw"), builder.append_basic_block("enough")
        builder.branch(again)
        builder.position_at_end(again)
        group, count = builder.phi(I64), builder.phi(I64)
        group.add_incoming(first, before)
        count.add_incoming(I64(0), before)
        filled: ir.Value = count
        for value in group_numbers("normal", dtype, words(Lanes(builder, group, fma), of)):
            builder.store(value.value, builder.gep(kept, [filled], source_etype=IN_MEMORY[dtype]))
            filled = builder.add(filled, builder.zext((value.abs() < TRUNCATED_AT).value, I64))
        group.add_incoming(builder.add(group, I64(1)), builder.block)
        count.add_incoming(filled, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", filled, I64(per_group)), again, done)
        builder.position_at_end(done)
        left = builder.sub(end, index)
        length = builder.select(builder.icmp_signed("<", left, I64(per_group)), left, I64(per_group))
        _copy(builder, kept, builder.gep(output, [index], source_etype=IN_MEMORY[dtype]), length, dtype)

    _loop(builder, begin, end, per_group, body)
    builder.ret_void()


def _limit(builder: ir.IRBuilder, value: ir.Value, dtype: str, drawn: Words) -> ir.Value:
    """A limit of whole numbers in every lane, in the dtype of the result."""
    element = IN_MEMORY[dtype]
    number = builder.trunc(value, element) if element is I32 else value
    return in_every_lane(builder, number, drawn[0].type.count)


def _stack(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    """Room on the stack; an untyped pointer."""
    place = builder.alloca(kind)
    place.align = 64
    place.type = POINTER
    return place


def _loop(
    builder: ir.IRBuilder,
    begin: ir.Value,
    end: ir.Value,
    step: int,
    body: Callable[[ir.IRBuilder, ir.Value], None],
) -> None:
    """``for index in range(begin, end, step): body``; the builder ends up behind the loop."""
    before = builder.block
    loop, inside, done = (builder.append_basic_block(part) for part in ("loop", "inside", "done"))
    builder.branch(loop)
    builder.position_at_end(loop)
    index = builder.phi(I64)
    index.add_incoming(begin, before)
    builder.cbranch(builder.icmp_signed("<", index, end), inside, done)
    builder.position_at_end(inside)
    body(builder, index)
    index.add_incoming(builder.add(index, I64(step)), builder.block)
    builder.branch(loop)
    builder.position_at_end(done)


def _copy(builder: ir.IRBuilder, source: ir.Value, target: ir.Value, count: ir.Value, dtype: str) -> None:
    """A few elements one by one."""
    kind = IN_MEMORY[dtype]

    def body(builder: ir.IRBuilder, index: ir.Value) -> None:
        value = builder.load(builder.gep(source, [index], source_etype=kind), typ=kind)
        builder.store(value, builder.gep(target, [index], source_etype=kind))

    _loop(builder, I64(0), count, 1, body)
