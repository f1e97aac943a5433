"""Values and gradients kept within limits. Of IndexedSlices the rows are taken as they are, as in TensorFlow 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.indexing import IndexedSlices
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import count


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """``t`` with elements outside the limits moved to the nearer limit."""
    tensor = _values(t)
    with graph_of([tensor]).name_scope(name or "clip_by_value") as scope:
        return _like(t, e.maximum(e.minimum(tensor, clip_value_max), clip_value_min, name=scope))


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """``t`` shortened to length ``clip_norm`` where it is longer; the length is taken over ``axes``."""
    tensor = _values(t)
    with graph_of([tensor]).name_scope(name or "clip_by_norm") as scope:
        squares = reduce_sum(e.square(tensor), axes, keepdims=True)
        # The root has no finite adjoint at 0, where the length does not matter.
        nonzero = squares > 0
        length = e.select(nonzero, e.sqrt(e.select(nonzero, squares, 1)), squares)
        return _like(t, e.realdiv(tensor * clip_norm, e.maximum(length, clip_norm), name=scope))


def _values(t: Any) -> Tensor:
    """A tensor, or the rows of IndexedSlices."""
    return t.values if isinstance(t, IndexedSlices) else convert_to_tensor(t)


def _like(t: Any, values: Tensor) -> Any:
    """The values in the form that ``t`` has."""
    return t.with_parts(values) if isinstance(t, IndexedSlices) else values


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """``t`` shortened so that its length divided by its number of elements is at most ``clip_norm``."""
    tensor = convert_to_tensor(t)
    with graph_of([tensor]).name_scope(name or "clip_by_average_norm") as scope:
        size = count(tensor, None, tensor.dtype)
        length = e.sqrt(reduce_sum(e.square(tensor)))
        limit = convert_to_tensor(clip_norm, tensor.dtype)
        return e.multiply(tensor * limit, e.minimum(size / length, 1 / limit), name=scope)


@telling_line
def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The length of all the tensors taken as one vector; entries that are None do not count."""
    tensors = [_values(t) for t in _checked(t_list) if t is not None]
    if not tensors:
        raise ValueError("global_norm needs at least one tensor that is not None")
    with graph_of(tensors).name_scope(name or "global_norm"):
        total = reduce_sum(e.square(tensors[0]))
        for tensor in tensors[1:]:
            total = total + reduce_sum(e.square(tensor))
        return e.sqrt(total, name="global_norm")


@telling_line
def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors shortened alike so that their length as one vector is at most ``clip_norm``; and that length before.

    ``use_norm`` is the length where it is known already. Everything becomes NaN where the length is not finite.
    """
    tensors = [None if t is None else _values(t) for t in _checked(t_list)]
    length = global_norm(t_list, name) if use_norm is None else convert_to_tensor(use_norm)
    with length.graph.name_scope(name or "clip_by_global_norm"):
        limit = convert_to_tensor(clip_norm, length.dtype)
        finite = limit * e.minimum(1 / length, 1 / limit)
        scale = e.select(e.is_finite(length), finite, convert_to_tensor(math.nan, length.dtype))
        clipped = [None if x is None else _like(t, e.multiply(x, scale)) for t, x in zip(t_list, tensors, strict=True)]
    return clipped, length


def _checked(t_list: Any) -> Sequence[Any]:
    if not isinstance(t_list, (list, tuple)):
        raise TypeError("t_list should be a sequence")
    return t_list
