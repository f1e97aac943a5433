"""Positions at which a condition is true, written one behind the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import (
    Accumulate,
    Apply,
    Check,
    Declare,
    For,
    If,
    IndexValue,
    Let,
    LoadedIndex,
    Local,
    Statement,
    Store,
)
from graphc.codegen.lower.values import Root, literal
from graphc.dims import Symbol, atom, symbol
from graphc.nodes import Op, Operation
from graphc.ops.positions import Positions

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _positions(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every position that is true stored behind those before it, and never more than were counted.

    A feed that another thread changes meanwhile must not make the step write where it has no room.
    """
    (x,) = node.inputs
    length = x.type.sizes[0]
    i = symbol("i", length)
    count = Local("count", "i64")
    before = Let("place", count)  # a store waits, and by then the count is one more
    store = Store(nest.outputs[node.outputs[0]], atom(LoadedIndex(Local("place", "i64"))), IndexValue(i, "i64"))
    has_room = Apply("lt", (count, IndexValue(node.outputs[0].type.sizes[0], "i64")), "bool")
    one_more = Accumulate("count", "add", literal(1, "i64"))
    found = If(nest.values.at(x, (i,)), (before, If(has_room, (store,)), one_more))
    loop = For(Symbol("i", length), nest.with_checks(found))
    return Declare("count", "i64", literal(0, "i64")), loop, *_check_size(nest, node, count)


def _check_size(nest: Nest, node: Operation, count: Local) -> tuple[Statement, ...]:
    """Whether as many were found as the size says, where that is another one than was counted."""
    kind: Positions = node.kind  # type: ignore[assignment]
    if not kind.checked:
        return ()
    errors, code = nest.errors(node)
    size = IndexValue(node.outputs[0].type.sizes[0], "i64")
    return (Check(Apply("ne", (count, size), "bool"), errors, code),)


ROOTS: dict[type[Op], Root] = {Positions: _positions}
