"""Follow the regularised leader, proximal (McMahan et al., KDD 2013), as TensorFlow 1's kernel computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.initializers import Constant
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.train.optimizer import Optimizer, Settings
from graphc.variables import Variable


class FtrlOptimizer(Optimizer):
    """``a' = a + grad**2; z += grad - (a'**-p - a**-p) / learning_rate * w``, then
    ``w = (sign(z) * l1 - z) / (a'**-p / learning_rate + 2 * l2)`` where ``|z| > l1``, else 0
    """

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: Any = 0.0,
    ):
        super().__init__(use_locking, name)
        for text, value, wrong in (
            ("initial_accumulator_value", initial_accumulator_value, initial_accumulator_value < 0.0),
            ("l1_regularization_strength", l1_regularization_strength, l1_regularization_strength < 0.0),
            ("l2_regularization_strength", l2_regularization_strength, l2_regularization_strength < 0.0),
        ):
            if wrong:
                raise ValueError(f"{text} {value} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        self._settings_given = {
            "learning_rate": learning_rate, "power": learning_rate_power, "l1": l1_regularization_strength,
            "l2": l2_regularization_strength, "l2_shrinkage": l2_shrinkage_regularization_strength,
        }  # fmt: skip
        self._initial_accumulator_value = initial_accumulator_value
        self._slot_names = accum_name or name, linear_name or name

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._accumulator(var)
            self._zeros_slot(var, "linear", self._slot_names[1])

    def _accumulator(self, var: Variable) -> Variable:
        first = Constant(self._initial_accumulator_value, var.dtype)
        return self._get_or_make_slot_with_initializer(var, first, var.shape, var.dtype, "accum", self._slot_names[0])

    def _prepare(self) -> None:
        given = {name: self._call_if_callable(value) for name, value in self._settings_given.items()}
        self._settings = Settings(**given)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        names = ("learning_rate", "l1", "l2", "l2_shrinkage")
        rate, l1, l2, shrinkage = (self._settings.of(name, var.dtype) for name in names)
        slot, linear_slot = self._accumulator(var), self._zeros_slot(var, "linear", self._slot_names[1])
        weight, old = var.read_value(), slot.read_value()
        new = slot.assign(old + e.square(grad))
        pulled = grad if self._settings_given["l2_shrinkage"] == 0 else grad + 2 * shrinkage * weight
        slope = (self._root(new) - self._root(old)) / rate
        linear = linear_slot.assign(linear_slot.read_value() + pulled - slope * weight)
        solution = (e.sign(linear) * l1 - linear) / (self._root(new) / rate + 2 * l2)
        return var.assign(e.select(e.abs(linear) > l1, solution, convert_to_tensor(0, var.dtype)))

    def _root(self, accumulated: Tensor) -> Tensor:
        """``accumulated ** -power``"""
        if self._settings_given["power"] == -0.5:
            return e.sqrt(accumulated)
        return e.pow(accumulated, -self._settings.of("power", accumulated.dtype))
