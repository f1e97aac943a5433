"""The graphs inside of loops and conditionals, as text and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.body import Body, Taken
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.branches import If
from graphc.ops.loops import HistoryType, While
from graphc.records import replace
from graphc.shapes import TensorType


class WrittenBody(dict[str, Any]):
    """A body as it stands in a text, until the graph around it is there."""


def body_record(body: Body, kind_record: Callable[[Op], Any]) -> dict[str, Any]:
    """A body: its nodes in order, its parameters, and what it gives, by name."""
    return {
        "nodes": [_node_record(node, kind_record) for node in body.nodes],
        "arguments": len(body.arguments),
        "parameters": list(body.names),
        "targets": [tensor.name for tensor in body.targets],
        "what": body.what,
    }


def _node_record(node: Operation, kind_record: Callable[[Op], Any]) -> list[Any]:
    shapes = [None if isinstance(x.dtype, HistoryType) else _plain(x.type.shape) for x in node.outputs]
    controls = [control.name for control in node.control_inputs]
    return [node.name, kind_record(node.kind), [x.name for x in node.inputs], controls, shapes]


def _plain(shape: Any) -> list[int | None] | None:
    return None if shape is None else [size if isinstance(size, int) else None for size in shape]


def with_bodies(kind: Op, graph: Graph, inputs: Sequence[Tensor], kind_from: Callable[..., Op]) -> Op:
    """The kind with its bodies declared in ``graph``, where it takes ``inputs``; the kind itself where it has none."""
    if isinstance(kind, If):
        taken = _taken(inputs[1:], 0)
        return replace(
            kind,
            then=_body(kind.then, graph, taken, kind_from),
            orelse=_body(kind.orelse, graph, taken, kind_from),
        )
    if isinstance(kind, While):
        taken = _taken(inputs[kind.variables :], kind.replays)
        return replace(
            kind,
            condition=_body(kind.condition, graph, taken, kind_from),
            body=_body(kind.body, graph, taken, kind_from),
        )
    return kind


def _taken(captured: Sequence[Tensor], replays: int) -> Taken:
    taken, end = Taken(), len(captured) - replays
    taken.captures.update(dict.fromkeys(captured[:end]))
    taken.replayed.update(dict.fromkeys(captured[end:]))
    if len(taken.all) < len(captured):
        raise ValueError("one tensor stands for two that its bodies take")
    return taken


def _body(record: Any, graph: Graph, taken: Taken, kind_from: Callable[..., Op]) -> Body:
    body = Body(graph, record["what"], taken)
    for name, kind, inputs, controls, shapes in record["nodes"]:
        _add(body, name, kind, [_tensor(body, reference) for reference in inputs], controls, shapes, kind_from)
    parameters = [None if name is None else _tensor(body, f"{name}:0") for name in record["parameters"]]
    count = record["arguments"]
    body.arguments = [parameter for parameter in parameters[:count] if parameter is not None]
    pairs = zip(taken.all, parameters[count:], strict=True)
    body._places.update((outside, inside) for outside, inside in pairs if inside is not None)
    body.targets = tuple(_tensor(body, reference) for reference in record["targets"])
    return body


def _add(
    body: Body, name: str, record: Any, inputs: list[Tensor], controls: list[str], shapes: list[Any],
    kind_from: Callable[..., Op],
) -> None:  # fmt: skip
    kind = kind_from(record, body, inputs)
    found = kind.infer(*(tensor.type for tensor in inputs))
    types = (found,) if isinstance(found, TensorType) else found
    known = tuple(
        type if shape is None else TensorType(type.dtype, tuple(shape))
        for type, shape in zip(types, shapes, strict=True)
    )
    before = tuple(body.get_operation_by_name(control) for control in controls)
    body._append(Operation(body, len(body.nodes), kind, name, tuple(inputs), known, before, None, body.role))


def _tensor(body: Body, name: str) -> Tensor:
    try:
        return body.get_tensor_by_name(name)
    except KeyError:
        raise ValueError(f"{body.what} has no tensor {name!r}") from None
