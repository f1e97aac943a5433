"""Shapes, layouts of images, bins, and what else of arrays TensorFlow has as operations alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones, stack, unstack, zeros
from graphc.ops.assertions import provided
from graphc.ops.base import check_dtype, constant, convert_to_tensor, convert_together, graph_of
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.decompositions import svd as _svd
from graphc.ops.indexing import one_hot
from graphc.ops.lookup import gather
from graphc.ops.positions import where, where_v2
from graphc.ops.rearranging import broadcast_dynamic_shape
from graphc.ops.reduction import reduce_all, reduce_sum
from graphc.ops.reshaping import expand_dims, reshape
from graphc.ops.sequences import cumsum

BUCKETED = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """Whether ``|x - y| < tolerance``."""
    first, second = convert_together(x, y)
    with graph_of([first]).name_scope(name or "ApproximateEqual") as scope:
        return e.less(e.abs(first - second), convert_to_tensor(tolerance, first.dtype), name=scope)


def broadcast_args(s0: Any, s1: Any, name: str | None = None) -> Tensor:
    """The shape to which both shapes are repeated."""
    return e.identity(broadcast_dynamic_shape(s0, s1), name=name or "BroadcastArgs")


def broadcast_gradient_args(s0: Any, s1: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The axes over which adjoints of two arrays that were broadcast together are summed; none for equal shapes."""
    first, second = convert_together(s0, s1)
    lengths = [s.type.shape[0] if s.type.shape else None for s in (first, second)]
    if not all(isinstance(length, int) for length in lengths):
        raise ValueError(f"BroadcastGradientArgs needs shapes of known length, not {first.type} and {second.type}")
    rank = max(lengths)  # type: ignore[type-var]
    with graph_of([first]).name_scope(name or "BroadcastGradientArgs"):
        whole = [
            concat([ones([rank - length], s.dtype), s], 0)  # type: ignore[operator]
            for s, length in zip((first, second), lengths, strict=True)
        ]
        differ = e.logical_not(reduce_all(e.equal(whole[0], whole[1]))) if lengths[0] == lengths[1] else constant(True)
        axes = [where(e.logical_and(e.equal(sizes, 1), differ)) for sizes in whole]
        return tuple(e.cast(reshape(found, [-1]), first.dtype) for found in axes)  # type: ignore[return-value]


def bucketize(input: Any, boundaries: Sequence[float], name: str | None = None) -> Tensor:
    """How many of the ascending ``boundaries`` are not above each element: the number of its bin."""
    x = convert_to_tensor(input)
    if not isinstance(boundaries, (list, tuple)):
        raise TypeError(f"Expected list for 'boundaries' argument to 'bucketize' Op, not {boundaries}.")
    check_dtype(x.type, BUCKETED, "input")
    with graph_of([x]).name_scope(name or "Bucketize") as scope:
        if list(boundaries) != sorted(boundaries):  # for TensorFlow a mistake of the step that does it
            x = provided(x, constant(False), "Bucketize", [f"Expected sorted boundaries, not {list(boundaries)}"])
        values = x if x.dtype is dtypes.float64 else e.cast(x, dtypes.float32)
        limits = constant(np.array(boundaries, np.float32).astype(values.dtype.numpy))
        passed = e.logical_not(e.less(expand_dims(values, -1), limits))  # NaN passes them all
        return reduce_sum(e.cast(passed, dtypes.int32), -1, name=scope)


def concat_offset(concat_dim: Any, shape: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Where each of the arrays of these shapes begins in what they are concatenated to."""
    shapes = [convert_to_tensor(vector, dtypes.int32) for vector in shape]
    axis = convert_to_tensor(concat_dim, dtypes.int32)
    rank = shapes[0].type.shape[0] if shapes and shapes[0].type.shape else None
    if not isinstance(rank, int):
        raise ValueError("ConcatOffset needs at least one shape, of known length")
    with graph_of(shapes).name_scope(name or "ConcatOffset"):
        begins = cumsum(stack(shapes), axis=0, exclusive=True) * one_hot(axis, rank, dtype=dtypes.int32)
        return unstack(begins, num=len(shapes))


def data_format_dim_map(x: Any, src_format: str = "NHWC", dst_format: str = "NCHW", name: str | None = None) -> Tensor:
    """The number in the other layout of each axis of a layout; negative ones count from the last."""
    axes = convert_to_tensor(x)
    _check_layouts(src_format, dst_format)
    with graph_of([axes]).name_scope(name or "DataFormatDimMap") as scope:
        table = constant(np.array([dst_format.index(axis) for axis in src_format], axes.dtype.numpy))
        return gather(table, e.floormod(axes, len(src_format)), name=scope)


def data_format_vec_permute(
    x: Any, src_format: str = "NHWC", dst_format: str = "NCHW", name: str | None = None
) -> Tensor:
    """Sizes (or pairs, [axes, 2]) of a layout in the order of another; without N and C where there are two fewer."""
    sizes = convert_to_tensor(x)
    _check_layouts(src_format, dst_format)
    count = sizes.type.shape[0] if sizes.type.shape else None
    before, after = src_format, dst_format
    if count == len(src_format) - 2:
        before, after = ("".join(axis for axis in layout if axis not in "NC") for layout in (before, after))
    if count not in (None, len(before)):
        raise ValueError(f"DataFormatVecPermute from {src_format}: wanted {len(src_format)} entries, not {sizes.type}")
    return gather(sizes, constant([before.index(axis) for axis in after]), name=name or "DataFormatVecPermute")


def _check_layouts(before: str, after: str) -> None:
    if sorted(before) != sorted(after):
        raise ValueError(f"src_format {before!r} and dst_format {after!r} must have the same axes")


def prevent_gradient(input: Any, message: str = "", name: str | None = None) -> Tensor:
    """``input``; asking for its gradient is a ``LookupError`` that gives the reason."""

    def refuse(*_: Any) -> Any:
        raise LookupError(f"Gradient explicitly disabled. Reason: {message}")

    held = custom_gradient(lambda x: (e.identity(x, name=name or "PreventGradient"), refuse))
    return held(convert_to_tensor(input))


def select_v2(condition: Any, t: Any, e: Any, name: str | None = None) -> Tensor:
    """``t`` where the condition is true, else ``e``; all three broadcast."""
    return where_v2(condition, t, e, name)


def svd(
    input: Any, compute_uv: bool = True, full_matrices: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Singular values and vectors ``s, u, v``; without ``compute_uv``, u and v are zeros that mean nothing."""
    x = convert_to_tensor(input)
    if compute_uv:
        return _svd(x, full_matrices=full_matrices, name=name)
    with graph_of([x]).name_scope(name or "Svd"):
        nothing = zeros([], x.dtype)
        return _svd(x, compute_uv=False), nothing, nothing
