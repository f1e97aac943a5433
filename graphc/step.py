"""One run of a session as a graph without effects, and what each of its inputs and results is for the user's graph."""

from __future__ import annotations

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor


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
