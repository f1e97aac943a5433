"""Gather reads at a position that is itself read; its adjoint adds at such a position, one row after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Apply, Check, Expression, If, IndexValue, LoadedIndex, Statement, Store
from graphc.codegen.lower.values import Index, Root, Rule, Values, literal, loops, offset
from graphc.dims import DimLike, atom
from graphc.nodes import Op, Operation
from graphc.ops.indexing import CheckLabels, GatherV2, ScatterAdd

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _gather(values: Values, node: Operation, index: Index) -> Expression:
    axis: int = node.kind.axis  # type: ignore[attr-defined]
    x, indices = node.inputs
    inner = axis + len(indices.type.sizes)
    wanted = values.at(indices, index[axis:inner])
    if node.kind.inside:  # type: ignore[attr-defined]
        return values.at(x, (*index[:axis], _position(wanted), *index[inner:]))
    size = IndexValue(x.type.sizes[axis], wanted.dtype)
    zero = literal(0, wanted.dtype)
    values.fail_where(node, index, _outside(wanted, size))
    last = IndexValue(x.type.sizes[axis] - 1, wanted.dtype)
    # Reads stay inside even where the check fails: the step stops only after the kernel.
    safe = Apply("maximum", (Apply("minimum", (wanted, last), wanted.dtype), zero), wanted.dtype)
    return values.at(x, (*index[:axis], _position(safe), *index[inner:]))


def _check_labels(values: Values, node: Operation, index: Index) -> Expression:
    label = values.at(node.inputs[0], index)
    values.fail_where(node, index, _outside(label, values.at(node.inputs[1], ())))
    return label


def _outside(place: Expression, size: Expression) -> Expression:
    """Whether a position is not in ``[0, size)``."""
    below = Apply("lt", (place, literal(0, place.dtype)), "bool")
    return Apply("logical_or", (below, Apply("ge", (place, size), "bool")), "bool")


def _scatter_add(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """Zeros, then every row added where its index says: a negative one nowhere, one that is refused is an error."""
    kind: ScatterAdd = node.kind  # type: ignore[assignment]
    axis = kind.axis
    x, indices = node.inputs[:2]
    out, buffer = node.outputs[0], nest.outputs[node.outputs[0]]
    sizes, inner = out.type.sizes, axis + len(indices.type.sizes)
    fill = loops("p", sizes, lambda index: Store(buffer, offset(index, sizes), literal(0, buffer.dtype)))

    def add_row(middle: Index) -> tuple[Statement, ...]:
        wanted = nest.values.at(indices, middle)
        size = IndexValue(sizes[axis], wanted.dtype)
        refused = _outside(wanted, size) if kind.lookup else Apply("ge", (wanted, size), "bool")
        inside = Apply("logical_and", (
            Apply("ge", (wanted, literal(0, wanted.dtype)), "bool"),
            Apply("lt", (wanted, size), "bool"),
        ), "bool")  # fmt: skip

        errors, code = nest.errors(node)
        checks = nest.with_checks(Check(refused, errors, code))

        def add(around: Index) -> tuple[Statement, ...]:
            place = offset((*around[:axis], _position(wanted), *around[axis:]), sizes)
            value = nest.values.at(x, (*around[:axis], *middle, *around[axis:]))
            return nest.with_checks(Store(buffer, place, value, combine="add"))

        around = (*x.type.sizes[:axis], *x.type.sizes[inner:])
        return (*checks, If(inside, loops("j", around, add)))

    return (*fill, *loops("i", indices.type.sizes, add_row))


def _position(value: Expression) -> DimLike:
    return atom(LoadedIndex(value))


RULES: dict[type[Op], Rule] = {GatherV2: _gather, CheckLabels: _check_labels}
ROOTS: dict[type[Op], Root] = {ScatterAdd: _scatter_add}
