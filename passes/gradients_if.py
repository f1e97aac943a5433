"""The adjoint of a branch: the same choice between the adjoints of both branches.

    y = If(p, x)                then: f(x)            orelse: g(x)
    dx = If(p, x, dy)           then: f'(x)^T dy      orelse: g'(x)^T dy

Before::

    y: f32[3] = If(p, x)
        then:
            y/Exp: f32[3] = Exp(x)
            return y/Exp
        orelse:
            y/Neg: f32[3] = Neg(x)
            return y/Neg
    return y

After ``gradients(y, x, dy, name="g")`` there is below it::

    g/y_grad/If: f32[3] = If(p, dy, y)
        then:
            g/y_grad/y/Exp_grad/mul: f32[3] = Mul(dy, y)
            return g/y_grad/y/Exp_grad/mul
        orelse:
            g/y_grad/y/Neg_grad/Neg: f32[3] = Neg(dy)
            return g/y_grad/y/Neg_grad/Neg
    return g/y_grad/If

What the adjoint of a branch needs of the values in it becomes an output of the forward node, undefined where the other
branch was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.body import Body, Taken
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import constant
from graphc.ops.branches import If, Undefined
from graphc.ops.loops import HistoryType, While
from graphc.ops.reshaping import broadcast_like
from graphc.passes.adjoints import Adjoints, BodyRule, carries, propagate
from graphc.passes.twins import add_output, computed_again
from graphc.scopes import get_default_graph


def adjoints_of_if(node: Operation, grads: Sequence[Any], with_bodies: Mapping[type[Op], BodyRule]) -> Sequence[Any]:
    """The adjoints of predicate (none) and captures."""
    kind: If = node.kind  # type: ignore[assignment]
    graph, taken = get_default_graph(), Taken()
    pairs = []
    for name, other in (("then", "orelse"), ("orelse", "then")):
        twin = _Branch(node, getattr(kind, name), getattr(kind, other))
        twin.body = Body(graph, f"the adjoint of a branch of '{node.name}'", taken, twin)
        pairs.append((twin.body, _adjoints_inside(twin, grads, with_bodies)))
    # for each input, how many tensors its adjoint is: one, or some histories
    counts = [max(len(found[n]) for _, found in pairs) for n in range(len(node.inputs) - 1)]
    for body, found in pairs:
        with body.declaring():
            parts = [_complete(node.inputs[n + 1], found[n], count) for n, count in enumerate(counts)]
            body.targets = tuple(body.own(part) for row in parts for part in row)
    if not any(counts):
        return [None] * len(node.inputs)
    outputs = iter(graph.declare(If(pairs[0][0], pairs[1][0]), (node.inputs[0], *taken.all)).outputs)
    results: list[Any] = [None]
    for tensor, count in zip(node.inputs[1:], counts, strict=True):
        own = [next(outputs) for _ in range(count)]
        results.append(None if not own else own if isinstance(tensor.dtype, HistoryType) else own[0])
    return results


def _adjoints_inside(
    twin: _Branch, grads: Sequence[Any], with_bodies: Mapping[type[Op], BodyRule]
) -> list[list[Tensor]]:
    """The adjoint of each argument of the branch, as declared in the adjoint body: none, one, or several histories."""
    body, forward = twin.body, twin.graph
    with body.declaring():
        adjoints = Adjoints()
        targets = [(target, grad) for target, grad in zip(forward.targets, grads) if grad is not None]
        for target, grad in targets:
            adjoints.add(target, grad)
        sources = [x for x in forward.parameters if x is not None and carries(x.type)]
        propagate(body, [target for target, _ in targets], sources, set(), adjoints, with_bodies)
        totals = [None if x is None else adjoints.total(x) for x in forward.parameters]
    return [[] if total is None else total if isinstance(total, list) else [total] for total in totals]


def _complete(argument: Tensor, parts: Sequence[Tensor], count: int) -> Sequence[Tensor]:
    """The adjoint of an argument where this branch, unlike the other, does not use it: zeros."""
    if len(parts) == count:
        return parts
    if not isinstance(argument.dtype, HistoryType):
        return [broadcast_like(constant(0, argument.dtype), argument)]
    if isinstance(argument.op.kind, While):
        raise NotImplementedError(
            f"the second derivative of {argument.op.describe()} by way of a branch that was given its values"
        )
    graph = get_default_graph()
    undefined = [graph.declare(Undefined(argument.dtype, ()), ()).outputs[0] for _ in range(count - len(parts))]
    return [*parts, *undefined]


class _Branch:
    """A branch as the adjoint body sees it."""

    def __init__(self, node: Operation, graph: Body, other: Body):
        self.node, self.graph, self.other = node, graph, other
        self.body: Body

    def value(self, tensor: Tensor) -> Tensor:
        """An argument, something computed again, or an output of the forward node."""
        parameters = self.graph.parameters
        if tensor in parameters:
            return self.body.own(self.node.inputs[1 + parameters.index(tensor)])
        again = computed_again(self.body, tensor)
        return self.body.own(self._output(tensor)) if again is None else again

    def _output(self, tensor: Tensor) -> Tensor:
        targets = self.graph.targets
        if tensor not in targets:
            nothing = self.other.add(Undefined(tensor.dtype, tensor.type.shape), (), (tensor.type,), like=tensor.op)
            self.graph.targets = (*targets, tensor)
            self.other.targets = (*self.other.targets, nothing.outputs[0])
            add_output(self.node, tensor.type)
        return self.node.outputs[self.graph.targets.index(tensor)]
