"""Which positions of an axis a slice takes: Python's rules for numbers, and what is certain of them for symbols."""

from __future__ import annotations

from typing import NamedTuple

from graphc.dims import DimLike, ceildiv, is_nonnegative
from graphc.ops.shape_values import NeedsNumbers


class Bounds(NamedTuple):
    """The positions ``first, first + stride, ...`` of one axis, ``length`` of them."""

    first: DimLike
    length: DimLike
    stride: int = 1


def position(index: DimLike, size: DimLike, axis: int) -> DimLike:
    """``index`` counted from the front; ``ValueError`` outside the axis."""
    counted = index + size if isinstance(index, int) and index < 0 else index
    if isinstance(size, int) and isinstance(counted, int):
        if not 0 <= counted < size:
            raise ValueError(f"slice index {index} of dimension {axis} out of bounds: its size is {size}")
    elif not (is_nonnegative(counted) and is_nonnegative(size - counted - 1)):
        raise NeedsNumbers(f"whether index {index} exists in an axis of size {size} depends on the size")
    return counted


def between(begin: DimLike | None, end: DimLike | None, stride: int, size: DimLike) -> Bounds:
    """The positions that ``begin:end:stride`` takes of an axis of this size, as Python counts them."""
    if all(part is None or isinstance(part, int) for part in (begin, end)) and isinstance(size, int):
        taken = range(*slice(begin, end, stride).indices(size))
        return Bounds(taken.start if len(taken) else 0, len(taken), stride)
    if stride > 0:
        first, stop = _counted(begin, 0, size, size), _counted(end, size, size, size)
        return Bounds(first, _length_of(stop - first, stride), stride)
    first, stop = _counted(begin, size - 1, size, size - 1), _counted(end, -1, size, size - 1)
    return Bounds(first, _length_of(first - stop, -stride), stride)


def _counted(bound: DimLike | None, default: DimLike, size: DimLike, limit: DimLike) -> DimLike:
    """A bound counted from the front, where it is certain that it needs no clamping to ``limit``."""
    if bound is None:
        return default
    counted = bound + size if isinstance(bound, int) and bound < 0 else bound
    if not is_nonnegative(counted) or not is_nonnegative(limit - counted):
        raise NeedsNumbers(f"whether position {bound} lies in an axis of size {size} depends on the size")
    return counted


def _length_of(distance: DimLike, stride: int) -> DimLike:
    if isinstance(distance, int):
        return max(0, ceildiv(distance, stride))  # type: ignore[type-var]
    if not is_nonnegative(distance):
        raise NeedsNumbers(f"whether a slice of length {distance} is empty depends on the sizes")
    return ceildiv(distance, stride)


def ascending(bounds: Bounds) -> Bounds:
    """The same positions from the least on."""
    if bounds.stride > 0:
        return bounds
    return Bounds(bounds.first + (bounds.length - 1) * bounds.stride, bounds.length, -bounds.stride)


def python_slice(bounds: Bounds) -> slice:
    """The slice that takes these positions in NumPy."""
    first, count, stride = (int(part) for part in bounds)  # type: ignore[arg-type]
    if count == 0:
        return slice(0, 0)
    stop = first + count * stride
    return slice(first, None if stop < 0 else stop, stride)
