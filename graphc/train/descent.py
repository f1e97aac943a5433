"""Gradient descent, plain and with momentum: the updates of TensorFlow 1's kernels, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.nodes import Tensor
from graphc.ops.indexing import IndexedSlices
from graphc.ops.state_scatter import scatter_sub
from graphc.train.optimizer import Optimizer, Settings
from graphc.variables import Variable


class GradientDescentOptimizer(Optimizer):
    """``w -= learning_rate * grad``"""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self) -> None:
        self._settings = Settings(learning_rate=self._call_if_callable(self._learning_rate))

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        return var.assign_sub(grad * self._settings.of("learning_rate", var.dtype))

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        """Rows are taken off one after the other, wherever they belong."""
        return scatter_sub(var, grad.indices, grad.values * self._settings.of("learning_rate", var.dtype)).op


class MomentumOptimizer(Optimizer):
    """``m = momentum * m + grad; w -= learning_rate * m``

    With ``use_nesterov``, ``w -= learning_rate * (grad + momentum * m)`` (Sutskever et al., ICML 2013).
    """

    _row_by_row = True

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        self._settings = Settings(
            learning_rate=self._call_if_callable(self._learning_rate),
            momentum=self._call_if_callable(self._momentum),
        )

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate = self._settings.of("learning_rate", var.dtype)
        momentum = self._settings.of("momentum", var.dtype)
        slot = self._zeros_slot(var, "momentum", self._name)
        m = slot.assign(slot.read_value() * momentum + grad)
        if self._use_nesterov:
            return var.assign_sub(grad * rate + m * momentum * rate)
        return var.assign_sub(m * rate)
