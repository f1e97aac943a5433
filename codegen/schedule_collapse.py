"""Loops that walk memory like one longer loop become one; loops that run once disappear."""

from __future__ import annotations

from graphc.codegen.loops import For, If, Statement, Store
from graphc.codegen.schedule_cost import walks_as_one
from graphc.codegen.traverse import (
    Renaming,
    all_atoms,
    expressions_below,
    index_of,
    rewrite_body,
    statements_below,
)
from graphc.dims import Symbol, atom
from graphc.records import replace


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
                result += rewrite_body(inner, Renaming({}, {statement.variable: 0}, {}))
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
    renaming = Renaming({}, {outer.variable: 0, inner.variable: atom(both)}, {})
    return For(both, rewrite_body(inner.body, renaming))
