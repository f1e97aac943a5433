"""Slices and pads. A slice is its input at other positions.

A pad reads its input where there is something to read. An input that stands with gaps between its cells, or is
computed for a few cells of the result, is written into a block that was filled before.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from graphc.codegen.loops import Apply, Expression, IndexValue, Literal, Load, Statement, Store
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal, loops, offset
from graphc.codegen.schedule_cost import estimate_size
from graphc.dims import DimLike
from graphc.nodes import Op, Operation
from graphc.ops.blocks import Pad, Slice

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _slice(values: Values, node: Operation, index: Index) -> Expression:
    bounds = node.kind.bounds(())  # type: ignore[attr-defined]
    return values.at(node.inputs[0], tuple(b.first + i * b.stride for b, i in zip(bounds, index, strict=True)))


def _pad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    kind: Pad = node.kind  # type: ignore[assignment]
    computed = node.inputs[0] not in nest.values.buffers
    if any(kind.interior) or (computed and not _is_mostly_inside(node)):
        return _pad_filled(nest, node)
    return _pad_whole(nest, node)


def _is_mostly_inside(node: Operation) -> bool:
    """Whether few cells of a pad lie around its input; sizes that are not known are taken to be so."""
    inner, outer = estimate_size(node.inputs[0].type.elements), estimate_size(node.outputs[0].type.elements)
    return 2 * outer <= 3 * inner


def _pad_whole(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every cell of the result from the input, or the value where that is beyond it: one nest, in any order."""
    kind: Pad = node.kind  # type: ignore[assignment]
    out, buffer = node.outputs[0], nest.outputs[node.outputs[0]]
    x, sizes = node.inputs[0], node.inputs[0].type.sizes

    def write(index: Index) -> tuple[Statement, ...]:
        place = tuple(position - low for position, low in zip(index, kind.low, strict=True))
        bounds = [
            condition
            for axis, position in enumerate(place)
            if (kind.low[axis], kind.high[axis]) != (0, 0)
            for condition in _between(position, sizes[axis])
        ]
        if not bounds:
            return nest.with_checks(Store(buffer, offset(index, out.type.sizes), nest.values.at(x, place)))
        inside = reduce(lambda a, b: Apply("logical_and", (a, b), "bool"), bounds)
        value = nest.values.at_where(x, place, inside)
        if kind.value != 0 or not isinstance(value, Load):  # what is not read is zero
            value = Apply("select", (inside, value, literal(kind.value, buffer.dtype)), buffer.dtype)
        return nest.with_checks(Store(buffer, offset(index, out.type.sizes), value))

    return loops("i", out.type.sizes, write)


def _between(position: DimLike, size: DimLike) -> tuple[Expression, Expression]:
    """``0 <= position`` and ``position < size``."""
    number = IndexValue(position, "i64")
    least, most = Literal(0, "i64"), IndexValue(size, "i64")
    return Apply("ge", (number, least), "bool"), Apply("lt", (number, most), "bool")


def _pad_filled(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The whole result filled with the value, then what is inside of it written over."""
    kind: Pad = node.kind  # type: ignore[assignment]
    out, buffer = node.outputs[0], nest.outputs[node.outputs[0]]
    fill = loops(
        "p",
        out.type.sizes,
        lambda index: Store(buffer, offset(index, out.type.sizes), literal(kind.value, buffer.dtype)),
    )
    x = node.inputs[0]

    def write(index: Index) -> tuple[Statement, ...]:
        place = tuple(low + i * (gap + 1) for low, i, gap in zip(kind.low, index, kind.interior, strict=True))
        return nest.with_checks(Store(buffer, offset(place, out.type.sizes), nest.values.at(x, index)))

    return (*fill, *loops("i", x.type.sizes, write))


RULES: dict[type[Op], Rule] = {Slice: _slice}
ROOTS: dict[type[Op], Root] = {Pad: _pad}
