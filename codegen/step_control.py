"""Branches and loops in the step function: basic blocks around calls.

    loop:                                     branch:
        condition                                 predicate ? then : orelse
        predicate ? turn : done               then:  ...
    turn:                                     orelse: ...
        cursors of what is saved and replayed
        body
        loop

What a loop saves stands on stacks that grow as iterations come, and are given back when the step ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphc.codegen import ir
from graphc.codegen.program import STACK_WORDS, Branch, Cursor, InArena, Loop, Place, Program, Replay, Save, note_bytes

if TYPE_CHECKING:
    from graphc.codegen.step import StepWriter

STACK_BITS = 40  # of a token: how many bytes are on the stack; the rest is the number of the stack
FIRST_BYTES = 4096


def write(step: StepWriter, action: Branch | Loop) -> None:
    """A branch or a loop."""
    if isinstance(action, Branch):
        _write_branch(step, action)
    else:
        _write_loop(step, action)


def _write_branch(step: StepWriter, branch: Branch) -> None:
    """One of two lists of actions."""
    chosen = _truth(step, branch.predicate)
    then, orelse, done = (step.function.append_basic_block(name) for name in ("then", "orelse", "done"))
    with _nested(step) as begin:
        for block, actions in ((then, branch.then), (orelse, branch.orelse)):
            step.builder.position_at_end(block)
            step.actions(actions)
            step.builder.branch(done)
    with step.builder.goto_block(begin):
        step.builder.cbranch(chosen, then, orelse)
    step.builder.position_at_end(done)


def _write_loop(step: StepWriter, loop: Loop) -> None:
    """Condition and body, again and again."""
    builder = step.builder
    for replay in loop.replays:
        _store_cursor(step, replay.position, _loaded(step, replay.token))
    again, turn, done = (step.function.append_basic_block(name) for name in ("loop", "turn", "done"))
    with _nested(step) as begin:
        builder.position_at_end(again)
        step.actions(loop.condition)
        builder.cbranch(_truth(step, loop.predicate), turn, done)
        builder.position_at_end(turn)
        for save in loop.saves:
            if save.bytes is not None:
                _store_cursor(step, save.cursor, pushed(step, save.stack, step.size(save.bytes)))
        for replay in loop.replays:
            _step_back(step, replay)
        step.actions(loop.body)
        builder.branch(again)
    with builder.goto_block(begin):
        builder.branch(again)
    builder.position_at_end(done)
    for save in loop.saves:
        _store_token(step, save)


@contextmanager
def _nested(step: StepWriter) -> Iterator[Any]:
    """Sizes computed inside stand before what is nested: all blocks after it see them."""
    begin = step.builder.block
    step.writer.enter(begin)
    yield begin
    step.writer.leave()


def _truth(step: StepWriter, place: Place) -> Any:
    builder, i8 = step.builder, ir.IntType(8)
    value = builder.load(builder.inttoptr(step.address(place), step.pointer), typ=i8)
    return builder.icmp_unsigned("!=", value, i8(0))


def _loaded(step: StepWriter, place: Place) -> Any:
    return step.builder.load(step.builder.inttoptr(step.address(place), step.pointer), typ=step.i64)


# -- stacks ------------------------------------------------------------------------------------------------


def pushed(step: StepWriter, stack: int, bytes: Any) -> Any:
    """The address of room for one more value; without memory for it the step ends."""
    builder = step.builder
    words = _word(step, step.i64(step.program.first_stack + STACK_WORDS * stack))
    address = builder.call(step.push_function(), [words, bytes])
    failed = builder.icmp_signed("==", address, step.i64(0))
    with builder.if_then(failed, likely=False):
        step.leave(step.i64(out_of_memory(step.program)))
    return address


def out_of_memory(program: Program) -> int:
    """What the step function returns where there is no memory for what a loop saves."""
    return len(program.error_slots) + 1


def _store_token(step: StepWriter, save: Save) -> None:
    """Which stack it is, and how many bytes are on it."""
    builder = step.builder
    used = builder.load(_word(step, step.i64(step.program.first_stack + STACK_WORDS * save.stack + 2)), typ=step.i64)
    token = builder.or_(used, step.i64(save.stack << STACK_BITS))
    builder.store(token, builder.inttoptr(step.address(save.token), step.pointer))


def _step_back(step: StepWriter, replay: Replay) -> None:
    """The cursor moves to the value below the position, and so does the position."""
    builder, i64 = step.builder, step.i64
    position = _cursor(step, replay.position)
    stack = builder.mul(builder.lshr(position, i64(STACK_BITS)), i64(STACK_WORDS))
    memory = builder.load(_word(step, builder.add(stack, i64(step.program.first_stack))), typ=i64)
    end = builder.add(memory, builder.and_(position, i64((1 << STACK_BITS) - 1)))
    if replay.bytes is not None:
        bytes = step.size(replay.bytes)
        value = builder.sub(end, bytes)
    else:
        noted = builder.sub(end, i64(note_bytes(replay.rank)))
        bytes = builder.load(builder.inttoptr(noted, step.pointer), typ=i64)
        value = builder.sub(end, bytes)
        if replay.axis is not None:
            value = builder.add(noted, i64(8 * (1 + replay.axis)))
    _store_cursor(step, replay.position, builder.sub(position, bytes))
    _store_cursor(step, replay.cursor, value)


def _word(step: StepWriter, number: Any) -> Any:
    return step.builder.gep(step.frame, [number], source_etype=step.i64)


def _cursor_word(step: StepWriter, cursor: Cursor) -> Any:
    return _word(step, step.i64(step.program.first_cursor + cursor.number))


def _cursor(step: StepWriter, cursor: Cursor) -> Any:
    return step.builder.load(_cursor_word(step, cursor), typ=step.i64)


def _store_cursor(step: StepWriter, cursor: Cursor, value: Any) -> None:
    step.builder.store(value, _cursor_word(step, cursor))


def clear_stacks(step: StepWriter) -> None:
    """Stacks begin empty: those that grow without memory, the others with what they will need."""
    for number, stack in enumerate(step.program.stacks):
        first = step.program.first_stack + STACK_WORDS * number
        nothing = step.i64(0)
        grows = stack.bytes is None
        memory = nothing if grows else step.address(InArena(stack.offset))
        words = (memory, nothing if stack.bytes is None else step.size(stack.bytes), nothing)
        for place, word in enumerate(words):
            step.builder.store(word, _word(step, step.i64(first + place)))


def free_stacks(step: StepWriter) -> None:
    """The memory of stacks that grow is given back."""
    builder, growing = step.builder, [n for n, stack in enumerate(step.program.stacks) if stack.bytes is None]
    if not growing:
        return
    free = step.declared("free", ir.FunctionType(ir.VoidType(), [step.pointer]))
    for number in growing:
        memory = builder.load(_word(step, step.i64(step.program.first_stack + STACK_WORDS * number)), typ=step.i64)
        builder.call(free, [builder.inttoptr(memory, step.pointer)])


def write_push(step: StepWriter, function: Any) -> None:
    """``i64 push(ptr stack, i64 bytes)``: the address of room for one more value, 0 where there is no memory."""
    i64, pointer = step.i64, step.pointer
    function.linkage = "internal"
    stack, size = function.args
    entry, grow, grown, failed, done = (
        function.append_basic_block(name) for name in ("entry", "grow", "grown", "failed", "done")
    )
    builder = ir.IRBuilder(entry)
    memory_word, bytes_word, used_word = (builder.gep(stack, [i64(n)], source_etype=i64) for n in range(STACK_WORDS))
    old = builder.load(memory_word, typ=i64)
    capacity = builder.load(bytes_word, typ=i64)
    used = builder.load(used_word, typ=i64)
    needed = builder.add(used, size)
    builder.cbranch(builder.icmp_unsigned(">", needed, capacity), grow, done)
    builder.position_at_end(grow)
    twice = builder.shl(needed, i64(1))
    more = builder.select(builder.icmp_unsigned("<", twice, i64(FIRST_BYTES)), i64(FIRST_BYTES), twice)
    realloc = step.declared("realloc", ir.FunctionType(pointer, [pointer, i64]))
    fresh = builder.ptrtoint(builder.call(realloc, [builder.inttoptr(old, pointer), more]), i64)
    builder.cbranch(builder.icmp_unsigned("==", fresh, i64(0)), failed, grown)
    builder.position_at_end(failed)
    builder.ret(i64(0))
    builder.position_at_end(grown)
    builder.store(fresh, memory_word)
    builder.store(more, bytes_word)
    builder.branch(done)
    builder.position_at_end(done)
    memory = builder.phi(i64)
    memory.add_incoming(old, entry)
    memory.add_incoming(fresh, grown)
    builder.store(needed, used_word)
    builder.ret(builder.add(memory, used))
