"""Kin of Adam, and any optimizer with weights that decay by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.train.adam import AdamOptimizer
from graphc.train.descent import MomentumOptimizer
from graphc.train.optimizer import Optimizer
from graphc.variables import Variable


class LazyAdamOptimizer(AdamOptimizer):
    """:class:`AdamOptimizer`; but where a gradient has some rows alone, only these and their means change."""

    _row_by_row = True


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's look ahead: ``w -= rate_t * (beta1 * m + (1 - beta1) * grad) / (sqrt(v) + epsilon)``

    (Dozat, ICLR workshop 2016.)
    """

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        rate, rest1, rest2 = self._shared[var.dtype]
        m_slot, v_slot = self._zeros_slot(var, "m", self._name), self._zeros_slot(var, "v", self._name)
        m_old, v_old = m_slot.read_value(), v_slot.read_value()
        m = m_slot.assign(m_old + (grad - m_old) * rest1)
        v = v_slot.assign(v_old + (e.square(grad) - v_old) * rest2)
        ahead = m * (1 - rest1) + grad * rest1
        return var.assign_sub(ahead * rate / (e.sqrt(v) + self._settings.of("epsilon", var.dtype)))


class AdaMaxOptimizer(AdamOptimizer):
    """``v = max(beta2 * v, |grad|); w -= learning_rate / (1 - beta1**t) * m / (v + epsilon)`` (Kingma and Ba, 2015)"""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "AdaMax",
    ):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Tensor:
        of = self._settings.of
        rate = of("learning_rate", var.dtype) / (1 - of("beta1_power", var.dtype))
        m_slot, v_slot = self._zeros_slot(var, "m", self._name), self._zeros_slot(var, "v", self._name)
        m_old = m_slot.read_value()
        m = m_slot.assign(m_old + (grad - m_old) * (1 - of("beta1", var.dtype)))
        v = v_slot.assign(e.maximum(of("beta2", var.dtype) * v_slot.read_value(), e.abs(grad)))
        return var.assign_sub(rate * (m / (v + of("epsilon", var.dtype))))


# -- weights that decay ----------------------------------------------------------------------------------


class DecoupledWeightDecayExtension(Optimizer):
    """Before an optimizer's step, ``w -= weight_decay * w`` (Loshchilov and Hutter, ICLR 2019).

    Stands before the optimizer among the bases of a class, and takes ``weight_decay`` as its first argument.
    """

    def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any):
        self._weight_decay = weight_decay
        self._decay_variables: set[Variable] | None = None
        super().__init__(*args, **kwargs)

    def minimize(self, loss: Any, *args: Any, decay_var_list: Sequence[Variable] | None = None, **kwargs: Any) -> Any:
        """As every optimizer; only ``decay_var_list`` decay where it is given."""
        self._decay_variables = None if decay_var_list is None else set(decay_var_list)
        return super().minimize(loss, *args, **kwargs)

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None,
        decay_var_list: Sequence[Variable] | None = None,
    ) -> Operation:  # fmt: skip
        """As every optimizer; only ``decay_var_list`` decay where it is given."""
        if decay_var_list is not None:
            self._decay_variables = set(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _update(self, graph: Any, grad: Any, variable: Variable) -> Any:
        if self._decay_variables is not None and variable not in self._decay_variables:
            return super()._update(graph, grad, variable)
        share = e.cast(self._call_if_callable(self._weight_decay), variable.dtype)
        decayed = variable.assign_sub(share * variable.read_value())
        with graph.current.control_dependencies([decayed]):
            return super()._update(graph, grad, variable)


def extend_with_decoupled_weight_decay(base_optimizer: type[Optimizer]) -> Any:
    """A class that is ``base_optimizer`` with ``weight_decay`` as first argument."""

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):  # type: ignore[misc,valid-type]
        """An optimizer with weights that decay by themselves."""

    return OptimizerWithDecoupledWeightDecay


class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Adam with weights that decay by themselves."""

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ):
        super().__init__(weight_decay, learning_rate, beta1, beta2, epsilon, use_locking, name)


class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Momentum with weights that decay by themselves."""

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "MomentumW",
        use_nesterov: bool = False,
    ):
        super().__init__(weight_decay, learning_rate, momentum, use_locking, name, use_nesterov)
