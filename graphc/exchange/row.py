"""What the rows of the table stand on: what a row is, and what it may refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.nodes import Operation

Inputs = list[str]
Row = Callable[[Any, Operation, Inputs], Any]
I32 = dtypes.int32


class NotInTensorFlow(ValueError):
    """TensorFlow has no node that means this."""


def plain(*keys: str) -> Row:
    """A row for a node of the same type with the type ``T`` of its first input, and fields under their names."""

    def row(w: Any, node: Operation, inputs: Inputs) -> Any:
        return w.put(node.type, inputs, T=type_of(node), **{key: getattr(node.kind, key) for key in keys})

    return row


def exactly(row: Row) -> Row:
    """The same row for a node that reading TensorFlow's would make with checks before it, which are there already."""
    return lambda w, node, inputs: w.exact(row(w, node, inputs), node, inputs)


def type_of(node: Operation) -> Any:
    """The element type: of the first input, or of the output where there is none."""
    return (node.inputs or node.outputs)[0].dtype


def numbers(values: Any, what: str) -> list[int]:
    """Sizes as numbers; sizes that are known only when the graph runs cannot be written."""
    if values is None or any(not isinstance(value, int) for value in values):
        raise NotInTensorFlow(f"its {what} {values} are not numbers")
    return [int(value) for value in values]


def shape_of(w: Any, node: Operation, ref: str, part: str, place: int) -> str:
    return w.helper("Shape", part, [ref], T=node.inputs[place].dtype, out_type=I32)
