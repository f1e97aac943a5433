"""Numbers of half size are stored, and computed with in float32.

Before::

    y: f16[64] = Mul(x, x)
    z: f16[64] = Add(y, x)
    return z

After::

    a: f32[64] = Cast(x)
    b: f32[64] = Mul(a, a)
    c: f32[64] = Add(b, a)
    z: f16[64] = Cast(c)
    return z

What comes between is not rounded, as XLA has it too; views, parts and joins of what is stored keep its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import HALVES, DType, float32
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import Const, Placeholder
from graphc.ops.blocks import Slice
from graphc.ops.branches import Undefined
from graphc.ops.copies import Cast, Identity
from graphc.ops.indexing import GatherV2
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import BroadcastTo, ExpandDims, Reshape, Squeeze, Transpose
from graphc.passes.rewrite import rewrite
from graphc.records import fields, replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

_MOVES = (
    *(Const, Placeholder, Undefined, Identity, Barrier, Reshape, ExpandDims, Squeeze, BroadcastTo, Transpose, Slice),
    *(ConcatV2, GatherV2),
)


def widen(graph: Graph) -> Graph:
    """The graph without arithmetic on numbers of half size."""
    if not any(_is_half(tensor) for node in graph.nodes for tensor in node.outputs):
        return graph
    return rewrite(graph, _Widening().rule)


def _is_half(tensor: Tensor) -> bool:
    return tensor.dtype in HALVES


class _Widening:
    def __init__(self) -> None:
        self.wide: dict[Tensor, Tensor] = {}  # what is known in float32 of each tensor of half size

    def rule(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
        if not any(map(_is_half, (*inputs, *node.outputs))) or _only_moves(node):
            return None
        given = tuple(self._widened(x, node) for x in inputs)
        kind: Any = node.kind
        if isinstance(kind, Cast):  # who asks for a conversion wants its rounding
            return given if kind.dtype is given[0].dtype else get_default_graph().add(kind, given, like=node).outputs
        changed = {name: float32 for name in fields(kind) if _is_half_dtype(getattr(kind, name))}
        types = tuple(TensorType(float32, x.type.shape) if _is_half(x) else x.type for x in node.outputs)
        kind = replace(kind, **changed) if changed else kind
        outputs = get_default_graph().add(kind, given, types, like=node).outputs
        return [self._like(wide, old, node) for wide, old in zip(outputs, node.outputs, strict=True)]

    def _widened(self, x: Tensor, node: Operation) -> Tensor:
        if not _is_half(x):
            return x
        if x not in self.wide:
            self.wide[x] = get_default_graph().add(Cast(float32), (x,), like=node).outputs[0]
        return self.wide[x]

    def _like(self, wide: Tensor, old: Tensor, node: Operation) -> Tensor:
        if not _is_half(old):
            return wide
        stored = get_default_graph().add(Cast(old.dtype), (wide,), like=node).outputs[0]
        self.wide[stored] = wide
        return stored


def _is_half_dtype(value: Any) -> bool:
    return isinstance(value, DType) and value in HALVES


def _only_moves(node: Operation) -> bool:
    """Whether the node does nothing with numbers but to place them, or is one whose graphs are looked at themselves."""
    return isinstance(node.kind, _MOVES) or node.type == "VariableV2" or bool(node.kind.functions())
