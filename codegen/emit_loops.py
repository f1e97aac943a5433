"""Loops as blocks: counted loops that carry accumulators, vector loops with their masked last part, conditions.

A loop is tested at its end and entered if it runs at all. The block before it stays open until the loop is finished,
to receive what turns out not to change inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import emit_index as index
from graphc.codegen import ir
from graphc.codegen.emit_state import FLOATS, I32, I64, IN_REGISTER, Lanes, Value, Writer
from graphc.codegen.emit_values import apply_select, combine
from graphc.codegen.loops import Accumulate, AccumulateAt, Apply, For, Load, Statement, identity
from graphc.codegen.schedule_cost import OP_COST
from graphc.codegen.traverse import (
    accumulated_names,
    accumulator_names,
    carried_by_lanes,
    expressions_below,
    lane_loop,
)

# So many other instructions for each division take as long as the divider does, with those that replace it.
OTHERS = 12

Run = Callable[[Value], None]


def loop(writer: Writer, statement: For, start: Value, stop: Value, run: Callable[[For], None], even: bool) -> None:
    """A loop from ``start`` to ``stop``; ``even`` says that this is a multiple of the width. ``run`` writes a body.

    Accumulators that a vector loop changes become lanes before the outermost loop that holds nothing else.
    """
    inner = lane_loop(statement) if writer.lanes is None else None
    if inner is None:
        _iterate(writer, statement, start, stop, run, even)
        return
    carried = [change for change in carried_by_lanes(inner) if change.name not in writer.kept_in_lanes]
    outside = {name: writer.locals[name] for change in carried for name in accumulator_names(change)}
    for change in carried:
        _begin_lanes(writer, change, inner.width)
    _iterate(writer, statement, start, stop, run, even)
    for change in carried:
        _end_lanes(writer, change, outside)


def _iterate(writer: Writer, statement: For, start: Value, stop: Value, run: Callable[[For], None], even: bool) -> None:
    names = [name for name in accumulated_names(statement.body) if name in writer.locals]

    def body(position: Value) -> None:
        writer.bindings[statement.variable] = position
        run(statement)

    if statement.width > 1:
        _vectors(writer, statement, start, stop, names, body, even)
    elif statement.unrolled:
        first, last = index.known(start), index.known(stop)
        assert first is not None and last is not None, f"loop {statement.variable} is unrolled but has no fixed extent"
        for place in range(first, last):
            _straight(writer, index.number(writer, place), body)
    else:
        counted(writer, start, stop, 1, names, body)


def counted(writer: Writer, start: Value, stop: Value, step: int, names: Sequence[str], body: Run) -> None:
    """``for i in range(start, stop, step): body(i)``, where the locals called ``names`` change from turn to turn."""
    first, last = index.known(start), index.known(stop)
    trips = max(-((first - last) // step), 0) if first is not None and last is not None else None
    if trips == 0:
        return
    if trips == 1:
        _straight(writer, start, body)
        return
    builder = writer.builder
    before, inside, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.position_at_end(inside)
    position = builder.phi(I64)
    position.add_incoming(start.ir, before)
    outside = {name: writer.locals[name] for name in names}
    writer.enter(before)
    phis = {name: _carry(writer, name, before) for name in names}
    body(Value(position, writer.depth))
    writer.leave()
    end = builder.block
    following = builder.add(position, ir.Constant(I64, step), flags=("nsw",))
    position.add_incoming(following, end)
    for name, phi in phis.items():
        phi.add_incoming(writer.locals[name].ir, end)
    builder.cbranch(builder.icmp_signed("<", following, stop.ir), inside, after)
    builder.position_at_end(before)
    if trips is not None:
        builder.branch(inside)
        skipped = None
    else:
        builder.cbranch(builder.icmp_signed("<", start.ir, stop.ir), inside, after)
        skipped = before
    _join(writer, after, outside, end, skipped)


def conditional(
    writer: Writer, condition: Value, names: Sequence[str], body: Callable[[], None], guarded: bool
) -> None:
    """``if condition: body()``; ``guarded`` keeps the body's loads inside."""
    builder = writer.builder
    before, inside, after = builder.block, builder.append_basic_block("if"), builder.append_basic_block("after")
    outside = {name: writer.locals[name] for name in names}
    builder.position_at_end(inside)
    writer.enter(before, guarded)
    body()
    writer.leave()
    end = builder.block
    builder.branch(after)
    builder.position_at_end(before)
    builder.cbranch(condition.ir, inside, after)
    _join(writer, after, outside, end, before)


def _straight(writer: Writer, position: Value, body: Run) -> None:
    """One turn of a loop, without the loop."""
    writer.enter(None)
    body(position)
    writer.leave()
    for name, value in writer.locals.items():
        if value.depth > writer.depth:
            writer.locals[name] = value._replace(depth=writer.depth)


def _carry(writer: Writer, name: str, before: ir.Block) -> ir.Phi:
    outside = writer.locals[name]
    phi = writer.builder.phi(outside.ir.type)
    phi.add_incoming(outside.ir, before)
    writer.locals[name] = Value(phi, writer.depth, outside.lanes)
    return phi


def _join(writer: Writer, after: ir.Block, outside: dict[str, Value], end: ir.Block, skipped: ir.Block | None) -> None:
    """Go on in ``after``, where each local is what the body left, or what it was where the body was skipped."""
    builder = writer.builder
    builder.position_at_end(after)
    for name, old in outside.items():
        result = writer.locals[name].ir
        if skipped is not None:
            phi = builder.phi(result.type)
            phi.add_incoming(old.ir, skipped)
            phi.add_incoming(result, end)
            result = phi
        writer.locals[name] = Value(result, writer.depth, old.lanes)


# Vector loops.


def _vectors(
    writer: Writer, statement: For, start: Value, stop: Value, names: Sequence[str], body: Run, even: bool
) -> None:
    """Whole vectors first, then the rest under a mask; either is left out where sizes allow."""
    width, variable = statement.width, statement.variable
    narrow = statement.rest or width
    divides = _divisions_are_most_of(statement.body)

    def whole(base: Value) -> None:
        writer.lanes = Lanes(variable, base, width, None, divides)
        body(base)
        writer.lanes = None

    def rest(base: Value) -> None:
        count = index.arithmetic(writer, "sub", stop, base)
        writer.lanes = Lanes(variable, base, narrow, index.first_lanes(writer, count, narrow), divides)
        body(base)
        writer.lanes = None

    if even:
        counted(writer, start, stop, width, names, whole)
        return
    first, last = index.known(start), index.known(stop)
    if first is not None and last is not None:
        middle = index.number(writer, first + (last - first) // width * width)
    else:
        span = index.arithmetic(writer, "sub", stop, start)
        covered = writer.numbered(
            ("covered", id(span.ir), width), span.depth, 1, lambda b: b.and_(span.ir, ir.Constant(I64, -width))
        )
        middle = index.arithmetic(writer, "add", start, covered)
    counted(writer, start, middle, width, names, whole)
    if first is not None and last is not None:
        if (last - first) % width:
            _straight(writer, middle, rest)
        return
    if narrow < width:
        counted(writer, middle, stop, narrow, names, rest)
        return
    remains = writer.builder.icmp_signed("<", middle.ir, stop.ir)
    conditional(writer, Value(remains, writer.depth), names, lambda: rest(middle), guarded=False)


def _begin_lanes(writer: Writer, change: Accumulate | AccumulateAt, width: int) -> None:
    old = writer.locals[change.name]
    dtype = change.value.dtype
    writer.kept_in_lanes.update(accumulator_names(change))
    writer.locals[change.name] = writer.constant(old.ir.type, identity(change.combine, dtype), width)
    if isinstance(change, AccumulateAt):
        writer.locals[change.place] = writer.constant(writer.locals[change.place].ir.type, 0, width)


def _end_lanes(writer: Writer, change: Accumulate | AccumulateAt, outside: dict[str, Value]) -> None:
    """Combine the lanes, upper half onto lower half, and then with the value from before the loop."""
    lanes = [writer.locals[name] for name in accumulator_names(change)]
    writer.kept_in_lanes.difference_update(accumulator_names(change))
    while lanes[0].lanes > 1:
        half = lanes[0].lanes // 2
        low = [_part(writer, value, range(half)) for value in lanes]
        high = [_part(writer, value, range(half, 2 * half)) for value in lanes]
        lanes = merge(writer, change, low, high)
    total = merge(writer, change, [outside[name] for name in accumulator_names(change)], lanes)
    for name, value in zip(accumulator_names(change), total, strict=True):
        writer.locals[name] = value


def _part(writer: Writer, value: Value, lanes: range) -> Value:
    """Some lanes of a vector; a lane alone is a scalar."""
    key = ("part", id(value.ir), lanes)
    if len(lanes) == 1:
        lane = ir.Constant(I32, lanes[0])
        return writer.numbered(key, value.depth, 1, lambda builder: builder.extract_element(value.ir, lane))
    order = writer.listed(I32, list(lanes)).ir
    return writer.numbered(
        key, value.depth, len(lanes), lambda builder: builder.shuffle_vector(value.ir, value.ir, order)
    )


def merge(writer: Writer, change: Accumulate | AccumulateAt, old: list[Value], new: list[Value]) -> list[Value]:
    """Two partial accumulations as one: the older first."""
    dtype = change.value.dtype
    if isinstance(change, Accumulate):
        return [combine(writer, change.combine, dtype, old[0], new[0])]
    better = _better(writer, change, old, new)
    return [apply_select(writer, better, x, y) for x, y in zip(new, old, strict=True)]


def _better(writer: Writer, change: AccumulateAt, old: list[Value], new: list[Value]) -> Value:
    """Where the new one is; the lower place among equals, and nothing is better by NaN."""
    depth, lanes, (x, y, x_place, y_place) = writer.together(new[0], old[0], new[1], old[1])
    sign = ">" if change.combine == "maximum" else "<"
    is_float = IN_REGISTER[change.value.dtype] in FLOATS.values()

    def write(builder: ir.IRBuilder) -> ir.Value:
        earlier = _compare(builder, "<", x_place, y_place, change.position.dtype)
        if is_float:
            ahead, equal = builder.fcmp_ordered(sign, x, y), builder.fcmp_ordered("==", x, y)
        else:
            ahead, equal = _compare(builder, sign, x, y, change.value.dtype), builder.icmp_unsigned("==", x, y)
        return builder.or_(ahead, builder.and_(equal, earlier))

    return writer.numbered(("better", sign, id(x), id(y), id(x_place), id(y_place)), depth, lanes, write)


def _compare(builder: ir.IRBuilder, sign: str, x: ir.Value, y: ir.Value, dtype: str) -> ir.Value:
    unsigned = dtype[0] == "u" or dtype == "bool"
    return (builder.icmp_unsigned if unsigned else builder.icmp_signed)(sign, x, y)


def _divisions_are_most_of(body: Sequence[Statement]) -> bool:
    """Whether divisions are what takes the time of a loop."""
    divisions, others = 0, 0.0
    for node in expressions_below(body):
        if isinstance(node, Apply) and node.op == "div":
            divisions += 1
        else:
            others += OP_COST.get(node.op, 1) if isinstance(node, Apply) else isinstance(node, Load)
    return others < OTHERS * divisions
