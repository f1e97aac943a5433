"""Views: the same element at another position."""

from __future__ import annotations

from graphc.codegen.loops import Expression, IndexValue
from graphc.codegen.lower.values import Index, Rule, Values, broadcast_index, offset
from graphc.dims import DimLike, floordiv, row_major_strides
from graphc.nodes import Op, Operation
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import BroadcastTo, DimValue, ExpandDims, Reshape, Squeeze, Transpose


def _reshape(values: Values, node: Operation, index: Index) -> Expression:
    place = offset(index, node.outputs[0].type.sizes)
    return values.at(node.inputs[0], unflatten(place, node.inputs[0].type.sizes))


def unflatten(place: DimLike, sizes: Index) -> Index:
    """The position in a packed row-major block at which element number ``place`` stands.

    Position k is ``place // stride[k] - (place // stride[k-1]) * size[k]``, so that flattening gives back ``place``.
    """
    index = []
    outer: DimLike = 0
    for size, stride in zip(sizes, row_major_strides(sizes), strict=True):
        whole = floordiv(place, stride) if size != 1 else outer
        index.append(0 if size == 1 else whole - outer * size)
        outer = whole
    return tuple(index)


def _expand_dims(values: Values, node: Operation, index: Index) -> Expression:
    axes = node.kind.axes  # type: ignore[attr-defined]
    return values.at(node.inputs[0], tuple(p for axis, p in enumerate(index) if axis not in axes))


def _squeeze(values: Values, node: Operation, index: Index) -> Expression:
    remaining = iter(index)
    axes = node.kind.axes  # type: ignore[attr-defined]
    rank = len(node.inputs[0].type.sizes)
    return values.at(node.inputs[0], tuple(0 if axis in axes else next(remaining) for axis in range(rank)))


def _broadcast_to(values: Values, node: Operation, index: Index) -> Expression:
    return values.at(node.inputs[0], broadcast_index(index, node.inputs[0].type.sizes))


def _transpose(values: Values, node: Operation, index: Index) -> Expression:
    position: list[DimLike] = [0] * len(index)
    for place, axis in zip(index, node.kind.perm, strict=True):  # type: ignore[attr-defined]
        position[axis] = place
    return values.at(node.inputs[0], tuple(position))


def _barrier(values: Values, node: Operation, index: Index) -> Expression:
    return values.at(node.inputs[0], index)


def _dim_value(values: Values, node: Operation, index: Index) -> Expression:
    return IndexValue(node.kind.dim, node.outputs[0].dtype.short)  # type: ignore[attr-defined]


RULES: dict[type[Op], Rule] = {
    Reshape: _reshape,
    ExpandDims: _expand_dims,
    Squeeze: _squeeze,
    BroadcastTo: _broadcast_to,
    Transpose: _transpose,
    Barrier: _barrier,
    DimValue: _dim_value,
}
