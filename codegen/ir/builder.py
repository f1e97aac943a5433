"""Instructions, each a method that writes one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.codegen.ir.types import (
    FunctionType,
    IntType,
    LiteralStructType,
    PointerType,
    Type,
    Value,
    VectorType,
    VoidType,
)
from graphc.codegen.ir.values import Alloca, Block, Function, Module, Phi

_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BIT = IntType(1)
_POINTER = PointerType()


class IRBuilder:
    """Writes instructions at the end of a block."""

    def __init__(self, block: Block):
        self.block = block

    @property
    def function(self) -> Function:
        """The function that is written."""
        return self.block.function

    @property
    def module(self) -> Module:
        """The module of the function."""
        return self.block.function.module

    def position_at_end(self, block: Block) -> None:
        """Goes on in ``block``."""
        self.block = block

    def append_basic_block(self, name: str = "block") -> Block:
        """A new block of the function."""
        return self.block.function.append_basic_block(name)

    @contextmanager
    def goto_block(self, block: Block) -> Iterator[None]:
        """Writes into ``block`` for a while."""
        here, self.block = self.block, block
        yield
        self.block = here

    def _name(self) -> str:
        function = self.block.function
        function.values += 1
        return f"%v{function.values}"

    def _value(self, type: Any, text: str) -> Value:
        name = self._name()
        self.block.lines.append(f"{name} = {text}")
        return Value(type, name)

    # -- arithmetic ----------------------------------------------------------------------------------

    def _binary(self, word: str, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        words = " ".join((word, *flags)) if flags else word
        return self._value(a.type, f"{words} {a.type.text} {a.text}, {b.text}")

    def add(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("add", a, b, flags)

    def sub(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("sub", a, b, flags)

    def mul(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("mul", a, b, flags)

    def udiv(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("udiv", a, b, flags)

    def sdiv(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("sdiv", a, b, flags)

    def urem(self, a: Value, b: Value) -> Value:
        return self._binary("urem", a, b)

    def shl(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("shl", a, b, flags)

    def lshr(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("lshr", a, b, flags)

    def ashr(self, a: Value, b: Value, flags: Sequence[str] = ()) -> Value:
        return self._binary("ashr", a, b, flags)

    def and_(self, a: Value, b: Value) -> Value:
        return self._binary("and", a, b)

    def or_(self, a: Value, b: Value) -> Value:
        return self._binary("or", a, b)

    def xor(self, a: Value, b: Value) -> Value:
        return self._binary("xor", a, b)

    def not_(self, a: Value) -> Value:
        """All bits the other way."""
        ones = f"splat ({a.type.element.text} -1)" if isinstance(a.type, VectorType) else "-1"
        return self._value(a.type, f"xor {a.type.text} {a.text}, {ones}")

    def fadd(self, a: Value, b: Value) -> Value:
        return self._binary("fadd", a, b)

    def fsub(self, a: Value, b: Value) -> Value:
        return self._binary("fsub", a, b)

    def fmul(self, a: Value, b: Value) -> Value:
        return self._binary("fmul", a, b)

    def fdiv(self, a: Value, b: Value) -> Value:
        return self._binary("fdiv", a, b)

    def fneg(self, a: Value) -> Value:
        return self._value(a.type, f"fneg {a.type.text} {a.text}")

    # -- comparisons ---------------------------------------------------------------------------------

    def _compare(self, word: str, a: Value, b: Value) -> Value:
        kind = VectorType(_BIT, a.type.count) if isinstance(a.type, VectorType) else _BIT
        return self._value(kind, f"{word} {a.type.text} {a.text}, {b.text}")

    def icmp_signed(self, sign: str, a: Value, b: Value) -> Value:
        return self._compare(f"icmp {'' if sign in ('==', '!=') else 's'}{_COMPARISONS[sign]}", a, b)

    def icmp_unsigned(self, sign: str, a: Value, b: Value) -> Value:
        return self._compare(f"icmp {'' if sign in ('==', '!=') else 'u'}{_COMPARISONS[sign]}", a, b)

    def fcmp_ordered(self, sign: str, a: Value, b: Value) -> Value:
        """False where one is NaN."""
        return self._compare(f"fcmp {'o' + _COMPARISONS[sign] if sign in _COMPARISONS else sign}", a, b)

    def fcmp_unordered(self, sign: str, a: Value, b: Value) -> Value:
        """True where one is NaN; ``uno`` asks for that alone."""
        return self._compare(f"fcmp {'u' + _COMPARISONS[sign] if sign in _COMPARISONS else sign}", a, b)

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        kind = yes.type.text
        return self._value(
            yes.type, f"select {condition.type.text} {condition.text}, {kind} {yes.text}, {kind} {no.text}"
        )

    # -- conversions: of a value to the type that it has, itself -------------------------------------

    def _cast(self, word: str, value: Value, kind: Type) -> Value:
        if value.type.text == kind.text:
            return value
        return self._value(kind, f"{word} {value.type.text} {value.text} to {kind.text}")

    def trunc(self, value: Value, kind: Type) -> Value:
        return self._cast("trunc", value, kind)

    def zext(self, value: Value, kind: Type) -> Value:
        return self._cast("zext", value, kind)

    def sext(self, value: Value, kind: Type) -> Value:
        return self._cast("sext", value, kind)

    def fpext(self, value: Value, kind: Type) -> Value:
        return self._cast("fpext", value, kind)

    def fptrunc(self, value: Value, kind: Type) -> Value:
        return self._cast("fptrunc", value, kind)

    def sitofp(self, value: Value, kind: Type) -> Value:
        return self._cast("sitofp", value, kind)

    def uitofp(self, value: Value, kind: Type) -> Value:
        return self._cast("uitofp", value, kind)

    def fptosi(self, value: Value, kind: Type) -> Value:
        return self._cast("fptosi", value, kind)

    def fptoui(self, value: Value, kind: Type) -> Value:
        return self._cast("fptoui", value, kind)

    def bitcast(self, value: Value, kind: Type) -> Value:
        return self._cast("bitcast", value, kind)

    def inttoptr(self, value: Value, kind: Type) -> Value:
        return self._cast("inttoptr", value, kind)

    def ptrtoint(self, value: Value, kind: Type) -> Value:
        return self._cast("ptrtoint", value, kind)

    # -- memory --------------------------------------------------------------------------------------

    def alloca(self, kind: Type, size: int | None = None) -> Alloca:
        place = Alloca(self._name(), kind, size)
        self.block.lines.append(place)
        return place

    def load(self, pointer: Value, typ: Type, align: int | None = None) -> Value:
        aligned = "" if align is None else f", align {align}"
        return self._value(typ, f"load {typ.text}, {pointer.type.text} {pointer.text}{aligned}")

    def store(self, value: Value, pointer: Value, align: int | None = None) -> None:
        aligned = "" if align is None else f", align {align}"
        self.block.lines.append(f"store {value.type.text} {value.text}, ptr {pointer.text}{aligned}")

    def addrspacecast(self, pointer: Value, kind: PointerType) -> Value:
        return self._value(kind, f"addrspacecast {pointer.type.text} {pointer.text} to {kind.text}")

    def gep(self, pointer: Value, indices: Sequence[Value], source_etype: Type, inbounds: bool = False) -> Value:
        """The address of an element of memory that holds values of ``source_etype``."""
        word = "getelementptr inbounds" if inbounds else "getelementptr"
        places = ", ".join([f"{index.type.text} {index.text}" for index in indices])
        lanes = next((x.type.count for x in (pointer, *indices) if isinstance(x.type, VectorType)), None)
        kind = _POINTER if lanes is None else VectorType(_POINTER, lanes)
        return self._value(kind, f"{word} {source_etype.text}, {pointer.type.text} {pointer.text}, {places}")

    def cmpxchg(self, pointer: Value, old: Value, new: Value, ordering: str, failordering: str) -> Value:
        """Puts ``new`` in the place of ``old`` if that is there; what was there, and whether."""
        kind = LiteralStructType([old.type, _BIT])
        places = f"ptr {pointer.text}, {old.type.text} {old.text}, {new.type.text} {new.text}"
        return self._value(kind, f"cmpxchg {places} {ordering} {failordering}")

    # -- parts of values -----------------------------------------------------------------------------

    def extract_element(self, vector: Value, index: Value) -> Value:
        text = f"extractelement {vector.type.text} {vector.text}, {index.type.text} {index.text}"
        return self._value(vector.type.element, text)

    def insert_element(self, vector: Value, value: Value, index: Value) -> Value:
        what = f"{value.type.text} {value.text}, {index.type.text} {index.text}"
        return self._value(vector.type, f"insertelement {vector.type.text} {vector.text}, {what}")

    def shuffle_vector(self, a: Value, b: Value, order: Value) -> Value:
        kind = VectorType(a.type.element, order.type.count)
        both = f"{a.type.text} {a.text}, {b.type.text} {b.text}"
        return self._value(kind, f"shufflevector {both}, {order.type.text} {order.text}")

    def extract_value(self, struct: Value, place: int) -> Value:
        return self._value(struct.type.elements[place], f"extractvalue {struct.type.text} {struct.text}, {place}")

    def insert_value(self, struct: Value, value: Value, place: int) -> Value:
        what = f"{value.type.text} {value.text}, {place}"
        return self._value(struct.type, f"insertvalue {struct.type.text} {struct.text}, {what}")

    def ctlz(self, value: Value, zero_is_undefined: Value) -> Value:
        """How many bits before the first that is set."""
        name = f"llvm.ctlz.{value.type.text}"
        function = self.module.globals.get(name)
        function = function or Function(self.module, FunctionType(value.type, [value.type, _BIT]), name)
        return self.call(function, [value, zero_is_undefined])

    # -- control -------------------------------------------------------------------------------------

    def call(self, function: Any, args: Sequence[Value], ftype: FunctionType | None = None) -> Value:
        """A call; of an address, that of a function of type ``ftype``."""
        result = (ftype or function.ftype).return_type
        given = ", ".join([f"{value.type.text} {value.text}" for value in args])
        text = f"call {result.text} {function.text}({given})"
        if isinstance(result, VoidType):
            self.block.lines.append(text)
            return Value(result, "")
        return self._value(result, text)

    def clobber(self, registers: Sequence[str]) -> None:
        """No instruction; what these registers held is taken for lost."""
        names = ",".join([f"~{{{name}}}" for name in registers])
        self.block.lines.append(f'call void asm sideeffect "", "{names}"()')

    def phi(self, type: Any) -> Phi:
        phi = Phi(type, self._name())
        self.block.lines.append(phi)
        return phi

    def branch(self, block: Block) -> None:
        self._end(f"br label %{block.name}")

    def cbranch(self, condition: Value, yes: Block, no: Block, likely: bool | None = None) -> None:
        """Goes to ``yes`` or ``no``; ``likely`` says which way is taken nearly always."""
        weights = "" if likely is None else f", !prof !{0 if likely else 1}"
        self._end(f"br i1 {condition.text}, label %{yes.name}, label %{no.name}{weights}")

    def ret(self, value: Value) -> None:
        self._end(f"ret {value.type.text} {value.text}")

    def ret_void(self) -> None:
        self._end("ret void")

    def _end(self, text: str) -> None:
        assert self.block.terminator is None, f"block {self.block.name} ends twice"
        self.block.terminator = text

    @contextmanager
    def if_then(self, condition: Value, likely: bool | None = None) -> Iterator[Block]:
        """What is written inside runs where the condition holds."""
        inside, after = self.append_basic_block("if"), self.append_basic_block("endif")
        self.cbranch(condition, inside, after, likely)
        self.block = inside
        yield after
        if not self.block.is_terminated:
            self.branch(after)
        self.block = after

    @contextmanager
    def if_else(self, condition: Value) -> Iterator[tuple[Any, Any]]:
        """Two contexts: what is written in the first runs where the condition holds, in the second elsewhere."""
        yes, no, after = (self.append_basic_block(name) for name in ("if", "else", "endif"))
        self.cbranch(condition, yes, no)
        yield self._way(yes, after), self._way(no, after)
        self.block = after

    @contextmanager
    def _way(self, block: Block, after: Block) -> Iterator[None]:
        self.block = block
        yield
        if not self.block.is_terminated:
            self.branch(after)
