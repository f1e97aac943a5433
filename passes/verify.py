"""Whether a graph is legal: what every pass may rely on and must leave behind."""

from __future__ import annotations

from collections.abc import Iterable

from graphc import dtypes
from graphc.body import Function
from graphc.dims import measured_in
from graphc.errors import InternalError
from graphc.graph import Graph
from graphc.nodes import Operation
from graphc.ops.fused import Kernel
from graphc.ops.loops import While
from graphc.shapes import TensorType


def verify(graph: Graph, after: str = "") -> None:
    """``InternalError`` naming the node where inputs do not come first, a type is wrong, or a name stands twice."""
    seen: set[Operation] = set()
    names: set[str] = set()
    for number, node in enumerate(graph.nodes):
        if node.number != number or node.graph is not graph:
            _fail(node, after, f"it is numbered {node.number} and stands at {number}, or is of another graph")
        for tensor in node.inputs:
            if tensor.op not in seen:
                _fail(node, after, f"its input {tensor.name} does not stand before it")
        if node.name in names:
            _fail(node, after, "its name stands twice")
        _check_types(node, after)
        if isinstance(node.kind, Kernel):
            verify(node.kind.body, after)
            _check_kernel(node, node.kind, after)
        for name, function in node.kind.functions().items():
            verify(function.graph, after)
            _check_function(node, name, function, after)
        seen.add(node)
        names.add(node.name)
    for target in graph.targets:
        if target.op not in seen:
            raise InternalError(None, None, f"after {after}: the target {target.name} is not in the graph")


def _check_types(node: Operation, after: str) -> None:
    if node.type in ("Placeholder", "VariableV2"):
        return
    try:
        types = node.kind.infer(*(tensor.type for tensor in node.inputs))
    except (ValueError, TypeError) as error:
        _fail(node, after, f"its inputs do not fit: {error}")
    expected: tuple[TensorType, ...] = (types,) if isinstance(types, TensorType) else types
    if len(expected) != len(node.outputs):
        _fail(node, after, f"it has {len(node.outputs)} outputs, its rule gives {len(expected)}")
    for tensor, type in zip(node.outputs, expected, strict=True):
        both_exact = type.is_exact and tensor.type.is_exact
        tells = both_exact and bool(node.kind.functions()) and _may_be(tensor.type, type)
        if tensor.dtype is not type.dtype or (both_exact and tensor.type.shape != type.shape and not tells):
            _fail(node, after, f"its output has type {tensor.type}, its rule gives {type}")


def _check_kernel(node: Operation, kind: Kernel, after: str) -> None:
    taken, given = ([str(tensor.type) for tensor in tensors] for tensors in (kind.parameters, node.inputs))
    if taken != given:
        _fail(node, after, f"its body takes {', '.join(taken)} and is given {', '.join(given)}")
    places = sorted(place for _, places in kind.spaces for place in places)
    if places != list(range(len(kind.body.targets))):
        _fail(node, after, f"its spaces compute the outputs {places} of {len(kind.body.targets)}")


def _check_function(node: Operation, name: str, function: Function, after: str) -> None:
    """Whether the inputs of a branch or a loop are what its function takes, and a loop variable keeps its type."""
    types = [tensor.type for tensor in node.inputs]
    targets = [target.type for target in function.targets]
    if isinstance(node.kind, While):
        first = len(types) - node.kind.replays
        types[first:] = [type.dtype.element for type in types[first:]]  # type: ignore[attr-defined]
        pairs = list(zip(targets[: node.kind.variables], types))
        if name == "body" and _are_exact(types) and not all(_may_be(a, b) for a, b in pairs):
            _fail(node, after, f"its loop variables are {_listed(types)} and become {_listed(targets)}")
        if name == "condition" and targets != [TensorType(dtypes.bool, ())]:
            _fail(node, after, f"its condition gives {_listed(targets)}")
    else:
        types = types[1:]
    taken = [None if parameter is None else parameter.type for parameter in function.parameters]
    wrong = len(taken) != len(types) or any(
        own is not None and _are_exact([own, type]) and not _may_be(own, type) for own, type in zip(taken, types)
    )
    if wrong:
        _fail(node, after, f"its {name} takes {_listed(taken)} and is given {_listed(types)}")


def _may_be(a: TensorType, b: TensorType) -> bool:
    """Whether the types are equal, or would be where a size that is told while the step runs is another one."""
    if a == b or a.dtype is not b.dtype or len(a.sizes) != len(b.sizes):
        return a == b
    return all(n == m or measured_in(n) or measured_in(m) for n, m in zip(a.sizes, b.sizes, strict=True))


def _are_exact(types: Iterable[TensorType]) -> bool:
    return all(type.is_exact for type in types)


def _listed(types: Iterable[TensorType | None]) -> str:
    return ", ".join("nothing" if type is None else str(type) for type in types)


def _fail(node: Operation, after: str, reason: str) -> None:
    raise InternalError(node, node, f"after {after or 'a pass'}, {node.describe(node.name)} is not legal: {reason}")
