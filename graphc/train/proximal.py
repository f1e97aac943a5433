"""Steps that keep weights small or at zero: proximal gradient descent and Adagrad (Duchi and Singer, JMLR 10, 2009),
and Adagrad by dual averaging (Duchi, Hazan, Singer, JMLR 12, 2011), as TensorFlow 1's kernels compute them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.initializers import Constant
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.train.optimizer import Optimizer, Settings
from graphc.variables import Variable


def _shrunk(x: Tensor, rate: Tensor, l1: Tensor, l2: Tensor) -> Tensor:
    """``sign(x) * max(|x| - rate * l1, 0) / (1 + rate * l2)``; without l1, ``x / (1 + rate * l2)``"""
    smaller = e.sign(x) * e.maximum(e.abs(x) - rate * l1, 0)
    return e.select(l1 > 0, smaller, x) / (1 + rate * l2)


class ProximalGradientDescentOptimizer(Optimizer):
    """``w = shrunk(w - learning_rate * grad)``"""

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ):
        super().__init__(use_locking, name)
        self._given = {
            "rate": learning_rate, "l1": l1_regularization_strength, "l2": l2_regularization_strength,
        }  # fmt: skip

    def _prepare(self) -> None:
        self._settings = Settings(**{name: self._call_if_callable(value) for name, value in self._given.items()})

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, l1, l2 = (self._settings.of(name, var.dtype) for name in ("rate", "l1", "l2"))
        return var.assign(_shrunk(var.read_value() - rate * grad, rate, l1, l2))


class ProximalAdagradOptimizer(ProximalGradientDescentOptimizer):
    """``a += grad**2; rate = learning_rate / sqrt(a); w = shrunk(w - rate * grad)``"""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)
        self._first = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._accumulator(var)

    def _accumulator(self, var: Variable) -> Variable:
        first = Constant(self._first, var.dtype)
        return self._get_or_make_slot_with_initializer(var, first, var.shape, var.dtype, "accumulator", self._name)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, l1, l2 = (self._settings.of(name, var.dtype) for name in ("rate", "l1", "l2"))
        slot = self._accumulator(var)
        own_rate = rate * e.rsqrt(slot.assign(slot.read_value() + e.square(grad)))
        return var.assign(_shrunk(var.read_value() - own_rate * grad, own_rate, l1, l2))


class AdagradDAOptimizer(Optimizer):
    """``g += grad; a += grad**2; w = -learning_rate * g' / (l2 * t * learning_rate + sqrt(a))``

    where ``g'`` is g, brought nearer to zero by ``l1 * t`` where l1 is above 0, and t counts the steps from 1.
    """

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ):
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._step = global_step
        self._first = initial_gradient_squared_accumulator_value
        self._given = {
            "rate": learning_rate, "l1": l1_regularization_strength, "l2": l2_regularization_strength,
        }  # fmt: skip

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "gradient_accumulator", self._name)
            self._squares(var)

    def _squares(self, var: Variable) -> Variable:
        name = "gradient_squared_accumulator"
        first = Constant(self._first, var.dtype)
        return self._get_or_make_slot_with_initializer(var, first, var.shape, var.dtype, name, self._name)

    def _prepare(self) -> None:
        values = {name: self._call_if_callable(value) for name, value in self._given.items()}
        self._settings = Settings(**values, step=convert_to_tensor(self._step) + 1)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, l1, l2, step = (self._settings.of(name, var.dtype) for name in ("rate", "l1", "l2", "step"))
        sums, squares = self._zeros_slot(var, "gradient_accumulator", ""), self._squares(var)
        g = sums.assign(sums.read_value() + grad)
        a = squares.assign(squares.read_value() + e.square(grad))
        nearer = e.select(l1 > 0, e.sign(g) * e.maximum(e.abs(g) - l1 * step, 0), g)
        return var.assign(-rate * nearer / (l2 * step * rate + e.sqrt(a)))
