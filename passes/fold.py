"""Computes while compiling what depends on constants alone.

Before::

    a: f32[] = Const(value=2.)
    b: f32[] = Exp(a)
    return b

After::

    b: f32[] = Const(value=7.389056)
    return b
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.dims import Dim
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.reshaping import BroadcastTo
from graphc.passes.rewrite import rewrite
from graphc.records import fields
from graphc.shapes import TensorType

MAX_GROWTH = 1024  # elements, 4 kB of float32: more is kept in the file and in memory for little arithmetic saved


def fold(graph: Graph) -> Graph:
    """Nodes of constants become constants, unless the result is large and larger than what it is made of.

    What has no elements is a constant too.
    """
    return rewrite(graph, _folded) if any(map(_is_known, graph.needed())) else graph


def _is_known(node: Operation) -> bool:
    """Whether a node is all that it takes for more to follow: of constants, or of no elements."""
    if not node.inputs or node.kind.by_identity:
        return False
    if all(isinstance(x.op.kind, Const) for x in node.inputs):
        return True
    return all(x.type.is_exact and 0 in x.type.sizes for x in node.outputs)


def _folded(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
    values = folded_values(node.kind, inputs, [tensor.type for tensor in node.outputs])
    if values is None:
        return None
    graph = inputs[0].graph
    return [graph.add(Const(value), (), like=node).outputs[0] for value in values]


def folded_values(kind: Op, inputs: Sequence[Tensor], types: Sequence[TensorType]) -> list[Any] | None:
    """The outputs of ``kind`` of constants; None where an input is none, or it is better computed in the step."""
    if not inputs or kind.by_identity:
        return None
    if all(_is_empty(type) for type in types):
        return [np.zeros(type.sizes, type.dtype.numpy) for type in types]
    constants = []
    for tensor in inputs:
        if not isinstance(tensor.op.kind, Const):
            return None
        constants.append(tensor.op.kind.value)
    if any(np.any(_denormal(value)) for value in constants):
        return None  # which operations move such numbers, and which compute with zero in their place, the step knows
    if isinstance(kind, BroadcastTo) or _has_symbols(kind):
        return None
    limit = max(MAX_GROWTH, *(value.size for value in constants))
    if not all(_is_within(type, limit) for type in types):
        return None
    try:
        with np.errstate(all="ignore"):  # a step computes infinities and NaN without a word
            results = kind.evaluate(*constants)
    except (errors.OpError, ArithmeticError, np.linalg.LinAlgError):
        return None  # fails when it runs, where the error names the node
    return [_as_in_a_step(np.asarray(value, order="C")) for value in _as_tuple(results)]


def _as_tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _as_in_a_step(value: Any) -> Any:
    """Denormal numbers count as zero in a step."""
    denormal = _denormal(value)
    return np.where(denormal, np.copysign(0, value), value) if np.any(denormal) else value


def _denormal(value: Any) -> Any:
    if value.dtype not in (np.float32, np.float64):
        return False
    return (value != 0) & (np.abs(value) < np.finfo(value.dtype).tiny)


def _has_symbols(kind: Op) -> bool:
    """Whether it depends on a size that is not known yet what the op does, though not the shape that it gives."""
    values = [getattr(kind, name) for name in fields(kind)]
    return any(isinstance(part, Dim) for value in values for part in (value if isinstance(value, tuple) else (value,)))


def _is_empty(type: TensorType) -> bool:
    return type.is_exact and 0 in type.sizes and all(isinstance(size, int) for size in type.sizes)


def _is_within(type: TensorType, limit: int) -> bool:
    elements = type.elements if type.is_exact else None
    return isinstance(elements, int) and elements <= limit
