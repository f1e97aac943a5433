"""Loop IR: a kernel as loops over flat buffers, in a page of records.

A buffer is addressed by one element offset, a polynomial over loop variables and size symbols
(:mod:`graphc.dims`). Lowering writes the plainest loops, scheduling marks and reorders them, the emitter
translates them; :mod:`graphc.codegen.interpret` says what each of them means.

Two buffers of one kernel may be the same memory only in place: what an iteration overwrites, only that iteration
reads, in the same body. Therefore stores wait: all values of a body up to its next inner loop are computed before the
first of its stores is written.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from graphc.codegen.digest import short_digest
from graphc.dims import DimLike, Symbol, atoms, ceildiv
from graphc.records import record

if TYPE_CHECKING:
    from graphc.codegen.kernels.contraction import Contraction

FILL = "graphc_fill_"  # what the names of functions begin with that draw random numbers

ITEM_BYTES = {
    "bool": 1,
    "u8": 1,
    "i8": 1,
    "u16": 2,
    "i16": 2,
    "f16": 2,
    "bf16": 2,
    "i32": 4,
    "u32": 4,
    "f32": 4,
    "i64": 8,
    "u64": 8,
    "f64": 8,
}


@record
class Buffer:
    """A flat block of ``size`` elements: an ``argument`` of the kernel, or ``scratch`` private to the thread."""

    name: str
    dtype: str
    size: DimLike
    kind: str = "argument"

    def __str__(self) -> str:
        return f"{self.dtype} {self.name}[{self.size}]"


# Expressions are compared by identity: they are graphs with much sharing, and equal values meet in the emitter anyway.


@record(eq=False)
class Load:
    """The element at ``offset``; where ``where`` is false nothing is read and the value is zero."""

    buffer: Buffer
    offset: DimLike
    where: Expression | None = None

    @property
    def dtype(self) -> str:
        return self.buffer.dtype

    @cached_property
    def operands(self) -> tuple[Expression, ...]:
        return (*loaded_indices(self.offset), *(() if self.where is None else (self.where,)))


@record(eq=False)
class Literal:
    """A constant."""

    value: float | int | bool
    dtype: str
    operands: ClassVar[tuple[Expression, ...]] = ()


@record(eq=False)
class Apply:
    """A row of the scalar table applied to values; ``dtype`` is that of the result."""

    op: str
    operands: tuple[Expression, ...]
    dtype: str


@record(eq=False)
class IndexValue:
    """A position or size as a number."""

    index: DimLike
    dtype: str

    @cached_property
    def operands(self) -> tuple[Expression, ...]:
        return loaded_indices(self.index)


@record(eq=False)
class Local:
    """A value named by a ``Let``, an accumulator named by a ``Declare``, or the result of a ``Contract``."""

    name: str
    dtype: str
    operands: ClassVar[tuple[Expression, ...]] = ()


Expression = Load | Literal | Apply | IndexValue | Local


@record(eq=False)
class LoadedIndex:
    """An integer value used as a position: an atom of offsets, as in a gather."""

    value: Expression

    @cached_property
    def text(self) -> str:
        return inline_text(self.value)

    def __str__(self) -> str:
        return f"<{self.text}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadedIndex) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@record
class Least:
    """The smaller of two sizes: an atom of loop extents, for the last of several equal pieces."""

    left: DimLike
    right: DimLike

    def __str__(self) -> str:
        return f"min({self.left}, {self.right})"


# Statements.


@record
class For:
    """``variable`` runs from 0 to its extent.

    ``width`` > 1: that many neighbouring iterations run in step as the lanes of a vector, the last ones under a mask,
    where there is a ``rest`` by so many at a time.
    An accumulator from outside is then kept per lane and the lanes are combined after the loop, halves onto halves.
    ``grain``: tasks of so many iterations may run on different threads. ``unrolled``: written out, no loop remains.
    ``turned``: this loop and the one in it are those of a transpose, done by squares in registers.
    """

    variable: Symbol
    body: tuple[Statement, ...]
    width: int = 1
    grain: int | None = None
    unrolled: bool = False
    rest: int = 0
    turned: bool = False

    @property
    def extent(self) -> DimLike:
        assert self.variable.extent is not None, f"loop variable {self.variable} has no extent"
        return self.variable.extent


@record
class Store:
    """Write one element; with ``combine``, combine it with what is there, iterations in their order."""

    buffer: Buffer
    offset: DimLike
    value: Expression
    combine: str | None = None


@record
class Let:
    """Name a value for the rest of the body."""

    name: str
    value: Expression


@record
class Declare:
    """Begin an accumulator, for the rest of the body."""

    name: str
    dtype: str
    start: Expression


@record
class Accumulate:
    """``name = combine(name, value)``; ``combine`` is one of those of :func:`identity`."""

    name: str
    combine: str
    value: Expression


@record
class AccumulateAt:
    """Keep the best ``value`` in ``name`` and where it was in ``place``: of the first of equals; NaN is passed over.

    ``combine`` is ``maximum`` or ``minimum``; the accumulators begin with its identity and position 0.
    """

    name: str
    place: str
    combine: str
    value: Expression
    position: Expression


@record
class Contract:
    """A contraction of ``a`` and ``b``; for each element, ``epilogue`` runs with its value as Local ``result``.

    ``coordinates`` are the loop variables of the result's axes: batch axes, then row axes, then column or paired axes.
    ``phase``: the other contractions of the kernel write other elements of the same buffers.
    """

    spec: Contraction
    a: Buffer
    b: Buffer
    coordinates: tuple[Symbol, ...]
    result: str
    epilogue: tuple[Statement, ...]
    tasks: DimLike = 1  # Scheduling sets it, since it depends on the target.
    phase: bool = False


@record
class Draw:
    """Fill ``buffer`` with random numbers: those of ``sampler`` in :mod:`graphc.philox` for the stream of two seeds.

    ``position`` says where in the stream to begin; ``limits`` are the range of whole numbers. Seeds are data: without
    one given, they differ from process to process, and the code need not.
    ``grain``: tasks of so many elements may run on different threads.
    """

    buffer: Buffer
    sampler: str
    seeds: tuple[Expression, Expression]
    position: Expression
    limits: tuple[Expression, ...] = ()
    grain: int | None = None

    @property
    def function(self) -> str:
        """The function that fills a range: one for all seeds and sizes."""
        return f"{FILL}{self.sampler}_{self.buffer.dtype}"


@record
class Check:
    """Where ``condition`` is true, put ``code`` in the one element of ``errors`` unless an error is there already."""

    condition: Expression
    errors: Buffer
    code: int


@record
class If:
    """Run the body when ``condition``, the same for every lane, is true."""

    condition: Expression
    body: tuple[Statement, ...]


Statement = For | Store | Let | Declare | Accumulate | AccumulateAt | Contract | Draw | Check | If


@record
class Kernel:
    """Statements one after the other, over ``arguments`` in the order in which a caller passes them.

    Where every statement of the body offers tasks (a ``For`` or ``Draw`` with a grain, a ``Contract``), the statements
    are independent of each other and tasks are numbered through all of them; else the kernel is one task.
    """

    name: str
    arguments: tuple[Buffer, ...]
    body: tuple[Statement, ...]
    scratch: tuple[Buffer, ...] = ()

    @property
    def tasks(self) -> DimLike:
        counts = [statement_tasks(statement) for statement in self.body]
        if not counts or any(count is None for count in counts):
            return 1
        return sum((count for count in counts if count is not None), 0)

    @cached_property
    def notes(self) -> dict[Any, Any]:
        """What was found out about the kernel, and need not be found out again."""
        return {}

    @cached_property
    def text(self) -> str:
        """The whole kernel in lines; kernels of one text are the same code."""
        from graphc.codegen.text import kernel_text  # the printer reads this file's classes

        return kernel_text(self)

    def __str__(self) -> str:
        return self.text


def statement_tasks(statement: Statement) -> DimLike | None:
    """How many tasks a statement at the top of a kernel can be cut into; None where it cannot be cut."""
    if isinstance(statement, For) and statement.grain is not None:
        return ceildiv(statement.extent, statement.grain)
    if isinstance(statement, Draw) and statement.grain is not None:
        return ceildiv(statement.buffer.size, statement.grain)
    return statement.tasks if isinstance(statement, Contract) else None


def identity(combine: str, dtype: str) -> float | int | bool:
    """The number e with ``combine(e, x) == x`` for every x of this dtype."""
    lowest, highest = _range(dtype)
    kind: Any = {"b": bool, "f": float}.get(dtype[0], int)
    return {
        "add": kind(0),
        "mul": kind(1),
        "maximum": lowest,
        "minimum": highest,
        "logical_and": kind(1),
        "logical_or": kind(0),
    }[combine]


def _range(dtype: str) -> tuple[Any, Any]:
    if dtype == "bool":
        return False, True
    if dtype[0] == "f":
        return float("-inf"), float("inf")
    bits = 8 * ITEM_BYTES[dtype]
    return (0, 2**bits - 1) if dtype[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def loaded_indices(index: DimLike) -> tuple[Expression, ...]:
    """The values that an offset depends on, in the order of their text."""
    if isinstance(index, int):
        return ()
    found = [thing for thing in atoms(index) if isinstance(thing, LoadedIndex)]
    return tuple(thing.value for thing in sorted(found, key=str))


def postorder(roots: Iterable[Expression], known: Container[int] = ()) -> Iterator[Expression]:
    """Every expression below ``roots`` once, operands first; without recursion, since chains may be long.

    What lies below a node whose id is ``known`` is left out, and so is the node.
    """
    done: set[int] = set()
    stack: list[Any] = list(roots)[::-1]  # nodes to visit, and in tuples those whose operands have been
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            yield node[0]
        elif id(node) not in done and id(node) not in known:
            done.add(id(node))
            operands = node.operands
            if operands:
                stack.append((node,))
                stack += operands[::-1]
            else:
                yield node


def inline_text(value: Expression) -> str:
    """The expression on one line; a part that is long appears as a digest of its text."""
    texts: dict[int, str] = {}
    for node in postorder([value]):
        text = node_text(node, [texts[id(operand)] for operand in node.operands])
        texts[id(node)] = text if len(text) <= 80 else "#" + short_digest(text)
    return texts[id(value)]


def node_text(node: Expression, operands: list[str]) -> str:
    """One expression node, given the texts of its operands."""
    if isinstance(node, Load):
        guard = "" if node.where is None else f" where {operands[-1]}"
        return f"{node.buffer.name}[{node.offset}{guard}]"
    if isinstance(node, Literal):
        return f"{node.dtype} {node.value!r}"
    if isinstance(node, IndexValue):
        return f"{node.dtype}({node.index})"
    if isinstance(node, Local):
        return node.name
    name = f"{node.op}.{node.dtype}" if node.op in ("cast", "bitcast") else node.op
    return f"{name}({', '.join(operands)})"
