"""Random numbers that follow from their seeds alone: the same in every run and at every place."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import as_array, constant, convert_to_tensor, graph_of, is_tensor_like
from graphc.ops.random import (
    Random,
    RandomStandardNormal,
    RandomUniform,
    RandomUniformInt,
    TruncatedNormal,
    draw_from,
    range_of,
)
from graphc.ops.sampling import classes_of
from graphc.ops.special import bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift
from graphc.philox import KEY_STEPS, MULTIPLIERS, ROUNDS, philox4x32
from graphc.records import record
from graphc.shapes import shape_text

# The key under which TensorFlow mixes the seeds, found by comparing what it gives.
_MIXING_KEY = (0x3EC8F720, 0x02461E29)
_LOW = 0xFFFFFFFF


@record(eq=False)
class StatelessUniform(RandomUniform):
    """Evenly spread in ``[0, 1)``, from the beginning of the stream in every run."""

    keeps_counter = False


@record(eq=False)
class StatelessNormal(RandomStandardNormal):
    """Normal with mean 0 and standard deviation 1, from the beginning of the stream in every run."""

    keeps_counter = False


@record(eq=False)
class StatelessTruncatedNormal(TruncatedNormal):
    """Normal, drawn again until within two deviations, from the beginning of the stream in every run."""

    keeps_counter = False


@record(eq=False)
class StatelessUniformInt(RandomUniformInt):
    """Whole numbers evenly spread in ``[minval, maxval)``, from the beginning of the stream in every run."""

    keeps_counter = False


@telling_line
def stateless_random_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Numbers evenly spread from ``minval`` to ``maxval`` (excluded; 1 for floats where None), of a ``seed``.

    A seed is two whole numbers, which may be a tensor. The numbers equal TensorFlow's.
    """
    wanted = dtypes.as_dtype(dtype)
    if wanted.is_integer and maxval is None:
        raise ValueError(f"Must specify maxval for integer dtype {wanted.name}")
    with graph_of([]).name_scope(name or "stateless_random_uniform"):
        low = convert_to_tensor(minval, dtype)
        high = convert_to_tensor(1 if maxval is None else maxval, dtype)
        if wanted.is_integer:
            limits = range_of(low, high, shape, "stateless_random_uniform")
            return _drawn(StatelessUniformInt, shape, seed, wanted, *limits)
        return _drawn(StatelessUniform, shape, seed, wanted) * (high - low) + low


@telling_line
def stateless_random_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Normal numbers with this mean and standard deviation, of two whole numbers ``seed``."""
    with graph_of([]).name_scope(name or "stateless_random_normal"):
        drawn = _drawn(StatelessNormal, shape, seed, dtype)
        return drawn * convert_to_tensor(stddev, drawn.dtype) + convert_to_tensor(mean, drawn.dtype)


@telling_line
def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """The same, drawn again where they are more than two standard deviations from the mean."""
    with graph_of([]).name_scope(name or "stateless_truncated_normal"):
        drawn = _drawn(StatelessTruncatedNormal, shape, seed, dtype)
        return drawn * convert_to_tensor(stddev, drawn.dtype) + convert_to_tensor(mean, drawn.dtype)


@telling_line
def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """``[batch, num_samples]`` classes drawn as :func:`tf.multinomial` does, of two whole numbers ``seed``."""
    return classes_of(
        logits, num_samples, lambda sizes: _drawn(StatelessUniform, sizes, seed, dtypes.float64),
        output_dtype, name or "stateless_multinomial",
    )  # fmt: skip


@telling_line
def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """The newer spelling of :func:`stateless_multinomial`."""
    return stateless_multinomial(logits, num_samples, seed, dtype, name or "stateless_categorical")


def _drawn(kind: type[Random], shape: Any, seed: Any, dtype: Any, *limits: Tensor) -> Tensor:
    stream = _mixed(seed) if is_tensor_like(seed) else constant(_mixed_numbers(seed))
    return draw_from(kind, shape, dtypes.as_dtype(dtype), (0, 0), *limits, stream, constant(0, dtypes.int64))


def _mixed_numbers(seed: Any) -> np.ndarray[Any, Any]:
    """The seeds of the stream: TensorFlow mixes the two numbers by the generator itself."""
    numbers = as_array(seed, np.int64)
    _check_seed(numbers.shape)
    halves = [np.array([int(number) >> shift & _LOW]) for number in numbers for shift in (0, 32)]
    words = [int(word[0]) for word in philox4x32(halves, _MIXING_KEY)]
    return np.array([words[0] | words[1] << 32, words[2] | words[3] << 32], np.uint64).view(np.int64)


def _mixed(seed: Any) -> Tensor:
    """The same of a tensor of two numbers: ten rounds of Philox, as in ``graphc.philox``."""
    given = convert_to_tensor(seed)
    _check_seed(given.type.shape)
    with graph_of([given]).name_scope("seeds"):
        pair = e.cast(e.cast(given, dtypes.int64), dtypes.uint64)
        low, half = constant(_LOW, dtypes.uint64), constant(32, dtypes.uint64)
        c0, c1, c2, c3 = (part for n in (0, 1) for part in (bitwise_and(pair[n], low), right_shift(pair[n], half)))
        k0, k1 = _MIXING_KEY
        for _ in range(ROUNDS):
            product0, product1 = (
                word * constant(factor, dtypes.uint64) for word, factor in zip((c0, c2), MULTIPLIERS, strict=True)
            )
            c0, c1, c2, c3 = (
                bitwise_xor(bitwise_xor(right_shift(product1, half), c1), constant(k0, dtypes.uint64)),
                bitwise_and(product1, low),
                bitwise_xor(bitwise_xor(right_shift(product0, half), c3), constant(k1, dtypes.uint64)),
                bitwise_and(product0, low),
            )
            k0, k1 = (k0 + KEY_STEPS[0]) & _LOW, (k1 + KEY_STEPS[1]) & _LOW
        words = stack([bitwise_or(c0, left_shift(c1, half)), bitwise_or(c2, left_shift(c3, half))])
        return e.cast(words, dtypes.int64)


def _check_seed(shape: Any) -> None:
    if shape is not None and tuple(shape) not in ((2,), (None,)):
        raise ValueError(f"seed must have shape [2], not {shape_text(shape)}")
