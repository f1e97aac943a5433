"""Positions as instructions: integer polynomials evaluated once per change of their deepest variable.

Terms are summed from the outermost loop inwards, so that each partial sum stands before the loop that does not
change it. In a vector loop a position is uniform (the vector variable counts as its value in lane 0) or one number
per lane.
"""

from __future__ import annotations

from graphc.codegen import ir
from graphc.codegen.approx.lanes import element_type
from graphc.codegen.emit_state import I1, I32, I64, Value, Writer
from graphc.codegen.loops import Least, LoadedIndex
from graphc.codegen.traverse import depends
from graphc.dims import Atom, Dim, DimLike, FloorDiv, Symbol, atoms, coefficient, is_nonnegative


def known(value: Value) -> int | None:
    """The number of a constant position."""
    return value.ir.constant if isinstance(value.ir, ir.Constant) else None


def number(writer: Writer, value: int) -> Value:
    """A constant position."""
    return writer.constant(I64, value)


def position(writer: Writer, index: DimLike) -> Value:
    """The i64 that a position is; in a vector loop, in lane 0."""
    return _polynomial(writer, index, 1, I64)


def positions(writer: Writer, index: DimLike, kind: ir.IntType) -> Value:
    """The positions of all lanes, as integers of a type that holds them."""
    assert writer.lanes is not None
    lanes = writer.lanes.width
    step = stride(writer, index)
    if step is None:
        return _polynomial(writer, index, lanes, kind)
    start = writer.spread(resized(writer, position(writer, index), kind), lanes)
    if step == 0:
        return start
    steps = arithmetic(writer, "mul", _counting(writer, lanes, kind), resized(writer, position(writer, step), kind))
    return arithmetic(writer, "add", start, steps)


def index_type(index: DimLike) -> ir.IntType:
    """i32 where a position surely fits, else i64: vectors of i32 take half the registers."""
    largest = upper_bound(index)
    return I32 if largest is not None and largest < 2**31 else I64


def upper_bound(index: DimLike) -> int | None:
    """A number that a position never exceeds, when all its parts are known not to be negative."""
    if isinstance(index, int):
        return index if index >= 0 else None
    total = 0
    for monomial, factor in index.terms.items():
        if factor < 0:
            return None
        bounds = [_atom_bound(thing) for thing in monomial]
        if any(bound is None for bound in bounds):
            return None
        for bound in bounds:
            factor *= bound or 0
        total += factor
    return total


def _atom_bound(thing: Atom) -> int | None:
    if isinstance(thing, Symbol) and isinstance(thing.extent, int):
        return max(thing.extent - 1, 0)
    if isinstance(thing, FloorDiv) and isinstance(thing.denominator, int):
        bound = upper_bound(thing.numerator)
        return None if bound is None else bound // thing.denominator
    return None


def stride(writer: Writer, index: DimLike) -> DimLike | None:
    """How far a position moves from lane to lane; 0 outside of vector loops, None where it is not the same step."""
    if writer.lanes is None or not isinstance(index, Dim):
        return 0
    variable = writer.lanes.variable
    for thing in atoms(index):
        if isinstance(thing, LoadedIndex) and varies(writer, thing):
            return None
    return coefficient(index, variable)


def varies(writer: Writer, thing: LoadedIndex) -> bool:
    """Whether a loaded position may differ between lanes."""
    from graphc.codegen.emit_values import evaluate  # values contain positions and positions values

    if writer.lanes is None or not depends(thing.value, writer.lanes.variable):
        return evaluate(writer, thing.value).lanes > 1
    return True


def arithmetic(writer: Writer, op: str, left: Value, right: Value) -> Value:
    """``add``, ``sub``, ``mul`` of positions; nothing is written for constants, 0 and 1."""
    a, b = known(left) if left.lanes == 1 else None, known(right) if right.lanes == 1 else None
    if a is not None and b is not None:
        result = {"add": a + b, "sub": a - b, "mul": a * b}[op]
        return writer.constant(left.ir.type, result)
    if (b == 0 and op in ("add", "sub")) or (b == 1 and op == "mul"):
        return left
    if (a == 0 and op == "add") or (a == 1 and op == "mul"):
        return right
    depth, lanes, (x, y) = writer.together(left, right)
    return writer.numbered((op, id(x), id(y)), depth, lanes, lambda builder: getattr(builder, op)(x, y, flags=("nsw",)))


def least(writer: Writer, left: Value, right: Value) -> Value:
    """The smaller of two positions."""
    a, b = known(left), known(right)
    if a is not None and b is not None:
        return number(writer, min(a, b))
    return _choice(writer, "<", left, right)


def greatest(writer: Writer, left: Value, right: Value) -> Value:
    """The larger of two positions."""
    a, b = known(left), known(right)
    if a is not None and b is not None:
        return number(writer, max(a, b))
    return _choice(writer, ">", left, right)


def first_lanes(writer: Writer, count: Value, lanes: int) -> Value:
    """The mask of the first ``count`` lanes."""
    fixed = known(count)
    if fixed is not None:
        return writer.listed(I1, [int(lane < fixed) for lane in range(lanes)])
    limit = writer.spread(resized(writer, count, I32), lanes)
    lane = _counting(writer, lanes, I32)
    return writer.numbered(
        ("first", id(limit.ir)), limit.depth, lanes, lambda builder: builder.icmp_unsigned("<", lane.ir, limit.ir)
    )


def _polynomial(writer: Writer, index: DimLike, lanes: int, kind: ir.IntType) -> Value:
    if not isinstance(index, Dim):
        return writer.constant(kind, index)
    key = ("position", index, lanes, str(kind))
    found = writer.memo.get(key)
    if found is not None:
        return found
    terms = []
    for monomial, factor in index.terms.items():
        factors = [_atom(writer, thing, lanes, kind) for thing in monomial]
        term = writer.constant(kind, factor)
        for value in sorted(factors, key=_outermost_first):
            term = arithmetic(writer, "mul", term, value) if known(term) != 1 else value
        terms.append(term)
    total = writer.constant(kind, 0)
    for term in sorted(terms, key=_outermost_first):
        total = arithmetic(writer, "add", total, term)
    if not any(isinstance(thing, LoadedIndex) for thing in atoms(index)):
        writer.memo[key] = total
        writer.scopes[-1].keys.append(key)  # the same variable may be bound again after this level
    return total


def _outermost_first(value: Value) -> tuple[int, int, int]:
    return (value.lanes, value.depth, known(value) is None)


def _atom(writer: Writer, thing: Atom, lanes: int, kind: ir.IntType) -> Value:
    if isinstance(thing, FloorDiv):
        numerator = _polynomial(writer, thing.numerator, lanes, kind)
        return _floor_division(writer, thing, numerator, _polynomial(writer, thing.denominator, lanes, kind))
    if isinstance(thing, Least):
        return least(writer, position(writer, thing.left), position(writer, thing.right))
    if isinstance(thing, LoadedIndex):
        return _loaded(writer, thing, lanes, kind)
    value = writer.bindings[thing] if thing in writer.bindings else writer.bindings[Symbol(thing.name)]
    value = resized(writer, value, kind)
    if lanes > 1 and writer.lanes is not None and thing == writer.lanes.variable:
        return arithmetic(writer, "add", value, _counting(writer, lanes, kind))
    return value


def _loaded(writer: Writer, thing: LoadedIndex, lanes: int, kind: ir.IntType) -> Value:
    from graphc.codegen.emit_values import evaluate  # values contain positions and positions values

    value = evaluate(writer, thing.value)
    assert lanes > 1 or value.lanes == 1, f"position {thing} differs between lanes"
    return resized(writer, value, kind, unsigned=thing.value.dtype[0] == "u")


def _floor_division(writer: Writer, thing: FloorDiv, numerator: Value, denominator: Value) -> Value:
    """The quotient; what is counted may turn out to be 0, and divides as 1 does: a check refuses what comes of it."""
    depth, lanes, (x, y) = writer.together(numerator, denominator)
    divisor = thing.denominator

    def write(builder: ir.IRBuilder) -> ir.Value:
        if isinstance(divisor, int) and divisor & (divisor - 1) == 0:
            shift = writer.constant(denominator.ir.type, divisor.bit_length() - 1, lanes)
            return builder.ashr(x, shift.ir)
        zero, one = (writer.constant(element_type(x.type), digit, lanes).ir for digit in (0, 1))
        by = y if is_nonnegative(divisor - 1) else builder.select(builder.icmp_signed("<", y, one), one, y)
        if all(factor >= 0 for factor in thing.numerator.terms.values()):
            return builder.udiv(x, by)
        lowered = builder.add(builder.sub(x, by), one)
        return builder.sdiv(builder.select(builder.icmp_signed("<", x, zero), lowered, x), by)

    return writer.numbered(("floordiv", id(x), id(y)), depth, lanes, write)


def _choice(writer: Writer, sign: str, left: Value, right: Value) -> Value:
    depth, lanes, (x, y) = writer.together(left, right)
    return writer.numbered(
        ("choice", sign, id(x), id(y)),
        depth,
        lanes,
        lambda builder: builder.select(builder.icmp_signed(sign, x, y), x, y),
    )


def _counting(writer: Writer, lanes: int, kind: ir.IntType) -> Value:
    """0, 1, 2, ... in the lanes."""
    return writer.listed(kind, list(range(lanes)))


def resized(writer: Writer, value: Value, kind: ir.IntType, unsigned: bool = False) -> Value:
    """The same integers in another integer type."""
    old = element_type(value.ir.type).width
    if old == kind.width:
        return value
    if value.lanes == 1 and isinstance(value.ir, ir.Constant):
        return writer.constant(kind, value.ir.constant)
    wide = kind if value.lanes == 1 else ir.VectorType(kind, value.lanes)
    change = "trunc" if old > kind.width else "zext" if unsigned else "sext"
    return writer.numbered(
        (change, id(value.ir), kind.width),
        value.depth,
        value.lanes,
        lambda builder: getattr(builder, change)(value.ir, wide),
    )
