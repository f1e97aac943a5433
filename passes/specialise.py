"""Writes exact sizes into the graph: each an int, or a symbol where one program serves every size.

Before, with the input ``x`` known to be ``f32[n,784]``::

    x: f32[?,784] = Placeholder()
    s: i32[2] = Shape(x)
    y: f32[?,784] = Reshape(x, s)

After::

    x: f32[n,784] = Placeholder()
    y: f32[n,784] = Reshape(x, shape=[n,784])

Type rules are run again on exact types; whole-number values that follow from shapes become constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.dims import Dim
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.branches import If
from graphc.ops.loops import While
from graphc.ops.reshaping import DimValue
from graphc.ops.shape_values import DependsOnData, compute
from graphc.passes.rewrite import rewrite
from graphc.passes.specialise_bodies import exact_if, exact_while
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType


def specialise(
    graph: Graph,
    types: Mapping[str, TensorType],
    fixed: Mapping[str, Any] | None = None,
    symbolic: Mapping[str, Any] | None = None,
) -> Graph:
    """The graph for inputs of exact ``types``, given by node name; ``InvalidArgumentError`` where they do not fit.

    An input whose name is in ``fixed`` becomes the constant that stands there: shapes may follow from it. They may
    also follow from the sizes, symbols among them, that an input in ``symbolic`` has as values.
    """
    fixed, symbolic = fixed or {}, symbolic or {}
    values: dict[Tensor, Any] = {}

    def exact(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        if node.name in fixed:
            constant = get_default_graph().add(Const(fixed[node.name]), (), like=node).outputs[0]
            values[constant] = compute(constant, (), ())
            return (constant,)
        if node.name in types and not node.inputs:
            outputs = get_default_graph().add(node.kind, (), (types[node.name],), like=node).outputs
            if node.name in symbolic:
                values[outputs[0]] = symbolic[node.name]
            return outputs
        if isinstance(node.kind, (If, While)):
            exact_node = exact_if if isinstance(node.kind, If) else exact_while
            return exact_node(node, inputs, [values.get(tensor) for tensor in inputs], specialise)
        result = _exact_node(node, inputs, [values.get(tensor) for tensor in inputs])
        if len(result) == 1:
            known = compute(node.outputs[0], [x.type for x in inputs], [values.get(x) for x in inputs])
            if known is not None:
                result = (_known(node, result[0], known),)
                values[result[0]] = known
        return result

    return rewrite(graph, exact)


def _exact_node(node: Operation, inputs: tuple[Tensor, ...], values: Sequence[Any]) -> Sequence[Tensor]:
    try:
        special = getattr(node.kind, "specialise", None)
        result = special(inputs, values) if special else None
        if result is not None:
            return (result,) if isinstance(result, Tensor) else result
        return get_default_graph().add(node.kind, inputs, like=node).outputs
    except (ValueError, TypeError) as error:
        cause = error if isinstance(error, DependsOnData) else None  # the session may know the values
        raise errors.InvalidArgumentError(node, node, f"{node.describe()}: {error}") from cause


def _known(node: Operation, tensor: Tensor, value: Any) -> Tensor:
    """A constant in place of ``tensor`` where its value holds no symbol; a single size that does by its name."""
    if isinstance(tensor.op.kind, (Const, DimValue)):
        return tensor
    if any(isinstance(item, Dim) for item in value.reshape(-1)):
        return (
            tensor if value.ndim else tensor.graph.add(DimValue(value.item(), tensor.dtype), (), like=node).outputs[0]
        )
    array = np.array(value.tolist(), tensor.dtype.numpy).reshape(value.shape)
    return tensor.graph.add(Const(array), (), like=node).outputs[0]
