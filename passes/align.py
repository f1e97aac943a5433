"""Which axes of a kernel's block a value has: it can be computed with the others if it is needed where they are.

A block of positions has ``sizes``; along its ``reduced`` axes elements are combined. The axes of a value are given as
the block's axis for each of its own, None for an axis of size 1. A value is *full* when it has all axes of the block in
their order, and *kept* when it has all that are not reduced. In a block [64,10] with axis 1 reduced:

    logits f32[64,10]    (0, 1)        full
    maximum f32[64,1]    (0, None)     kept
    loss f32[64]         (0,)          kept
    bias f32[10]         (1,)          neither: read from memory wherever it is needed

No pass: what :mod:`grow` asks before a node joins a group.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dims import DimLike
from graphc.nodes import Operation
from graphc.ops.fused import Space
from graphc.ops.reduction import ArgReduce, Reduce
from graphc.ops.reshaping import BroadcastTo, ExpandDims, Squeeze
from graphc.passes.kinds import is_pointwise

Axes = tuple[int | None, ...]


def placed(node: Operation, inputs: Sequence[Axes | None], space: Space) -> Axes | None:
    """The axes of a node's value, given those of its inputs (None: read from memory); None where it does not fit."""
    shape = node.outputs[0].type.sizes
    given = [axes for axes in inputs if axes is not None]
    every = tuple(range(len(space.sizes)))
    if isinstance(node.kind, Reduce | ArgReduce):
        return _reduced(node, given[0] if given else every, space)
    if shape == space.sizes and given.count(every) == len(given):
        return every if is_pointwise(node) or not given else None
    if not given:
        return None
    if is_pointwise(node):
        axes = _pointwise(shape, given, space)
    else:
        axes = through_view(node, given[0], space)
    return axes if axes is not None and is_whole(shape, axes, space) else None


def through_view(node: Operation, axes: Axes, space: Space) -> Axes | None:
    """The axes of a view of a value with these axes; None where it shows elements from other positions."""
    kind = node.kind
    if isinstance(kind, ExpandDims):
        longer = list(axes)
        for axis in sorted(kind.axes):
            longer.insert(axis, None)
        return tuple(longer)
    if isinstance(kind, Squeeze):
        return tuple(a for place, a in enumerate(axes) if place not in kind.axes)
    if isinstance(kind, BroadcastTo):
        return _pointwise(node.outputs[0].type.sizes, [axes], space)
    return None


def space_of(node: Operation) -> Space:
    """The block of positions of a node computed by itself."""
    if isinstance(node.kind, Reduce):
        return Space(node.inputs[0].type.sizes, node.kind.axes or ())
    if isinstance(node.kind, ArgReduce):
        return Space(node.inputs[0].type.sizes, (node.kind.axis,))
    return Space(node.outputs[0].type.sizes)


def is_whole(shape: Sequence[DimLike], axes: Axes, space: Space) -> bool:
    """Whether a value has all axes of the block, or all that are kept, in order and under a shape that shows it."""
    moving = [axis for axis in axes if axis is not None and space.sizes[axis] != 1]
    every = [axis for axis, size in enumerate(space.sizes) if size != 1]
    kept = [axis for axis in every if axis not in space.reduced]
    if moving == every and tuple(shape) == space.sizes:
        return True
    return bool(space.reduced) and moving == kept and tuple(shape) in kept_forms(space)


def kept_forms(space: Space) -> tuple[tuple[DimLike, ...], ...]:
    """The shapes of a kept value: with and without the reduced axes."""
    with_ones = tuple(1 if axis in space.reduced else size for axis, size in enumerate(space.sizes))
    without = tuple(size for axis, size in enumerate(space.sizes) if axis not in space.reduced)
    return with_ones, without


def _reduced(node: Operation, axes: Axes, space: Space) -> Axes | None:
    own = space_of(node)
    if axes != tuple(range(len(space.sizes))) or own != space:
        return None
    keeps = getattr(node.kind, "keep_dims", False)
    with_none = tuple(None if axis in space.reduced else axis for axis in axes)
    return with_none if keeps else tuple(axis for axis in with_none if axis is not None)


def _pointwise(shape: Sequence[DimLike], inputs: Sequence[Axes], space: Space) -> Axes | None:
    """The block's axis of each axis of an elementwise result; None where inputs disagree."""
    result: list[int | None] = [None] * len(shape)
    for axes in inputs:
        for place, axis in enumerate(axes, start=len(shape) - len(axes)):
            if axis is None or space.sizes[axis] == 1:
                continue
            if result[place] not in (None, axis):
                return None
            result[place] = axis
    if len(shape) == len(space.sizes):
        # an axis that the inputs lack is one that they are repeated along: it must be the block's own
        own = [place if shape[place] == size != 1 else None for place, size in enumerate(space.sizes)]
        result = [own[place] if axis is None else axis for place, axis in enumerate(result)]
    found = [axis for axis in result if axis is not None]
    return tuple(result) if len(set(found)) == len(found) else None
