"""Loops written as one writes an algorithm on a matrix: nested blocks, numbers with operators, matrices with places.

The work is done in scratch, so that the matrices of a batch are independent of each other and may be tasks. Stores of
a block wait until its next inner loop or its end (see :mod:`graphc.codegen.loops`): what a block has stored, it reads
again only after an inner loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Buffer,
    Check,
    Declare,
    Expression,
    For,
    If,
    IndexValue,
    Let,
    Literal,
    Load,
    LoadedIndex,
    Local,
    Statement,
    Store,
)
from graphc.codegen.lower.values import Index, literal, offset
from graphc.dims import DimLike, Symbol, atom, symbol


class Number:
    """A value of a dtype, with arithmetic."""

    def __init__(self, value: Expression):
        self.value = value

    @property
    def dtype(self) -> str:
        return self.value.dtype

    def _apply(self, op: str, *others: Any, dtype: str | None = None) -> Number:
        operands = (self.value, *(self._operand(other) for other in others))
        return Number(Apply(op, operands, dtype or self.dtype))

    def _operand(self, other: Any) -> Expression:
        return other.value if isinstance(other, Number) else literal(other, self.dtype)

    def __add__(self, other: Any) -> Number:
        return self._apply("add", other)

    def __sub__(self, other: Any) -> Number:
        return self._apply("sub", other)

    def __rsub__(self, other: Any) -> Number:
        return Number(literal(other, self.dtype)) - self

    def __mul__(self, other: Any) -> Number:
        return self._apply("mul", other)

    def __truediv__(self, other: Any) -> Number:
        return self._apply("div", other)

    def __rtruediv__(self, other: Any) -> Number:
        return Number(literal(other, self.dtype)) / self

    def __neg__(self) -> Number:
        return self._apply("neg")

    __radd__, __rmul__ = __add__, __mul__

    def sign(self) -> Number:
        return self._apply("sign")

    def sqrt(self) -> Number:
        return self._apply("sqrt")

    def log(self) -> Number:
        return self._apply("log")

    def abs(self) -> Number:
        return self._apply("abs")

    def less(self, other: Any) -> Number:
        return self._apply("lt", other, dtype="bool")

    def greater(self, other: Any) -> Number:
        return self._apply("gt", other, dtype="bool")

    def exceeds(self, other: Any) -> Number:
        """Whether this is greater, or one of both is NaN."""
        return self._apply("le", other, dtype="bool").opposite()

    def equals(self, other: Any) -> Number:
        return self._apply("eq", other, dtype="bool")

    def differs(self, other: Any) -> Number:
        return self._apply("ne", other, dtype="bool")

    def both(self, other: Number) -> Number:
        return self._apply("logical_and", other)

    def either(self, other: Number) -> Number:
        return self._apply("logical_or", other)

    def opposite(self) -> Number:
        return self._apply("logical_not")

    def choose(self, yes: Number, no: Any) -> Number:
        """``yes`` where this holds, else ``no``."""
        operands = (self.value, yes.value, yes._operand(no))
        return Number(Apply("select", operands, yes.dtype))

    def cast(self, dtype: str) -> Number:
        return self if self.dtype == dtype else self._apply("cast", dtype=dtype)

    def place(self) -> DimLike:
        """A whole number as a position."""
        return atom(LoadedIndex(self.value))


class Block:
    """A buffer as an array of ``sizes``."""

    def __init__(self, buffer: Buffer, sizes: Index):
        self.buffer = buffer
        self.sizes = sizes

    def at(self, *index: DimLike) -> Number:
        return Number(Load(self.buffer, offset(index, self.sizes)))


class Sheet:
    """Statements being written, in blocks inside each other."""

    def __init__(self, nest: Any):
        self.nest = nest
        self.blocks: list[list[Statement]] = [[]]
        self.names = 0

    def name(self, prefix: str) -> str:
        """A name that nothing else in the kernel has."""
        self.names += 1
        return f"{prefix}{self.names}"

    @property
    def statements(self) -> tuple[Statement, ...]:
        assert len(self.blocks) == 1
        return tuple(self.blocks[0])

    def add(self, statement: Statement) -> None:
        """One more statement of the innermost block."""
        self.blocks[-1].append(statement)

    @contextmanager
    def loop(self, extent: DimLike) -> Iterator[DimLike]:
        """A loop; gives the position."""
        name = self.name("m")
        self.blocks.append([])
        yield 0 if extent == 1 else symbol(name, extent)
        body = tuple(self.blocks.pop())
        if extent == 1:  # no loop, and yet what was stored before may be read
            self.add(If(Literal(True, "bool"), body))
        else:
            self.add(For(Symbol(name, extent), body))

    @contextmanager
    def batch(self, *extents: DimLike) -> Iterator[Index]:
        """The loops over the matrices of a batch, which are independent of each other."""
        with self.loops(*(extent for extent in extents if extent != 1)) as found:
            rest = iter(found)
            yield tuple(0 if extent == 1 else next(rest) for extent in extents)

    @contextmanager
    def loops(self, *extents: DimLike) -> Iterator[Index]:
        """Loops directly inside each other."""
        if not extents:
            yield ()
            return
        with self.loop(extents[0]) as first, self.loops(*extents[1:]) as rest:
            yield (first, *rest)

    @contextmanager
    def when(self, condition: Number) -> Iterator[None]:
        """A block that runs where the condition holds."""
        self.blocks.append([])
        yield
        body = tuple(self.blocks.pop())
        self.add(If(condition.value, body))

    def let(self, number: Number) -> Number:
        """The number as it is now, named."""
        name = self.name("t")
        self.add(Let(name, number.value))
        return Number(Local(name, number.dtype))

    def store(self, block: Block, index: Index, number: Number) -> None:
        """One element written, at the end of the block or before its next inner loop."""
        self.add(Store(block.buffer, offset(index, block.sizes), number.value))

    def sum(self, extent: DimLike, term: Callable[[DimLike], Number], start: Number) -> Number:
        """``start + term(0) + term(1) + ...``."""
        return self.combined("add", extent, term, start)

    def combined(self, combine: str, extent: DimLike, term: Callable[[DimLike], Number], start: Number) -> Number:
        """The terms combined with ``start``."""
        name = self.name("s")
        self.add(Declare(name, start.dtype, start.value))
        with self.loop(extent) as k:
            self.add(Accumulate(name, combine, term(k).value))
        return Number(Local(name, start.dtype))

    def greatest(self, extent: DimLike, term: Callable[[DimLike], Number], dtype: str) -> tuple[Number, Number]:
        """The greatest of the terms, and its position; of NaN, which is not passed over here, infinity."""
        name, place = self.name("s"), self.name("p")
        self.add(Declare(name, dtype, Literal(float("-inf"), dtype)))
        self.add(Declare(place, "i64", Literal(0, "i64")))
        with self.loop(extent) as k:
            value = term(k).value
            no_number = Apply("is_nan", (value,), "bool")
            value = Apply("select", (no_number, Literal(float("inf"), dtype), value), dtype)
            self.add(AccumulateAt(name, place, "maximum", value, IndexValue(k, "i64")))
        return Number(Local(name, dtype)), Number(Local(place, "i64"))

    def refuse_where(self, condition: Number, node: Any) -> None:
        """The node fails where the condition holds."""
        errors, code = self.nest.errors(node)
        self.add(Check(condition.value, errors, code))

    def scratch(self, dtype: str, *sizes: DimLike) -> Block:
        """Private memory."""
        elements: DimLike = 1
        for size in sizes:
            elements = elements * size
        buffer = Buffer(self.name("w"), dtype, elements, "scratch")
        self.nest.scratch.append(buffer)
        return Block(buffer, sizes)

    def input(self, tensor: Any, batch: Index) -> Callable[..., Number]:
        """The elements of one matrix of an input."""
        return lambda *index: Number(self.nest.values.at(tensor, (*batch, *index)))

    def output(self, tensor: Any) -> Block:
        """Where the result is written."""
        return Block(self.nest.outputs[tensor], tensor.type.sizes)

    def number(self, value: Any, dtype: str) -> Number:
        """A constant."""
        return Number(literal(value, dtype))

    def position(self, index: DimLike, dtype: str = "i64") -> Number:
        """A position as a number."""
        return Number(IndexValue(index, "i64")).cast(dtype)
