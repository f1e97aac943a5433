"""Slices and pads. A slice is its input at other positions; a pad is filled first, then written inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Expression, For, Statement, Store
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal, offset
from graphc.dims import Symbol, symbol
from graphc.nodes import Op, Operation
from graphc.ops.blocks import Pad, Slice

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _slice(values: Values, node: Operation, index: Index) -> Expression:
    bounds = node.kind.bounds(())  # type: ignore[attr-defined]
    return values.at(node.inputs[0], tuple(b.first + i * b.stride for b, i in zip(bounds, index, strict=True)))


def _pad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The whole result filled with the value, then what is inside of it written over."""
    kind: Pad = node.kind  # type: ignore[assignment]
    out, buffer = node.outputs[0], nest.outputs[node.outputs[0]]
    fill = loops(
        "p",
        out.type.sizes,
        lambda index: Store(buffer, offset(index, out.type.sizes), literal(kind.value, buffer.dtype)),
    )
    x = node.inputs[0]

    def write(index: Index) -> Store:
        place = tuple(low + i * (gap + 1) for low, i, gap in zip(kind.low, index, kind.interior, strict=True))
        return Store(buffer, offset(place, out.type.sizes), nest.values.at(x, index))

    return (*fill, *loops("i", x.type.sizes, write))


def loops(prefix: str, sizes: Index, body: object) -> tuple[Statement, ...]:
    """One loop for each size other than 1, around the statement that ``body`` gives for the position."""
    variables = [Symbol(f"{prefix}{axis}", size) for axis, size in enumerate(sizes)]
    index = tuple(0 if size == 1 else symbol(v.name, size) for v, size in zip(variables, sizes, strict=True))
    made = body(index)  # type: ignore[operator]
    statements: tuple[Statement, ...] = made if isinstance(made, tuple) else (made,)
    for variable in reversed(variables):
        if variable.extent != 1:
            statements = (For(variable, statements),)
    return statements


RULES: dict[type[Op], Rule] = {Slice: _slice}
ROOTS: dict[type[Op], Root] = {Pad: _pad}
