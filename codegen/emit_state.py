"""What the emitter knows while it writes a function: values and where they may stand, names, memory.

Every value carries its *depth*, the number of the innermost loop it depends on. A value that is shallower than the
loop being written goes into the block before the outermost loop that it does not depend on, so nothing is computed
more often than its inputs change. Values are numbered: the same instruction on the same operands is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from graphc.codegen import ir
from graphc.codegen.approx.lanes import constant, in_every_lane
from graphc.codegen.loops import Buffer, Store
from graphc.codegen.target import Target
from graphc.dims import Atom, Symbol
from graphc.records import record

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
POINTER = ir.PointerType()
FLOATS = {"f32": ir.FloatType(), "f64": ir.DoubleType()}
HALVES: dict[str, ir.Type] = {"f16": I16, "bf16": I16}  # bits: they are moved and converted, nothing else
IN_MEMORY: dict[str, ir.Type] = {
    "bool": I8,
    "u8": I8,
    "i8": I8,
    "u16": I16,
    "i16": I16,
    **HALVES,
    "i32": I32,
    "u32": I32,
    "i64": I64,
    "u64": I64,
    **FLOATS,
}
IN_REGISTER = {**IN_MEMORY, "bool": I1}


class Value(NamedTuple):
    """An LLVM value, the depth of the loop it depends on, and its lanes: 1 where all lanes hold the same."""

    ir: ir.Value
    depth: int
    lanes: int = 1


@record
class Lanes:
    """The vector loop being written: lane k is iteration ``base + k`` of ``variable``, where ``mask`` allows it.

    It ``divides`` where divisions are what takes its time.
    """

    variable: Symbol
    base: Value
    width: int
    mask: Value | None
    divides: bool = False


class Scope:
    """One loop level. ``before`` is the open block ahead of the loop; None where the level is straight-line code."""

    def __init__(self, before: ir.Block | None, guarded: bool = False):
        self.before = before
        self.guarded = guarded  # Loads inside may not be moved out: a condition protects them.
        self.keys: list[Hashable] = []  # What to forget when the level ends.


class Writer:
    """A function being written."""

    def __init__(self, builder: ir.IRBuilder, target: Target):
        self.builder = builder
        self.target = target
        self.scopes: list[Scope] = [Scope(None)]
        self.memo: dict[Hashable, Value] = {}
        self.kept: list[ir.Value] = []  # Keys hold ids of values, so values must live as long as the writer.
        self.seen: dict[int, Value] = {}  # Values of expressions since the last loop or store, by identity.
        self.bindings: dict[Atom, Value] = {}
        self.locals: dict[str, Value] = {}
        self.pointers: dict[Buffer, Value] = {}
        self.scratch: ir.Value | None = None  # What is left of the private memory for a contraction.
        self.written: set[Buffer] = set()  # Buffers that this function stores to,
        self.reread: set[Buffer] = set()  # and those of them that it also loads.
        self.shared: set[tuple[str, str]] = set()  # Operations, by name and dtype, that are calls of a function.
        self.versions: dict[Buffer, int] = {}
        self.pending: list[tuple[Store, Value]] = []
        self.lanes: Lanes | None = None
        self.kept_in_lanes: set[str] = set()  # Accumulators from outside the vector loop.

    @property
    def depth(self) -> int:
        """The number of the loop level being written."""
        return len(self.scopes) - 1

    def enter(self, before: ir.Block | None, guarded: bool = False) -> None:
        """Begin a loop level; what does not depend on it will be written at the end of ``before``."""
        self.scopes.append(Scope(before, guarded))

    def leave(self) -> None:
        """End a loop level and forget the values that live in it."""
        for key in self.scopes.pop().keys:
            self.memo.pop(key, None)

    def numbered(self, key: Hashable, depth: int, lanes: int, write: Callable[[ir.IRBuilder], ir.Value]) -> Value:
        """The value that ``write`` makes, written once for ``key``, outside of the loops deeper than ``depth``."""
        found = self.memo.get(key)
        if found is None:
            found = Value(self.place(depth, write), min(depth, self.depth), lanes)
            self.memo[key] = found
            self.scopes[found.depth].keys.append(key)
            self.kept.append(found.ir)
        return found

    def place(self, depth: int, write: Callable[[ir.IRBuilder], ir.Value]) -> ir.Value:
        """Write an instruction ahead of the loops deeper than ``depth``."""
        builder = self.builder
        for scope in self.scopes[depth + 1 :]:
            if scope.before is not None:
                here = builder.block
                builder.position_at_end(scope.before)
                value = write(builder)
                builder.position_at_end(here)
                return value
        return write(builder)

    def load_depth(self, buffer: Buffer, depth: int) -> int:
        """The depth at which a load may stand whose offset has this depth."""
        if buffer in self.written:
            return self.depth
        guards = [level for level, scope in enumerate(self.scopes) if scope.guarded]
        return max([depth, *guards])

    def constant(self, kind: ir.Type, number: Any, lanes: int = 1) -> Value:
        """A constant, the same object for the same number."""
        key = ("constant", str(kind), repr(number), lanes)
        found = self.memo.get(key)
        if found is None:
            wide = kind if lanes == 1 else ir.VectorType(kind, lanes)
            found = self.memo[key] = Value(constant(wide, number), 0, lanes)
        return found

    def listed(self, kind: ir.Type, numbers: list[int]) -> Value:
        """A constant with a number for each lane."""
        key = ("listed", str(kind), *numbers)
        if key not in self.memo:
            self.memo[key] = Value(ir.Constant(ir.VectorType(kind, len(numbers)), numbers), 0, len(numbers))
        return self.memo[key]

    def spread(self, value: Value, lanes: int) -> Value:
        """The value in every lane."""
        if value.lanes == lanes:
            return value
        if isinstance(value.ir, ir.Constant):
            return self.constant(value.ir.type, value.ir.constant, lanes)

        key = ("spread", id(value.ir), lanes)
        return self.numbered(key, value.depth, lanes, lambda builder: in_every_lane(builder, value.ir, lanes))

    def together(self, *values: Value) -> tuple[int, int, list[ir.Value]]:
        """Depth and lanes of an operation on these values, and the values all with those lanes."""
        lanes = max(value.lanes for value in values)
        depth = max(value.depth for value in values)
        return depth, lanes, [self.spread(value, lanes).ir for value in values]

    def call(self, name: str, result: ir.Type, arguments: list[ir.Value]) -> Callable[[ir.IRBuilder], ir.Value]:
        """Writes a call of an LLVM intrinsic."""
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(result, [value.type for value in arguments]), name)
        return lambda builder: builder.call(function, arguments)


def suffix(kind: ir.Type) -> str:
    """How the names of intrinsics spell a type: ``f32``, ``v16f32``."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{suffix(kind.element)}"
    if isinstance(kind, ir.PointerType):
        return "p0"
    return {"float": "f32", "double": "f64"}.get(str(kind), str(kind))
