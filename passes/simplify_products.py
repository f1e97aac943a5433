"""Scalings leave the operands of products: after a product they cost nothing, and the operand needs no copy.

Before::

    c: f32[] = Const(value=0.5)
    a: f32[4,5] = Mul(x, c)
    y: f32[4,3] = MatMul(a, w)
    return y

After::

    y: f32[4,3] = MatMul(x, w)
    y_1: f32[] = Const(value=0.5)
    y_2: f32[4,3] = Mul(y, y_1)
    return y_2

A product of scaled numbers and a scaled product round differently, in the last bit.
"""

from __future__ import annotations

from typing import Any

from graphc.nodes import Tensor
from graphc.ops.contraction import BatchMatMul, MatMul
from graphc.ops.reshaping import ExpandDims, Reshape, Squeeze, Transpose
from graphc.passes.kinds import is_pointwise
from graphc.passes.simplify_site import Key, Rule, Site, number_of

_VIEWS = (Transpose, Reshape, ExpandDims, Squeeze)


def scaled_operand(at: Site, a: Tensor, b: Tensor) -> Tensor | None:
    """``(a * c) @ b -> (a @ b) * c`` and ``a @ (b * c) -> (a @ b) * c`` for a number c, also behind views"""
    left, right = _scale_of(a), _scale_of(b)
    if left is not None:
        return at.fn("Mul", at.make(at.kind, _unscaled(at, a), b), at.constant(left, a.dtype))
    if right is not None:
        return at.fn("Mul", at.make(at.kind, a, _unscaled(at, b)), at.constant(right, a.dtype))
    return None


def _scale_of(x: Tensor) -> Any:
    """The number by which what is behind views is multiplied; None where it is computed element by element anyway."""
    while isinstance(x.op.kind, _VIEWS):
        x = x.op.inputs[0]
    if not x.dtype.is_floating or not x.op.inputs or is_pointwise(x.op.inputs[0].op):
        return None
    if x.op.type == "Neg":
        return -1
    return number_of(x.op.inputs[1]) if x.op.type == "Mul" else None


def _unscaled(at: Site, x: Tensor) -> Tensor:
    """The same views of what is not multiplied."""
    if isinstance(x.op.kind, _VIEWS):
        return at.make(x.op.kind, _unscaled(at, x.op.inputs[0]))
    return x.op.inputs[0]


PRODUCTS: dict[Key, tuple[Rule, ...]] = {MatMul: (scaled_operand,), BatchMatMul: (scaled_operand,)}
