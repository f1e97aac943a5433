"""Memory that the step takes while it runs, for values whose size nothing bounds before.

    take:  bytes > capacity ?  free(address), address = aligned_alloc(bytes), capacity = bytes
    grow:  as take, and what stood in the block moves with it
    give:  fetch = address, address = 0, capacity = 0
    hand:  the blocks change address and capacity; or a copy, in a block that is taken or on a stack

A block that is taken again, in a loop, gets room for more than it is asked for: what grows is seldom moved.

What is taken is given back when the step ends, unless the caller gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphc.alignment import ALIGNMENT
from graphc.codegen import ir
from graphc.codegen.program import Block, Cursor, Give, Grow, Hand, OnStack, Take, note_bytes
from graphc.codegen.step_control import out_of_memory, pushed
from graphc.dims import DimLike, FloorDiv, atom

if TYPE_CHECKING:
    from graphc.codegen.step import StepWriter

MOST_BYTES = float(1 << 60)  # no machine has more, and whole numbers hold it


def write(step: StepWriter, action: Take | Grow | Hand | Give) -> None:
    """What concerns memory of a size that is known while the step runs."""
    if isinstance(action, Take):
        _write_take(step, action)
    elif isinstance(action, Grow):
        _write_grow(step, action)
    elif isinstance(action, Hand):
        _write_hand(step, action)
    else:
        _write_give(step, action)


def _write_take(step: StepWriter, take: Take) -> None:
    """The block has room; without memory for it the step ends."""
    _write_room(step, take.block, take.bytes, 0)


def _write_grow(step: StepWriter, grow: Grow) -> None:
    """The block has room for more than it has; without memory for it the step ends."""
    assert isinstance(grow.place, Cursor), grow
    _write_room(step, block_at(grow.place), grow.bytes, grow.kept)


def _write_room(step: StepWriter, block: Block, bytes: DimLike, kept: DimLike) -> None:
    """Room for half as much again as the block has, so that one that grows by little is seldom moved."""
    builder, i64 = step.builder, step.i64
    address, capacity = _word(step, block.address), _word(step, block.capacity)
    too_many = builder.fcmp_ordered(">", _as_double(step, bytes), ir.DoubleType()(MOST_BYTES))
    with builder.if_then(too_many, likely=False):
        step.leave(i64(out_of_memory(step.program)))
    lines = builder.add(step.size(bytes), i64(ALIGNMENT))
    wanted = builder.and_(lines, i64(-ALIGNMENT))  # at least one line, so that no block is at NULL
    moved = step.size(kept)
    before = builder.load(capacity, typ=i64)
    with builder.if_then(builder.icmp_signed(">", wanted, before)):
        half = builder.and_(builder.lshr(before, i64(1)), i64(-ALIGNMENT))
        room = builder.add(wanted, half)
        old = builder.load(address, typ=i64)
        if kept == 0:  # the memory before may serve again
            _free(step, old)
            builder.store(i64(0), address)
        kind = ir.FunctionType(step.pointer, [i64, i64])
        fresh = builder.ptrtoint(builder.call(step.declared("aligned_alloc", kind), [i64(ALIGNMENT), room]), i64)
        failed = builder.icmp_unsigned("==", fresh, i64(0))
        with builder.if_then(failed, likely=False):
            step.leave(i64(out_of_memory(step.program)))
        if kept != 0:
            _move(step, old, fresh, moved)
            _free(step, old)
        builder.store(fresh, address)
        builder.store(room, capacity)


def _write_give(step: StepWriter, give: Give) -> None:
    """The address is the caller's."""
    address, capacity = _word(step, give.block.address), _word(step, give.block.capacity)
    slot = step.builder.gep(step.frame, [step.i64(give.slot.word)], source_etype=step.i64)
    step.builder.store(step.builder.load(address, typ=step.i64), slot)
    for word in (address, capacity):
        step.builder.store(step.i64(0), word)


def _write_hand(step: StepWriter, hand: Hand) -> None:
    """The value is outside."""
    builder = step.builder
    if isinstance(hand.target, OnStack):
        _write_on_stack(step, hand, hand.target)
    elif hand.kept or not isinstance(hand.source, Cursor):
        assert isinstance(hand.target, Cursor), hand
        _write_take(step, Take(block_at(hand.target), hand.bytes))
        _move(step, step.address(hand.source), step.address(hand.target), step.size(hand.bytes))
    else:
        assert isinstance(hand.target, Cursor), hand
        one, other = block_at(hand.source), block_at(hand.target)
        for a, b in ((one.address, other.address), (one.capacity, other.capacity)):
            words = _word(step, a), _word(step, b)
            values = [builder.load(word, typ=step.i64) for word in words]
            for word, value in zip(words, reversed(values), strict=True):
                builder.store(value, word)


def block_at(address: Cursor) -> Block:
    """The block whose address is there."""
    return Block(address, Cursor(address.number + 1))


def _write_on_stack(step: StepWriter, hand: Hand, target: OnStack) -> None:
    """The value on a stack, and behind it how many bytes both are, and its sizes."""
    builder, i64 = step.builder, step.i64
    note = note_bytes(len(hand.sizes))
    bytes = step.size(hand.bytes)
    lines = builder.and_(builder.add(bytes, i64(ALIGNMENT - 1)), i64(-ALIGNMENT))
    both = builder.add(lines, i64(note))
    place = pushed(step, target.number, both)
    _move(step, step.address(hand.source), place, bytes)
    noted = builder.add(place, lines)
    for n, word in enumerate((both, *map(step.size, hand.sizes))):
        builder.store(word, builder.inttoptr(builder.add(noted, i64(8 * n)), step.pointer))


def _move(step: StepWriter, source: Any, target: Any, bytes: Any) -> None:
    kind = ir.FunctionType(step.pointer, [step.pointer, step.pointer, step.i64])
    addresses = [step.builder.inttoptr(address, step.pointer) for address in (target, source)]
    step.builder.call(step.declared("memcpy", kind), [*addresses, bytes])


def clear_blocks(step: StepWriter) -> None:
    """No block has memory when the step begins."""
    for block in step.program.blocks:
        for cursor in (block.address, block.capacity):
            step.builder.store(step.i64(0), _word(step, cursor))


def free_blocks(step: StepWriter) -> None:
    """The memory of all blocks is given back."""
    for block in step.program.blocks:
        _free(step, step.builder.load(_word(step, block.address), typ=step.i64))


def _free(step: StepWriter, address: Any) -> None:
    free = step.declared("free", ir.FunctionType(ir.VoidType(), [step.pointer]))
    step.builder.call(free, [step.builder.inttoptr(address, step.pointer)])


def _word(step: StepWriter, cursor: Cursor) -> Any:
    number = step.i64(step.program.first_cursor + cursor.number)
    return step.builder.gep(step.frame, [number], source_etype=step.i64)


def _as_double(step: StepWriter, size: DimLike) -> Any:
    """A size as a float, which a product of large numbers does not wrap round in."""
    builder, double = step.builder, ir.DoubleType()
    if isinstance(size, int):
        return double(float(size))
    total: Any = double(0.0)
    for monomial, factor in size.terms.items():
        term: Any = double(float(factor))
        for thing in monomial:
            if isinstance(thing, FloorDiv):
                by, one = _as_double(step, thing.denominator), double(1.0)  # what is counted may be 0
                by = builder.select(builder.fcmp_ordered("<", by, one), one, by)
                part = builder.fdiv(_as_double(step, thing.numerator), by)
            else:
                part = builder.sitofp(step.size(atom(thing)), double)
            term = builder.fmul(term, part)
        total = builder.fadd(total, term)
    return total
