"""The slow meaning of a graph: every node by its NumPy meaning, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from graphc.dims import Dim, atom, substitute
from graphc.graph import Graph
from graphc.needed import mentioned_sizes
from graphc.nodes import Op, Operation, Tensor
from graphc.records import fields, replace

NODE = 1000  # elements that cost about as much as going to one more node
_allowed: ContextVar[list[int] | None] = ContextVar("allowed", default=None)  # what may still be computed


class TooLong(Exception):
    """More was to be computed than was allowed."""


@contextmanager
def at_most(elements: int) -> Iterator[None]:
    """Inside, :func:`evaluate` raises :class:`TooLong` beyond so many elements, of which a node counts as ``NODE``."""
    token = _allowed.set([elements])
    try:
        yield
    finally:
        _allowed.reset(token)


def evaluate(graph: Graph, feeds: Mapping[Tensor, Any], targets: Sequence[Tensor] | None = None) -> list[Any]:
    """The values of ``targets`` (the graph's own where None), given those of its placeholders and variables."""
    wanted = graph.targets if targets is None else targets
    values: dict[Tensor, Any] = dict(feeds)
    for node in _needed(wanted, values, graph):
        if all(tensor in values for tensor in node.outputs):
            continue
        kind = _with_numbers(node.kind, graph, values) if graph.measured else node.kind
        inputs = [values[tensor] for tensor in node.inputs]
        try:
            with np.errstate(all="ignore"):
                results = kind.evaluate(*inputs)
        except Exception as error:
            if stopped_at(error) is None:
                error._stopped_at = node, inputs  # type: ignore[attr-defined]
            raise
        outputs = results if isinstance(results, tuple) else (results,)
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values[tensor] = np.array(value, object) if isinstance(value, bytes) else np.asarray(value)
        _count(values[tensor] for tensor in node.outputs)
    return [values[tensor] for tensor in wanted]


def stopped_at(error: Exception) -> tuple[Operation, list[Any]] | None:
    """The innermost node at which :func:`evaluate` ended with this error, and the values that it was given."""
    return getattr(error, "_stopped_at", None)


def _count(computed: Iterable[Any]) -> None:
    left = _allowed.get()
    if left is not None:
        left[0] -= NODE + sum(value.size for value in computed)
        if left[0] < 0:
            raise TooLong


def _with_numbers(kind: Op, graph: Graph, values: Mapping[Tensor, Any]) -> Op:
    """The op with the counts that are known by now in place of measured sizes in its fields."""

    def numbers(value: Any) -> Any:
        if isinstance(value, Dim):
            return substitute(
                value, lambda size: int(values[graph.measured[size]]) if size in graph.measured else atom(size)
            )
        if isinstance(value, Graph):
            return _copied(value, numbers)
        return tuple(map(numbers, value)) if isinstance(value, tuple) else value

    changed = {name: numbers(getattr(kind, name)) for name in fields(kind)}
    return replace(kind, **changed)


def _copied(graph: Graph, numbers: Callable[[Any], Any]) -> Graph:
    """The graph of a kernel or a body, with numbers in the fields of its nodes."""
    copy = Graph()
    places: dict[Tensor, Tensor] = {}
    for node in graph.nodes:
        kind = replace(node.kind, **{name: numbers(getattr(node.kind, name)) for name in fields(node.kind)})
        types = tuple(tensor.type for tensor in node.outputs)
        made = copy.add(kind, [places[x] for x in node.inputs], types, like=node)
        places.update(zip(node.outputs, made.outputs, strict=True))
    copy.targets = tuple(places[tensor] for tensor in graph.targets)
    copy.measured = {size: places[count] for size, count in graph.measured.items()}
    return copy


def _needed(targets: Sequence[Tensor], known: Mapping[Tensor, Any], graph: Graph) -> list[Any]:
    seen = set()
    checked = [count for size, count in graph.measured.items() if size.kept]
    waiting = [tensor for tensor in (*targets, *checked) if tensor not in known]
    while waiting:
        node = waiting.pop().op
        if node not in seen:
            seen.add(node)
            waiting.extend(tensor for tensor in node.inputs if tensor not in known)
            counts = (graph.measured[size] for size in mentioned_sizes(node)) if graph.measured else ()
            waiting.extend(tensor for tensor in counts if tensor not in known)
    return sorted(seen, key=lambda node: node.number)
