"""The step function: it calls a program's kernels in order.

    i64 step(ptr frame)        0, or the number of the call that failed, counted from 1

The frame is an array of 64-bit words (:mod:`program` says which): pointers to what the caller owns, then the sizes. The
step writes the pointers of each kernel's arguments into an array on its stack and calls the kernel, or hands it to the
thread pool where it has several tasks. Where an argument stands is data: a word of the frame and a distance from what
it points to. Code for each of the arguments of a thousand calls would take long to compile.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from graphc.codegen import emit_index, float_mode, ir, step_table
from graphc.codegen.emit_state import Value, Writer
from graphc.codegen.loops import Kernel
from graphc.codegen.objects import kernel_symbol
from graphc.codegen.outline import FRAME_HEAD, PARALLEL_FOR, Slot
from graphc.codegen.program import (
    Action,
    Branch,
    Call,
    Copy,
    Cursor,
    ErrorSlot,
    InArena,
    Loop,
    Place,
    Program,
    SizeWord,
    Within,
    is_fixed,
)
from graphc.codegen.schedule_tasks import too_little
from graphc.codegen.target import Target
from graphc.dims import DimLike, Symbol


def step_ir(program: Program, target: Target, name: str) -> str:
    """The module of the step function."""
    module = ir.Module(name)
    module.triple = target.triple
    StepWriter(program, target, module, name).write()
    return str(module)


class StepWriter:
    """Writes the step function of a program, action by action."""

    def __init__(self, program: Program, target: Target, module: Any, name: str):
        self.program, self.module = program, module
        self.i64, self.pointer = ir.IntType(64), ir.PointerType()
        self.function = ir.Function(module, ir.FunctionType(self.i64, [self.pointer]), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.writer = Writer(self.builder, target)
        self.frame = self.function.args[0]
        self.kernels: dict[str, Any] = {}
        self.tables = 0
        self.run: Any = None
        self.shared: Any = None

    def write(self) -> None:
        program, builder = self.program, self.builder
        self.put_mode_back = float_mode.enter(builder, self.module.triple)
        for n, symbol in enumerate(program.symbols):
            if symbol not in program.measured:
                self.writer.bindings[Symbol(symbol)] = Value(self._word(program.first_symbol + n), 0)
        self.head = {field: self._word(n) for n, field in enumerate(FRAME_HEAD)}
        words = max((len(call.places) for call in program.calls), default=1)
        self.arguments = builder.alloca(self.i64, words)
        first = ir.Constant(self.i64, program.first_symbol)
        self.dims = builder.gep(self.frame, [first], source_etype=self.i64)
        if program.calls:
            self._write_places()
        if program.stacks or program.blocks:
            self._clear_memory()
        self._clear_errors()
        self.actions(program.actions)
        self.leave(ir.Constant(self.i64, 0))

    def _clear_memory(self) -> None:
        """Stacks are empty and blocks without memory: the step takes it."""
        from graphc.codegen import step_control, step_memory  # late: few steps take memory

        step_control.clear_stacks(self)
        step_memory.clear_blocks(self)

    def _clear_errors(self) -> None:
        """Nothing is noted: an interrupt may have come before what an earlier run noted was read."""
        for slot in range(len(self.program.error_slots)):
            self.builder.store(self.i64(0), self.builder.inttoptr(self.address(ErrorSlot(slot)), self.pointer))

    def actions(self, actions: Iterable[Action]) -> None:
        """Writes actions where the builder is."""
        for exact, group in groupby(actions, step_table.is_exact):
            together = list(group)
            if exact and len(together) >= step_table.FEWEST:
                self._run_table([call for call in together if isinstance(call, Call)])
                continue
            for action in together:
                self._action(action)

    def _action(self, action: Action) -> None:
        if isinstance(action, Copy):
            self._copy(action)
        elif isinstance(action, Call):
            self._call(action)
        elif isinstance(action, Branch | Loop):
            from graphc.codegen import step_control  # late: few steps have branches and loops

            step_control.write(self, action)
        else:
            from graphc.codegen import step_memory  # late: few steps take memory

            step_memory.write(self, action)

    def leave(self, status: Any) -> None:
        """The end of the step."""
        if self.program.stacks or self.program.blocks:
            from graphc.codegen import step_control, step_memory  # late: few steps take memory

            step_control.free_stacks(self)
            step_memory.free_blocks(self)
        self.put_mode_back()
        self.builder.ret(status)

    def push_function(self) -> Any:
        """The function that finds room on a stack."""
        name = f"{self.function.name}.push"
        known = name in self.kernels
        function = self.declared(name, ir.FunctionType(self.i64, [self.pointer, self.i64]))
        if not known:
            from graphc.codegen import step_control  # late: few steps have stacks

            step_control.write_push(self, function)
        return function

    def _word(self, number: int) -> Any:
        place = self.builder.gep(self.frame, [ir.Constant(self.i64, number)], source_etype=self.i64)
        return self.builder.load(place, typ=self.i64)

    def _write_places(self) -> None:
        """The table of all calls' arguments, and the function that makes addresses of a part of it."""
        places = [place for call in self.program.calls for place in call.places]
        numbers = [number for place in places for number in _relative(self.program, place)]
        data = bytearray(struct.pack(f"<{len(numbers)}q", *numbers))  # as bytes, which are written fast
        kind = ir.ArrayType(ir.IntType(8), len(data))
        self.places = ir.GlobalVariable(self.module, kind, f"{self.function.name}.places")
        self.places.linkage, self.places.global_constant, self.places.align = "internal", True, 8
        self.places.initializer = ir.Constant(kind, data)
        self.first_place = 0
        self.fill = _fill_function(self.module, f"{self.function.name}.fill")

    def _fill_arguments(self, call: Call) -> None:
        """The addresses of a call's arguments; distances that are symbols are computed here."""
        builder = self.builder
        part = builder.gep(self.places, [ir.Constant(self.i64, 2 * self.first_place)], source_etype=self.i64)
        self.first_place += len(call.places)
        builder.call(self.fill, [self.frame, part, self.arguments, ir.Constant(self.i64, len(call.places))])
        for n, place in enumerate(call.places):
            if not is_fixed(place):
                target = builder.gep(self.arguments, [ir.Constant(self.i64, n)], source_etype=self.i64)
                builder.store(self.address(place), target)

    def address(self, place: Place) -> Any:
        """The address of a place, as a number."""
        if isinstance(place, Within):
            return self.builder.add(self.address(place.place), self.size(place.bytes))
        if isinstance(place, InArena) and not isinstance(place.offset, int):
            return self.builder.add(self.head["arena"], self.size(place.offset))
        if isinstance(place, SizeWord):
            number = self.program.first_symbol + self.program.symbols.index(place.name)
            size = self.builder.gep(self.frame, [ir.Constant(self.i64, number)], source_etype=self.i64)
            return self.builder.ptrtoint(size, self.i64)
        word, distance = _relative(self.program, place)
        return self.builder.add(self._word(word), ir.Constant(self.i64, distance))

    def size(self, size: DimLike) -> Any:
        if isinstance(size, int):
            return ir.Constant(self.i64, size)
        return emit_index.position(self.writer, size).ir

    def _copy(self, copy: Copy) -> None:
        kind = ir.FunctionType(self.pointer, [self.pointer, self.pointer, self.i64])
        addresses = [self.builder.inttoptr(self.address(p), self.pointer) for p in (copy.target, copy.source)]
        self.builder.call(self.declared("memcpy", kind), [*addresses, self.size(copy.bytes)])
        if isinstance(copy.target, SizeWord):
            self._read_size(copy.target)

    def _read_size(self, size: SizeWord) -> None:
        """From here on, what is computed from the size uses the count."""
        number = self.program.first_symbol + self.program.symbols.index(size.name)
        self.writer.bindings[Symbol(size.name)] = Value(self._word(number), self.writer.depth)

    def _call(self, call: Call) -> None:
        builder = self.builder
        self._fill_arguments(call)
        kernel = self._kernel(call.kernel)
        scratch = builder.inttoptr(self.head["scratch"], self.pointer)
        tasks = self.size(call.kernel.tasks)
        alone = [self.arguments, self.dims, scratch, ir.Constant(self.i64, 0), tasks]
        if call.kernel.tasks == 1:
            builder.call(kernel, alone)
        else:
            self._call_with_tasks(call.kernel, kernel, scratch, alone)
        if call.error_slot is not None:
            self._stop_on_error(call.error_slot)

    def _call_with_tasks(self, kernel: Kernel, function: Any, scratch: Any, alone: Sequence[Any]) -> None:
        """The kernel on the threads of the pool; here, with the arguments ``alone``, where there is little to do."""
        builder, stride = self.builder, self.head["scratch_stride"]
        pool = builder.inttoptr(self.head["pool"], self.pointer)
        together = [pool, function, self.arguments, self.dims, scratch, stride, alone[-1]]
        little = self._all_below(too_little(kernel))
        if little is None:
            builder.call(self._parallel_for(), together)
            return
        with builder.if_else(little) as (yes, no):
            with yes:
                builder.call(function, alone)
            with no:
                builder.call(self._parallel_for(), together)

    def _all_below(self, limits: Sequence[tuple[DimLike, int]]) -> Any:
        """Whether each size is below its limit; None where there is none."""
        result = None
        for size, limit in limits:
            below = self.builder.icmp_signed("<", self.size(size), ir.Constant(self.i64, limit))
            result = below if result is None else self.builder.and_(result, below)
        return result

    def _run_table(self, calls: Sequence[Call]) -> None:
        """Calls one after the other, by a table; what one of them notes ends the step."""
        builder, name = self.builder, self.function.name
        self.tables += 1
        rows = step_table.table(
            self.module, f"{name}.rows{self.tables}", calls, [self._kernel(call.kernel) for call in calls]
        )
        if self.run is None:
            parallel_for = self._parallel_for() if self.program.is_parallel else None
            self.run = step_table.run_function(self.module, f"{name}.run", self.fill, parallel_for)
        first = ir.Constant(self.i64, 2 * self.first_place)
        places = builder.gep(self.places, [first], source_etype=self.i64)
        self.first_place += sum(len(call.places) for call in calls)
        count = ir.Constant(self.i64, len(calls))
        failure = builder.call(self.run, [self.frame, rows, places, self.arguments, self.dims, count])
        if any(call.error_slot is not None for call in calls):
            failed = builder.icmp_signed("!=", failure, ir.Constant(self.i64, 0))
            with builder.if_then(failed, likely=False):
                self.leave(failure)

    def _stop_on_error(self, slot: int) -> None:
        builder = self.builder
        word = builder.inttoptr(self.address(ErrorSlot(slot)), self.pointer)
        failed = builder.icmp_signed("!=", builder.load(word, typ=self.i64), ir.Constant(self.i64, 0))
        with builder.if_then(failed, likely=False):
            self.leave(ir.Constant(self.i64, slot + 1))

    def _kernel(self, kernel: Kernel) -> Any:
        return self.declared(kernel_symbol(kernel, self.program.symbols), step_table.KERNEL_TYPE)

    def _parallel_for(self) -> Any:
        if self.shared is None:
            kind = ir.FunctionType(ir.VoidType(), [self.pointer] * 5 + [self.i64] * 2)
            parallel_for = self.declared(PARALLEL_FOR, kind)
            self.shared = _shared_function(self.module, f"{self.function.name}.shared", parallel_for)
        return self.shared

    def declared(self, name: str, kind: Any) -> Any:
        if name not in self.kernels:
            self.kernels[name] = ir.Function(self.module, kind, name)
        return self.kernels[name]


def _relative(program: Program, place: Place) -> tuple[int, int]:
    """The word of the frame that a place is counted from, and its distance in bytes; 0 where that is a symbol."""
    if isinstance(place, Within):
        word, distance = _relative(program, place.place)
        return word, distance + place.bytes if isinstance(place.bytes, int) else 0
    if isinstance(place, Slot):
        return place.word, 0
    if isinstance(place, Cursor):
        return program.first_cursor + place.number, 0
    assert isinstance(place, (InArena, ErrorSlot)), place
    if isinstance(place, InArena):
        return FRAME_HEAD.index("arena"), place.offset if isinstance(place.offset, int) else 0
    return FRAME_HEAD.index("errors"), 8 * place.number


def _shared_function(module: ir.Module, name: str, parallel_for: ir.Function) -> ir.Function:
    """A kernel on the threads of a pool; here, where there is no pool, so that one thread needs no code for it."""
    function = ir.Function(module, parallel_for.ftype, name)
    function.linkage = "internal"
    pool, kernel, buffers, dims, scratch, _, tasks = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    is_alone = builder.icmp_unsigned("==", pool, ir.Constant(ir.PointerType(), None))
    with builder.if_else(is_alone) as (yes, no):
        with yes:
            all_of_it = [buffers, dims, scratch, ir.Constant(ir.IntType(64), 0), tasks]
            builder.call(kernel, all_of_it, step_table.KERNEL_TYPE)
        with no:
            builder.call(parallel_for, function.args)
    builder.ret_void()
    return function


def _fill_function(module: Any, name: str) -> Any:
    """``void fill(ptr frame, ptr places, ptr arguments, i64 count)``: the sum of the word and the distance of each."""
    i64, pointer = ir.IntType(64), ir.PointerType()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer, pointer, pointer, i64]), name)
    function.linkage = "internal"
    frame, places, arguments, count = function.args
    entry, turn, done = (function.append_basic_block(block) for block in ("entry", "turn", "done"))
    builder = ir.IRBuilder(entry)
    builder.branch(turn)
    builder.position_at_end(turn)
    number = builder.phi(i64)
    number.add_incoming(i64(0), entry)
    place = builder.gep(places, [builder.shl(number, i64(1))], source_etype=i64)
    distance = builder.load(builder.gep(place, [i64(1)], source_etype=i64), typ=i64)
    word = builder.gep(frame, [builder.load(place, typ=i64)], source_etype=i64)
    address = builder.add(builder.load(word, typ=i64), distance)
    builder.store(address, builder.gep(arguments, [number], source_etype=i64))
    following = builder.add(number, i64(1))
    number.add_incoming(following, turn)
    builder.cbranch(builder.icmp_signed("<", following, count), turn, done)
    builder.position_at_end(done)
    builder.ret_void()
    return function
