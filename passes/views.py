"""Tensors seen through transposes, reshapes and broadcasts: the memory behind them, and a stride for each axis.

    t: f32[784,128] = Transpose(W, perm=[1,0])        W is f32[128,784]
    view of t: W, strides (1, 784)

A contraction that reads the view in place needs no copy in another order: part of :mod:`contractions`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dims import DimLike, is_nonnegative, product, row_major_strides
from graphc.nodes import Op, Tensor
from graphc.ops.blocks import Slice
from graphc.ops.copies import Cast
from graphc.ops.elementwise import Elementwise
from graphc.ops.reshaping import BroadcastTo, ExpandDims, Reshape, Squeeze, Transpose
from graphc.records import record

Strides = tuple[DimLike, ...]

LARGE = 4  # a part of at least a fourth: queries, keys and values, or the gates of a cell


@record
class View:
    """Element ``index`` stands at ``offset + strides . index`` of the row-major ``base``."""

    base: Tensor
    sizes: tuple[DimLike, ...]
    strides: Strides
    offset: DimLike = 0

    def axis(self, number: int) -> tuple[DimLike, DimLike]:
        """Extent and stride of an axis; an axis of size 1 never moves."""
        return self.sizes[number], 0 if self.sizes[number] == 1 else self.strides[number]

    def step(self, number: int) -> DimLike:
        """The stride of an axis of any size."""
        return self.strides[number]

    def moved(self, elements: DimLike) -> View:
        """The same view so many elements on."""
        return View(self.base, self.sizes, self.strides, self.offset + elements)


def view_of(tensor: Tensor) -> View:
    """``tensor`` as a view of the farthest tensor that it is a view of: ``tensor`` itself where it is none."""
    look_through = _RULES.get(type(tensor.op.kind))
    if look_through is not None:
        found = look_through(tensor.op.kind, view_of(tensor.op.inputs[0]), tensor.type.sizes)
        if found is not None:
            return found
    return packed(tensor)


def packed(tensor: Tensor) -> View:
    """``tensor`` as itself."""
    return View(tensor, tensor.type.sizes, row_major_strides(tensor.type.sizes))


def _transpose(kind: Any, x: View, sizes: Sequence[DimLike]) -> View:
    return View(x.base, tuple(sizes), tuple(x.strides[axis] for axis in kind.perm), x.offset)


def _expand_dims(kind: Any, x: View, sizes: Sequence[DimLike]) -> View:
    remaining = iter(x.strides)
    strides = tuple(0 if axis in kind.axes else next(remaining) for axis in range(len(sizes)))
    return View(x.base, tuple(sizes), strides, x.offset)


def _squeeze(kind: Any, x: View, sizes: Sequence[DimLike]) -> View:
    strides = tuple(stride for axis, stride in enumerate(x.strides) if axis not in kind.axes)
    return View(x.base, tuple(sizes), strides, x.offset)


def _broadcast_to(kind: Any, x: View, sizes: Sequence[DimLike]) -> View:
    leading = len(sizes) - len(x.sizes)
    own = tuple(0 if size == 1 else stride for size, stride in zip(x.sizes, x.strides, strict=True))
    return View(x.base, tuple(sizes), (0,) * leading + own, x.offset)


def _slice(kind: Any, x: View, sizes: Sequence[DimLike]) -> View | None:
    """A part is read in place unless a much larger whole would be computed only to be read in part."""
    is_large = is_nonnegative(LARGE * product(sizes) - x.base.type.elements)
    if isinstance(x.base.op.kind, (Elementwise, Cast)) and not is_large:
        return None
    offset = x.offset
    for begin, stride in zip(kind.begin, x.strides, strict=True):
        offset = offset + begin * stride
    return View(x.base, tuple(sizes), tuple(s * k for s, k in zip(x.strides, kind.strides, strict=True)), offset)


def _reshape(kind: Any, x: View, sizes: Sequence[DimLike]) -> View | None:
    strides = reshaped_strides(x.sizes, x.strides, sizes)
    return None if strides is None else View(x.base, tuple(sizes), strides, x.offset)


_RULES: dict[type[Op], Callable[[Any, View, Sequence[DimLike]], View | None]] = {
    Transpose: _transpose,
    ExpandDims: _expand_dims,
    Squeeze: _squeeze,
    BroadcastTo: _broadcast_to,
    Slice: _slice,
    Reshape: _reshape,
}


def reshaped_strides(old: Sequence[DimLike], strides: Strides, new: Sequence[DimLike]) -> Strides | None:
    """The strides under the sizes ``new``; None where the elements of a new axis do not lie evenly.

    Old and new axes are taken in runs with equally many elements; the old axes of a run must walk as one.
    """
    axes = [(size, stride) for size, stride in zip(old, strides, strict=True) if size != 1]
    result: list[DimLike] = []
    place = 0
    pending: list[DimLike] = []
    for size in new:
        if size == 1:
            pending.append(1)
            continue
        if size == 0 or place >= len(axes):
            return None
        pending.append(size)
        run = _run(axes[place:], pending)
        if run is None:
            continue
        used, stride = run
        result.extend(inner * stride for inner in row_major_strides(pending))
        place, pending = place + used, []
    if place != len(axes) or any(size != 1 for size in pending):
        return None
    return (*result, *([0] * len(pending)))


def _run(axes: Sequence[tuple[DimLike, DimLike]], sizes: Sequence[DimLike]) -> tuple[int, DimLike] | None:
    """How many of ``axes`` hold exactly as many elements as ``sizes``, and their common stride, if they walk as one."""
    wanted: DimLike = 1
    for size in sizes:
        wanted = wanted * size
    count: DimLike = 1
    for used, (size, stride) in enumerate(axes, start=1):
        if used > 1 and axes[used - 2][1] != size * stride:
            return None
        count = count * size
        if count == wanted:
            return used, stride
        if not is_nonnegative(wanted - count):
            return None
    return None
