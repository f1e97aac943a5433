"""An optimizer that keeps moving averages of what it trains, and saves these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.nodes import Operation
from graphc.ops import state
from graphc.train.moving_averages import ExponentialMovingAverage
from graphc.train.optimizer import Optimizer
from graphc.variables import Variable, global_variables


class MovingAverageOptimizer(Optimizer):
    """Another optimizer's steps, each followed by one of the moving averages of the variables (Polyak and Juditsky)."""

    def __init__(
        self, opt: Optimizer, average_decay: Any = 0.9999, num_updates: Any = None, sequential_update: bool = True
    ):
        super().__init__(False, opt.get_name())
        self._optimizer = opt
        self._ema = ExponentialMovingAverage(average_decay, num_updates)
        self._averaged: dict[str, Variable] | None = None
        self._sequential = sequential_update

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """As the optimizer inside."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """The step of the optimizer inside, then that of the averages."""
        pairs = list(grads_and_vars)
        train = self._optimizer.apply_gradients(pairs, global_step, name)
        variables = [variable for grad, variable in pairs if grad is not None]
        with train.graph.control_dependencies([train] if self._sequential else []):
            averaged = self._ema.apply(variables)
        self._averaged = {}
        for variable in variables:
            average = self._ema.average(variable)
            assert average is not None
            self._averaged[variable.op.name] = average
        return state.group(train, averaged)

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        return self._optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Variable]:
        return self._optimizer.variables()

    def swapping_saver(
        self, var_list: Sequence[Variable] | None = None, name: str = "swapping_saver", **kwargs: Any
    ) -> Any:
        """A Saver that writes the averages under the names of the variables, and the variables under the averages'.

        ``RuntimeError`` before ``apply_gradients``, and where an averaged variable is not among those to save.
        """
        if self._averaged is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        from graphc.train.saver import Saver  # which loads what files need

        variables = {variable.op.name: variable for variable in (var_list or global_variables())}
        swapped = dict(variables)
        for key, average in self._averaged.items():
            if key not in variables or average.op.name not in variables:
                raise RuntimeError(
                    f"Variable to swap {key} is not part of variables to save. This breaks MovingAverageOptimizer."
                )
            swapped[key], swapped[average.op.name] = average, variables[key]
        return Saver(swapped, name=name, **kwargs)
