"""The initialisers of contrib: Glorot and Bengio, AISTATS 2010 ("Xavier"), and He et al., ICCV 2015.

They differ from ``tf.variance_scaling_initializer`` in the name of the arguments and in the deviation that makes up
for cutting normal numbers at two deviations: here ``sqrt(1.3 * factor / n)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.initializers import fans
from graphc.nodes import Tensor
from graphc.ops import random as draws

Initialiser = Callable[..., Tensor]
_MODES = ("FAN_IN", "FAN_OUT", "FAN_AVG")


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = dtypes.float32) -> Initialiser:
    """Even numbers within ``sqrt(6 / (inputs + outputs))``, or normal ones of variance ``2 / (inputs + outputs)``."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = dtypes.float32,
) -> Initialiser:
    """Random numbers of variance ``factor / n``; ``n`` counts the inputs, the outputs or their mean (``mode``)."""
    default = _float_type(dtype)
    if mode not in _MODES:
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")

    def initial_value(shape: Any, dtype: Any = default, partition_info: Any = None) -> Tensor:
        inputs, outputs = fans([int(size) for size in shape])
        number = dict(zip(_MODES, (inputs, outputs, (inputs + outputs) / 2.0)))[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / number)
            return draws.random_uniform(shape, -limit, limit, _float_type(dtype), seed=seed)
        return draws.truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / number), _float_type(dtype), seed=seed)

    return initial_value


def _float_type(dtype: Any) -> dtypes.DType:
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    return wanted


XAVIER = xavier_initializer()  # what the weights of layers get
