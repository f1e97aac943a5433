"""Random numbers from a counter: Philox 4x32-10 (Salmon et al., SC 2011) with the conventions of TensorFlow's kernels.

A *group* is 128 random bits, four 32-bit words, a function of a 64-bit key and a 128-bit counter. An op with seeds
``(seed, seed2)`` has the key ``seed``; group number g of its stream has the counter ``g + seed2 * 2^64``. Each run of
the op begins at a position in the stream, and takes as many groups as its output has elements, times 256.

Elements are made of groups in order:

- ``uniform``: 4 float32 a group, of 23 bits each, or 2 float64, of 52 bits;
- ``normal``: the same numbers, by the Box-Muller transform of pairs;
- ``uniform_int``: 4 int32 a group, or 2 int64;
- ``truncated_normal``: every 4 float32 (2 float64) own 256 (128) groups, and take the first normal numbers from them
  that are within two standard deviations.

Uniform numbers and whole numbers equal TensorFlow's bit for bit, normal ones but for the rounding of log, sin, cos.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
SMALLEST_UNIFORM = 1.0e-7  # Box-Muller takes the logarithm of nothing smaller.
TRUNCATED_AT = 2.0
RESERVED_PER_ELEMENT = 256  # 32-bit words that each truncated normal number may use up

Words = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: Sequence[Any], key: Sequence[Any]) -> Words:
    """The group for each counter of four words and key of two words, all arrays of uint32."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) & _LOW for word in counter)
    k0, k1 = (int(word) for word in key)
    for _ in range(ROUNDS):
        product0, product1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + KEY_STEPS[1]) & 0xFFFFFFFF
    return c0.astype(np.uint32), c1.astype(np.uint32), c2.astype(np.uint32), c3.astype(np.uint32)


def groups(numbers: Any, seed: int, seed2: int) -> np.ndarray:
    """The words of groups given by number: uint32[n, 4]. Numbers from 2^64 on begin again at 0."""
    low = np.asarray(numbers).astype(np.uint64)
    counter = (low & _LOW, low >> _HALF, seed2 & 0xFFFFFFFF, (seed2 >> 32) & 0xFFFFFFFF)
    words = philox4x32(np.broadcast_arrays(*counter), (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF))
    return np.stack(words, axis=-1)


def uniform(shape: Sequence[int], dtype: Any, seed: int, seed2: int, position: int = 0) -> np.ndarray:
    """Floats evenly spread in [0, 1)."""
    words = _words(shape, dtype, seed, seed2, position)
    return _shaped(_uniform_floats(words, dtype), shape)


def normal(shape: Sequence[int], dtype: Any, seed: int, seed2: int, position: int = 0) -> np.ndarray:
    """Floats with mean 0 and standard deviation 1."""
    words = _words(shape, dtype, seed, seed2, position)
    return _shaped(_box_muller(_uniform_floats(words, dtype)), shape)


def truncated_normal(shape: Sequence[int], dtype: Any, seed: int, seed2: int, position: int = 0) -> np.ndarray:
    """Normal numbers; those with a magnitude of 2 or more are left out."""
    per_group = _per_group(dtype)
    count = -(-math.prod(shape) // per_group)
    reserved = per_group * RESERVED_PER_ELEMENT // 4
    first = _positions(position, np.arange(count, dtype=np.uint64) * np.uint64(reserved))
    result = np.zeros((count, per_group), dtype)
    filled = np.zeros(count, np.int64)
    step = 0
    while count and np.any(filled < per_group):
        todo = np.flatnonzero(filled < per_group)
        numbers = _positions(0, first[todo] + np.uint64(step))
        candidates = _box_muller(_uniform_floats(groups(numbers, seed, seed2), dtype)).reshape(len(todo), per_group)
        for column in candidates.T:
            taken = (np.abs(column) < TRUNCATED_AT) & (filled[todo] < per_group)
            rows = todo[taken]
            result[rows, filled[rows]] = column[taken]
            filled[rows] += 1
        step += 1
    return _shaped(result, shape)


def uniform_int(
    shape: Sequence[int], dtype: Any, seed: int, seed2: int, position: int, low: int, high: int
) -> np.ndarray:
    """Whole numbers in ``[low, high)``: the random bits modulo the width of the range, added to ``low``."""
    words = _words(shape, dtype, seed, seed2, position)
    if np.dtype(dtype).itemsize == 8:
        pairs = words.reshape(-1, 2).astype(np.uint64)
        bits = pairs[:, 0] | (pairs[:, 1] << _HALF)
    else:
        bits = words.reshape(-1)
    modulus = 2 ** (8 * bits.dtype.itemsize)
    width = bits.dtype.type((high - low) % modulus)
    return _shaped((bits % width + bits.dtype.type(low % modulus)).view(dtype), shape)


def _per_group(dtype: Any) -> int:
    """How many elements a group makes."""
    return 16 // np.dtype(dtype).itemsize


def _positions(start: int, numbers: np.ndarray) -> np.ndarray:
    """``start + numbers`` modulo 2^64."""
    return numbers + np.uint64(start % 2**64)


def _words(shape: Sequence[int], dtype: Any, seed: int, seed2: int, position: int) -> np.ndarray:
    """The groups that elements of a shape take."""
    count = -(-math.prod(shape) // _per_group(dtype))
    return groups(_positions(position, np.arange(count, dtype=np.uint64)), seed, seed2)


def _shaped(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The first values in the shape."""
    return values.reshape(-1)[: math.prod(shape)].reshape(shape)


def _uniform_floats(words: np.ndarray, dtype: Any) -> np.ndarray:
    """Words as floats in [0, 1): random bits as the mantissa of a float in [1, 2), minus 1."""
    if np.dtype(dtype) == np.float32:
        return ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    pairs = words.reshape(*words.shape[:-1], 2, 2).astype(np.uint64)
    mantissa = ((pairs[..., 0] & np.uint64(0xFFFFF)) << _HALF) | pairs[..., 1]
    return (mantissa | np.uint64(0x3FF0000000000000)).view(np.float64) - 1.0


def _box_muller(uniforms: np.ndarray) -> np.ndarray:
    """Pairs of normal numbers ``r sin(2 pi v), r cos(2 pi v)`` with ``r = sqrt(-2 log(u))`` from pairs u, v."""
    dtype = uniforms.dtype.type
    pairs = uniforms.reshape(*uniforms.shape[:-1], uniforms.shape[-1] // 2, 2)
    radius = np.sqrt(dtype(-2) * np.log(np.maximum(pairs[..., 0], dtype(SMALLEST_UNIFORM))))
    # The product is taken in float64 and then rounded, as in TensorFlow.
    angle = (2 * math.pi * pairs[..., 1].astype(np.float64)).astype(dtype)
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=-1).reshape(uniforms.shape)
