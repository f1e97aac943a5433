"""Moving averages of variables and values: ``average -= (1 - decay) * (average - value)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops import state
from graphc.ops.base import convert_to_tensor
from graphc.scopes import GraphKeys
from graphc.train.slots import create_slot, create_zeros_slot
from graphc.variables import Variable, global_variables, moving_average_variables, trainable_variables


def assign_moving_average(
    variable: Variable, value: Any, decay: Any, zero_debias: bool = False, name: str | None = None
) -> Tensor:
    """Moves ``variable`` towards ``value`` by the share ``1 - decay``."""
    if zero_debias:
        raise ValueError("assign_moving_average does not correct the bias of an average that begins at zero")
    with variable.graph.name_scope(name or "AssignMovingAvg") as scope, variable.graph.in_role("update"):
        rest = 1 - convert_to_tensor(decay, variable.dtype)
        tensor = value.read_value() if isinstance(value, Variable) else convert_to_tensor(value, variable.dtype)
        return state.assign_sub(variable, (variable.read_value() - tensor) * rest, name=scope)


class ExponentialMovingAverage:
    """Keeps averages of variables, such as the weights of a model while it is trained.

    ``num_updates`` lets the decay grow: ``min(decay, (1 + num_updates) / (10 + num_updates))``.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ):
        if zero_debias:
            raise ValueError("ExponentialMovingAverage does not correct the bias of averages that begin at zero")
        self._decay = decay
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
            updates = [assign_moving_average(self._averages[item], item, e.cast(decay, item.dtype)) for item in items]
            return state.group(*updates, name=scope)

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
