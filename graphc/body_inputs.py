"""What an input of a branch or a loop is, out there, and the parameter that stands for it inside."""

from __future__ import annotations

from graphc import dtypes
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.records import record
from graphc.shapes import TensorType

COUNTER = TensorType(dtypes.int64, ())  # of a random stream
FLAG = TensorType(dtypes.bool, ())


@record
class Value:
    """An input of the node."""

    number: int


@record
class State:
    """The value of a variable, or the position of a random stream: the last one, or the one that the node sees."""

    variable: Operation
    last: bool


@record
class Kept:
    """The last value of a variable, which nothing inside reads: it is handed on, and there may be none yet."""

    variable: Operation


@record
class Flag:
    """Whether a variable is initialised."""

    variable: Operation


Key = Value | State | Kept | Flag


def parameter(graph: Graph, type: TensorType, name: str, like: Operation) -> Tensor:
    """A new input of the graph, which stands where ``like`` was declared."""
    return graph.add(Placeholder(type.dtype, type.shape), (), (type,), like=like, name=name).outputs[0]
