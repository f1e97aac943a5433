"""The updates of optimizers that TensorFlow has as nodes of their own, for graphs of its making that train on.

The formulas are those that stand in the documentation of the ops ``tf.raw_ops.ApplyX``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import state

Update = Callable[[Any], Any]


def _new(variable: Tensor, value: Tensor) -> Tensor:
    """``variable := value``; the new value."""
    return state.assign(variable, value)


def _descent(node: Any) -> Tensor:
    """``var -= alpha * delta``."""
    var, alpha, delta = node.inputs
    return state.assign_sub(var, alpha * delta)


def _momentum(node: Any) -> Tensor:
    """``accum = momentum * accum + grad; var -= lr * accum``, or with Nesterov's step."""
    var, accum, lr, grad, momentum = node.inputs
    new = _new(accum, state.read(accum) * momentum + grad)
    step = grad * lr + new * momentum * lr if node.attr("use_nesterov", False) else new * lr
    return state.assign_sub(var, step)


def _adam(node: Any) -> Tensor:
    """``m += (g - m) (1 - b1); v += (g g - v) (1 - b2); var -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)``."""
    var, m, v, power1, power2, lr, beta1, beta2, epsilon, grad = node.inputs
    rate = lr * e.sqrt(1.0 - _value(power2)) / (1.0 - _value(power1))
    m_new = _new(m, state.read(m) + (grad - state.read(m)) * (1.0 - beta1))
    v_new = _new(v, state.read(v) + (e.square(grad) - state.read(v)) * (1.0 - beta2))
    first = m_new * beta1 + grad * (1.0 - beta1) if node.attr("use_nesterov", False) else m_new
    return state.assign_sub(var, rate * first / (e.sqrt(v_new) + epsilon))


def _value(tensor: Tensor) -> Tensor:
    return state.read(tensor) if isinstance(tensor.op.kind, state.VariableV2) else tensor


def _rms(node: Any) -> Tensor:
    """``ms += (1 - rho) (g g - ms); mom = momentum mom + lr g / sqrt(ms + epsilon); var -= mom``."""
    var, ms, mom, lr, rho, momentum, epsilon, grad = node.inputs
    ms_new = _new(ms, state.read(ms) + (e.square(grad) - state.read(ms)) * (1.0 - rho))
    mom_new = _new(mom, state.read(mom) * momentum + lr * grad * e.rsqrt(ms_new + epsilon))
    return state.assign_sub(var, mom_new)


def _centred_rms(node: Any) -> Tensor:
    """The same with ``ms - mg**2`` in place of ``ms``, where ``mg`` is the mean of the gradients."""
    var, mg, ms, mom, lr, rho, momentum, epsilon, grad = node.inputs
    ms_new = _new(ms, state.read(ms) + (e.square(grad) - state.read(ms)) * (1.0 - rho))
    mg_new = _new(mg, state.read(mg) + (grad - state.read(mg)) * (1.0 - rho))
    spread = ms_new - e.square(mg_new) + epsilon
    mom_new = _new(mom, state.read(mom) * momentum + lr * grad * e.rsqrt(spread))
    return state.assign_sub(var, mom_new)


def _adagrad(node: Any) -> Tensor:
    """``accum += g g; var -= lr g / sqrt(accum)``."""
    var, accum, lr, grad = node.inputs
    slots = node.attr("update_slots", True)
    new = state.assign_add(accum, e.square(grad)) if slots else state.read(accum)
    return state.assign_sub(var, lr * grad * e.rsqrt(new))


def _adadelta(node: Any) -> Tensor:
    """``a = rho a + (1 - rho) g g; u = sqrt(d + eps) / sqrt(a + eps) g; d = rho d + (1 - rho) u u; var -= lr u``."""
    var, accum, accum_update, lr, rho, epsilon, grad = node.inputs
    new = _new(accum, state.read(accum) * rho + e.square(grad) * (1.0 - rho))
    update = e.sqrt(state.read(accum_update) + epsilon) * e.rsqrt(new + epsilon) * grad
    moved = state.assign_sub(var, update * lr)
    kept = _new(accum_update, state.read(accum_update) * rho + e.square(update) * (1.0 - rho))
    with moved.graph.control_dependencies([kept]):
        return e.identity(moved)


_FORMULAS: dict[str, Update] = {
    "ApplyGradientDescent": _descent,
    "ApplyMomentum": _momentum,
    "ApplyAdam": _adam,
    "ApplyRMSProp": _rms,
    "ApplyCenteredRMSProp": _centred_rms,
    "ApplyAdagrad": _adagrad,
    "ApplyAdadelta": _adadelta,
}


def _scoped(formula: Update) -> Update:
    """The formula, its operations under the name of the node."""

    def row(node: Any) -> Tensor:
        with node.inputs[0].graph.name_scope(node.name):
            return formula(node)

    return row


UPDATES: dict[str, Update] = {op: _scoped(formula) for op, formula in _FORMULAS.items()}
UPDATES |= {f"Resource{op}": row for op, row in UPDATES.items()}
