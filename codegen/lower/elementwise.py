"""Elementwise ops: the scalar function of the inputs at the same position."""

from __future__ import annotations

from graphc.codegen.loops import Apply, Expression
from graphc.codegen.lower.values import Index, Rule, Values, broadcast_index, literal
from graphc.nodes import Op, Operation
from graphc.ops.assertions import Assert, CheckNumerics
from graphc.ops.base import Const
from graphc.ops.checks import is_negative, is_zero
from graphc.ops.copies import Bitcast, Cast
from graphc.ops.draws import Draw
from graphc.ops.elementwise import Elementwise
from graphc.ops.special import Special

_REFUSED = {is_zero: "eq", is_negative: "lt"}  # how a refused whole number compares with 0


def _elementwise(values: Values, node: Operation, index: Index) -> Expression:
    kind: Elementwise = node.kind  # type: ignore[assignment]
    operands = tuple(values.at(x, broadcast_index(index, x.type.sizes)) for x in node.inputs)
    if kind.refuses is not None and node.inputs[1].dtype.is_integer:
        second = operands[1]
        values.fail_where(node, index, Apply(_REFUSED[kind.refuses[0]], (second, literal(0, second.dtype)), "bool"))
    return Apply(kind.record.scalar, operands, node.outputs[0].dtype.short)


def _cast(values: Values, node: Operation, index: Index) -> Expression:
    return Apply("cast", (values.at(node.inputs[0], index),), node.outputs[0].dtype.short)


def _bitcast(values: Values, node: Operation, index: Index) -> Expression:
    return Apply("bitcast", (values.at(node.inputs[0], index),), node.outputs[0].dtype.short)


def _constant(values: Values, node: Operation, index: Index) -> Expression:
    kind: Const = node.kind  # type: ignore[assignment]
    return literal(kind.value.reshape(-1)[0], node.outputs[0].dtype.short)


def _assert(values: Values, node: Operation, index: Index) -> Expression:
    holds = values.at(node.inputs[0], index)
    values.fail_where(node, index, Apply("logical_not", (holds,), "bool"))
    return holds


def _check_numerics(values: Values, node: Operation, index: Index) -> Expression:
    x = values.at(node.inputs[0], index)
    values.fail_where(node, index, Apply("logical_not", (Apply("is_finite", (x,), "bool"),), "bool"))
    return x


RULES: dict[type[Op], Rule] = {
    Elementwise: _elementwise,
    Special: _elementwise,
    Draw: _elementwise,
    Cast: _cast,
    Bitcast: _bitcast,
    Const: _constant,
    Assert: _assert,
    CheckNumerics: _check_numerics,
}
