"""Reductions: an accumulator, and what each position of the reduced axes does to it."""

from __future__ import annotations

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Declare,
    Expression,
    IndexValue,
    Literal,
    Local,
    Statement,
    identity,
)
from graphc.codegen.lower.values import Index, Values
from graphc.nodes import Operation
from graphc.ops.reduction import ArgReduce, Reduce


def is_reduction(node: Operation) -> bool:
    """Whether the node combines elements along axes."""
    return isinstance(node.kind, (Reduce, ArgReduce))


def begin(node: Operation, name: str) -> tuple[Statement, ...]:
    """The accumulators of the node before anything is combined."""
    dtype = node.inputs[0].dtype.short
    start = Declare(name, dtype, Literal(identity(_combine(node), dtype), dtype))
    if isinstance(node.kind, Reduce):
        return (start,)
    return start, Declare(f"{name}_at", "i64", Literal(0, "i64"))


def step(values: Values, node: Operation, name: str, index: Index) -> Statement:
    """What the input at ``index`` adds."""
    value = values.at(node.inputs[0], index)
    if isinstance(node.kind, Reduce):
        return Accumulate(name, _combine(node), value)
    position = IndexValue(index[node.kind.axis], "i64")  # type: ignore[attr-defined]
    return AccumulateAt(name, f"{name}_at", _combine(node), value, position)


def result(node: Operation, name: str) -> Expression:
    """The value when everything is combined."""
    if isinstance(node.kind, Reduce):
        return Local(name, node.outputs[0].dtype.short)
    dtype = node.outputs[0].dtype.short
    place = Local(f"{name}_at", "i64")
    return place if dtype == "i64" else Apply("cast", (place,), dtype)


def _combine(node: Operation) -> str:
    if isinstance(node.kind, Reduce):
        return node.kind.record.combine
    return "maximum" if node.kind.fn == "ArgMax" else "minimum"  # type: ignore[attr-defined]
