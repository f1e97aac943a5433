"""Activations that are made of simpler functions. Sigmoid, tanh, relu and softplus are ops of their own."""

from __future__ import annotations

import math
from typing import Any

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import apply, convert_to_tensor, graph_of
from graphc.ops.contraction import matmul

# The fixed point of self-normalising networks: Klambauer et al., NeurIPS 2017, equation 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def relu6(features: Any, name: str | None = None) -> Tensor:
    """``min(max(x, 0), 6)``."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "Relu6") as scope:
        return e.minimum(convert_to_tensor(6, x.dtype), e.relu(x), name=scope)  # the first of equals has the adjoint


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """``x`` where it is positive, else ``alpha * x``."""
    x = convert_to_tensor(features)
    if x.dtype.is_integer:
        x = e.cast(x, "float32")
    with graph_of([x]).name_scope(name or "LeakyRelu") as scope:
        return e.select(x > 0, x, x * alpha, name=scope)


def elu(features: Any, name: str | None = None) -> Tensor:
    """``exp(x) - 1`` where x is negative, else ``x``."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "Elu") as scope:
        return e.select(x < 0, _expm1_below_zero(x), x, name=scope)


def selu(features: Any, name: str | None = None) -> Tensor:
    """``scale * x`` where x is positive, else ``scale * alpha * (exp(x) - 1)``: keeps mean 0 and variance 1."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "Selu") as scope:
        below = _expm1_below_zero(x) * (SELU_SCALE * SELU_ALPHA)
        return e.select(x < 0, below, x * SELU_SCALE, name=scope)


def _expm1_below_zero(x: Tensor) -> Tensor:
    # Not expm1(x): it overflows where x is large, and infinity times the zero adjoint there would be NaN.
    return e.expm1(e.minimum(x, 0))


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """``x * P(normal <= x)``; ``approximate`` takes tanh in place of erf (Hendrycks and Gimpel, 2016)."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "Gelu") as scope:
        if approximate:
            inner = e.tanh((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi))
        else:
            inner = e.erf(x * math.sqrt(0.5))
        return e.multiply(x * 0.5, inner + 1, name=scope)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """``relu(x)`` and ``relu(-x)`` one after the other along ``axis``."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "CRelu") as scope:
        return e.relu(concat([x, -x], axis), name=scope)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """``x / (1 + |x|)``."""
    return apply(e.Elementwise("Softsign"), convert_to_tensor(features), name=name)


def swish(features: Any, name: str | None = None) -> Tensor:
    """``x * sigmoid(x)``."""
    x = convert_to_tensor(features)
    with graph_of([x]).name_scope(name or "swish") as scope:
        return e.multiply(x, e.sigmoid(x), name=scope)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """``log(sigmoid(x))``, without overflow."""
    tensor = convert_to_tensor(x)
    with graph_of([tensor]).name_scope(name or "LogSigmoid") as scope:
        return e.negative(e.softplus(-tensor), name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``x @ weights + biases``."""
    inputs = convert_to_tensor(x)
    with graph_of([inputs]).name_scope(name or "xw_plus_b") as scope:
        return e.add(matmul(inputs, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``relu(x @ weights + biases)``."""
    inputs = convert_to_tensor(x)
    with graph_of([inputs]).name_scope(name or "relu_layer") as scope:
        return e.relu(e.add(matmul(inputs, weights), biases), name=scope)
