"""Random numbers that follow from their seeds alone: the same in every run and at every place."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops.base import as_array, convert_to_tensor, graph_of, is_tensor_like
from graphc.ops.random import Random, RandomStandardNormal, RandomUniform, TruncatedNormal, draw_from
from graphc.records import record

# The key under which TensorFlow mixes the seeds, found by comparing what it gives.
_MIXING_KEY = (0x3EC8F720, 0x02461E29)


@record(eq=False)
class StatelessUniform(RandomUniform):
    """Evenly spread in ``[0, 1)``, from the beginning of the stream in every run."""

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        return counter


@record(eq=False)
class StatelessNormal(RandomStandardNormal):
    """Normal with mean 0 and standard deviation 1, from the beginning of the stream in every run."""

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        return counter


@record(eq=False)
class StatelessTruncatedNormal(TruncatedNormal):
    """Normal, drawn again until within two deviations, from the beginning of the stream in every run."""

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        return counter


def stateless_random_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Floats evenly spread from ``minval`` to ``maxval`` (1 where None), of two whole numbers ``seed``."""
    with graph_of([]).name_scope(name or "stateless_random_uniform"):
        low = convert_to_tensor(minval, dtype)
        high = convert_to_tensor(1 if maxval is None else maxval, dtype)
        return _drawn(StatelessUniform, shape, seed, dtype) * (high - low) + low


def stateless_random_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Normal numbers with this mean and standard deviation, of two whole numbers ``seed``."""
    with graph_of([]).name_scope(name or "stateless_random_normal"):
        drawn = _drawn(StatelessNormal, shape, seed, dtype)
        return drawn * convert_to_tensor(stddev, drawn.dtype) + convert_to_tensor(mean, drawn.dtype)


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """The same, drawn again where they are more than two standard deviations from the mean."""
    with graph_of([]).name_scope(name or "stateless_truncated_normal"):
        drawn = _drawn(StatelessTruncatedNormal, shape, seed, dtype)
        return drawn * convert_to_tensor(stddev, drawn.dtype) + convert_to_tensor(mean, drawn.dtype)


def _drawn(kind: type[Random], shape: Any, seed: Any, dtype: Any) -> Tensor:
    wanted = dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        raise NotImplementedError(f"stateless random numbers are floats, not {wanted.name}; draw floats and cast them")
    return draw_from(kind, shape, wanted, _mixed(seed))


def _mixed(seed: Any) -> tuple[int, int]:
    """The seeds of the stream: TensorFlow mixes the two numbers by the generator itself."""
    if is_tensor_like(seed):
        raise NotImplementedError("stateless random numbers need seeds that are known while declaring")
    first, second = (int(number) for number in as_array(seed, np.int64))
    from graphc import philox  # only declaring these and interpreting need it

    halves = [np.array([number >> shift & 0xFFFFFFFF]) for number in (first, second) for shift in (0, 32)]
    words = [int(word[0]) for word in philox.philox4x32(halves, _MIXING_KEY)]
    return tuple(_signed(low | high << 32) for low, high in (words[:2], words[2:]))  # type: ignore[return-value]


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
