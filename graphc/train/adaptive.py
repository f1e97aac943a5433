"""Optimizers that scale each element's step by its own past gradients: the updates of TensorFlow 1's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.initializers import Constant, Ones
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.train.optimizer import Optimizer, Settings
from graphc.variables import Variable


class AdagradOptimizer(Optimizer):
    """``a += grad**2; w -= learning_rate * grad / sqrt(a)`` (Duchi et al., JMLR 2011)"""

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._accumulator(var)

    def _accumulator(self, var: Variable) -> Variable:
        first = Constant(self._initial_accumulator_value, var.dtype)
        return self._get_or_make_slot_with_initializer(var, first, var.shape, var.dtype, "accumulator", self._name)

    def _prepare(self) -> None:
        self._settings = Settings(learning_rate=self._call_if_callable(self._learning_rate))

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        slot = self._accumulator(var)
        accumulator = slot.assign(slot.read_value() + e.square(grad))
        return var.assign_sub(grad * self._settings.of("learning_rate", var.dtype) * e.rsqrt(accumulator))


class AdadeltaOptimizer(Optimizer):
    """``a = rho * a + (1 - rho) * grad**2; u = sqrt(d + epsilon) / sqrt(a + epsilon) * grad``,
    ``d = rho * d + (1 - rho) * u**2; w -= learning_rate * u`` (Zeiler, 2012)
    """

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _prepare(self) -> None:
        self._settings = Settings(
            lr=self._call_if_callable(self._learning_rate),
            rho=self._call_if_callable(self._rho),
            epsilon=self._call_if_callable(self._epsilon),
        )

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, rho, epsilon = (self._settings.of(name, var.dtype) for name in ("lr", "rho", "epsilon"))
        grads, updates = self._zeros_slot(var, "accum", self._name), self._zeros_slot(var, "accum_update", self._name)
        old_updates = updates.read_value()
        accumulated = grads.assign(grads.read_value() * rho + e.square(grad) * (1 - rho))
        update = e.sqrt(old_updates + epsilon) * e.rsqrt(accumulated + epsilon) * grad
        new_updates = updates.assign(old_updates * rho + e.square(update) * (1 - rho))
        with var.graph.current.control_dependencies([new_updates]):
            return var.assign_sub(update * rate)


class RMSPropOptimizer(Optimizer):
    """``s += (grad**2 - s) * (1 - decay); m = momentum * m + learning_rate * grad / sqrt(s + epsilon); w -= m``

    With ``centered``, the square of a running mean of the gradient is taken from ``s`` under the root
    (Hinton, lecture 6e, 2012; centered: Graves, 2013).
    """

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._squares(var)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _squares(self, var: Variable) -> Variable:
        # TensorFlow begins with ones, so that the first steps are not huge.
        return self._get_or_make_slot_with_initializer(var, Ones(), var.shape, var.dtype, "rms", self._name)

    def _prepare(self) -> None:
        self._settings = Settings(
            learning_rate=self._call_if_callable(self._learning_rate),
            decay=self._call_if_callable(self._decay),
            momentum=self._call_if_callable(self._momentum),
            epsilon=self._call_if_callable(self._epsilon),
        )

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        names = ("learning_rate", "decay", "momentum", "epsilon")
        rate, decay, momentum, epsilon = (self._settings.of(name, var.dtype) for name in names)
        squares = _moved(self._squares(var), e.square(grad), decay)
        if self._centered:
            spread = squares - e.square(_moved(self._zeros_slot(var, "mg", self._name), grad, decay))
        else:
            spread = squares
        slot = self._zeros_slot(var, "momentum", self._name)
        step = slot.assign(slot.read_value() * momentum + grad * rate / e.sqrt(spread + epsilon))
        return var.assign_sub(step)


def _moved(slot: Variable, value: Tensor, decay: Tensor) -> Tensor:
    """``slot += (value - slot) * (1 - decay)``"""
    old = slot.read_value()
    return slot.assign(old + (value - old) * (1 - decay))
