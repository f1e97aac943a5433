"""L-BFGS within the graph: a step of it is one native step, on the same batch or on another one each time."""

from __future__ import annotations

import math
from typing import Any

from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape
from graphc.train.optimizer import Optimizer
from graphc.variables import Variable


class LBFGSOptimizer(Optimizer):
    """``w -= learning_rate * H grad`` where ``H`` is made of the last moves and of how the gradient changed by them.

    That is the two-loop recursion (Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.4) over ``history``
    pairs ``s = w' - w``, ``y = grad' - grad``, begun with ``s.y / y.y`` of the latest; a pair with ``s.y <= 0`` says
    nothing of a valley and is left out. The first step is along the gradient, and at most ``learning_rate`` long in the
    sum of its parts. All variables are one vector: they need whole shapes and one dtype (ValueError), and all have a
    gradient each time. The step length is fixed: 1 suits losses that are nearly quadratic; where a line search is
    wanted, ``ScipyOptimizerInterface(method="L-BFGS-B")`` has one.
    """

    def __init__(self, learning_rate: Any = 1.0, history: int = 10, use_locking: bool = False, name: str = "LBFGS"):
        if not isinstance(history, int) or history < 1:
            raise ValueError(f"history is {history!r}, wanted a number of pairs, at least 1")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._history = history

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """The operation that moves all variables along one direction, and then counts ``global_step``."""
        pairs = [(grad, variable) for grad, variable in grads_and_vars if grad is not None]
        if not pairs:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in grads_and_vars]}.")
        sizes = _checked_sizes([variable for _, variable in pairs])
        graph, dtype = pairs[0][1].graph, pairs[0][1].dtype
        with graph.in_role("update"), graph.name_scope(self._name):
            place = concat([reshape(variable.read_value(), [-1]) for _, variable in pairs], 0)
            grad = concat([reshape(convert_to_tensor(grad, dtype), [-1]) for grad, _ in pairs], 0)
            direction, kept = self._direction(place, grad, sum(sizes), pairs[0][1])
        ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
        parts = [
            (reshape(direction[end - size : end], variable.shape.as_list()), variable)
            for size, end, (_, variable) in zip(sizes, ends, pairs, strict=True)
        ]
        with graph.control_dependencies(kept):
            return super().apply_gradients(parts, global_step, name)

    def _direction(self, place: Tensor, grad: Tensor, size: int, like: Variable) -> tuple[Tensor, list[Tensor]]:
        """What is to be taken from the variables, and the assignments that remember this place."""
        dtype, count = like.dtype, self._history
        with like.graph.control_dependencies(None):
            shapes = {"moves": [count, size], "changes": [count, size], "place": [size], "grad": [size], "steps": []}
            old = {key: self._create_non_slot_variable(zeros(shape, dtype), key, like) for key, shape in shapes.items()}
        before = {key: variable.read_value() for key, variable in old.items()}
        move, change = place - before["place"], grad - before["grad"]
        begun = before["steps"] > 0
        good = e.logical_and(begun, _dot(move, change) > 0)
        moves, changes = (
            e.select(good, concat([rows[1:], reshape(row, [1, size])], 0), rows)
            for rows, row in ((before["moves"], move), (before["changes"], change))
        )
        first = e.minimum(e.cast(1, dtype), 1 / reduce_sum(e.abs(grad)))
        direction = _two_loops(grad, moves, changes, count, first)
        new = {"moves": moves, "changes": changes, "place": place, "grad": grad, "steps": before["steps"] + 1}
        return direction, [old[key].assign(value) for key, value in new.items()]

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        return var.assign_sub(grad * e.cast(self._call_if_callable(self._learning_rate), var.dtype))


def _two_loops(grad: Tensor, moves: Tensor, changes: Tensor, count: int, first: Tensor) -> Tensor:
    """``H grad`` by the pairs, the latest last; those that are 0 change nothing."""
    inverse = [_inverse(_dot(moves[n], changes[n])) for n in range(count)]
    direction, shares = grad, [grad[0]] * count
    for n in reversed(range(count)):
        shares[n] = inverse[n] * _dot(moves[n], direction)
        direction = direction - shares[n] * changes[n]
    latest, length = _dot(moves[-1], changes[-1]), _dot(changes[-1], changes[-1])
    direction = direction * e.select(latest > 0, latest * _inverse(length), first)
    for n in range(count):
        direction = direction + moves[n] * (shares[n] - inverse[n] * _dot(changes[n], direction))
    return direction


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return reduce_sum(a * b)


def _inverse(number: Tensor) -> Tensor:
    """``1 / number``, 0 where that is 0."""
    one = e.cast(1, number.dtype)
    return e.select(number > 0, 1 / e.select(number > 0, number, one), one - one)


def _checked_sizes(variables: list[Variable]) -> list[int]:
    for variable in variables:
        if not variable.shape.is_fully_defined():
            raise ValueError(f"LBFGSOptimizer needs whole shapes; {variable.name} has {variable.shape}")
        if variable.dtype != variables[0].dtype:
            raise ValueError(
                f"LBFGSOptimizer takes all variables as one vector: {variable.name} is {variable.dtype.name}, "
                f"{variables[0].name} {variables[0].dtype.name}"
            )
    return [math.prod(size or 0 for size in variable.shape.as_list()) for variable in variables]
