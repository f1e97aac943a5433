"""Moving averages of variables and values: ``average -= (1 - decay) * (average - value)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.initializers import Zeros
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops import state
from graphc.ops.base import constant, convert_to_tensor
from graphc.scopes import GraphKeys
from graphc.train.slots import create_slot, create_zeros_slot
from graphc.variable_scope import get_variable, variable_scope
from graphc.variables import Variable, global_variables, moving_average_variables, trainable_variables


def assign_moving_average(
    variable: Variable, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Tensor:
    """Moves ``variable`` towards ``value`` by the share ``1 - decay``.

    With ``zero_debias`` an average that begins at zero is not drawn towards it: two further variables, ``biased`` and
    ``local_step`` in a scope with the name of the variable, keep the average a from zero and the number t of its
    moves, and the variable becomes a / (1 - decay^t) (Kingma and Ba, arXiv:1412.6980, section 3).
    """
    with variable.graph.name_scope(name or "AssignMovingAvg") as scope, variable.graph.in_role("update"):
        rest = convert_to_tensor(1.0 - decay, variable.dtype)
        tensor = value.read_value() if isinstance(value, Variable) else convert_to_tensor(value, variable.dtype)
        if zero_debias:
            return state.assign(variable, _without_bias(variable, tensor, rest), name=scope)
        return state.assign_sub(variable, (variable.read_value() - tensor) * rest, name=scope)


def _without_bias(variable: Variable, value: Tensor, rest: Tensor) -> Tensor:
    """The average of the values from the first one on, after ``value`` as one more."""
    with variable_scope(variable.op.name):
        average = get_variable("biased", variable.shape, variable.dtype, Zeros(), trainable=False)
        moves = get_variable("local_step", [], variable.dtype, Zeros(), trainable=False)
    moved = state.assign_sub(average, (average.read_value() - value) * rest)
    return moved / (1 - (1 - rest) ** state.assign_add(moves, constant(1, variable.dtype)))


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None, name: str | None = None
) -> Tensor:
    """The average of the values so far, weighted: ``average(value * weight) / average(weight)``, each moved by a run.

    Two variables from zero, ``value_x_weight`` and ``weight`` in a scope of the name, keep the averages. Without
    ``truediv``, what the dtypes divide like.
    """
    tensor = convert_to_tensor(value)
    weights = convert_to_tensor(weight, tensor.dtype)
    with variable_scope(name, "WeightedMovingAvg") as scope:
        means = []
        for called, shape, moving in (
            ("value_x_weight", tensor.shape, tensor * weights),
            ("weight", weights.shape, weights),
        ):
            mean = get_variable(called, shape, moving.dtype, Zeros(), trainable=False, collections=collections)
            means.append(assign_moving_average(mean, moving, decay, zero_debias=False))
        return (e.truediv if truediv else e.div)(means[0], means[1], name=scope.name)


class ExponentialMovingAverage:
    """Keeps averages of variables, such as the weights of a model while it is trained.

    ``num_updates`` lets the decay grow: ``min(decay, (1 + num_updates) / (10 + num_updates))``. With ``zero_debias``,
    averages of tensors, which begin at zero, are not drawn towards it.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ):
        self._decay = decay
        self._zero_debias = zero_debias
        self._num_updates = num_updates
        self._name = name
        self._averages: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        """The name that the averages' names end with."""
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Operation:
        """The operation that moves the averages of ``var_list`` (the trainable variables where None)."""
        items = trainable_variables() if var_list is None else list(var_list)
        if not items:
            raise ValueError("there is no variable to average")
        for item in items:
            self._make_average(item)
        graph = items[0].graph
        with graph.name_scope(self._name) as scope, graph.in_role("update"):
            decay = self._current_decay()
            updates = [self._moved(item, e.cast(decay, item.dtype)) for item in items]
            return state.group(*updates, name=scope)

    def _moved(self, item: Any, decay: Tensor) -> Tensor:
        from_zero = self._zero_debias and not isinstance(item, Variable)
        return assign_moving_average(self._averages[item], item, decay, from_zero)

    def average(self, var: Any) -> Variable | None:
        """The average of ``var``, or None."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name of the average of ``var``, which need not exist."""
        if var in self._averages:
            return self._averages[var].op.name
        return f"{var.op.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Variable]:
        """Names under which variables are found in a saved model, the averages in place of what they average."""
        averaged = list(moving_avg_variables or [*trainable_variables(), *moving_average_variables()])
        names = {self.average_name(variable): variable for variable in dict.fromkeys(averaged)}
        kept = {variable.op.name for variable in averaged}
        names.update((v.op.name, v) for v in global_variables() if v.op.name not in kept and v.op.name not in names)
        return names

    def _make_average(self, item: Any) -> None:
        if item.dtype.is_integer or item.dtype.is_bool:
            raise TypeError(f"The variables must be half, float, or double: {item.name}")
        if item in self._averages:
            return
        graph = item.graph
        with graph.control_dependencies(None):
            if isinstance(item, Variable):
                self._averages[item] = create_slot(item, item.initialized_value(), self._name)
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, item)
            else:
                self._averages[item] = create_zeros_slot(item, self._name)

    def _current_decay(self) -> Tensor:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        number = e.cast(convert_to_tensor(self._num_updates), decay.dtype)
        return e.minimum(decay, (1 + number) / (10 + number))
