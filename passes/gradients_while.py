"""The adjoint of a loop: a loop that walks the same iterations back.

    v = While(v0, c)                body: v = f(v, c), saves s
    dv0, dc = While(dv, 0, s)       body: dv, dc = f'_v(s)^T dv, dc + f'_c(s)^T dv

Before::

    w/loop_counter: i32[] = Const(value=0)
    w: i32[], w:1: f32[] = While(w/loop_counter, x)
        condition:
            w/Const: f32[] = Const(value=9.)
            w/Less: bool[] = Less(x, w/Const)
            return w/Less
        body:
            w/Exp: f32[] = Exp(x)
            w/Const_1: i32[] = Const(value=1)
            w/Add: i32[] = Add(w/loop_counter, w/Const_1)
            return w/Add, w/Exp
    return w:1

After ``gradients(w:1, x, dv, name="g")``::

    w/loop_counter: i32[] = Const(value=0)
    w: i32[], w:1: f32[], w:2: history<f32[]>[] = While(w/loop_counter, x)
        condition:
            w/Const: f32[] = Const(value=9.)
            w/Less: bool[] = Less(x, w/Const)
            return w/Less
        body:
            w/Exp: f32[] = Exp(x)
            w/Const_1: i32[] = Const(value=1)
            w/Add: i32[] = Add(w/loop_counter, w/Const_1)
            return w/Add, w/Exp, w/Exp
    g/w_grad/loop_counter: i32[] = Const(value=0)
    g/w_grad/While: i32[], g/w_grad/While:1: f32[] = While(g/w_grad/loop_counter, dv, w, w:2)
        condition:
            g/w_grad/Less: bool[] = Less(g/w_grad/loop_counter, w)
            return g/w_grad/Less
        body:
            g/w_grad/Const: i32[] = Const(value=1)
            g/w_grad/Add: i32[] = Add(g/w_grad/loop_counter, g/w_grad/Const)
            g/w_grad/w/Exp_grad/mul: f32[] = Mul(dv, w)
            return g/w_grad/Add, g/w_grad/w/Exp_grad/mul
    return g/w_grad/While:1

It runs as often as the forward loop counted. What it needs of the values in an iteration, the forward loop saves and
the adjoint loop replays (:mod:`graphc.ops.loops`). Constants of the loop collect their adjoints in loop variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphc import dtypes
from graphc.body import Body, Taken
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, constant
from graphc.ops.branches import If
from graphc.ops.indexing import GatherV2
from graphc.ops.loops import While, history_of
from graphc.ops.reshaping import broadcast_like
from graphc.passes.adjoints import Adjoints, BodyRule, carries, propagate
from graphc.passes.twins import add_output, computed_again, repeated
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType


def adjoints_of_while(node: Operation, grads: Sequence[Any], with_bodies: Mapping[type[Op], BodyRule]) -> Sequence[Any]:
    """The adjoints of the starts of the loop variables, of constants, and of what is replayed."""
    return _AdjointLoop(node, grads).run(with_bodies)


class _AdjointLoop:
    def __init__(self, node: Operation, grads: Sequence[Any]):
        self.node, self.grads = node, grads
        self.kind: While = node.kind  # type: ignore[assignment]
        self.forward: Body = self.kind.body
        self.count = self.kind.variables
        self.graph = get_default_graph()
        self.taken = Taken()
        self.twin = _Iteration(node)
        self.body = Body(self.graph, f"the adjoint of '{node.name}'", self.taken, self.twin)
        self.condition = Body(self.graph, f"the adjoint of '{node.name}'", self.taken)
        self.starts: list[Tensor] = []
        self.results: list[Tensor] = []

    def run(self, with_bodies: Mapping[type[Op], BodyRule]) -> Sequence[Any]:
        self.twin.body = self.body
        saved_grads = list(zip(self.forward.targets[self.count :], self.grads[self.count :]))
        adjoints, forward = Adjoints(), self.forward
        active = self._active()
        sources = [x for x in forward.parameters if x is not None and carries(x.type)]
        with self.body.declaring():
            counter = self._variable(self._zero_count(), TensorType(dtypes.int32, ()))
            self.twin.counter = counter
            self.results.append(e.add(counter, 1))
            for n in active:
                adjoints.add(forward.targets[n], self._variable(self._start(n), _type(forward, n)))
            for target, parts in saved_grads:
                for part in parts or ():
                    adjoints.add(target, self.body.replay(part, target.type))
            targets = [forward.targets[n] for n in active] + [target for target, parts in saved_grads if parts]
            propagate(self.body, targets, sources, set(), adjoints, with_bodies)
            for place, n in enumerate(active, 1):
                self.results.append(self._total_or_zeros(adjoints, n, place))
            constants = self._accumulate(adjoints)
            saves = self._adjoints_of_replayed(adjoints)
            parts = [part for row in saves.values() for part in row]
            self.body.targets = tuple(self.body.own(x) for x in (*self.results, *parts))
        self._declare_condition()
        kind = While(self.condition, self.body, len(self.starts), len(self.taken.replayed))
        outputs = self.graph.declare(kind, (*self.starts, *self.taken.all)).outputs
        found: list[Any] = [None] * len(self.node.inputs)
        for place, n in enumerate((*active, *constants), 1):
            found[n] = outputs[place]
        rest = iter(outputs[len(self.starts) :])
        for n, row in saves.items():
            found[n] = [next(rest) for _ in row]
        return found

    def _active(self) -> list[int]:
        """The loop variables whose adjoint is not zero in all iterations."""
        targets, parameters = self.forward.targets, self.forward.parameters
        number = {x: n for n, x in enumerate(parameters[: self.count]) if x is not None and carries(x.type)}
        active = {n for n in range(self.count) if self.grads[n] is not None}
        waiting = [targets[n] for n in active]
        waiting += [t for t, parts in zip(targets[self.count :], self.grads[self.count :]) if parts]
        while waiting:
            more = {number[x] for x in _leaves([waiting.pop()]) if x in number} - active
            active |= more
            waiting += [targets[n] for n in more]
        return sorted(active)

    def _variable(self, start: Tensor, type: TensorType) -> Tensor:
        """A further loop variable, as the body sees it."""
        self.starts.append(start)
        return self.body.argument(type, start.op.name)

    def _start(self, n: int) -> Tensor:
        """The adjoint of a loop variable after the loop."""
        grad = self.grads[n]
        return self._zeros(self.node.outputs[n]) if grad is None else grad

    def _zero_count(self) -> Tensor:
        with self.body.paused():
            return constant(0, dtypes.int32, name="loop_counter")

    def _zeros(self, like: Tensor) -> Tensor:
        with self.body.paused():
            return broadcast_like(constant(0, like.dtype), like)

    def _total_or_zeros(self, adjoints: Adjoints, n: int, place: int) -> Tensor:
        parameter, own = self.forward.parameters[n], self.body.arguments[place]
        total = None if parameter is None else adjoints.total(parameter)
        return broadcast_like(constant(0, own.dtype), own) if total is None else total

    def _accumulate(self, adjoints: Adjoints) -> list[int]:
        """Loop variables that sum the adjoints of constants; the inputs that these are."""
        end = len(self.node.inputs) - self.kind.replays
        summed = []
        for n in range(self.count, end):
            parameter = self.forward.parameters[n]
            total = None if parameter is None or not carries(parameter.type) else adjoints.total(parameter)
            if total is None:
                continue
            if isinstance(total, list):
                raise NotImplementedError(
                    f"the second derivative of {self.node.inputs[n].op.describe()} by way of a loop that was given its "
                    "values in every iteration"
                )
            summed.append(n)
            sum_so_far = self._variable(self._zeros(self.node.inputs[n]), parameter.type)  # type: ignore[union-attr]
            self.results.append(e.add(sum_so_far, total))
        return summed

    def _adjoints_of_replayed(self, adjoints: Adjoints) -> dict[int, list[Tensor]]:
        """For each replayed input, the values that this loop saves as its adjoint."""
        found = {}
        for n in range(len(self.node.inputs) - self.kind.replays, len(self.node.inputs)):
            parameter = self.forward.parameters[n]
            total = None if parameter is None else adjoints.total(parameter)
            if total is not None:
                found[n] = total if isinstance(total, list) else [total]
        return found

    def _declare_condition(self) -> None:
        condition = self.condition
        with condition.declaring():
            parameters = [condition.argument(x.type, x.op.name) for x in self.body.arguments]
            condition.targets = (e.less(parameters[0], self.node.outputs[0]),)


def _type(forward: Body, n: int) -> TensorType:
    parameter = forward.parameters[n]
    return forward.targets[n].type if parameter is None else parameter.type


def _leaves(targets: Iterable[Tensor]) -> set[Tensor]:
    """The tensors without inputs by which the targets may have a derivative, themselves among them."""
    seen: set[Tensor] = set()
    waiting = list(targets)
    while waiting:
        tensor = waiting.pop()
        if tensor not in seen:
            seen.add(tensor)
            waiting.extend(_behind(tensor))
    return {tensor for tensor in seen if not tensor.op.inputs}


def _behind(tensor: Tensor) -> Sequence[Tensor]:
    """The inputs of its operation by which the tensor may have a derivative: of a branch, what this result needs."""
    kind = tensor.op.kind
    if not isinstance(kind, If):
        return tensor.op.inputs
    inside = _leaves(branch.targets[tensor.value_index] for branch in (kind.then, kind.orelse))
    captures = zip(tensor.op.inputs[1:], kind.then.parameters, kind.orelse.parameters, strict=True)
    return [x for x, then, orelse in captures if then in inside or orelse in inside]


class _Iteration:
    """An iteration of the forward loop as the adjoint body sees it."""

    def __init__(self, node: Operation):
        self.node = node
        self.kind: While = node.kind  # type: ignore[assignment]
        self.graph: Body = self.kind.body
        self.body: Body
        self.counter: Tensor
        self._same: dict[Tensor, bool] = {}
        self._hoisted: dict[Tensor, Tensor] = {}

    def value(self, tensor: Tensor) -> Tensor:
        """A constant of the loop, something that is counted, read or computed again, or a saved value."""
        if self._stays(tensor):
            return self.body.own(self._before_the_loop(tensor))
        counted = self._counted(tensor)
        if counted is not None:
            return counted
        if isinstance(tensor.op.kind, GatherV2) and self._stays(tensor.op.inputs[0]):
            return repeated(self.body, tensor.op, tuple(self.body.own(x) for x in tensor.op.inputs)).outputs[0]
        again = computed_again(self.body, tensor)
        return self._saved(tensor) if again is None else again

    def _stays(self, tensor: Tensor) -> bool:
        """Whether the tensor is the same in all iterations."""
        if tensor not in self._same:
            node = tensor.op
            if node.inputs:
                self._same[tensor] = not node.kind.by_identity and all(self._stays(x) for x in node.inputs)
            else:
                self._same[tensor] = isinstance(node.kind, Const) or self._is_constant_argument(tensor)
        return self._same[tensor]

    def _is_constant_argument(self, tensor: Tensor) -> bool:
        parameters = self.graph.parameters
        if tensor not in parameters:
            return False
        number = parameters.index(tensor)
        if number < self.kind.variables:
            return self.graph.targets[number] is tensor
        return number < len(parameters) - self.kind.replays

    def _before_the_loop(self, tensor: Tensor) -> Tensor:
        """The tensor computed in the graph around the adjoint loop."""
        graph = self.body.outer
        if tensor not in self._hoisted:
            if tensor.op.inputs:
                copy = repeated(graph, tensor.op, tuple(self._before_the_loop(x) for x in tensor.op.inputs))
                self._hoisted[tensor] = copy.outputs[tensor.value_index]
            elif isinstance(tensor.op.kind, Const):
                self._hoisted[tensor] = repeated(graph, tensor.op, ()).outputs[0]
            else:
                number = self.graph.parameters.index(tensor)
                self._hoisted[tensor] = graph.own(self.node.inputs[number])
        return self._hoisted[tensor]

    def _counted(self, tensor: Tensor) -> Tensor | None:
        """The value of a loop variable that grows by a constant: start + step * (iterations before this one)."""
        variables = self.graph.parameters[: self.kind.variables]
        if tensor not in variables or not tensor.dtype.is_integer or tensor.type.shape != ():
            return None
        number = variables.index(tensor)
        following = self.graph.targets[number].op
        if following.type != "Add" or tensor not in following.inputs:
            return None
        step = next((x for x in following.inputs if isinstance(x.op.kind, Const)), None)
        if step is None or step.type.shape != ():
            return None
        with self.body.resumed():  # the adjoint of a branch or a loop in the body may be what asks
            before = e.subtract(e.subtract(self.node.outputs[0], 1), self.counter)
            passed = e.multiply(e.cast(before, tensor.dtype), self.body.own(step))
            return e.add(passed, self.body.own(self.node.inputs[number]))

    def _saved(self, tensor: Tensor) -> Tensor:
        count = self.kind.variables
        if tensor not in self.graph.targets[count:]:
            self.graph.targets = (*self.graph.targets, tensor)
            add_output(self.node, history_of(tensor.type))
        place = count + self.graph.targets[count:].index(tensor)
        return self.body.replay(self.node.outputs[place], tensor.type)
