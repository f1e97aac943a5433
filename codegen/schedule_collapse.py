"""Loops that walk memory like one longer loop become one, those that walk in pieces two; single turns disappear."""

from __future__ import annotations

from graphc.codegen.loops import For, If, Load, Statement, Store
from graphc.codegen.schedule_cost import walks_as_one
from graphc.codegen.traverse import (
    Renaming,
    all_atoms,
    expressions_below,
    index_of,
    rewrite_body,
    statements_below,
)
from graphc.dims import FloorDiv, Symbol, atom, atoms
from graphc.records import replace

SHORTEST = 8  # turns; shorter loops are no better than gathering


def drop_single(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """A loop that runs once is its body::

    for i < 1:          ->      y[j] = x[j]
      y[i*n+j] = x[i*n+j]
    """
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            inner = drop_single(statement.body)
            if statement.extent == 1:
                result += rewrite_body(inner, Renaming({statement.variable: 0}))
            else:
                result.append(replace(statement, body=inner))
        elif isinstance(statement, If):
            result.append(replace(statement, body=drop_single(statement.body)))
        else:
            result.append(statement)
    return tuple(result)


def collapse(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Two loops, one directly in the other, whose variables appear only as ``i * 10 + j``, become one::

    for i < n:          ->      for j < n*10:
      for j < 10:                 y[j] = x[j]
        y[i*10+j] = x[i*10+j]
    """
    return tuple(_collapse(statement) for statement in body)


def _collapse(statement: Statement) -> Statement:
    if isinstance(statement, If):
        return replace(statement, body=collapse(statement.body))
    if not isinstance(statement, For):
        return statement
    outer = replace(statement, body=collapse(statement.body))
    inner = outer.body[0]
    while isinstance(inner, For) and len(outer.body) == 1 and _mergeable(outer, inner):
        outer = _merged(outer, inner)
        inner = outer.body[0]
    return outer


def _mergeable(outer: For, inner: For) -> bool:
    i, j = outer.variable, inner.variable
    if i in all_atoms(inner.extent):
        return False
    for statement in statements_below(inner.body):
        if isinstance(statement, For) and {i, j} & all_atoms(statement.extent):
            return False
        if isinstance(statement, Store) and not walks_as_one(statement.offset, i, j):
            return False
    return all(walks_as_one(index_of(node), i, j) for node in expressions_below(inner.body))


def _merged(outer: For, inner: For) -> For:
    both = Symbol(inner.variable.name, outer.extent * inner.extent)
    renaming = Renaming({outer.variable: 0, inner.variable: atom(both)})
    return For(both, rewrite_body(inner.body, renaming))


def take_apart(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """A loop whose variable is divided, as in what reads a transpose through a reshape, becomes two::

    for i < 128:                     for i_whole < 4:
      y[i] = x[96*(i//32)+i]    ->     for i < 32:
                                         y[32*i_whole+i] = x[128*i_whole+i]
    """
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, If):
            statement = replace(statement, body=take_apart(statement.body))
        elif isinstance(statement, For):
            piece = _piece(statement)
            statement = statement if piece is None else _taken_apart(statement, piece)
            statement = replace(statement, body=take_apart(statement.body))
        result.append(statement)
    return tuple(result)


def _piece(loop: For) -> int | None:
    """The least number by which the loop's variable is divided where memory is reached, if all of it is such pieces."""
    found: set[int] = set()
    for statement in statements_below(loop.body):
        if isinstance(statement, For) and loop.variable in all_atoms(statement.extent):
            return None
    offsets = [statement.offset for statement in statements_below(loop.body) if isinstance(statement, Store)]
    offsets += [node.offset for node in expressions_below(loop.body) if isinstance(node, Load)]
    for place in offsets:
        for thing in atoms(place):
            if isinstance(thing, FloorDiv) and thing.numerator == atom(loop.variable) and thing.denominator != 1:
                if not isinstance(thing.denominator, int):
                    return None
                found.add(thing.denominator)
    least = min(found, default=0)
    if least < SHORTEST or not isinstance(loop.extent, int) or loop.extent % least or loop.extent == least:
        return None
    return least


def _taken_apart(loop: For, piece: int) -> For:
    assert isinstance(loop.extent, int)
    whole = Symbol(f"{loop.variable.name}_whole", loop.extent // piece)
    part = Symbol(loop.variable.name, piece)
    renaming = Renaming({loop.variable: atom(whole) * piece + atom(part)})
    return For(whole, (For(part, rewrite_body(loop.body, renaming)),))
