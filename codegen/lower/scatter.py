"""Kernels that read, write or combine the parts of an array at coordinates that are read themselves."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from graphc.codegen.loops import Apply, Check, Expression, If, IndexValue, Literal, LoadedIndex, Statement, Store
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal, loops, offset
from graphc.dims import DimLike, atom
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.scatter import COMBINES, CheckCoordinates, GatherNd, Scatter
from graphc.ops.segments import CheckOrder

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _check_coordinates(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every index copied, after a check that it is in its axis."""
    kind: CheckCoordinates = node.kind  # type: ignore[assignment]
    indices, buffer = node.inputs[0], nest.outputs[node.outputs[0]]
    sizes = indices.type.sizes

    def copy(index: Index, limit: DimLike) -> tuple[Statement, ...]:
        wanted = nest.values.at(indices, index)
        errors, code = nest.errors(node)
        beyond = Apply("ge", (wanted, IndexValue(limit, wanted.dtype)), "bool")
        checks = nest.with_checks(Check(beyond if kind.negative else _outside(wanted, limit), errors, code))
        return (*checks, Store(buffer, offset(index, sizes), wanted))

    if not kind.whole:
        return loops("i", sizes, lambda index: copy(index, kind.sizes[0]))
    return loops("i", sizes[:-1], lambda outer: tuple(
        statement for axis, limit in enumerate(kind.sizes) for statement in copy((*outer, axis), limit)
    ))  # fmt: skip


def _check_order(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every element copied, after a check against the one before."""
    kind: CheckOrder = node.kind  # type: ignore[assignment]
    x, buffer = node.inputs[0], nest.outputs[node.outputs[0]]

    def copy(index: Index) -> tuple[Statement, ...]:
        (i,) = index
        is_not_first = Apply("ge", (IndexValue(i, "i64"), Literal(1, "i64")), "bool")
        before = nest.values.at_where(x, (i - 1,), is_not_first)
        value = nest.values.at(x, index)
        falls = Apply("le" if kind.strict else "lt", (value, before), "bool")
        errors, code = nest.errors(node)
        wrong: Expression = Apply("logical_and", (is_not_first, falls), "bool")
        if not kind.strict:  # coordinates that increase have been checked one by one
            below = Apply("lt", (value, literal(0, value.dtype)), "bool")
            wrong = Apply("logical_or", (below, wrong), "bool")
        return (*nest.with_checks(Check(wrong, errors, code)), Store(buffer, i, value))

    return loops("i", x.type.sizes, copy)


def _outside(place: Expression, size: DimLike) -> Expression:
    """Whether a position is not in ``[0, size)``."""
    below = Apply("lt", (place, literal(0, place.dtype)), "bool")
    return Apply("logical_or", (below, Apply("ge", (place, IndexValue(size, place.dtype)), "bool")), "bool")


def _inside(place: Expression, size: DimLike) -> Expression:
    """Whether a position is in ``[0, size)``."""
    above = Apply("ge", (place, literal(0, place.dtype)), "bool")
    return Apply("logical_and", (above, Apply("lt", (place, IndexValue(size, place.dtype)), "bool")), "bool")


def _coordinates(values: Values, indices: Tensor, outer: Index) -> list[Expression]:
    depth: int = indices.type.sizes[-1]  # type: ignore[assignment]
    return [values.at(indices, (*outer, axis)) for axis in range(depth)]


def _gather_nd(values: Values, node: Operation, index: Index) -> Expression:
    x, indices = node.inputs
    outer = len(indices.type.sizes) - 1
    place: list[DimLike] = []
    for axis, wanted in enumerate(_coordinates(values, indices, index[:outer])):
        # Reads stay inside even where a check has failed: the step stops only after its kernel.
        zero, last = literal(0, wanted.dtype), IndexValue(x.type.sizes[axis] - 1, wanted.dtype)
        least = Apply("minimum", (wanted, last), wanted.dtype)
        place.append(atom(LoadedIndex(Apply("maximum", (least, zero), wanted.dtype))))
    return values.at(x, (*place, *index[outer:]))


def _scatter(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Every part stored or combined where its coordinates say; nowhere where those are outside."""
    kind: Scatter = node.kind  # type: ignore[assignment]
    _, indices, rows = node.inputs
    buffer, sizes = nest.outputs[node.outputs[0]], node.outputs[0].type.sizes
    whole_numbers = buffer.dtype[0] in "iu"
    combine = "truncdiv" if kind.how == "div" and whole_numbers else COMBINES[kind.how]

    def part(middle: Index) -> tuple[Statement, ...]:
        places = _coordinates(nest.values, indices, middle)
        at = tuple(atom(LoadedIndex(place)) for place in places)

        def element(around: Index) -> tuple[Statement, ...]:
            value = nest.values.at(rows, (*middle, *around))
            return nest.with_checks(Store(buffer, offset((*at, *around), sizes), value, combine=combine))

        written = loops("j", sizes[len(places) :], element)
        if not places:
            return written
        inside = [_inside(place, size) for place, size in zip(places, sizes, strict=False)]
        return (*nest.with_checks(), If(reduce(lambda a, b: Apply("logical_and", (a, b), "bool"), inside), written))

    return loops("i", indices.type.sizes[:-1], part)


RULES: dict[type[Op], Rule] = {GatherNd: _gather_nd}
ROOTS: dict[type[Op], Root] = {CheckCoordinates: _check_coordinates, CheckOrder: _check_order, Scatter: _scatter}
