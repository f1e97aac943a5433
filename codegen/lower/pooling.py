"""Pooling: the places of a window written out one after the other, for all channels side by side.

Adjoints add to what several windows may share, so their loops over windows keep their order; where windows tile the
image exactly, every cell belongs to one window and is simply stored.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from graphc.codegen.loops import Apply, Buffer, Expression, If, IndexValue, Load, Statement, Store, identity
from graphc.codegen.lower.blocks import loops
from graphc.codegen.lower.values import Index, Root, literal, offset
from graphc.dims import DimLike
from graphc.nodes import Op, Operation
from graphc.ops.pooling import AvgPool, AvgPoolGrad, MaxPool, MaxPoolGrad, MaxPoolGradGrad
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
            yield Cell(offset(cell, self.sizes), reduce(_both, (inside for _, inside in along)))

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
        if extent.low == 0 and extent.high == 0:
            return at, None
        size = self.sizes[self.window.axes[axis]]
        number = IndexValue(at, "i64")
        above = Apply("ge", (number, literal(0, "i64")), "bool")
        return at, Apply("logical_and", (above, Apply("lt", (number, IndexValue(size, "i64")), "bool")), "bool")

    def _count_along(self, axis: int, position: DimLike, dtype: str) -> Expression:
        inside = [self._along(axis, position, place)[1] for place in range(self.window.size[axis])]
        ones = [literal(1, dtype) if flag is None else Apply("cast", (flag,), dtype) for flag in inside]
        return reduce(lambda a, b: Apply("add", (a, b), dtype), ones)


def _both(a: Expression | None, b: Expression | None) -> Expression | None:
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


def _max_pool_grad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    x, y, grad = (nest.values.buffers[tensor] for tensor in node.inputs)
    cells = Cells(node.kind.window, node.inputs[0].type.sizes)  # type: ignore[attr-defined]

    def parts(index: Index) -> list[tuple[Cell, Expression]]:
        window = cells.window_offset(index)
        adjoint, zero = Load(grad, window), literal(0, grad.dtype)
        chosen = _first_maxima(cells, index, x, Load(y, window))
        return [(cell, Apply("select", (first, adjoint, zero), grad.dtype)) for cell, first in chosen]

    return _spread(nest, node, cells, parts)


def _avg_pool_grad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    grad = nest.values.buffers[node.inputs[0]]
    cells = Cells(node.kind.window, node.outputs[0].type.sizes)  # type: ignore[attr-defined]

    def parts(index: Index) -> list[tuple[Cell, Expression]]:
        share = Apply("div", (Load(grad, cells.window_offset(index)), cells.count(index, grad.dtype)), grad.dtype)
        zero = literal(0, grad.dtype)
        return [
            (cell, share if cell.inside is None else Apply("select", (cell.inside, share, zero), grad.dtype))
            for cell in cells.seen(index)
        ]

    return _spread(nest, node, cells, parts)


def _max_pool_grad_grad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    x, y, u = (nest.values.buffers[tensor] for tensor in node.inputs)
    out = nest.outputs[node.outputs[0]]
    cells = Cells(node.kind.window, node.inputs[0].type.sizes)  # type: ignore[attr-defined]

    def one(index: Index) -> Store:
        window = cells.window_offset(index)
        total: Expression = literal(0, u.dtype)
        for cell, first in _first_maxima(cells, index, x, Load(y, window)):
            total = Apply("select", (first, Load(u, cell.offset, cell.inside), total), u.dtype)
        return Store(out, window, total)

    return loops("i", cells.window_sizes, one)


def _first_maxima(cells: Cells, index: Index, x: Buffer, greatest: Expression) -> list[tuple[Cell, Expression]]:
    """Each cell of a window, and whether it is the first that equals the maximum."""
    found: Expression | None = None
    result = []
    for cell in cells.seen(index):
        equal: Expression = Apply("eq", (Load(x, cell.offset, cell.inside), greatest), "bool")
        if cell.inside is not None:
            equal = Apply("logical_and", (equal, cell.inside), "bool")
        first = (
            equal if found is None else Apply("logical_and", (equal, Apply("logical_not", (found,), "bool")), "bool")
        )
        found = equal if found is None else Apply("logical_or", (found, equal), "bool")
        result.append((cell, first))
    return result


def _spread(
    nest: Nest, node: Operation, cells: Cells, parts: Callable[[Index], list[tuple[Cell, Expression]]]
) -> tuple[Statement, ...]:
    """Every window's parts put into the cells it sees."""
    out, sizes = nest.outputs[node.outputs[0]], node.outputs[0].type.sizes
    if cells.tile_exactly():
        return loops("i", cells.window_sizes, lambda i: tuple(Store(out, cell.offset, part) for cell, part in parts(i)))
    fill = loops("p", sizes, lambda index: Store(out, offset(index, sizes), literal(0, out.dtype)))

    def add(index: Index) -> tuple[Statement, ...]:
        return tuple(_added(out, cell, part) for cell, part in parts(index))

    return (*fill, *loops("i", cells.window_sizes, add))


def _added(out: Buffer, cell: Cell, part: Expression) -> Statement:
    store = Store(out, cell.offset, part, combine="add")
    return store if cell.inside is None else If(cell.inside, (store,))


def _value(image: Buffer, cell: Cell, outside: float) -> Expression:
    load = Load(image, cell.offset, cell.inside)
    if cell.inside is None:
        return load
    return Apply("select", (cell.inside, load, literal(outside, load.dtype)), load.dtype)


ROOTS: dict[type[Op], Root] = {
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    MaxPoolGrad: _max_pool_grad,
    AvgPoolGrad: _avg_pool_grad,
    MaxPoolGradGrad: _max_pool_grad_grad,
}
