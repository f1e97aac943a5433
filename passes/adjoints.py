"""Walking back through a graph: the adjoint of each node is made from those of what it gives.

No pass: used by :mod:`gradients` for the graph of the user, and by the rules of branches and loops for their bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.copies import Identity, StopGradient, Whole
from graphc.ops.custom_gradients import adjoints_by_name, overridden
from graphc.ops.indexing import RowAdjoint
from graphc.ops.loops import HistoryType
from graphc.ops.recomputed import Recomputed, again
from graphc.ops.reshaping import sum_like
from graphc.ops.state import ReadVariable
from graphc.shapes import TensorType

# The rule of an op with bodies: the adjoints of its inputs, given those of its outputs, and all such rules. The adjoint
# of a history is a list of histories, whose sum it is.
BodyRule = Callable[[Operation, Sequence[Any], Mapping[type[Op], Any]], Sequence[Any]]


def carries(type: TensorType) -> bool:
    """Whether a value of this type has an adjoint: floats, complex numbers, and histories of such."""
    if isinstance(type.dtype, HistoryType):
        return carries(type.dtype.element)
    return type.dtype.has_slope


class Adjoints:
    """The partial adjoints collected for each tensor, summed when asked for."""

    def __init__(self) -> None:
        self._parts: dict[Tensor, list[Any]] = {}
        self._totals: dict[Tensor, Tensor] = {}

    def add(self, tensor: Tensor, part: Any) -> None:
        """Adds a partial adjoint: a tensor, or some rows of one; of a history, one or several."""
        self._parts.setdefault(tensor, []).extend(part if isinstance(part, list) else [part])

    def hand_on(self, tensor: Tensor, other: Tensor) -> None:
        """Adds what was collected for a tensor to another one, for which it stands."""
        if tensor in self._parts:
            self.add(other, list(self._parts[tensor]))

    def total(self, tensor: Tensor) -> Any:
        """The adjoint: the sum of its parts, of a history the list of them; None where there is none."""
        parts = self._parts.get(tensor)
        if parts is None or isinstance(tensor.dtype, HistoryType):
            return parts
        if tensor not in self._totals:
            tensors = [part.dense() if isinstance(part, RowAdjoint) else part for part in parts]
            while len(tensors) > 1:
                tensors[:2] = [e.add(tensors[0], tensors[1], name="AddN")]
            self._totals[tensor] = tensors[0]
        return self._totals[tensor]

    def rows(self, tensor: Tensor) -> list[RowAdjoint]:
        """The parts, where they are rows only; none where some part is a whole tensor."""
        parts = self._parts.get(tensor, [])
        return list(parts) if all(isinstance(part, RowAdjoint) for part in parts) else []


def propagate(
    graph: Graph, targets: Sequence[Tensor], sources: Sequence[Tensor], stops: set[Tensor], adjoints: Adjoints,
    with_bodies: Mapping[type[Op], BodyRule],
) -> None:  # fmt: skip
    """Walks from the targets back to the sources, each node after all of its consumers."""
    between = nodes_between(targets, sources, stops)
    for node in reversed(between):
        if _only_names(node) and node.outputs[0] not in stops and adjoints.rows(node.outputs[0]):
            adjoints.add(node.inputs[0], adjoints.rows(node.outputs[0]))
            continue
        grads = [None if out in stops or not carries(out.type) else adjoints.total(out) for out in node.outputs]
        if all(grad is None for grad in grads):
            continue
        name = node.name.removeprefix(f"{graph.get_name_scope()}/")  # of a segment's node, which was declared here
        with graph.name_scope(f"{name}_grad"):
            rule = with_bodies.get(type(node.kind))
            if overridden(node):
                partials = adjoints_by_name(node, grads)
            elif isinstance(node.kind, Recomputed):
                partials = _adjoints_of_segment(graph, node, node.kind, grads, stops, with_bodies)
            else:
                partials = rule(node, grads, with_bodies) if rule else _adjoints_of_inputs(node, grads)
            for tensor, partial in zip(node.inputs, partials, strict=True):
                if partial is not None and carries(tensor.type):
                    kept = isinstance(partial, (list, RowAdjoint))
                    adjoints.add(tensor, partial if kept else sum_like(convert_to_tensor(partial), tensor))


def _only_names(node: Operation) -> bool:
    """Whether the node gives what it takes, so that rows of an adjoint stay rows."""
    names = isinstance(node.kind, (Identity, ReadVariable)) and not isinstance(node.kind, (StopGradient, Whole))
    return names and not overridden(node)


def _adjoints_of_inputs(node: Operation, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    if len(node.outputs) > 1:
        zeros = [e.multiply(out, 0) if g is None and out.dtype.has_slope else g
                 for out, g in zip(node.outputs, grads, strict=True)]  # fmt: skip
        grads = zeros
    try:
        return node.kind.gradient(node, *grads)
    except LookupError as error:
        why = f": {error}" if str(error) else "; wrap it in tf.stop_gradient to leave it out"
        raise LookupError(f"{node.describe()} has no gradient{why}") from None


def _adjoints_of_segment(
    graph: Graph, node: Operation, kind: Recomputed, grads: Sequence[Any], stops: set[Tensor],
    with_bodies: Mapping[type[Op], BodyRule],
) -> Sequence[Any]:  # fmt: skip
    """The adjoints of what a segment reads, through the segment declared once more."""
    segment = again(node, kind)
    adjoints = Adjoints()
    for result, grad in zip(segment.results, grads, strict=True):
        if grad is not None:
            adjoints.add(result, grad)
    inner_stops = {segment.places.get(tensor, tensor) for tensor in stops}
    # what the segment reads is where this walk ends: what lies before it is the caller's
    stops = inner_stops.union(segment.inputs)
    propagate(graph, segment.results, segment.inputs, stops, adjoints, with_bodies)
    return [None] * kind.count + [adjoints.total(tensor) for tensor in segment.inputs]


def nodes_between(targets: Iterable[Tensor], sources: Iterable[Tensor], stops: set[Tensor]) -> list[Operation]:
    """The nodes on a path from a source to a target, in the order of the graph, sources' own nodes left out."""
    needed = _ancestors(targets)
    reached = set(sources)
    path = []
    for node in sorted(needed, key=lambda node: node.number):
        if any(tensor in reached for tensor in node.inputs):
            path.append(node)
            reached.update(out for out in node.outputs if out not in stops)
    return path


def _ancestors(targets: Iterable[Tensor]) -> set[Operation]:
    seen: set[Operation] = set()
    waiting = [tensor.op for tensor in targets]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(tensor.op for tensor in node.inputs)
    return seen
