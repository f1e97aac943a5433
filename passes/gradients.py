"""Reverse mode: appends to the graph the nodes that compute the derivative of some tensors by others.

Before, with ``y = Mul(x, x)``::

    y: f32[3] = Mul(x, x)

After ``gradients(y, x)``::

    y: f32[3] = Mul(x, x)
    gradients/grad_ys_0: f32[3] = ...            the adjoint of y: ones
    gradients/y_grad/Mul: f32[3] = Mul(gradients/grad_ys_0, x)
    gradients/y_grad/Mul_1: f32[3] = Mul(gradients/grad_ys_0, x)
    gradients/AddN: f32[3] = Add(gradients/y_grad/Mul, gradients/y_grad/Mul_1)

Adjoints are ordinary nodes made by the same public operations, so gradients of gradients need nothing more.
(Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 3.)
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Any

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.recomputed import Recomputed, again
from graphc.ops.reshaping import broadcast_like, reshape, sum_like


class UnconnectedGradients(enum.Enum):
    """What :func:`gradients` gives for an x that no y depends on."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How adjoints of one tensor are summed; accepted for TensorFlow programs, one way serves all."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: Any = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Tensor | None]:
    """The derivative of ``sum(ys)`` by each of ``xs``, a list as long as ``xs``.

    ``grad_ys`` weighs the ys (ones where None); ``stop_gradients`` are taken as constants. An x on which no y depends
    gets None, or zeros with ``UnconnectedGradients.ZERO``; so do whole numbers and bools among the ys. Raises
    ``LookupError`` where an operation on the way has no gradient.
    """
    targets = [convert_to_tensor(y) for y in as_list(ys)]
    sources = [source_of(x) for x in as_list(xs)]
    if not targets or not sources:
        raise ValueError("gradients needs at least one y and one x")
    unconnected = UnconnectedGradients(unconnected_gradients)
    graph = targets[0].graph
    stops = {source_of(t) for t in as_list(stop_gradients)} if stop_gradients is not None else set()
    with graph.name_scope(name), graph.in_role("adjoint"):
        adjoints = _initial_adjoints(targets, grad_ys)
        _propagate(graph, targets, sources, stops, adjoints)
        return [_result(adjoints, x, unconnected) for x in sources]


def hessians(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: Any = False,
    aggregation_method: Any = None,
) -> list[Tensor]:
    """The second derivatives of ``sum(ys)`` by each of ``xs``, in the shape of x twice.

    Each element of x costs one gradient, so the size of x must be known while declaring.
    """
    sources = [source_of(x) for x in as_list(xs)]
    if not sources:
        raise ValueError("hessians needs at least one x")
    with sources[0].graph.name_scope(name):
        return [_hessian(ys, x) for x in sources]


def _hessian(ys: Any, x: Tensor) -> Tensor:
    sizes = x.type.shape
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        raise ValueError(f"hessians needs xs of known size; {x.op.describe()} has type {x.type}")
    zero = UnconnectedGradients.ZERO
    first = reshape(gradients(ys, x, unconnected_gradients=zero)[0], [-1])
    count: Any = first.type.elements
    if count == 0:
        return reshape(first, (*sizes, *sizes))
    rows = [gradients(first[i], x, unconnected_gradients=zero)[0] for i in range(count)]
    return reshape(stack(rows), (*sizes, *sizes))


def as_list(values: Any) -> list[Any]:
    """``values`` as a list: a single tensor or variable makes a list of one."""
    if values is None:
        return []
    if isinstance(values, (list, tuple)):
        return list(values)
    return [values]


def source_of(x: Any) -> Tensor:
    """The tensor that ``x`` is for a derivative by it: a variable's place, so that every read of it counts."""
    place = getattr(x, "_handle", None)
    return convert_to_tensor(x) if place is None else place


class _Adjoints:
    """The partial adjoints collected for each tensor, summed when asked for."""

    def __init__(self) -> None:
        self._parts: dict[Tensor, list[Tensor]] = {}

    def add(self, tensor: Tensor, part: Tensor) -> None:
        self._parts.setdefault(tensor, []).append(part)

    def total(self, tensor: Tensor) -> Tensor | None:
        parts = self._parts.get(tensor)
        if parts is None:
            return None
        while len(parts) > 1:
            parts[:2] = [e.add(parts[0], parts[1], name="AddN")]
        return parts[0]


def _initial_adjoints(targets: Sequence[Tensor], grad_ys: Any) -> _Adjoints:
    given = as_list(grad_ys) if grad_ys is not None else [None] * len(targets)
    if len(given) != len(targets):
        raise ValueError(f"gradients got {len(targets)} ys and {len(given)} grad_ys; wanted one for each")
    adjoints = _Adjoints()
    for number, (y, grad) in enumerate(zip(targets, given, strict=True)):
        if not y.dtype.is_floating:  # it has no slope, as in TensorFlow
            continue
        if grad is None:
            grad = broadcast_like(constant(1, y.dtype, name=f"grad_ys_{number}"), y)
        adjoints.add(y, convert_to_tensor(grad, y.dtype))
    return adjoints


def _propagate(
    graph: Graph, targets: Sequence[Tensor], sources: Sequence[Tensor], stops: set[Tensor], adjoints: _Adjoints
) -> None:
    """Walks from the targets back to the sources, each node after all of its consumers."""
    between = _nodes_between(graph, targets, sources, stops)
    for node in reversed(between):
        grads = [None if out in stops or not out.dtype.is_floating else adjoints.total(out) for out in node.outputs]
        if all(grad is None for grad in grads):
            continue
        name = node.name.removeprefix(f"{graph.get_name_scope()}/")  # of a segment's node, which was declared here
        with graph.name_scope(f"{name}_grad"):
            if isinstance(node.kind, Recomputed):
                partials = _adjoints_of_segment(node, node.kind, grads, stops)
            else:
                partials = _adjoints_of_inputs(node, grads)
            for tensor, partial in zip(node.inputs, partials, strict=True):
                if partial is not None and tensor.dtype.is_floating:
                    adjoints.add(tensor, sum_like(partial, tensor))


def _adjoints_of_inputs(node: Operation, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    if len(node.outputs) > 1:
        zeros = [e.multiply(out, 0) if g is None and out.dtype.is_floating else g
                 for out, g in zip(node.outputs, grads, strict=True)]  # fmt: skip
        grads = zeros
    try:
        return node.kind.gradient(node, *grads)
    except LookupError:
        raise LookupError(f"{node.describe()} has no gradient; wrap it in tf.stop_gradient to leave it out") from None


def _adjoints_of_segment(
    node: Operation, kind: Recomputed, grads: Sequence[Tensor | None], stops: set[Tensor]
) -> Sequence[Tensor | None]:
    """The adjoints of what a segment reads, through the segment declared once more."""
    segment = again(node, kind)
    adjoints = _Adjoints()
    for result, grad in zip(segment.results, grads, strict=True):
        if grad is not None:
            adjoints.add(result, grad)
    inner_stops = {segment.places.get(tensor, tensor) for tensor in stops}
    # what the segment reads is where this walk ends: what lies before it is the caller's
    _propagate(node.graph, segment.results, segment.inputs, inner_stops.union(segment.inputs), adjoints)
    return [None] * kind.count + [adjoints.total(tensor) for tensor in segment.inputs]


def _nodes_between(
    graph: Graph, targets: Iterable[Tensor], sources: Sequence[Tensor], stops: set[Tensor]
) -> list[Operation]:
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


def _result(adjoints: _Adjoints, x: Tensor, unconnected: UnconnectedGradients) -> Tensor | None:
    total = adjoints.total(x)
    if total is None and unconnected is UnconnectedGradients.ZERO:
        return broadcast_like(constant(0, x.dtype), x)
    return total
