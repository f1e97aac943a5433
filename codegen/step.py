"""A program's machine code: one object per distinct kernel, and the step function that calls them in order.

    i64 step(ptr frame)        0, or the number of the call that failed, counted from 1

The frame is an array of 64-bit words (:mod:`program` says which): pointers to what the caller owns, then the sizes. The
step writes the pointers of each kernel's arguments into an array on its stack and calls the kernel, or hands it to the
thread pool where it has several tasks. Where an argument stands is data: a word of the frame and a distance from what
it points to. Code for each of the arguments of a thousand calls would take long to compile.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from graphc.codegen import jit
from graphc.codegen.entry import data_offset, entry_ir
from graphc.codegen.loops import Contract, Draw, Kernel
from graphc.codegen.program import (
    FRAME_HEAD,
    Action,
    Branch,
    Call,
    Copy,
    Cursor,
    ErrorSlot,
    Give,
    InArena,
    Loop,
    Place,
    Program,
    SizeWord,
    Slot,
    Take,
)
from graphc.codegen.step_control import clear_stacks, free_stacks, write_branch, write_loop, write_push
from graphc.codegen.step_memory import clear_blocks, free_blocks, write_give, write_take
from graphc.codegen.target import Target
from graphc.codegen.traverse import statements_below
from graphc.dims import DimLike

PARALLEL_FOR = "graphc_parallel_for"
TEXT_OF_PRODUCT = 4000  # characters of plain loops that take as long to compile as the code of one contraction


def compile_program(program: Program, target: Target, name: str = "step", for_python: bool = False) -> list[bytes]:
    """Object files that together define the function ``name``; each distinct kernel is compiled once, and cached.

    With ``for_python``, an entry that takes array objects is added.
    """
    kernels = distinct_kernels(program)
    requests: list[tuple[str, Callable[[], str]]] = [
        (f"{symbol} {program.symbols}\n{kernel.text}", partial(kernel_ir, symbol, kernel, program, target))
        for symbol, kernel in sorted(kernels.items(), key=lambda item: -_effort(item[1]))
    ]
    draws = (statement for kernel in kernels.values() for statement in statements_below(kernel.body))
    fills = dict.fromkeys(statement.function for statement in draws if isinstance(statement, Draw))
    requests += [(fill, partial(fill_ir, fill, target)) for fill in fills]
    entry = _python_entry(program) if for_python else ""
    requests.append((f"{name}\n{program_text(program)}\n{entry}", lambda: step_ir(program, target, name) + entry))
    return jit.compile_cached(requests, target)


def _python_entry(program: Program) -> str:
    """The entry for array objects, where Python is known to keep the address of their data at one place."""
    offset = data_offset()
    if offset is None:
        return ""
    slots = [slot for slot in program.slots if slot.kind == "feed" or (slot.kind == "fetch" and not slot.is_given)]
    return entry_ir([slot.word for slot in slots], offset)


def kernel_symbol(kernel: Kernel, symbols: Sequence[str]) -> str:
    """The name of a kernel's function: a digest of its loops, so that equal kernels are one function."""
    text = f"{symbols}\n{kernel.text}"
    return "graphc_k" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def distinct_kernels(program: Program) -> dict[str, Kernel]:
    """The program's kernels by the names of their functions."""
    return {kernel_symbol(call.kernel, program.symbols): call.kernel for call in program.calls}


def _effort(kernel: Kernel) -> int:
    """About how long a kernel takes to compile: those that take longest come first, so that threads end together."""
    products = sum(isinstance(statement, Contract) for statement in statements_below(kernel.body))
    return len(kernel.text) + TEXT_OF_PRODUCT * products


def program_text(program: Program) -> str:
    """All that the step function depends on."""
    lines = [f"symbols {program.symbols} slots {len(program.slots)} stacks {program.stacks}"]
    lines += _action_texts(program, program.actions)
    return "\n".join(lines)


def _action_texts(program: Program, actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        match action:
            case Copy():
                source, target = _place_text(program, action.source), _place_text(program, action.target)
                yield f"copy {source} {target} {action.bytes}"
            case Call():
                places = " ".join(_place_text(program, place) for place in action.places)
                yield f"{kernel_symbol(action.kernel, program.symbols)} {action.kernel.tasks} {places}"
            case Take():
                yield f"take {action.block} {action.bytes}"
            case Give():
                yield f"give {action.block} {_place_text(program, action.slot)}"
            case Branch():
                yield f"if {_place_text(program, action.predicate)}"
                yield from _action_texts(program, action.then)
                yield "else"
                yield from _action_texts(program, action.orelse)
                yield "end"
            case Loop():
                yield f"loop {action.saves} {action.replays}"
                yield from _action_texts(program, action.condition)
                yield f"while {_place_text(program, action.predicate)}"
                yield from _action_texts(program, action.body)
                yield "end"


def _place_text(program: Program, place: Place) -> str:
    return f"frame[{place.word}]" if isinstance(place, Slot) else str(place)


def kernel_ir(symbol: str, kernel: Kernel, program: Program, target: Target) -> str:
    """The module of one kernel."""
    from graphc.codegen import ir
    from graphc.codegen.emit import emit_kernel

    module = ir.Module(symbol)
    module.triple = target.triple
    emit_kernel(module, kernel, target, program.symbols, symbol)
    return str(module)


def fill_ir(name: str, target: Target) -> str:
    """The module of a function that draws random numbers for all kernels."""
    from graphc.codegen import philox  # LLVM loads when code is made, not when it comes from the cache

    return philox.fill_ir(name, target)


def step_ir(program: Program, target: Target, name: str) -> str:
    """The module of the step function."""
    from graphc.codegen import ir

    module = ir.Module(name)
    module.triple = target.triple
    StepWriter(program, target, module, name).write()
    return str(module)


class StepWriter:
    def __init__(self, program: Program, target: Target, module: Any, name: str):
        from graphc.codegen import ir
        from graphc.codegen.emit_state import Writer

        self.ir, self.program, self.module = ir, program, module
        self.i64, self.pointer = ir.IntType(64), ir.PointerType()
        self.function = ir.Function(module, ir.FunctionType(self.i64, [self.pointer]), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.writer = Writer(self.builder, target)
        self.frame = self.function.args[0]
        self.kernels: dict[str, Any] = {}
        self.tables = 0
        self.run: Any = None

    def write(self) -> None:
        from graphc.codegen.emit_state import Value
        from graphc.dims import Symbol

        program, builder = self.program, self.builder
        for n, symbol in enumerate(program.symbols):
            if symbol not in program.measured:
                self.writer.bindings[Symbol(symbol)] = Value(self._word(program.first_symbol + n), 0)
        self.head = {field: self._word(n) for n, field in enumerate(FRAME_HEAD)}
        words = max((len(call.places) for call in program.calls), default=1)
        self.arguments = builder.alloca(self.i64, words)
        first = self.ir.Constant(self.i64, program.first_symbol)
        self.dims = builder.gep(self.frame, [first], source_etype=self.i64)
        if program.calls:
            self._write_places()
        clear_stacks(self)
        clear_blocks(self)
        self.actions(program.actions)
        self.leave(self.ir.Constant(self.i64, 0))

    def actions(self, actions: Iterable[Action]) -> None:
        """Writes actions where the builder is."""
        from graphc.codegen import step_table

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
        elif isinstance(action, Branch):
            write_branch(self, action)
        elif isinstance(action, Loop):
            write_loop(self, action)
        elif isinstance(action, Take):
            write_take(self, action)
        else:
            write_give(self, action)

    def leave(self, status: Any) -> None:
        """The end of the step."""
        free_stacks(self)
        free_blocks(self)
        self.builder.ret(status)

    def push_function(self) -> Any:
        """The function that finds room on a stack."""
        name = f"{self.function.name}.push"
        known = name in self.kernels
        function = self.declared(name, self.ir.FunctionType(self.i64, [self.pointer, self.i64]))
        if not known:
            write_push(self, function)
        return function

    def _word(self, number: int) -> Any:
        place = self.builder.gep(self.frame, [self.ir.Constant(self.i64, number)], source_etype=self.i64)
        return self.builder.load(place, typ=self.i64)

    def _write_places(self) -> None:
        """The table of all calls' arguments, and the function that makes addresses of a part of it."""
        places = [place for call in self.program.calls for place in call.places]
        numbers = [number for place in places for number in _relative(self.program, place)]
        data = bytearray(struct.pack(f"<{len(numbers)}q", *numbers))  # as bytes, which are written fast
        kind = self.ir.ArrayType(self.ir.IntType(8), len(data))
        self.places = self.ir.GlobalVariable(self.module, kind, f"{self.function.name}.places")
        self.places.linkage, self.places.global_constant, self.places.align = "internal", True, 8
        self.places.initializer = self.ir.Constant(kind, data)
        self.first_place = 0
        self.fill = _fill_function(self.module, f"{self.function.name}.fill")

    def _fill_arguments(self, call: Call) -> None:
        """The addresses of a call's arguments; distances that are symbols are computed here."""
        builder = self.builder
        part = builder.gep(self.places, [self.ir.Constant(self.i64, 2 * self.first_place)], source_etype=self.i64)
        self.first_place += len(call.places)
        builder.call(self.fill, [self.frame, part, self.arguments, self.ir.Constant(self.i64, len(call.places))])
        for n, place in enumerate(call.places):
            if isinstance(place, InArena) and not isinstance(place.offset, int):
                target = builder.gep(self.arguments, [self.ir.Constant(self.i64, n)], source_etype=self.i64)
                builder.store(self.address(place), target)

    def address(self, place: Place) -> Any:
        """The address of a place, as a number."""
        if isinstance(place, InArena) and not isinstance(place.offset, int):
            return self.builder.add(self.head["arena"], self.size(place.offset))
        if isinstance(place, SizeWord):
            number = self.program.first_symbol + self.program.symbols.index(place.name)
            size = self.builder.gep(self.frame, [self.ir.Constant(self.i64, number)], source_etype=self.i64)
            return self.builder.ptrtoint(size, self.i64)
        word, distance = _relative(self.program, place)
        return self.builder.add(self._word(word), self.ir.Constant(self.i64, distance))

    def size(self, size: DimLike) -> Any:
        from graphc.codegen import emit_index

        if isinstance(size, int):
            return self.ir.Constant(self.i64, size)
        return emit_index.position(self.writer, size).ir

    def _copy(self, copy: Copy) -> None:
        kind = self.ir.FunctionType(self.pointer, [self.pointer, self.pointer, self.i64])
        addresses = [self.builder.inttoptr(self.address(p), self.pointer) for p in (copy.target, copy.source)]
        self.builder.call(self.declared("memcpy", kind), [*addresses, self.size(copy.bytes)])
        if isinstance(copy.target, SizeWord):
            self._read_size(copy.target)

    def _read_size(self, size: SizeWord) -> None:
        """From here on, what is computed from the size uses the count."""
        from graphc.codegen.emit_state import Value
        from graphc.dims import Symbol

        number = self.program.first_symbol + self.program.symbols.index(size.name)
        self.writer.bindings[Symbol(size.name)] = Value(self._word(number), self.writer.depth)

    def _call(self, call: Call) -> None:
        builder = self.builder
        self._fill_arguments(call)
        kernel = self._kernel(call.kernel)
        scratch = builder.inttoptr(self.head["scratch"], self.pointer)
        tasks = self.size(call.kernel.tasks)
        if call.kernel.tasks == 1:
            zero = self.ir.Constant(self.i64, 0)
            builder.call(kernel, [self.arguments, self.dims, scratch, zero, tasks])
        else:
            pool = builder.inttoptr(self.head["pool"], self.pointer)
            stride = self.head["scratch_stride"]
            builder.call(self._parallel_for(), [pool, kernel, self.arguments, self.dims, scratch, stride, tasks])
        if call.error_slot is not None:
            self._stop_on_error(call.error_slot)

    def _run_table(self, calls: Sequence[Call]) -> None:
        """Calls one after the other, by a table; what one of them notes ends the step."""
        from graphc.codegen import step_table

        builder, name = self.builder, self.function.name
        self.tables += 1
        rows = step_table.table(
            self.module, f"{name}.rows{self.tables}", calls, [self._kernel(call.kernel) for call in calls]
        )
        if self.run is None:
            self.run = step_table.run_function(self.module, f"{name}.run", self.fill, self._parallel_for())
        first = self.ir.Constant(self.i64, 2 * self.first_place)
        places = builder.gep(self.places, [first], source_etype=self.i64)
        self.first_place += sum(len(call.places) for call in calls)
        count = self.ir.Constant(self.i64, len(calls))
        failure = builder.call(self.run, [self.frame, rows, places, self.arguments, self.dims, count])
        if any(call.error_slot is not None for call in calls):
            failed = builder.icmp_signed("!=", failure, self.ir.Constant(self.i64, 0))
            with builder.if_then(failed, likely=False):
                self.leave(failure)

    def _stop_on_error(self, slot: int) -> None:
        builder = self.builder
        word = builder.inttoptr(self.address(ErrorSlot(slot)), self.pointer)
        failed = builder.icmp_signed("!=", builder.load(word, typ=self.i64), self.ir.Constant(self.i64, 0))
        with builder.if_then(failed, likely=False):
            self.leave(self.ir.Constant(self.i64, slot + 1))

    def _kernel(self, kernel: Kernel) -> Any:
        kind = self.ir.FunctionType(self.ir.VoidType(), [self.pointer] * 3 + [self.i64] * 2)
        return self.declared(kernel_symbol(kernel, self.program.symbols), kind)

    def _parallel_for(self) -> Any:
        kind = self.ir.FunctionType(self.ir.VoidType(), [self.pointer] * 5 + [self.i64] * 2)
        return self.declared(PARALLEL_FOR, kind)

    def declared(self, name: str, kind: Any) -> Any:
        if name not in self.kernels:
            self.kernels[name] = self.ir.Function(self.module, kind, name)
        return self.kernels[name]


def _relative(program: Program, place: Place) -> tuple[int, int]:
    """The word of the frame that a place is counted from, and its distance in bytes; 0 where that is a symbol."""
    if isinstance(place, Slot):
        return place.word, 0
    if isinstance(place, Cursor):
        return program.first_cursor + place.number, 0
    assert isinstance(place, (InArena, ErrorSlot)), place
    if isinstance(place, InArena):
        return FRAME_HEAD.index("arena"), place.offset if isinstance(place.offset, int) else 0
    return FRAME_HEAD.index("errors"), 8 * place.number


def _fill_function(module: Any, name: str) -> Any:
    """``void fill(ptr frame, ptr places, ptr arguments, i64 count)``: the sum of the word and the distance of each."""
    from graphc.codegen import ir

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
