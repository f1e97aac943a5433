"""Walking and rewriting loop IR: what a statement reads and writes, and the same statement with other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Buffer,
    Check,
    Contract,
    Declare,
    Draw,
    Expression,
    For,
    If,
    IndexValue,
    Kernel,
    Least,
    Let,
    Load,
    LoadedIndex,
    Statement,
    Store,
    loaded_indices,
    postorder,
)
from graphc.dims import Atom, DimLike, Symbol, atom, atoms, substitute
from graphc.records import replace

# What is in a statement.


def expressions_of(statement: Statement) -> tuple[Expression, ...]:
    """The values that a statement itself computes, those of its body not included."""
    values = _EXPRESSIONS.get(type(statement))
    return () if values is None else values(statement)


_EXPRESSIONS: dict[type, Callable[[Any], tuple[Expression, ...]]] = {
    **dict.fromkeys((Store, Let, Accumulate), lambda statement: (statement.value,)),
    AccumulateAt: lambda statement: (statement.value, statement.position),
    Declare: lambda statement: (statement.start,),
    **dict.fromkeys((Check, If), lambda statement: (statement.condition,)),
    Draw: lambda statement: (statement.position, *statement.limits, *statement.seeds),
}


def body_of(statement: Statement) -> tuple[Statement, ...]:
    """The statements inside a statement."""
    kind = type(statement)
    if kind is For or kind is If:
        return statement.body  # type: ignore[union-attr]
    return statement.epilogue if kind is Contract else ()  # type: ignore[union-attr]


def statements_below(body: Iterable[Statement]) -> list[Statement]:
    """Every statement of a body and of the bodies inside it, in order."""
    found: list[Statement] = []
    for statement in body:
        found.append(statement)
        if type(statement) in _NESTED:
            found += statements_below(body_of(statement))
    return found


_NESTED = frozenset((For, If, Contract))


def expressions_below(body: Iterable[Statement]) -> Iterator[Expression]:
    """Every expression node below a body, each once, those inside the offsets of stores included."""
    roots: list[Expression] = []
    for statement in statements_below(body):
        roots += expressions_of(statement)
        if type(statement) is Store:
            roots += loaded_indices(statement.offset)
    return postorder(roots)


def loads_below(body: Iterable[Statement]) -> Iterator[Load]:
    """Every load below a body."""
    return (node for node in expressions_below(body) if isinstance(node, Load))


def stored_buffers(body: Iterable[Statement]) -> set[Buffer]:
    """The buffers that a body writes."""
    found = set()
    for statement in statements_below(body):
        if isinstance(statement, Store | Draw):
            found.add(statement.buffer)
        if isinstance(statement, Check):
            found.add(statement.errors)
    return found


def loaded_buffers(body: Iterable[Statement]) -> set[Buffer]:
    """The buffers that a body reads."""
    body = tuple(body)
    found = {load.buffer for load in loads_below(body)}
    for statement in statements_below(body):
        if isinstance(statement, Contract):
            found |= {statement.a, statement.b}
        if isinstance(statement, Store) and statement.combine is not None:
            found.add(statement.buffer)
    return found


def read_buffers(kernel: Kernel) -> set[Buffer]:
    """The buffers that the kernel reads."""
    return loaded_buffers(kernel.body)


def written_buffers(kernel: Kernel) -> set[Buffer]:
    """The buffers that the kernel writes."""
    return stored_buffers(kernel.body)


def index_of(node: Expression) -> DimLike:
    """The offset of a load, the index of an IndexValue, 0 for others."""
    if isinstance(node, Load):
        return node.offset
    return node.index if isinstance(node, IndexValue) else 0


def all_atoms(index: DimLike) -> set[Atom]:
    """The atoms of an offset, those inside minima included; those inside loaded values are not."""
    found = atoms(index)
    for thing in list(found):
        if isinstance(thing, Least):
            found |= all_atoms(thing.left) | all_atoms(thing.right)
    return found


def ends_stores(statement: Statement) -> bool:
    """Whether the stores before a statement are written before it begins; others run before the stores are written."""
    if isinstance(statement, Store):
        return statement.combine is not None
    return isinstance(statement, For | If | Contract)


def lane_loop(loop: For) -> For | None:
    """The vector loop that is all there is in ``loop``, however deep: its lanes are kept from the outermost loop on."""
    if loop.width > 1:
        return loop
    inner = loop.body[0] if len(loop.body) == 1 else None
    return lane_loop(inner) if isinstance(inner, For) and not loop.unrolled else None


def carried_by_lanes(loop: For) -> tuple[Accumulate | AccumulateAt, ...]:
    """What a vector loop accumulates lane by lane."""
    return accumulations(loop.body)


def accumulations(body: tuple[Statement, ...]) -> tuple[Accumulate | AccumulateAt, ...]:
    """The first statement for each accumulator that a body changes but does not declare."""
    inside = {statement.name for statement in statements_below(body) if isinstance(statement, Declare)}
    found: dict[str, Accumulate | AccumulateAt] = {}
    for statement in statements_below(body):
        if isinstance(statement, Accumulate | AccumulateAt) and statement.name not in inside:
            found.setdefault(statement.name, statement)
    return tuple(found.values())


def accumulator_names(change: Accumulate | AccumulateAt) -> tuple[str, ...]:
    """The accumulators that a statement changes."""
    return (change.name,) if isinstance(change, Accumulate) else (change.name, change.place)


def accumulated_names(body: tuple[Statement, ...]) -> tuple[str, ...]:
    """The accumulators that a body changes but does not declare."""
    return tuple(name for change in accumulations(body) for name in accumulator_names(change))


def depends(value: Expression, variable: Symbol) -> bool:
    """Whether a value mentions the loop variable anywhere."""
    return any(variable in all_atoms(index_of(node)) for node in postorder([value]))


# The same statement with other parts.


class Renaming:
    """New positions for loop variables; what is not listed stays as it is."""

    def __init__(self, positions: dict[Symbol, DimLike]):
        self.positions = positions
        self.done: dict[int, Expression] = {}
        self.kept: list[Expression] = []  # keeps the nodes alive whose ids are in ``done``

    def index(self, index: DimLike) -> DimLike:
        return substitute(index, self._atom)

    def place(self, buffer: Buffer, offset: DimLike) -> DimLike:
        """Where in the buffer is read or written what stands at ``offset``."""
        return self.index(offset)

    def value(self, value: Expression) -> Expression:
        for node in postorder([value], self.done):
            self.done[id(node)] = self._node(node)
            self.kept.append(node)
        return self.done[id(value)]

    def _atom(self, thing: Atom) -> DimLike:
        if isinstance(thing, LoadedIndex):
            return atom(LoadedIndex(self.value(thing.value)))
        if isinstance(thing, Least):
            return least(self.index(thing.left), self.index(thing.right))
        return self.positions.get(thing, atom(thing))

    def _node(self, node: Expression) -> Expression:
        if isinstance(node, Apply):
            operands = tuple(self.done[id(operand)] for operand in node.operands)
            return node if _same(operands, node.operands) else Apply(node.op, operands, node.dtype)
        if isinstance(node, Load):
            where = None if node.where is None else self.done[id(node.where)]
            return Load(node.buffer, self.place(node.buffer, node.offset), where)
        if isinstance(node, IndexValue):
            return IndexValue(self.index(node.index), node.dtype)
        return node


def least(left: DimLike, right: DimLike) -> DimLike:
    """The smaller of two sizes, a number where both are numbers."""
    if isinstance(left, int) and isinstance(right, int):
        return min(left, right)
    return atom(Least(left, right))


def rewrite_body(body: tuple[Statement, ...], renaming: Renaming) -> tuple[Statement, ...]:
    """The statements with a renaming applied; a loop variable is replaced where its loop stands as well."""
    return tuple(rewrite(statement, renaming) for statement in body)


def rewrite(statement: Statement, renaming: Renaming) -> Statement:
    """One statement with a renaming applied."""
    if isinstance(statement, For):
        variable = _loop_variable(statement.variable, renaming)
        return replace(statement, variable=variable, body=rewrite_body(statement.body, renaming))
    if isinstance(statement, If):
        return If(renaming.value(statement.condition), rewrite_body(statement.body, renaming))
    if isinstance(statement, Store):
        offset, value = renaming.place(statement.buffer, statement.offset), renaming.value(statement.value)
        return Store(statement.buffer, offset, value, statement.combine)
    if isinstance(statement, Let | Accumulate):
        return replace(statement, value=renaming.value(statement.value))
    if isinstance(statement, Declare):
        return replace(statement, start=renaming.value(statement.start))
    if isinstance(statement, AccumulateAt):
        value, position = renaming.value(statement.value), renaming.value(statement.position)
        return replace(statement, value=value, position=position)
    if isinstance(statement, Check):
        return replace(statement, condition=renaming.value(statement.condition))
    if isinstance(statement, Draw):
        seeds, limits = (tuple(map(renaming.value, values)) for values in (statement.seeds, statement.limits))
        return replace(statement, seeds=seeds, position=renaming.value(statement.position), limits=limits)
    return replace(
        statement,
        coordinates=tuple(_loop_variable(symbol, renaming) for symbol in statement.coordinates),
        epilogue=rewrite_body(statement.epilogue, renaming),
    )


def _loop_variable(variable: Symbol, renaming: Renaming) -> Symbol:
    place = renaming.positions.get(variable)
    if place is None:
        extent = renaming.index(variable.extent or 0)
        if extent == variable.extent:
            return variable
        renaming.positions[variable] = atom(Symbol(variable.name, extent))
        return Symbol(variable.name, extent)
    (found,) = atoms(place)
    assert isinstance(found, Symbol)
    return found


def _same(left: tuple[Expression, ...], right: tuple[Expression, ...]) -> bool:
    return all(a is b for a, b in zip(left, right, strict=True))
