"""Memory that begins on a cache line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import errors

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


def aligned_bytes(count: int, what: Callable[[], str]) -> np.ndarray[Any, Any]:
    """``count`` bytes (at least one) that begin on a cache line.

    ``ResourceExhaustedError`` where memory is short; ``what`` says what for.
    """
    try:
        raw = np.empty(count + ALIGNMENT, np.uint8)
    except (MemoryError, OverflowError, ValueError):
        raise errors.ResourceExhaustedError(None, None, f"cannot allocate {count} bytes for {what()}") from None
    start = -address_of(raw) % ALIGNMENT
    return raw[start : start + max(count, 1)]


def aligned_array(shape: Sequence[int], dtype: np.dtype[Any], what: Callable[[], str]) -> np.ndarray[Any, Any]:
    """An uninitialised array that begins on a cache line."""
    count = math.prod(shape) * dtype.itemsize
    return aligned_bytes(count, what)[:count].view(dtype).reshape(tuple(shape))


def address_of(array: np.ndarray[Any, Any]) -> int:
    """Where the first element of an array is."""
    return array.__array_interface__["data"][0]
