"""Counts the iterations of loops whose number follows from constants and sizes.

Before::

    n: i32[], i: i32[], x: f32[3] = While(zero, zero, x0)        i < 5: n, i, x = n + 1, i + 1, Tanh(x)
    return n, x

After::

    n: i32[] = Const(value=5)
    _: i32[], i: i32[], x: f32[3] = While(zero, zero, x0, iterations=5)
    return n, x

The adjoint of such a loop then is one too, and memory for what it saves is planned before the step runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.body import Function
from graphc.dims import DimLike, floordiv, is_nonnegative
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.loops import While
from graphc.ops.reshaping import DimValue
from graphc.passes.rewrite import rewrite
from graphc.records import replace
from graphc.scopes import get_default_graph


def count(graph: Graph) -> Graph:
    """The graph in which loops know how often they run, and what they count is known after them."""
    if not any(node.kind.functions() for node in graph.nodes):
        return graph
    return rewrite(graph, _counted)


def _counted(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
    functions = node.kind.functions()
    if not functions:
        return None
    first = node.kind.variables if isinstance(node.kind, While) else 1
    arguments = inputs[1:] if "then" in functions else inputs
    told = {
        name: replace(function, graph=count(_told(function, arguments, first if "body" in functions else 0)))
        for name, function in functions.items()
    }
    kind = replace(node.kind, **told)
    types = tuple(tensor.type for tensor in node.outputs)
    if not isinstance(kind, While):
        return get_default_graph().add(kind, inputs, types, like=node).outputs
    iterations = _iterations(kind, inputs)
    outputs = list(get_default_graph().add(replace(kind, iterations=iterations), inputs, types, like=node).outputs)
    if iterations is not None:
        for n in range(kind.variables):
            growth = _growth(kind, inputs, n)
            if growth is not None:
                outputs[n] = _number(node, growth[0] + iterations * growth[1], outputs[n].dtype)
    return outputs


def _told(function: Function, arguments: Sequence[Tensor], first: int) -> Graph:
    """The function's graph with the arguments that are single numbers, from the ``first`` on, written in."""
    pairs = list(zip(function.parameters, arguments, strict=True))[first:]
    known = {x.op: argument.op.kind for x, argument in pairs if x is not None and _is_number(argument)}
    if not known:
        return function.graph
    return rewrite(function.graph, lambda node, _: _repeated(node, known))


def _repeated(node: Operation, known: dict[Operation, Op]) -> Tensor | None:
    return get_default_graph().add(known[node], (), like=node).outputs[0] if node in known else None


def _is_number(tensor: Tensor) -> bool:
    kind = tensor.op.kind
    return isinstance(kind, DimValue) or (isinstance(kind, Const) and kind.value.shape == ())


def _value(tensor: Tensor) -> DimLike | None:
    """A whole number that is known, or a size."""
    kind = tensor.op.kind
    if isinstance(kind, DimValue):
        return kind.dim
    if isinstance(kind, Const) and kind.value.shape == () and kind.value.dtype.kind in "iu":
        return int(kind.value)
    return None


def _growth(kind: While, inputs: Sequence[Tensor], n: int) -> tuple[DimLike, int] | None:
    """Where a loop variable begins and what is added to it in each iteration; None where that is not known."""
    parameter, following = kind.body.parameters[n], kind.body.targets[n].op
    start = _value(inputs[n])
    if parameter is None or start is None or following.type != "Add" or parameter not in following.inputs:
        return None
    steps = [_value(x) for x in following.inputs if x is not parameter]
    return (start, steps[0]) if len(steps) == 1 and isinstance(steps[0], int) else None


def _iterations(kind: While, inputs: Sequence[Tensor]) -> DimLike | None:
    """How often the body runs, where the condition compares what is counted with a number; None elsewhere."""
    return _until(kind.condition.targets[0].op, kind, inputs)


def most_iterations(kind: While, inputs: Sequence[Tensor]) -> DimLike | None:
    """How often the body runs at most, where all of several conditions must hold and one of them counts."""
    waiting = [kind.condition.targets[0].op]
    while waiting:
        test = waiting.pop()
        found = _until(test, kind, inputs)
        if found is not None:
            return found
        if test.type == "LogicalAnd":
            waiting.extend(x.op for x in test.inputs)
    return None


def _until(test: Operation, kind: While, inputs: Sequence[Tensor]) -> DimLike | None:
    """How often the body runs until a comparison of what is counted with a number is false."""
    if test.type not in ("Less", "LessEqual", "Greater", "GreaterEqual"):
        return None
    variable, limit = test.inputs if test.type.startswith("Less") else reversed(test.inputs)
    parameters = kind.condition.parameters
    if limit in parameters[kind.variables :]:
        limit = inputs[parameters.index(limit)]
    end = _value(limit)
    if variable not in parameters[: kind.variables] or end is None:
        return None
    growth = _growth(kind, inputs, parameters.index(variable))
    if growth is None or growth[1] <= 0:
        return None
    way = end - growth[0] + (1 if test.type.endswith("Equal") else 0)
    if isinstance(way, int):
        way = max(way, 0)
    return floordiv(way + growth[1] - 1, growth[1]) if is_nonnegative(way) else None


def _number(node: Operation, value: DimLike, dtype: DType) -> Tensor:
    kind = Const(np.array(value, dtype.numpy)) if isinstance(value, int) else DimValue(value, dtype)
    return get_default_graph().add(kind, (), like=node).outputs[0]
