"""Pooling: the places of a window written out one after the other, for all channels side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from graphc.codegen.loops import Apply, Buffer, Expression, IndexValue, Load, Statement, Store, identity
from graphc.codegen.lower.values import Index, Root, literal, loops, offset
from graphc.dims import DimLike
from graphc.nodes import Op, Operation
from graphc.ops.pooling import AvgPool, MaxPool
from graphc.ops.windows import Extent, Window

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


class Cell(NamedTuple):
    """A cell of the image that a window sees: its offset, and when it is there at all (None: always)."""

    offset: DimLike
    inside: Expression | None


class Cells:
    """The cells that the windows over images of these sizes see."""

    def __init__(self, window: Window, sizes: Index):
        self.window, self.sizes = window, sizes
        self.extents = window.extents(sizes)

    @property
    def window_sizes(self) -> Index:
        """Batch, windows along each axis, channels."""
        return (self.sizes[0], *(extent.out for extent in self.extents), self.sizes[self.window.channel_axis])

    def window_offset(self, index: Index) -> DimLike:
        """Where the window (batch, places, channel) stands in the result."""
        return offset(self._arranged(index), self._arranged(self.window_sizes))

    def seen(self, index: Index) -> Iterator[Cell]:
        """The cells of one window and channel, row by row."""
        batch, *windows, channel = index
        for place in itertools.product(*map(range, self.window.size)):
            along = [self._along(axis, windows[axis], i) for axis, i in enumerate(place)]
            cell = self._arranged((batch, *(position for position, _ in along), channel))
            yield Cell(offset(cell, self.sizes), reduce(both, (inside for _, inside in along)))

    def count(self, index: Index, dtype: str) -> Expression:
        """How many cells of the image the window sees."""
        counts = [self._count_along(axis, index[1 + axis], dtype) for axis in range(self.window.rank)]
        return reduce(lambda a, b: Apply("mul", (a, b), dtype), counts)

    def tile_exactly(self) -> bool:
        """Whether every cell of the image belongs to one window."""
        w = self.window
        axes = [self.sizes[axis] for axis in w.axes]
        exact = all(
            e.low == 0 and e.high == 0 and e.out * s == n for e, s, n in zip(self.extents, w.strides, axes, strict=True)
        )
        return exact and w.size == w.strides and set(w.dilations) == {1}

    def _arranged(self, index: Index) -> Index:
        batch, *places, channel = index
        return self.window.arranged(batch, places, channel)

    def _along(self, axis: int, position: DimLike, place: int) -> tuple[DimLike, Expression | None]:
        extent: Extent = self.extents[axis]
        at = position * self.window.strides[axis] + place * self.window.dilations[axis] - extent.low
        size = self.sizes[self.window.axes[axis]]
        before = place * self.window.dilations[axis] - extent.low
        beyond = before >= 0 and extent.high == 0
        if isinstance(size, int) and isinstance(extent.out, int):
            beyond = (extent.out - 1) * self.window.strides[axis] + before < size
        return at, within(at, size, before < 0, not beyond)

    def _count_along(self, axis: int, position: DimLike, dtype: str) -> Expression:
        inside = [self._along(axis, position, place)[1] for place in range(self.window.size[axis])]
        ones = [literal(1, dtype) if flag is None else Apply("cast", (flag,), dtype) for flag in inside]
        return reduce(lambda a, b: Apply("add", (a, b), dtype), ones)


def within(place: DimLike, size: DimLike, may_begin_before: bool, may_end_behind: bool) -> Expression | None:
    """When ``0 <= place < size``; None where it cannot be otherwise."""
    number = IndexValue(place, "i64")
    above = Apply("ge", (number, literal(0, "i64")), "bool") if may_begin_before else None
    return both(above, Apply("lt", (number, IndexValue(size, "i64")), "bool") if may_end_behind else None)


def both(a: Expression | None, b: Expression | None) -> Expression | None:
    """Both conditions; None is one that always holds."""
    if a is None or b is None:
        return b if a is None else a
    return Apply("logical_and", (a, b), "bool")


def _max_pool(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    x, out = node.inputs[0], nest.outputs[node.outputs[0]]
    image, dtype = nest.values.buffers[x], x.dtype.short
    cells, least = Cells(node.kind.window, x.type.sizes), identity("maximum", dtype)  # type: ignore[attr-defined]

    def one(index: Index) -> Store:
        greatest: Expression = literal(least, dtype)
        for cell in cells.seen(index):
            value = _value(image, cell, least)
            greater = Apply("gt", (value, greatest), "bool")  # false for NaN: it is passed over
            greatest = Apply("select", (greater, value, greatest), dtype)
        return Store(out, cells.window_offset(index), greatest)

    return loops("i", cells.window_sizes, one)


def _avg_pool(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    x, out = node.inputs[0], nest.outputs[node.outputs[0]]
    image, dtype = nest.values.buffers[x], x.dtype.short
    cells = Cells(node.kind.window, x.type.sizes)  # type: ignore[attr-defined]

    def one(index: Index) -> Store:
        values = [_value(image, cell, 0) for cell in cells.seen(index)]
        total = reduce(lambda a, b: Apply("add", (a, b), dtype), values)
        return Store(out, cells.window_offset(index), Apply("div", (total, cells.count(index, dtype)), dtype))

    return loops("i", cells.window_sizes, one)


def _value(image: Buffer, cell: Cell, outside: float) -> Expression:
    load = Load(image, cell.offset, cell.inside)
    if cell.inside is None:
        return load
    return Apply("select", (cell.inside, load, literal(outside, load.dtype)), load.dtype)


ROOTS: dict[type[Op], Root] = {
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
}
