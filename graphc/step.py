"""One run of a session as a graph without effects: what its inputs and results are for the user's graph.

Branches and loops in it are such graphs too, and their inputs are what they read of the graph around them.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.records import record
from graphc.shapes import TensorType


class Step:
    """One run as a function: ``graph.targets`` are the fetches, then the new values of ``updates``, in order.

    A last target is there for what is checked on the way to it, and nobody reads its value.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.feeds: dict[Tensor, Tensor] = {}  # fed tensor -> input of the step
        self.states: dict[Operation, Tensor] = {}  # variable or random op -> input of the step
        self.flags: dict[Operation, Tensor] = {}  # variable -> input: is it initialised?
        self.read: set[Operation] = set()  # the variables that must be initialised
        self.updates: tuple[Operation, ...] = ()  # whose values the run replaces
        self.fetches = 0
        self.hosts: dict[Operation, frozenset[Operation]] = {}  # each host operation: those that come before it
        self.prints: list[tuple[Operation, tuple[int, ...]]] = []  # what is written: which fetches, after the user's
        self.told: tuple[Operation, ...] = ()  # variables of which the last fetches tell whether they have a value now

    @property
    def is_native(self) -> bool:
        """Whether one native call does all of it."""
        return not self.hosts and not any(tensor.dtype.is_string for tensor in self.feeds)


# -- what an input of a branch or a loop is, out there -------------------------------------------------------

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
