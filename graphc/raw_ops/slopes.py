"""Adjoints of elementwise operations, from the output or the input as TensorFlow keeps it."""

from __future__ import annotations

from typing import Any

from graphc.nn.activations import SELU_ALPHA, SELU_SCALE
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, convert_together, graph_of


def elu_grad(gradients: Any, outputs: Any, name: str | None = None) -> Tensor:
    """``g`` where y is not below 0, else ``g (y + 1)``."""
    grad, y = convert_together(gradients, outputs)
    with graph_of([y]).name_scope(name or "EluGrad") as scope:
        return e.select(y < 0, grad * (y + 1), grad, name=scope)


def selu_grad(gradients: Any, outputs: Any, name: str | None = None) -> Tensor:
    """``g scale`` where y is not below 0, else ``g (y + scale alpha)``."""
    grad, y = convert_together(gradients, outputs)
    with graph_of([y]).name_scope(name or "SeluGrad") as scope:
        return e.select(y < 0, grad * (y + SELU_SCALE * SELU_ALPHA), grad * SELU_SCALE, name=scope)


def relu_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """``g`` where x is above 0, else 0."""
    grad, x = convert_together(gradients, features)
    with graph_of([x]).name_scope(name or "ReluGrad") as scope:
        return e.select(x > 0, grad, convert_to_tensor(0, grad.dtype), name=scope)


def relu6_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """``g`` where x is between 0 and 6, else 0."""
    grad, x = convert_together(gradients, features)
    with graph_of([x]).name_scope(name or "Relu6Grad") as scope:
        return e.select(e.logical_and(x > 0, x < 6), grad, convert_to_tensor(0, grad.dtype), name=scope)


def leaky_relu_grad(gradients: Any, features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """``g`` where x is above 0, else ``alpha g``."""
    grad, x = convert_together(gradients, features)
    with graph_of([x]).name_scope(name or "LeakyReluGrad") as scope:
        return e.select(x > 0, grad, grad * alpha, name=scope)


def softplus_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """``g sigmoid(x)``."""
    grad, x = convert_together(gradients, features)
    with graph_of([x]).name_scope(name or "SoftplusGrad") as scope:
        return e.multiply(grad, e.sigmoid(x), name=scope)


def softsign_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """``g / (1 + |x|)^2``."""
    grad, x = convert_together(gradients, features)
    with graph_of([x]).name_scope(name or "SoftsignGrad") as scope:
        return e.div(grad, e.square(e.abs(x) + 1), name=scope)


def sigmoid_grad(y: Any, dy: Any, name: str | None = None) -> Tensor:
    """``dy y (1 - y)``."""
    out, grad = convert_together(y, dy)
    with graph_of([out]).name_scope(name or "SigmoidGrad") as scope:
        return e.multiply(grad * out, 1 - out, name=scope)


def tanh_grad(y: Any, dy: Any, name: str | None = None) -> Tensor:
    """``dy (1 - y^2)``."""
    out, grad = convert_together(y, dy)
    with graph_of([out]).name_scope(name or "TanhGrad") as scope:
        return e.multiply(grad, 1 - out * out, name=scope)


def sqrt_grad(y: Any, dy: Any, name: str | None = None) -> Tensor:
    """``dy / (2 y)``."""
    out, grad = convert_together(y, dy)
    with graph_of([out]).name_scope(name or "SqrtGrad") as scope:
        return e.div(grad * 0.5, out, name=scope)


def rsqrt_grad(y: Any, dy: Any, name: str | None = None) -> Tensor:
    """``-dy y^3 / 2``."""
    out, grad = convert_together(y, dy)
    with graph_of([out]).name_scope(name or "RsqrtGrad") as scope:
        return e.multiply(grad * -0.5, out * out * out, name=scope)


def reciprocal_grad(y: Any, dy: Any, name: str | None = None) -> Tensor:
    """``-dy y^2``."""
    out, grad = convert_together(y, dy)
    with graph_of([out]).name_scope(name or "ReciprocalGrad") as scope:
        return e.multiply(-grad, out * out, name=scope)
