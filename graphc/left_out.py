"""Names of TensorFlow 1 that graphc leaves out: calling one says what to use in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_QUANTISED = "graphc has no quantised numbers; compute in float32 and round with tf.round where it matters"
_FRACTIONAL = "graphc has no pooling over windows of random sizes; use tf.nn.max_pool or tf.nn.avg_pool"


def _refusing(name: str, reason: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"{name}: {reason}")

    refuse.__name__ = name
    refuse.__doc__ = f"Not provided: {reason}."
    return refuse


fractional_max_pool = _refusing("fractional_max_pool", _FRACTIONAL)
fractional_avg_pool = _refusing("fractional_avg_pool", _FRACTIONAL)
quantize = _refusing("quantize", _QUANTISED)
quantize_v2 = _refusing("quantize_v2", _QUANTISED)
dequantize = _refusing("dequantize", _QUANTISED)
quantized_concat = _refusing("quantized_concat", _QUANTISED)
quantized_conv2d = _refusing("quantized_conv2d", _QUANTISED)
quantized_relu_x = _refusing("quantized_relu_x", _QUANTISED)
quantized_max_pool = _refusing("quantized_max_pool", _QUANTISED)
quantized_avg_pool = _refusing("quantized_avg_pool", _QUANTISED)
