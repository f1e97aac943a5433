"""Adam: steps scaled by running means of the gradient and its square (Kingma and Ba, ICLR 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import DType
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops import state
from graphc.train.optimizer import Optimizer, Settings
from graphc.variables import Variable


class AdamOptimizer(Optimizer):
    """``m += (grad - m) * (1 - beta1); v += (grad**2 - v) * (1 - beta2); w -= rate_t * m / (sqrt(v) + epsilon)``

    where ``rate_t = learning_rate * sqrt(1 - beta2**t) / (1 - beta1**t)``; the powers are variables.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        first = min(var_list, key=lambda var: var.name)
        for name, value in (("beta1_power", self._beta1), ("beta2_power", self._beta2)):
            self._create_non_slot_variable(self._call_if_callable(value), name, colocate_with=first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        beta1_power, beta2_power = self._get_beta_accumulators()
        self._settings = Settings(
            learning_rate=self._call_if_callable(self._learning_rate),
            beta1=self._call_if_callable(self._beta1),
            beta2=self._call_if_callable(self._beta2),
            epsilon=self._call_if_callable(self._epsilon),
            beta1_power=beta1_power.read_value(),
            beta2_power=beta2_power.read_value(),
        )
        # The same for all variables of a dtype.
        self._shared = {
            dtype: self._step_size(dtype) for dtype in sorted({var.dtype for var in self._slots["m"]}, key=str)
        }

    def _get_beta_accumulators(self) -> tuple[Variable, Variable]:
        return self._get_non_slot_variable("beta1_power"), self._get_non_slot_variable("beta2_power")

    def _step_size(self, dtype: DType) -> tuple[Tensor, Tensor, Tensor]:
        """``rate_t``, ``1 - beta1`` and ``1 - beta2``."""
        of = self._settings.of
        correction = e.sqrt(1 - of("beta2_power", dtype)) / (1 - of("beta1_power", dtype))
        return of("learning_rate", dtype) * correction, 1 - of("beta1", dtype), 1 - of("beta2", dtype)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, rest1, rest2 = self._shared[var.dtype]
        m_slot, v_slot = self._zeros_slot(var, "m", self._name), self._zeros_slot(var, "v", self._name)
        m_old, v_old = m_slot.read_value(), v_slot.read_value()
        m = m_slot.assign(m_old + (grad - m_old) * rest1)
        v = v_slot.assign(v_old + (e.square(grad) - v_old) * rest2)
        return var.assign_sub(m * rate / (e.sqrt(v) + self._settings.of("epsilon", var.dtype)))

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Operation:
        """The powers grow once all variables have used them."""
        powers = self._get_beta_accumulators()
        grown = [self._settings.of(f"{name}_power", power.dtype) * self._settings.of(name, power.dtype)
                 for name, power in zip(("beta1", "beta2"), powers)]  # fmt: skip
        with powers[0].graph.current.control_dependencies(update_ops):
            assigned = [power.assign(value) for power, value in zip(powers, grown)]
        return state.group(*update_ops, *assigned, name=name_scope)
