"""Numbers by their bits: as numbers of another dtype, and the neighbours of floats."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import apply, check_dtype, convert_to_tensor, convert_together, graph_of
from graphc.ops.copies import BITS, Bitcast
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.special import bitwise_or, left_shift, right_shift

_OF_SIZE = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}
_SIGNED = {4: dtypes.int32, 8: dtypes.int64}


@telling_line
def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The bits of ``input`` as numbers of ``type``: [...] of as many bytes.

    Of a smaller type there are several for each, along a new last axis, the low bytes first; for a larger one the last
    axis, which holds as many, goes. ``TypeError`` for strings, bools, halves and complex numbers; ``ValueError`` where
    the last axis does not fit.
    """
    x, wanted = convert_to_tensor(input), dtypes.as_dtype(type)
    if x.dtype.size == wanted.size or x.dtype not in BITS or wanted not in BITS:
        return apply(Bitcast(wanted), x, name=name)
    with graph_of([x]).name_scope(name or "Bitcast") as scope:
        words = _words(x, _OF_SIZE[x.dtype.size])
        parts = _taken_apart(words, wanted.size) if x.dtype.size > wanted.size else _put_together(words, wanted.size)
        return apply(Bitcast(wanted), parts, name=scope)


def _words(x: Tensor, dtype: DType) -> Tensor:
    return x if x.dtype is dtype else apply(Bitcast(dtype), x)


def _taken_apart(words: Tensor, size: int) -> Tensor:
    parts = []
    for place in range(0, words.dtype.size, size):
        moved = right_shift(words, convert_to_tensor(8 * place, words.dtype))
        parts.append(e.cast(moved, _OF_SIZE[size]))
    return stack(parts, axis=-1)


def _put_together(words: Tensor, size: int) -> Tensor:
    count = size // words.dtype.size
    if words.type.shape is None or not words.type.shape or words.type.shape[-1] != count:
        raise ValueError(
            f"bitcast: the last axis of {words.op.describe()} must hold {count} numbers, for one of {size} bytes; "
            f"it has {words.type}"
        )
    wide = e.cast(words, _OF_SIZE[size])
    total = wide[..., 0]
    for n in range(1, count):
        shift = convert_to_tensor(8 * words.dtype.size * n, wide.dtype)
        total = bitwise_or(total, left_shift(wide[..., n], shift))
    return total


@telling_line
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The float next to ``x1`` on the way to ``x2``; ``x2`` where they are equal, NaN where one is. Both broadcast.

    Floats of one sign are ordered as their bits are. The gradient by ``x1`` is 1.
    """
    x, to = convert_together(x1, x2)
    check_dtype(x.type, (dtypes.float32, dtypes.float64), "nextafter: x1")
    with graph_of([x]).name_scope(name or "NextAfter") as scope:
        start, goal = e.stop_gradient(x), e.stop_gradient(to)
        whole = _SIGNED[x.dtype.size]
        one = convert_to_tensor(1, whole)
        zero = convert_to_tensor(0, x.dtype)
        bits = apply(Bitcast(whole), start)
        grows = e.equal(e.less(start, goal), e.less(zero, start))  # away from zero
        moved = apply(Bitcast(x.dtype), e.select(grows, bits + one, bits - one))
        least = apply(Bitcast(x.dtype), one)
        moved = e.select(e.equal(start, zero), e.select(e.less(zero, goal), least, -least), moved)
        moved = e.select(e.equal(start, goal), goal, moved)
        is_nan = e.logical_or(e.is_nan(start), e.is_nan(goal))
        result = e.select(is_nan, start + goal, moved)
        return custom_gradient(lambda a: (e.identity(result, name=scope), lambda grad: grad))(_as_wide_as(x, goal))


def _as_wide_as(x: Tensor, other: Tensor) -> Tensor:
    """``x`` in the shape that it has beside ``other``, whatever that holds."""
    always = e.logical_or(e.equal(x, x), e.not_equal(x, x))
    return e.select(always, x, other)
