"""Values that follow from positions, and running sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Accumulate, Apply, Declare, Expression, For, IndexValue, Local, Statement, Store
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal, loops, offset
from graphc.dims import DimLike, Symbol, symbol
from graphc.nodes import Op, Operation
from graphc.ops.sequences import Cumsum, Iota

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _iota(values: Values, node: Operation, index: Index) -> Expression:
    dtype = node.outputs[0].dtype.short
    position = IndexValue(index[0], dtype if dtype in ("i32", "i64") else "i64")
    return position if position.dtype == dtype else Apply("cast", (position,), dtype)


def _cumsum(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """For every line along the axis, a running sum stored before or after each element is added."""
    kind: Cumsum = node.kind  # type: ignore[assignment]
    x, buffer = node.inputs[0], nest.outputs[node.outputs[0]]
    sizes, dtype = x.type.sizes, x.dtype.short
    length = sizes[kind.axis]
    step = Symbol("k", length)

    def line(around: Index) -> tuple[Statement, ...]:
        k: DimLike = symbol("k", length)
        at = length - 1 - k if kind.reverse else k
        index = (*around[: kind.axis], at, *around[kind.axis :])
        add = Accumulate("total", "add", nest.values.at(x, index))
        store = Store(buffer, offset(index, sizes), Local("total", dtype))
        body = (store, add) if kind.exclusive else (add, store)
        return Declare("total", dtype, literal(0, dtype)), For(step, nest.with_checks(*body))

    return loops("i", (*sizes[: kind.axis], *sizes[kind.axis + 1 :]), line)


RULES: dict[type[Op], Rule] = {Iota: _iota}
ROOTS: dict[type[Op], Root] = {Cumsum: _cumsum}
