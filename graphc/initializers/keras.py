"""``tf.keras.initializers``: those of ``tf.initializers``, the random ones with Keras's smaller defaults."""

from __future__ import annotations

from typing import Any

from graphc import dtypes, initializers


class RandomUniform(initializers.RandomUniform):
    """Even numbers from ``minval`` up to ``maxval``."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: int | None = None, dtype: Any = dtypes.float32):
        super().__init__(minval, maxval, seed, dtype)


class RandomNormal(initializers.RandomNormal):
    """Normal numbers with this mean and standard deviation."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None, dtype: Any = dtypes.float32):
        super().__init__(mean, stddev, seed, dtype)


class TruncatedNormal(initializers.TruncatedNormal):
    """Normal numbers, drawn again where they are more than two standard deviations from the mean."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None, dtype: Any = dtypes.float32):
        super().__init__(mean, stddev, seed, dtype)


uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal


def __getattr__(name: str) -> Any:
    return getattr(initializers, name)


def __dir__() -> list[str]:
    return sorted({*dir(initializers), *globals()})
