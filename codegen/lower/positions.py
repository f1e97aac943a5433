"""Positions at which a condition is true, written one behind the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import (
    Accumulate,
    Apply,
    Declare,
    Expression,
    For,
    If,
    IndexValue,
    Let,
    LoadedIndex,
    Local,
    Statement,
    Store,
)
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal
from graphc.dims import Symbol, atom, symbol
from graphc.nodes import Op, Operation
from graphc.ops.measured import CheckSize
from graphc.ops.positions import Positions

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _positions(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every position stored where the next that is true belongs, and never more than were counted.

    What is stored for one that is not true is written over: that costs less than a branch that is hard to foresee.

    A feed that another thread changes meanwhile must not make the step write where it has no room.
    """
    x = node.inputs[0]
    length = x.type.sizes[0]
    i = symbol("i", length)
    count = Local("count", "i64")
    before = Let("place", count)  # a store waits, and by then the count is one more
    store = Store(nest.outputs[node.outputs[0]], atom(LoadedIndex(Local("place", "i64"))), IndexValue(i, "i64"))
    has_room = Apply("lt", (count, IndexValue(node.outputs[0].type.sizes[0], "i64")), "bool")
    one_more = Accumulate("count", "add", Apply("cast", (nest.values.at(x, (i,)),), "i64"))
    found = (before, If(has_room, (store,)), one_more)
    return Declare("count", "i64", literal(0, "i64")), For(Symbol("i", length), nest.with_checks(*found))


def _check_size(values: Values, node: Operation, index: Index) -> Expression:
    """A size, and an error where it is another than the one that is wanted."""
    wanted = node.kind.wanted  # type: ignore[attr-defined]
    size = values.at(node.inputs[0], index)
    if wanted is None:
        values.fail_where(node, index, Apply("lt", (size, literal(0, size.dtype)), "bool"))
    else:
        values.fail_where(node, index, Apply("ne", (size, IndexValue(wanted, size.dtype)), "bool"))
    return size


RULES: dict[type[Op], Rule] = {CheckSize: _check_size}
ROOTS: dict[type[Op], Root] = {Positions: _positions}
