"""How variables get their first values: callables of a shape and a dtype, under TensorFlow 1's names.

    w = tf.get_variable("w", [784, 128], initializer=tf.glorot_uniform_initializer(seed=1))

Scaled initialisers keep the variance of signals: Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; LeCun et
al., Efficient BackProp, 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.lazily import when_named
from graphc.nodes import Tensor
from graphc.ops import arrays, base
from graphc.ops import random as draws
from graphc.shapes import as_shape

# The standard deviation of a standard normal that is cut at two standard deviations.
TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer:
    """What all initialisers have: ``initializer(shape, dtype)`` makes the first value."""

    dtype: Any = dtypes.float32

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """The first value of a variable of this shape."""
        wanted = dtypes.as_dtype(self.dtype if dtype is None else dtype)
        return self.value(tuple(_known_sizes(shape)), wanted)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        """The first value, its dtype and sizes known."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initialiser."""
        return {key: item.name if isinstance(item, dtypes.DType) else item for key, item in vars(self).items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initialiser that :meth:`get_config` describes."""
        return cls(**config)


class Zeros(Initializer):
    """All elements 0."""

    def __init__(self, dtype: Any = dtypes.float32):
        self.dtype = dtypes.as_dtype(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        return arrays.zeros(shape, dtype)


class Ones(Initializer):
    """All elements 1."""

    def __init__(self, dtype: Any = dtypes.float32):
        self.dtype = dtypes.as_dtype(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        return arrays.ones(shape, dtype)


class Constant(Initializer):
    """``value`` everywhere; a list or array gives the elements in order, the last one repeated to fill the shape."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value)} "
                "(expected Python scalar, list of values, or NumPy array)."
            )
        self._value = value
        self.dtype = dtypes.as_dtype(dtype)
        self.verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        wanted = dtypes.as_dtype(self.dtype if dtype is None else dtype)
        verify = self.verify_shape if verify_shape is None else verify_shape
        return base.constant(self._value, wanted, shape=_known_sizes(shape), verify_shape=verify)

    def get_config(self) -> dict[str, Any]:
        return {"value": self._value, "dtype": self.dtype.name}


class RandomUniform(Initializer):
    """Even numbers from ``minval`` up to ``maxval`` (for floats, 1 where None)."""

    def __init__(self, minval: Any = 0, maxval: Any = None, seed: int | None = None, dtype: Any = dtypes.float32):
        self.minval, self.maxval, self.seed = minval, maxval, seed
        self.dtype = dtypes.as_dtype(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        return draws.random_uniform(shape, self.minval, self.maxval, dtype, seed=self.seed)


class RandomNormal(Initializer):
    """Normal numbers with this mean and standard deviation."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = dtypes.float32):
        self.mean, self.stddev, self.seed = mean, stddev, seed
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        return draws.random_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class TruncatedNormal(Initializer):
    """Normal numbers, drawn again where they are more than two standard deviations from the mean."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = dtypes.float32):
        self.mean, self.stddev, self.seed = mean, stddev, seed
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        return draws.truncated_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class UniformUnitScaling(Initializer):
    """Even numbers within ``factor * sqrt(3 / inputs)``, which keep the variance through linear layers."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32):
        self.factor, self.seed = factor, seed
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        inputs = max(1.0, math.prod(float(size) for size in shape[:-1]))
        limit = math.sqrt(3 / inputs) * self.factor
        return draws.random_uniform(shape, -limit, limit, dtype, seed=self.seed)


class VarianceScaling(Initializer):
    """Random numbers of variance ``scale / n``, where ``n`` counts the inputs, the outputs or their mean."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ):
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float, not {scale}")
        if mode not in {"fan_in", "fan_out", "fan_avg"}:
            raise ValueError(f"Invalid `mode` argument: {mode}; wanted fan_in, fan_out or fan_avg")
        distribution = distribution.lower()
        if distribution not in {"normal", "uniform", "truncated_normal", "untruncated_normal"}:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}; wanted uniform, truncated_normal or "
                "untruncated_normal"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        inputs, outputs = fans(shape)
        number = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2.0}[self.mode]
        variance = self.scale / max(1.0, number)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return draws.random_uniform(shape, -limit, limit, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return draws.random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        return draws.truncated_normal(shape, 0.0, math.sqrt(variance) / TRUNCATED_DEVIATION, dtype, seed=self.seed)


class GlorotUniform(VarianceScaling):
    """Even numbers within ``sqrt(6 / (inputs + outputs))``: what variables get without an initialiser."""

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32):
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):
    """Truncated normal numbers of variance ``2 / (inputs + outputs)``."""

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}


class Identity(Initializer):
    """A matrix with ``gain`` on its diagonal."""

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32):
        self.gain = gain
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices, not for shape {list(shape)}."
            )
        return base.constant(self.gain * np.eye(*shape, dtype=dtype.numpy), dtype)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal numbers of variance ``2 / inputs``, for layers followed by relu."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Even numbers of variance ``2 / inputs``, for layers followed by relu."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal numbers of variance ``1 / inputs``."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Even numbers of variance ``1 / inputs``."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """How many inputs an output element has, and how many outputs an input: ``[window..., inputs, outputs]``."""
    if len(shape) < 1:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    window = math.prod(shape[:-2])
    return float(shape[-2] * window), float(shape[-1] * window)


def _known_sizes(shape: Any) -> Any:
    sizes = as_shape(shape)
    if sizes is None or any(not isinstance(size, int) for size in sizes):
        raise ValueError(f"an initializer needs a fully known shape, not {shape}")
    return sizes


def float_type(dtype: Any) -> dtypes.DType:
    """``dtype``; ``ValueError`` unless it is one of floats."""
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal

zeros = Zeros
ones = Ones
constant = Constant
random_uniform = RandomUniform
random_normal = RandomNormal
truncated_normal = TruncatedNormal
uniform_unit_scaling = UniformUnitScaling
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
identity = Identity

# Initialisers that need a factorisation, and operations that stand above this room.
_LATER = {
    "global_variables": "graphc.variables:global_variables_initializer",
    "local_variables": "graphc.variables:local_variables_initializer",
    "orthogonal": "graphc.initializers.rotations:Orthogonal",
    "orthogonal_initializer": "graphc.initializers.rotations:Orthogonal",
    "variables": "graphc.variables:variables_initializer",
}

__getattr__ = when_named(__name__, "tf.initializers", _LATER)
