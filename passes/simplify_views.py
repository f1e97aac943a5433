"""Identities of views: reshapes, transposes, broadcasts, slices, pads. None touches a value.

Before, where ``x`` is ``f32[4,5]``::

    a: f32[4,1,5] = Reshape(x, shape=[4,1,5])
    b: f32[5,1,4] = Transpose(a, perm=[2,1,0])
    c: f32[4,1,5] = Transpose(b, perm=[2,1,0])
    return c

After::

    c: f32[4,1,5] = ExpandDims(x, axes=[1])
    return c

Reshapes that only add or remove axes of size 1 become ``ExpandDims`` and ``Squeeze``, which fuse. Broadcasts move
towards what reads them, where they mostly vanish: elementwise ops repeat their operands by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.dims import DimLike, is_nonnegative
from graphc.nodes import Op, Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import Const
from graphc.ops.blocks import Pad, Slice
from graphc.ops.copies import Cast
from graphc.ops.reshaping import BroadcastTo, ExpandDims, Reshape, Squeeze, Transpose
from graphc.passes.simplify_site import Key, Rule, Site, number_of

_RESHAPES = (Reshape, ExpandDims, Squeeze)


def uniform_constant(at: Site) -> Tensor | None:
    """``Const([c, c, c]) -> BroadcastTo(c)``"""
    value = at.kind.value
    if value.ndim == 0 or value.size == 0:
        return None
    bits = np.ascontiguousarray(value).reshape(-1).view(f"u{value.itemsize}")
    if bits[0] != bits[-1] or not (bits == bits[0]).all():
        return None
    return at.filled(at.make(Const(value.reshape(-1)[0])))


def view_of_number(at: Site, x: Tensor) -> Tensor | None:
    """``reshape(broadcast(c)) -> broadcast(c)`` for a scalar constant c, and so for every view"""
    number = number_of(x)
    return None if number is None or at.type.elements == 0 else at.filled(at.constant(number, x.dtype))


# -- reshapes ------------------------------------------------------------------------------------------


def canonical_reshape(at: Site, x: Tensor, *_: Tensor) -> Tensor | None:
    """``reshape(reshape(x)) -> reshape(x)``; ``x`` where it has the shape; moves of axes of size 1 where that is all"""
    source = x
    while isinstance(source.op.kind, _RESHAPES):
        source = source.op.inputs[0]
    old, new = source.type.sizes, at.type.sizes
    if old == new:
        return source
    moves = _unit_moves(old, new)
    steps: list[Op] = [Reshape(new)]
    if moves is not None:
        steps = [kind(axes) for kind, axes in zip((Squeeze, ExpandDims), moves) if axes]
    if at.kind == steps[-1] and _is_made_by(x, steps[:-1], source):
        return None
    result = source
    for step in steps:
        result = at.make(step, result)
    return result


def _is_made_by(x: Tensor, steps: Sequence[Op], source: Tensor) -> bool:
    for step in reversed(steps):
        if x.op.kind != step:
            return False
        x = x.op.inputs[0]
    return x is source


def _unit_moves(old: Sequence[DimLike], new: Sequence[DimLike]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Axes of size 1 to remove from ``old`` and then to add, to get ``new``; None where other axes differ."""
    if [size for size in old if size != 1] != [size for size in new if size != 1]:
        return None
    removed, added = [], []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:
            i, j = i + 1, j + 1
        elif i < len(old) and old[i] == 1:
            removed.append(i)
            i += 1
        else:
            added.append(j)
            j += 1
    return tuple(removed), tuple(added)


def reshape_of_broadcast(at: Site, x: Tensor) -> Tensor | None:
    """``expand_dims(broadcast(x)) -> broadcast(expand_dims(x))``, and so for squeeze and a reshaped scalar"""
    if not isinstance(x.op.kind, BroadcastTo):
        return None
    source = x.op.inputs[0]
    if source.type.elements == 1:
        return at.filled(at.make(Reshape(()), source))
    if isinstance(at.kind, Reshape):
        return None
    full = _with_leading_axes(at, source, len(x.type.sizes))
    return at.filled(at.make(at.kind, full))


def _with_leading_axes(at: Site, x: Tensor, rank: int) -> Tensor:
    missing = rank - len(x.type.sizes)
    return at.make(ExpandDims(tuple(range(missing))), x) if missing else x


# -- transposes ------------------------------------------------------------------------------------------


def transpose_of_transpose(at: Site, x: Tensor) -> Tensor | None:
    """``transpose(transpose(x, p), q) -> transpose(x, p[q])``"""
    if not isinstance(x.op.kind, Transpose):
        return None
    inner = x.op.kind.perm
    return at.make(Transpose(tuple(inner[axis] for axis in at.kind.perm)), x.op.inputs[0])


def transpose_in_order(at: Site, x: Tensor) -> Tensor | None:
    """``transpose(x) -> reshape(x)`` where axes larger than 1 keep their order"""
    moved = [axis for axis in at.kind.perm if x.type.sizes[axis] != 1]
    return at.make(Reshape(at.type.sizes), x) if moved == sorted(moved) else None


def transpose_of_broadcast(at: Site, x: Tensor) -> Tensor | None:
    """``transpose(broadcast(x)) -> broadcast(transpose(x))``"""
    if not isinstance(x.op.kind, BroadcastTo):
        return None
    full = _with_leading_axes(at, x.op.inputs[0], len(at.kind.perm))
    return at.filled(at.make(at.kind, full))


# -- broadcasts ------------------------------------------------------------------------------------------


def broadcast_to_same(at: Site, x: Tensor) -> Tensor | None:
    """``broadcast(x, shape of x) -> x``, ``expand_dims(x)`` where only axes of size 1 are new"""
    if x.type.shape == at.type.shape:
        return x
    if number_of(x) is not None:
        return None  # the one form of a block of equal numbers
    missing = len(at.type.sizes) - len(x.type.sizes)
    if at.type.sizes[missing:] != x.type.sizes or any(size != 1 for size in at.type.sizes[:missing]):
        return None
    return at.make(ExpandDims(tuple(range(missing))), x)


def broadcast_of_broadcast(at: Site, x: Tensor) -> Tensor | None:
    """``broadcast(broadcast(x)) -> broadcast(x)``, also where leading axes of size 1 were added to x"""
    source = _unrepeated(x)
    return None if source is x else at.make(at.kind, source)


def operands_repeated(at: Site, *inputs: Tensor) -> Tensor | None:
    """``f(broadcast(x), y) -> f(x, y)``, broadcast afterwards where y does not have the shape either"""
    plain = tuple(_unrepeated(x) for x in inputs)
    if all(new is old for new, old in zip(plain, inputs, strict=True)):
        return None
    return at.filled(at.make(at.kind, *plain))


def cast_of_broadcast(at: Site, x: Tensor) -> Tensor | None:
    """``cast(broadcast(x)) -> broadcast(cast(x))``"""
    return at.filled(at.make(at.kind, x.op.inputs[0])) if isinstance(x.op.kind, BroadcastTo) else None


def _unrepeated(x: Tensor) -> Tensor:
    """What is repeated along axes to make ``x``: broadcasts and leading axes of size 1 taken off."""
    while True:
        kind = x.op.kind
        if isinstance(kind, BroadcastTo) or (isinstance(kind, ExpandDims) and _adds_leading_axes(kind)):
            x = x.op.inputs[0]
        else:
            return x


def _adds_leading_axes(kind: ExpandDims) -> bool:
    return sorted(kind.axes) == list(range(len(kind.axes)))


# -- parts -----------------------------------------------------------------------------------------------


def slice_of_everything(at: Site, x: Tensor) -> Tensor | None:
    """``x[:] -> x``"""
    ascending = all(stride == 1 or size == 1 for stride, size in zip(at.kind.strides, at.kind.size, strict=True))
    return x if ascending and at.type.shape == x.type.shape else None


def slice_of_slice(at: Site, x: Tensor) -> Tensor | None:
    """``x[a::s][b::t] -> x[a + b * s::s * t]``"""
    inner = x.op.kind
    if not isinstance(inner, Slice):
        return None
    begin = tuple(a + b * s for a, b, s in zip(inner.begin, at.kind.begin, inner.strides, strict=True))
    strides = tuple(s * t for s, t in zip(inner.strides, at.kind.strides, strict=True))
    return at.make(Slice(begin, at.kind.size, strides), x.op.inputs[0])


def slice_of_concat(at: Site, x: Tensor) -> Tensor | None:
    """``concat([x, y])[part of x] -> x[part]``"""
    if not isinstance(x.op.kind, ConcatV2):
        return None
    axis = x.op.kind.axis
    begin, size, stride = at.kind.begin[axis], at.kind.size[axis], at.kind.strides[axis]
    start: DimLike = 0
    for part in x.op.inputs:
        inside, room = begin - start, start + part.type.sizes[axis] - begin - size
        if stride == 1 and is_nonnegative(inside) and is_nonnegative(room):
            own = (*at.kind.begin[:axis], inside, *at.kind.begin[axis + 1 :])
            return at.make(Slice(own, at.kind.size, at.kind.strides), part)
        start = start + part.type.sizes[axis]
    return None


def concat_of_one(at: Site, *parts: Tensor) -> Tensor | None:
    """``concat([x]) -> x``, and parts of size 0 along the axis left out

    Parts without elements because another size is 0 still count: they add to the size of the result.
    """
    held = [x for x in parts if x.type.sizes[at.kind.axis] != 0] or list(parts[:1])
    if len(held) == 1:
        return held[0]
    return at.make(at.kind, *held) if len(held) < len(parts) else None


def concat_of_concat(at: Site, *parts: Tensor) -> Tensor | None:
    """``concat([concat([x, y]), z]) -> concat([x, y, z])`` along one axis"""
    flat = [inner for x in parts for inner in (x.op.inputs if x.op.kind == at.kind else (x,))]
    return at.make(at.kind, *flat) if len(flat) > len(parts) else None


def pad_of_nothing(at: Site, x: Tensor) -> Tensor | None:
    """``pad(x, 0, 0) -> x``"""
    kind = at.kind
    return x if not any(edge != 0 for edge in (*kind.low, *kind.high)) and x.type.shape == at.type.shape else None


def add_neighbours(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``pad(x) + pad(y) -> pad(concat([x, y]))`` for neighbours among zeros, as the adjoint of a split adds them

    Where x or y is -0, so is the result then, and not 0.
    """
    axis = _only_padded_axis(x)
    if axis is None or axis != _only_padded_axis(y):
        return None
    for first, second in ((x, y), (y, x)):
        before, behind = first.op.kind, second.op.kind
        a, b = first.op.inputs[0], second.op.inputs[0]
        if not (isinstance(before, Pad) and isinstance(behind, Pad)):
            return None
        if before.low[axis] + a.type.sizes[axis] == behind.low[axis]:
            both = at.make(ConcatV2(axis), a, b)
            return at.make(Pad(before.low, behind.high, before.interior), both)
    return None


def _only_padded_axis(x: Tensor) -> int | None:
    """The axis along which zeros are around a block; None where there are others, or values between."""
    kind = x.op.kind
    if not isinstance(kind, Pad) or kind.value != 0 or any(kind.interior):
        return None
    padded = [axis for axis, edges in enumerate(zip(kind.low, kind.high, strict=True)) if edges != (0, 0)]
    whole = all(is_nonnegative(edge) for edge in (*kind.low, *kind.high))
    return padded[0] if len(padded) == 1 and whole else None


VIEWS: dict[Key, tuple[Rule, ...]] = {
    Const: (uniform_constant,),
    Reshape: (view_of_number, canonical_reshape, reshape_of_broadcast),
    ExpandDims: (view_of_number, canonical_reshape, reshape_of_broadcast),
    Squeeze: (view_of_number, canonical_reshape, reshape_of_broadcast),
    Transpose: (view_of_number, transpose_in_order, transpose_of_transpose, transpose_of_broadcast),
    BroadcastTo: (broadcast_to_same, broadcast_of_broadcast),
    Slice: (view_of_number, slice_of_everything, slice_of_slice, slice_of_concat),
    ConcatV2: (concat_of_one, concat_of_concat),
    "Add": (add_neighbours,),
    Pad: (pad_of_nothing,),
    Cast: (cast_of_broadcast,),
}
