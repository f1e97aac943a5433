"""A model's machine code ahead of time: C functions around the same steps that a session runs.

An *instance* is one block of memory that the caller gives; the C header shows it as a struct::

    head       64 bytes: the thread pool, what `create` allocated, and a mark that says that `init` has run
    state      variables and positions of random streams
    working    arena, scratch of each thread, and what only the initial values need; begins on a cache line

An entry point fills a call frame on its stack with addresses inside the instance and with the pointers it was given,
and calls the program's step function. So an instance holds no addresses of itself, and nothing else is needed to run.
What is not computed (files, names, texts) stands in ``artifact.ll``.
"""

from __future__ import annotations

import hashlib
import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import binding

from graphc.alignment import ALIGNMENT
from graphc.codegen import emit_index, ir, philox
from graphc.codegen.emit import emit_kernel
from graphc.codegen.emit_state import Value, Writer
from graphc.codegen.instance import Argument, EntryCode, Given, InInstance, InWorking, Memory, Where
from graphc.codegen.objects import kernel_symbol
from graphc.codegen.outline import FRAME_HEAD
from graphc.codegen.runtime import runtime_ir
from graphc.codegen.step import step_ir
from graphc.codegen.target import Target, target_machine
from graphc.dims import Dim, Symbol

I1, I8, I32, I64, POINTER = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.PointerType()

# Codes of errors that are not an op's; those of ops follow.
GENERAL_ERRORS = (
    "no error",
    "unknown error code",
    "a size is out of its range",
    "the file cannot be opened",
    "the file cannot be written",
    "the file holds no state that graphc saved",
    "the file holds the state of another model",
    "the file is damaged",
    "the instance is not initialised",
    "a pointer is NULL",
    "there is no memory for what a loop saves",
)
UNKNOWN, BAD_SIZE, CANNOT_OPEN, CANNOT_WRITE, NO_STATE, OTHER_MODEL, DAMAGED, NOT_INITIALISED, NULL = range(1, 10)
NO_MEMORY = 10


@dataclass(frozen=True)
class Artifact:
    """All that the object file is made of; ``entries`` hold one named ``{name}.initialise``."""

    name: str
    entries: tuple[EntryCode, ...]
    memory: Memory
    threads: int
    description: str
    layout: str  # the part of the description that a state's file must agree with
    variables: tuple[tuple[str, int], ...]  # names and places in the instance
    errors: tuple[str, ...]

    @property
    def mark(self) -> int:
        """A word that other memory, and an instance of another model, hold by no chance."""
        return int.from_bytes(hashlib.sha256(self.description.encode()).digest()[:8], "little", signed=True)

    @property
    def exported(self) -> frozenset[str]:
        """The names that the object defines for others."""
        rest = ("init", "create", "destroy", "save", "load", "error", "variable", "description")
        public = {entry.symbol for entry in self.entries if "." not in entry.symbol}
        return frozenset(public | {f"{self.name}_{function}" for function in rest})


def object_file(artifact: Artifact, target: Target) -> bytes:
    """The one object file that has it all; only the functions of the header are visible in it."""
    machine = target_machine(target)
    with binding.create_context() as context, binding.parse_assembly(_main_ir(artifact, target), context) as module:
        for text in _other_irs(artifact, target):
            module.link_in(binding.parse_assembly(text, context))
        _hide(module, artifact.exported)
        module.verify()
        return bytes(machine.emit_object(module))


def _hide(module: Any, exported: frozenset[str]) -> None:
    """Everything but the interface becomes internal, so that several artifacts can be linked into one program."""
    for thing in (*module.functions, *module.global_variables):
        if not thing.is_declaration and thing.name not in exported:
            thing.linkage = "internal"


def _other_irs(artifact: Artifact, target: Target) -> list[str]:
    steps = [step_ir(entry.program, target, f"{entry.symbol}.step") for entry in artifact.entries]
    return [*steps, runtime_ir(target.triple, serial=artifact.threads == 1), _common_ir(artifact, target)]


def _common_ir(artifact: Artifact, target: Target) -> str:
    with open(os.path.join(os.path.dirname(__file__), "artifact.ll"), encoding="utf-8") as file:
        template = string.Template(file.read())
    memory = artifact.memory
    word = word_type(target)
    return template.substitute(
        triple=target.triple,
        name=artifact.name,
        word=word,
        threads=artifact.threads,
        bytes=memory.bytes,
        padded_bytes=memory.bytes + ALIGNMENT,
        state_offset=memory.state_offset,
        state_bytes=memory.state_bytes,
        layout_offset=len(artifact.description.partition(artifact.layout)[0].encode()),
        layout_bytes=len(artifact.layout.encode()),
        layout_cast=_narrowed("%layout.count", word),
        count_cast=_narrowed("%count", word),
        variable_count=len(artifact.variables),
        error_count=len(artifact.errors),
        unknown_error=UNKNOWN,
        cannot_open=CANNOT_OPEN,
        cannot_write=CANNOT_WRITE,
        no_state=NO_STATE,
        other_model=OTHER_MODEL,
        damaged=DAMAGED,
        not_initialised=NOT_INITIALISED,
        null=NULL,
        mark=artifact.mark,
    )


def word_type(target: Target) -> str:
    """LLVM's name of C's ``size_t``."""
    return "i64" if "64" in target.triple.split("-")[0] else "i32"


def _narrowed(value: str, word: str) -> str:
    return f"add i64 {value}, 0" if word == "i64" else f"trunc i64 {value} to {word}"


def _main_ir(artifact: Artifact, target: Target) -> str:
    """Kernels, entry points and tables."""
    module = ir.Module(artifact.name)
    module.triple = target.triple
    kernels: set[str] = set()
    for entry in artifact.entries:
        for call in entry.program.calls:
            symbol = kernel_symbol(call.kernel, entry.program.symbols)
            if symbol not in kernels:
                kernels.add(symbol)
                emit_kernel(module, call.kernel, target, entry.program.symbols, symbol)
    philox.define_fills(module, target)
    tables = _Tables(module, artifact)
    tables.write()
    for entry in artifact.entries:
        _EntryWriter(module, tables, artifact, entry).write(target)
    return str(module)


class _Tables:
    """Constants: texts, tables of them, and the data of programs."""

    def __init__(self, module: ir.Module, artifact: Artifact):
        self.module = module
        self.artifact = artifact
        self.known: dict[bytes, ir.GlobalVariable] = {}

    def write(self) -> None:
        """The three tables that ``artifact.ll`` names."""
        artifact = self.artifact
        self.constant(f"{artifact.name}.description", _bytes_constant(artifact.description.encode() + b"\0"))
        texts = [self.text(text) for text in artifact.errors]
        self.constant(f"{artifact.name}.errors", ir.Constant(ir.ArrayType(POINTER, len(texts)), texts))
        row = ir.LiteralStructType([POINTER, I64])
        rows = [ir.Constant(row, [self.text(name), ir.Constant(I64, offset)]) for name, offset in artifact.variables]
        self.constant(f"{artifact.name}.variables", ir.Constant(ir.ArrayType(row, len(rows)), rows))

    def constant(self, name: str, value: ir.Constant, align: int = 0) -> ir.GlobalVariable:
        variable = ir.GlobalVariable(self.module, value.type, name)
        variable.initializer = value
        variable.global_constant = True
        if align:
            variable.align = align
        return variable

    def data(self, content: bytes, align: int = ALIGNMENT) -> ir.GlobalVariable:
        """These bytes somewhere in the object, once."""
        if content not in self.known:
            name = f"{self.artifact.name}.data{len(self.known)}"
            self.known[content] = self.constant(name, _bytes_constant(content or b"\0"), align)
        return self.known[content]

    def text(self, text: str) -> ir.GlobalVariable:
        return self.data(text.encode() + b"\0", align=1)


def _bytes_constant(content: bytes) -> ir.Constant:
    return ir.Constant(ir.ArrayType(I8, len(content)), bytearray(content))


class _EntryWriter:
    def __init__(self, module: ir.Module, tables: _Tables, artifact: Artifact, entry: EntryCode):
        self.module, self.tables, self.artifact, self.entry = module, tables, artifact, entry
        kinds = [POINTER] + [I64] * len(entry.sizes) + [POINTER] * entry.arguments
        self.function = ir.Function(module, ir.FunctionType(I32, kinds), entry.symbol)
        self.function.attributes.add("nounwind")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.instance = self.function.args[0]
        self.sizes = dict(zip((name for name, _ in entry.sizes), self.function.args[1:]))
        self.pointers = self.function.args[1 + len(entry.sizes) :]

    def write(self, target: Target) -> None:
        """Check pointers and sizes, fill the frame, run, and say what went wrong."""
        if "." not in self.entry.symbol:
            self._give_nothing()
            self._check_instance()
            self._check_pointers([self.pointers[number] for number in self.entry.needed])
        for name, largest in self.entry.sizes:
            self._check_size(self.sizes[name], largest)
        program, memory = self.entry.program, self.artifact.memory
        self._check_open(program.open_sizes, target)
        working = self._working()
        frame = self.builder.alloca(I64, program.frame_words)
        errors = self._errors()
        head = {
            "arena": working,
            "scratch": self._moved(working, memory.scratch_offset),
            "scratch_stride": ir.Constant(I64, memory.scratch_stride),
            "pool": self.builder.load(self.instance, typ=POINTER),
            "errors": errors,
        }
        words = [head[field] for field in FRAME_HEAD]
        words += [self._place(place, working) for place in self.entry.places]
        words += [self.sizes.get(name, ir.Constant(I64, 0)) for name in program.symbols]  # 0 until it is counted
        for number, word in enumerate(words):
            self._store_word(frame, number, word)
        step = ir.Function(self.module, ir.FunctionType(I64, [POINTER]), f"{self.entry.symbol}.step")
        status = self.builder.call(step, [frame])
        self._give(status, frame)
        self._return(status, errors)

    def _give_nothing(self) -> None:
        """NULL for the caller wherever memory is to be given, so that it may be freed whichever check fails."""
        nothing = ir.Constant(POINTER, None)
        for place in self.entry.places:
            if isinstance(place, Given):
                pointer = self.pointers[place.number]
                with self.builder.if_then(self.builder.icmp_unsigned("!=", pointer, nothing), likely=True):
                    self.builder.store(nothing, pointer)

    def _check_instance(self) -> None:
        name = f"{self.artifact.name}.check_instance"
        check = self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(I32, [POINTER]), name)
        status = self.builder.call(check, [self.instance])
        with self.builder.if_then(self.builder.icmp_unsigned("!=", status, ir.Constant(I32, 0)), likely=False):
            self.builder.ret(status)

    def _check_pointers(self, pointers: Sequence[ir.Value]) -> None:
        any_null: ir.Value = ir.Constant(I1, 0)
        for pointer in pointers:
            is_null = self.builder.icmp_unsigned("==", pointer, ir.Constant(POINTER, None))
            any_null = self.builder.or_(any_null, is_null)
        with self.builder.if_then(any_null, likely=False):
            self.builder.ret(ir.Constant(I32, NULL))

    def _check_size(self, size: ir.Value, largest: int) -> None:
        # One unsigned comparison: below 1 wraps round to a very large number.
        from_zero = self.builder.sub(size, ir.Constant(I64, 1))
        outside = self.builder.icmp_unsigned(">=", from_zero, ir.Constant(I64, largest))
        with self.builder.if_then(outside, likely=False):
            self.builder.ret(ir.Constant(I32, BAD_SIZE))

    def _check_open(self, sizes: Sequence[Dim], target: Target) -> None:
        """What follows from sizes is a size itself."""
        writer = Writer(self.builder, target)
        writer.bindings.update((Symbol(name), Value(size, 0)) for name, size in self.sizes.items())
        for size in sizes:
            below = self.builder.icmp_signed("<", emit_index.position(writer, size).ir, ir.Constant(I64, 0))
            with self.builder.if_then(below, likely=False):
                self.builder.ret(ir.Constant(I32, BAD_SIZE))

    def _working(self) -> ir.Value:
        """The working memory, from its first cache line on."""
        place = self._moved(self.instance, self.artifact.memory.working_offset + ALIGNMENT - 1)
        address = self.builder.ptrtoint(place, I64)
        return self.builder.inttoptr(self.builder.and_(address, ir.Constant(I64, -ALIGNMENT)), POINTER)

    def _errors(self) -> ir.Value:
        count = len(self.entry.program.error_slots) + 1  # the last for what is no op's: no memory
        errors = self.builder.alloca(I64, count)
        for number in range(count):
            self._store_word(errors, number, ir.Constant(I64, 0))
        return errors

    def _store_word(self, array: ir.Value, number: int, value: ir.Value) -> None:
        if isinstance(value.type, ir.PointerType):
            value = self.builder.ptrtoint(value, I64)
        place = self.builder.gep(array, [ir.Constant(I64, number)], source_etype=I64)
        self.builder.store(value, place)

    def _moved(self, pointer: ir.Value, offset: int) -> ir.Value:
        return self.builder.gep(pointer, [ir.Constant(I64, offset)], source_etype=I8)

    def _place(self, place: Where, working: ir.Value) -> ir.Value:
        if isinstance(place, Argument):
            return self.pointers[place.number]
        if isinstance(place, Given):
            return ir.Constant(I64, 0)
        if isinstance(place, InInstance):
            return self._moved(self.instance, place.offset)
        if isinstance(place, InWorking):
            return self._moved(working, place.offset)
        return self.tables.data(place.content)

    def _give(self, status: ir.Value, frame: ir.Value) -> None:
        """The caller gets the memory that the step took for it; NULL from a step that failed."""
        builder = self.builder
        failed = builder.icmp_unsigned("!=", status, ir.Constant(I64, 0))
        for number, place in enumerate(self.entry.places, len(FRAME_HEAD)):
            if isinstance(place, Given):
                word = builder.gep(frame, [ir.Constant(I64, number)], source_etype=I64)
                with builder.if_then(failed, likely=False):
                    builder.call(self._free(), [builder.inttoptr(builder.load(word, typ=I64), POINTER)])
                    builder.store(ir.Constant(I64, 0), word)
                builder.store(builder.inttoptr(builder.load(word, typ=I64), POINTER), self.pointers[place.number])

    def _free(self) -> ir.Value:
        kind = ir.FunctionType(ir.VoidType(), [POINTER])
        return self.module.globals.get("free") or ir.Function(self.module, kind, "free")

    def _return(self, status: ir.Value, errors: ir.Value) -> None:
        """0, or the code of the op that failed: the first of its call, and which of the call's ops it was."""
        builder, program = self.builder, self.entry.program
        if not program.error_slots and not program.grows:
            builder.ret(ir.Constant(I32, 0))
            return
        failed = builder.icmp_unsigned("!=", status, ir.Constant(I64, 0))
        with builder.if_then(failed, likely=False):
            firsts = self.tables.data(_firsts(self.entry), align=8)
            number = builder.sub(status, ir.Constant(I64, 1))
            first = builder.load(builder.gep(firsts, [number], source_etype=I64), typ=I64)
            which = builder.load(builder.gep(errors, [number], source_etype=I64), typ=I64)
            code = builder.sub(builder.add(first, which), ir.Constant(I64, 1))
            builder.ret(builder.trunc(code, I32))
        builder.ret(ir.Constant(I32, 0))


def _firsts(entry: EntryCode) -> bytes:
    """The code of the first op of each call that can fail, as an array of words."""
    codes, code = [], entry.first_error
    for call in entry.program.error_slots:
        codes.append(code)
        code += len(call.checked)
    codes.append(NO_MEMORY + 1)  # its word of the errors array stays 0
    return b"".join(code.to_bytes(8, "little") for code in codes)
