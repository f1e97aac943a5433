"""Putting arrays together: every input is written to its own part of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Statement, Store
from graphc.codegen.lower.values import Index, Root, loops, offset
from graphc.dims import DimLike
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.arrays import ConcatV2

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _concat(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Loops over the axes before that of the concatenation, and in them each part after the other."""
    axis: int = node.kind.axis  # type: ignore[attr-defined]
    out, buffer = node.outputs[0], nest.outputs[node.outputs[0]]

    def parts(outer: Index) -> tuple[Statement, ...]:
        statements: tuple[Statement, ...] = ()
        start: DimLike = 0
        for number, x in enumerate(node.inputs):

            def write(inner: Index, x: Tensor = x, start: DimLike = start) -> tuple[Statement, ...]:
                place = (*outer, inner[0] + start, *inner[1:])
                store = Store(buffer, offset(place, out.type.sizes), nest.values.at(x, (*outer, *inner)))
                return nest.with_checks(store)

            statements += loops(f"p{number}_", x.type.sizes[axis:], write)
            start = start + x.type.sizes[axis]
        return statements

    return loops("i", out.type.sizes[:axis], parts)


ROOTS: dict[type[Op], Root] = {ConcatV2: _concat}
