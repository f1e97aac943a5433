"""The greatest elements along the last axis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.late import late
from graphc.ops.reduction import reduce_max, reduce_min, reduce_sum
from graphc.ops.reshaping import ExpandDims
from graphc.ops.shape_values import static_axis
from graphc.shapes import TensorType

MOST_ROUNDS = 16  # each costs three passes over the input and ten nodes; beyond, all pairs are compared at once


class TopKV2(NamedTuple):
    """The greatest elements, and where they are."""

    values: Tensor
    indices: Tensor


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """The ``k`` greatest elements along the last axis, the greatest first, and their positions.

    Of equal elements the one with the lower position comes first.
    """
    x = convert_to_tensor(input)
    number = static_axis(k, "top_k")  # known while declaring, as an axis must be
    size = x.type.shape[-1] if x.type.shape else None
    if number < 0 or x.type.rank == 0 or (isinstance(size, int) and size < number):
        raise ValueError(f"input must have last dimension >= k = {number} but is {x.type}: top_k of {x.op.describe()}")
    if not isinstance(size, int):
        shape = None if x.type.shape is None else (*x.type.shape[:-1], number)
        kinds = TensorType(x.dtype, shape), TensorType(dtypes.int32, shape)
        return TopKV2(*late("TopKV2", lambda x: top_k(x, number), [x], [], *kinds, name=name))
    with graph_of([x]).name_scope(name or "TopKV2"):
        places = constant(np.arange(size, dtype=np.int32))
        ranked = _by_rounds(x, places, number) if number <= MOST_ROUNDS else _by_pairs(x, places, number, size)
        return TopKV2(*ranked)


def _by_rounds(x: Tensor, places: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Each round takes the greatest of what comes after the one before: smaller, or equal and further on."""
    fixed = e.stop_gradient(x)
    limits = np.finfo(x.dtype.numpy) if x.dtype.is_floating else np.iinfo(x.dtype.numpy)
    lowest = convert_to_tensor(-np.inf if x.dtype.is_floating else int(limits.min), x.dtype)
    none = convert_to_tensor(np.iinfo(np.int32).max, dtypes.int32)
    left: Any = None
    values, indices = [], []
    for _ in range(k):
        rest = fixed if left is None else e.select(left, fixed, lowest)
        greatest = reduce_max(rest, -1, keepdims=True)
        is_it = e.equal(fixed, greatest)
        is_it = is_it if left is None else e.logical_and(is_it, left)
        place = reduce_min(e.select(is_it, places, none), -1, keepdims=True)
        values.append(reduce_sum(e.select(e.equal(places, place), x, convert_to_tensor(0, x.dtype)), -1))
        indices.append(reduce_max(place, -1))
        further = e.logical_and(e.equal(fixed, greatest), places > place)
        left = e.logical_or(fixed < greatest, further)
    if not k:
        return x[..., :0], e.cast(x[..., :0], dtypes.int32)
    return stack(values, -1), stack(indices, -1)


def _by_pairs(x: Tensor, places: Tensor, k: int, size: int) -> tuple[Tensor, Tensor]:
    """An element's rank is how many come before it: those that are greater, and equal ones in front of it."""
    fixed = e.stop_gradient(x)
    own, other = (apply(ExpandDims((axis + (x.type.rank or 0),)), fixed) for axis in (0, -1))
    behind = constant(np.arange(size) < np.arange(size)[:, None])  # [own, other]
    before = e.logical_or(other > own, e.logical_and(e.equal(other, own), behind))
    rank = reduce_sum(e.cast(before, dtypes.int32), -1, keepdims=True)
    chosen = e.equal(rank, constant(np.arange(k, dtype=np.int32)))  # [..., element, rank]
    spread = apply(ExpandDims((x.type.rank or 0,)), x)
    values = reduce_sum(e.select(chosen, spread, convert_to_tensor(0, x.dtype)), -2)
    zero = convert_to_tensor(0, dtypes.int32)
    return values, reduce_sum(e.select(chosen, apply(ExpandDims((1,)), places), zero), -2)
