"""LAMB: Adam's direction, as long for each variable as that variable is (You et al., ICLR 2020, algorithm 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.reduction import reduce_sum
from graphc.train.adam import AdamOptimizer
from graphc.variables import Variable


class LAMBOptimizer(AdamOptimizer):
    """``u = m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + epsilon) + weight_decay_rate * w``,
    ``w -= learning_rate * |w| / |u| * u``, where a length that is 0 makes the quotient 1; ``m``, ``v`` as in Adam.

    Variables whose names some pattern of ``exclude_from_weight_decay`` is found in do not decay, and those of
    ``exclude_from_layer_adaptation`` (by default the same) move by ``learning_rate * u``.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay_rate: Any = 0.0,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-6,
        exclude_from_weight_decay: Sequence[str] | None = None,
        exclude_from_layer_adaptation: Sequence[str] | None = None,
        name: str = "LAMBOptimizer",
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, False, name)
        self._weight_decay_rate = weight_decay_rate
        self._not_decayed = tuple(exclude_from_weight_decay or ())
        adapted = exclude_from_layer_adaptation
        self._not_adapted = self._not_decayed if adapted is None else tuple(adapted)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, beta1, beta2, power1, power2, epsilon = (
            self._settings.of(name, var.dtype)
            for name in ("learning_rate", "beta1", "beta2", "beta1_power", "beta2_power", "epsilon")
        )
        m_slot, v_slot = self._zeros_slot(var, "m", self._name), self._zeros_slot(var, "v", self._name)
        m_old, v_old, old = m_slot.read_value(), v_slot.read_value(), var.read_value()
        m = m_slot.assign(m_old + (grad - m_old) * (1 - beta1))
        v = v_slot.assign(v_old + (e.square(grad) - v_old) * (1 - beta2))
        move = m / (1 - power1) / (e.sqrt(v / (1 - power2)) + epsilon)
        if not _is_named(var, self._not_decayed):
            move = move + e.cast(self._call_if_callable(self._weight_decay_rate), var.dtype) * old
        if not _is_named(var, self._not_adapted):
            move = move * _ratio(old, move)
        return var.assign_sub(rate * move)


def _ratio(old: Tensor, move: Tensor) -> Tensor:
    """The length of the one divided by that of the other; 1 where one of them has none."""
    size, length = e.sqrt(reduce_sum(e.square(old))), e.sqrt(reduce_sum(e.square(move)))
    both = e.logical_and(size > 0, length > 0)
    one = e.cast(1, old.dtype)
    return e.select(both, size / e.select(both, length, one), one)


def _is_named(var: Variable, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, var.op.name) for pattern in patterns)
