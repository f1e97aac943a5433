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

import numpy as np

from graphc import errors
from graphc.graph import Graph, Operation, Tensor
from graphc.ops.base import Const
from graphc.passes.rewrite import rewrite

MAX_GROWTH = 1024  # elements; a broadcast constant is cheaper broadcast where it is used


def fold(graph: Graph) -> Graph:
    """Nodes of constants become constants, unless the result is large and larger than what it is made of."""
    return rewrite(graph, _folded)


def _folded(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
    if not inputs or node.kind.by_identity or not all(isinstance(tensor.op.kind, Const) for tensor in inputs):
        return None
    if not all(_is_small(out, inputs) for out in node.outputs):
        return None
    try:
        results = node.kind.evaluate(*(tensor.op.kind.value for tensor in inputs))
    except (errors.OpError, ArithmeticError):
        return None  # fails when it runs, where the error names the node
    values = results if isinstance(results, tuple) else (results,)
    graph = inputs[0].graph
    return [graph.add(Const(np.asarray(v, order="C")), (), like=node).outputs[0] for v in values]


def _is_small(out: Tensor, inputs: tuple[Tensor, ...]) -> bool:
    elements = out.type.elements
    if not isinstance(elements, int):
        return False
    return elements <= max(MAX_GROWTH, *(tensor.op.kind.value.size for tensor in inputs))
