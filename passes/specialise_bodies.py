"""Exact types inside of branches and loops.

What is known of a value outside, its sizes or that it is a constant, is known inside. Loop variables must keep their
shape; where the shape of one is not known before the loop, the first iteration tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import errors
from graphc.body import Function
from graphc.dims import Dim
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.branches import If, Undefined
from graphc.ops.loops import While
from graphc.ops.measured import assumption
from graphc.ops.shape_values import DependsOnData, inputs_behind_sizes, sources_of_sizes
from graphc.records import replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

Specialise = Callable[[Graph, Mapping[str, TensorType], Mapping[str, Any], Mapping[str, Any]], Graph]


def exact_if(
    node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise
) -> Sequence[Tensor]:
    """The node with exact branches."""
    kind: If = node.kind  # type: ignore[assignment]
    types = [tensor.type for tensor in inputs[1:]]
    with _from_outside(node, 1):
        then, orelse = (
            _exact_function(branch, types, inputs[1:], values[1:], specialise) for branch in (kind.then, kind.orelse)
        )
    pairs = list(zip(then.targets, orelse.targets, strict=True))
    for a, b in pairs:
        if a.type != b.type and "Undefined" not in (a.op.type, b.op.type):
            _check_measured(a.type, b.type)
            message = f"its branches give {a.type} and {b.type}; one program needs the same shape of both"
            raise errors.InvalidArgumentError(node, node, f"{node.describe()}: {message}")
    _define_types(then, [b for _, b in pairs])
    _define_types(orelse, [a for a, _ in pairs])
    return get_default_graph().add(replace(kind, then=then, orelse=orelse), inputs, like=node).outputs


def _define_types(function: Function, others: Sequence[Tensor]) -> None:
    """What is not defined in one branch has the type that it has in the other."""
    function.graph.targets = tuple(
        function.graph.add(Undefined(other.dtype, other.type.shape), (), (other.type,), like=target.op).outputs[0]
        if target.op.type == "Undefined" else target
        for target, other in zip(function.targets, others, strict=True)
    )  # fmt: skip


def exact_while(
    node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise
) -> Sequence[Tensor]:
    """The node with an exact body."""
    kind: While = node.kind  # type: ignore[assignment]
    count, replayed = kind.variables, len(inputs) - kind.replays
    starts = list(inputs)
    known = [None] * count + list(values[count:])
    with _from_outside(node, 0):
        while True:
            types = [tensor.type for tensor in starts]
            types[replayed:] = [tensor.dtype.element for tensor in starts[replayed:]]  # type: ignore[attr-defined]
            body = _exact_function(kind.body, types, starts, known, specialise)
            wrong = [n for n in range(count) if body.targets[n].type != types[n]]
            if not wrong:
                break
            for n in wrong:
                starts[n] = _learnt(node, n, starts[n], body.targets[n].type)
        condition = _exact_function(kind.condition, types, starts, known, specialise)
    return get_default_graph().add(replace(kind, condition=condition, body=body), starts, like=node).outputs


def _learnt(node: Operation, number: int, start: Tensor, type: TensorType) -> Tensor:
    """The start of a loop variable whose shape was not known, in the shape that it has after an iteration."""
    if start.type.is_exact:
        _check_measured(start.type, type)
        before = node.inputs[number].name
        message = (
            f"loop variable '{before}' begins as {start.type} and is {type} after an iteration; one program needs a "
            "shape that stays"
        )
        raise errors.InvalidArgumentError(node, node, f"{node.describe()}: {message}")
    retyped = getattr(start.op.kind, "retyped", None)
    graph = get_default_graph()
    if retyped is not None:
        return retyped(start, type)
    # A parameter whose own loop will learn its shape: this attempt only tells it.
    return graph.add(Undefined(type.dtype, type.shape), (), (type,), like=start.op).outputs[0]


def _check_measured(a: TensorType, b: TensorType) -> None:
    """``MustBe`` where the types are equal if a measured size is what stands in its place."""
    found = assumption([a, b], lambda types: types[0] == types[1])
    if found is not None:
        raise found


def _exact_function(
    function: Function, types: Sequence[TensorType], arguments: Sequence[Tensor], values: Sequence[Any],
    specialise: Specialise,
) -> Function:  # fmt: skip
    """The function for arguments of these types; what is known of their values is written in."""
    named: dict[str, TensorType] = {}
    fixed: dict[str, Any] = {}
    symbolic: dict[str, Any] = {}
    for name, type, argument, value in zip(function.names, types, arguments, values, strict=True):
        if name is None:
            continue
        named[name] = type
        if value is None:
            continue
        if isinstance(argument.op.kind, Const):
            fixed[name] = argument.op.kind.value
        elif any(isinstance(size, Dim) for size in value.reshape(-1)):
            symbolic[name] = value
        else:
            fixed[name] = np.array(value.tolist(), type.dtype.numpy).reshape(value.shape)
    return Function(specialise(function.graph, named, fixed, symbolic), function.names)


@contextmanager
def _from_outside(node: Operation, first: int) -> Iterator[None]:
    """Notes in an error for want of a value which inputs of the node could tell it."""
    try:
        yield
    except errors.InvalidArgumentError as error:
        cause = error.__cause__
        if isinstance(cause, DependsOnData):
            inner = inputs_behind_sizes(error.op) if cause.tensors is None else cause.tensors
            functions = [value for value in vars(node.kind).values() if isinstance(value, Function)]
            pairs = [pair for f in functions for pair in zip(f.parameters, node.inputs[first:])]
            cause.tensors = sources_of_sizes(outside for parameter, outside in pairs if parameter in inner)
        raise
