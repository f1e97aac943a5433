"""Segments whose values are computed again for their gradient, instead of being kept from the forward pass.

    y = recompute_grad(segment)(x)

declares the segment's nodes as ever, and marks their results::

    h: f32[64,128] = Tanh(x)                            inside the segment
    y_: f32[64,128] = Mul(h, h)
    y: f32[64,128] = Recomputed(y_, x)                  what follows reads this

The gradient of ``y`` declares the segment once more, of ``x`` behind a barrier, and goes through that::

    x_: f32[64,128] = Barrier(x)
    h_: f32[64,128] = Tanh(x_)
    gradient by x: ...                                  of x_ and h_ alone: h is not kept

(Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const, apply, convert_to_tensor, declare
from graphc.ops.state import ReadVariable, VariableV2
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType


@record
class Barrier(Op):
    """``y = x``, the same memory; yet what is computed of ``y`` is never taken for what is computed of ``x``."""

    by_identity = True

    def infer(self, x: TensorType) -> TensorType:
        return x

    def evaluate(self, x: Any) -> Any:
        return x

    def gradient(self, node: Operation, grad: Tensor) -> tuple[Tensor]:
        return (grad,)


@record(eq=False)
class Recomputed(Op):
    """The first ``count`` inputs, results of a segment of ``nodes``; the other inputs are what the segment reads.

    Its adjoints are in :mod:`graphc.passes.gradients`, since they need those of the nodes inside.
    """

    by_identity = True
    count: int
    nodes: tuple[Operation, ...]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return inputs[: self.count]

    def evaluate(self, *inputs: Any) -> tuple[Any, ...]:
        return inputs[: self.count]

    def attributes(self) -> dict[str, Any]:
        return {"count": self.count}


class Again(NamedTuple):
    """A segment declared once more: its results, what it reads now, and the new place of each tensor inside."""

    results: list[Tensor]
    inputs: list[Tensor]
    places: dict[Tensor, Tensor]


def recompute_grad(f: Callable[..., Any], use_data_dep: Any = None, tupleize_grads: bool = False) -> Callable[..., Any]:
    """``f``, a function of tensors that gives a tensor or several, with a gradient that takes less memory.

    What ``f`` computes on the way is not kept for the gradient but computed again when that needs it. In a deep network
    cut into segments, the values at their borders and those of one segment are in memory at a time: with segments of
    ``sqrt(layers)`` layers, that is about ``2 * sqrt(layers)`` values in place of ``layers``. Random numbers that ``f``
    draws are kept, so dropout sees one mask. The other arguments are TensorFlow's, without effect.

        @tf.recompute_grad
        def block(x):
            return tf.tanh(tf.layers.dense(tf.tanh(tf.layers.dense(x, 128)), 128))
    """

    @wraps(f)
    def segment(*args: Any, **named: Any) -> Any:
        graph = get_default_graph()
        first = len(graph.nodes)
        results = f(*args, **named)
        if isinstance(results, (list, tuple)):
            return type(results)(_marked([convert_to_tensor(result) for result in results], graph.nodes[first:]))
        return _marked([convert_to_tensor(results)], graph.nodes[first:])[0]

    return segment


def again(node: Operation, kind: Recomputed) -> Again:
    """The segment of a ``Recomputed`` node declared once more, of what it reads behind barriers."""
    graph = node.graph.current
    outside = node.inputs[kind.count :]
    places = {
        tensor: graph.own(tensor) if _stays(tensor) else apply(Barrier(), tensor, name="barrier") for tensor in outside
    }
    inputs = list(places.values())
    copies: dict[Operation, Operation] = {}
    for old in kind.nodes:
        given = tuple(places[tensor] if tensor in places else graph.own(tensor) for tensor in old.inputs)
        name = graph.unique_name(old.name.rsplit("/", 1)[-1])
        new_kind = old.kind
        if isinstance(new_kind, Recomputed):
            new_kind = Recomputed(new_kind.count, tuple(copies[inner] for inner in new_kind.nodes))
        copies[old] = graph.add(new_kind, given, like=old, name=name, role=graph.role)
        places.update(zip(old.outputs, copies[old].outputs, strict=True))
    results = [places[tensor] if tensor in places else graph.own(tensor) for tensor in node.inputs[: kind.count]]
    return Again(results, inputs, places)


def _marked(results: Sequence[Tensor], declared: Sequence[Operation]) -> Sequence[Tensor]:
    """The results of a segment as outputs of a node that knows what it was ``declared`` as."""
    nodes = _again_nodes(results, declared)
    if not nodes:
        return results
    inside = {tensor for node in nodes for tensor in node.outputs}
    outside = dict.fromkeys(tensor for node in nodes for tensor in node.inputs if tensor not in inside)
    return declare(Recomputed(len(results), tuple(nodes)), *results, *outside, name="recomputed").outputs


def _again_nodes(results: Sequence[Tensor], declared: Sequence[Operation]) -> list[Operation]:
    """The nodes to declare once more: those that the results need, and that follow from more than variables."""
    own = set(declared)
    needed: set[Operation] = set()
    waiting = [tensor.op for tensor in results]
    while waiting:
        node = waiting.pop()
        if node in own and node not in needed:
            needed.add(node)
            waiting.extend(tensor.op for tensor in node.inputs)
    moving: set[Operation] = set()
    for node in declared:
        if node in needed and _may_be_again(node):
            changes = (x.op in moving or (x.op not in own and not _stays(x)) for x in node.inputs)
            if any(changes):
                moving.add(node)
    return [node for node in declared if node in moving]


def _may_be_again(node: Operation) -> bool:
    """Whether the node gives the same value when it is declared once more."""
    return isinstance(node.kind, (Recomputed, Barrier)) or not (node.kind.by_identity or node.kind.has_effect)


def _stays(tensor: Tensor) -> bool:
    """Whether the tensor is in memory anyway: what follows from it alone is not worth computing again."""
    return isinstance(tensor.op.kind, (ReadVariable, VariableV2, Const))
