"""Adjoints of pooling. Windows that tile the image exactly put their parts into cells of their own.

Others share cells, and each image is gone over twice, so that every cell is stored once and in any order::

    for window:  told[window] = the number of its first maximum, or what it gives to each cell
    for cell:    dx[cell] = sum of what the windows that see it give to it

The cells stand in blocks as long as the stride: those at one place of a block are seen from the same distances.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from graphc.codegen.loops import Apply, Buffer, Expression, If, IndexValue, Load, Statement, Store
from graphc.codegen.lower.pooling import Cell, Cells, both, within
from graphc.codegen.lower.values import Index, Root, literal, loops, offset
from graphc.dims import DimLike, floordiv, product
from graphc.nodes import Op, Operation
from graphc.ops.pooling import AvgPoolGrad, MaxPoolGrad, MaxPoolGradGrad

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _max_pool_grad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    x, y, grad = (nest.values.buffers[tensor] for tensor in node.inputs)
    cells = Cells(node.kind.window, node.inputs[0].type.sizes)  # type: ignore[attr-defined]
    zero = literal(0, grad.dtype)

    def greatest(index: Index) -> Expression:
        return Load(y, cells.window_offset(index))

    if cells.tile_exactly():

        def parts(index: Index) -> tuple[Statement, ...]:
            adjoint, out = Load(grad, cells.window_offset(index)), nest.outputs[node.outputs[0]]
            chosen = _first_maxima(cells, index, x, greatest(index))
            parts = [(cell, Apply("select", (first, adjoint, zero), grad.dtype)) for cell, first in chosen]
            return tuple(Store(out, cell.offset, part) for cell, part in parts)

        return loops("i", cells.window_sizes, parts)

    def number(index: Index) -> Expression:
        """The number of the first cell that equals the maximum, from 1; 0 where none does."""
        found: Expression = literal(0, "i32")
        for place, (_, equal) in reversed(list(enumerate(_maxima(cells, index, x, greatest(index)), 1))):
            found = Apply("select", (equal, literal(place, "i32"), found), "i32")
        return found if told.dtype == "i32" else Apply("cast", (found,), told.dtype)

    def part(seen: Seen) -> Expression:
        chosen = Apply("eq", (Load(told, seen.told, seen.inside), literal(seen.number, told.dtype)), "bool")
        return Apply("select", (chosen, Load(grad, seen.window, seen.inside), zero), grad.dtype)

    told = _told(nest, cells, "u8" if prod(cells.window.size) < 256 else "i32")
    return Shared(cells, told, nest.outputs[node.outputs[0]]).statements(number, part)


def _avg_pool_grad(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    grad, out = nest.values.buffers[node.inputs[0]], nest.outputs[node.outputs[0]]
    cells = Cells(node.kind.window, node.outputs[0].type.sizes)  # type: ignore[attr-defined]

    def share(index: Index) -> Expression:
        return Apply("div", (Load(grad, cells.window_offset(index)), cells.count(index, grad.dtype)), grad.dtype)

    if cells.tile_exactly():

        def shares(index: Index) -> tuple[Statement, ...]:
            return tuple(Store(out, cell.offset, share(index)) for cell in cells.seen(index))

        return loops("i", cells.window_sizes, shares)
    told = _told(nest, cells, grad.dtype)
    return Shared(cells, told, out).statements(share, lambda seen: Load(told, seen.told, seen.inside))


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


def _maxima(cells: Cells, index: Index, x: Buffer, greatest: Expression) -> Iterator[tuple[Cell, Expression]]:
    """Each cell of a window, and whether it equals the maximum."""
    for cell in cells.seen(index):
        equal: Expression = Apply("eq", (Load(x, cell.offset, cell.inside), greatest), "bool")
        yield cell, equal if cell.inside is None else Apply("logical_and", (equal, cell.inside), "bool")


def _first_maxima(cells: Cells, index: Index, x: Buffer, greatest: Expression) -> list[tuple[Cell, Expression]]:
    """Each cell of a window, and whether it is the first that equals the maximum."""
    found: Expression | None = None
    result = []
    for cell, equal in _maxima(cells, index, x, greatest):
        first = (
            equal if found is None else Apply("logical_and", (equal, Apply("logical_not", (found,), "bool")), "bool")
        )
        found = equal if found is None else Apply("logical_or", (found, equal), "bool")
        result.append((cell, first))
    return result


def _told(nest: Nest, cells: Cells, dtype: str) -> Buffer:
    """Private memory for what the windows of one image (of one channel, where channels come first) tell its cells."""
    made = Buffer(f"told{nest.number}", dtype, product(_inner(cells, cells.window_sizes)), "scratch")
    nest.scratch.append(made)
    return made


def _inner(cells: Cells, index: Index) -> Index:
    """Without the batch, and without the channel where that comes first."""
    return index[1:] if cells.window.channels_last else index[1:-1]


class Seen(NamedTuple):
    """A window as a cell sees it: the cell's number in it, from 1; where it stands, and when it is there at all."""

    number: int
    told: DimLike
    window: DimLike
    inside: Expression | None


class Along(NamedTuple):
    """One axis of what a cell sees: its place in the window, the window, and when that is there."""

    place: int
    window: DimLike
    inside: Expression | None


class Run(NamedTuple):
    """Cells of one axis: some places of block number ``block``, which is ``first`` to ``last``, where that is known."""

    block: DimLike
    first: int
    last: int | None
    places: range


class Shared:
    """Windows that share cells: what they tell, in ``told``, and the sums in ``out``."""

    def __init__(self, cells: Cells, told: Buffer, out: Buffer):
        self.cells, self.told, self.out = cells, told, out

    def statements(
        self, tell: Callable[[Index], Expression], part: Callable[[Seen], Expression]
    ) -> tuple[Statement, ...]:
        """Both passes over every image: ``tell`` of each window, and the sum of each cell's parts."""
        batch, channels, last = self.cells.sizes[0], self._channels, self.cells.window.channels_last

        def image(index: Index) -> tuple[Statement, ...]:
            def windows(inner: Index) -> Store:
                return Store(self.told, offset(inner, sizes), tell((index[0], *inner, *index[1:])))

            sizes = _inner(self.cells, self.cells.window_sizes)
            first = loops("w", sizes, windows)
            if isinstance(first[0], Store):  # no loop, and yet what it stores is read next
                first = (If(literal(True, "bool"), first),)
            return (*first, *self._blocks(index, (), part))

        return loops("i", (batch,) if last else (batch, channels), image)

    @property
    def _channels(self) -> DimLike:
        return self.cells.sizes[self.cells.window.channel_axis]

    def _blocks(self, image: Index, runs: tuple[Run, ...], part: Callable[[Seen], Expression]) -> tuple[Statement, ...]:
        """Loops over the blocks of the axes that are left; the cells behind the last whole block are a part of one."""
        window, axis = self.cells.window, len(runs)
        if axis == window.rank:
            if not window.channels_last:
                return self._sums((image[0], image[1]), runs, part)
            return loops("c", (self._channels,), lambda channel: self._sums((image[0], *channel), runs, part))
        size, stride = self.cells.sizes[window.axes[axis]], window.strides[axis]
        whole = floordiv(size, stride)

        def run(block: DimLike, places: range) -> tuple[Statement, ...]:
            if isinstance(block, int):
                return self._blocks(image, (*runs, Run(block, block, block, places)), part)
            last = whole - 1 if isinstance(whole, int) else None
            return self._blocks(image, (*runs, Run(block, 0, last, places)), part)

        blocks = loops(f"b{axis}_", (whole,), lambda index: run(index[0], range(stride))) if whole != 0 else ()
        if isinstance(size, int):
            return (*blocks, *(run(whole, range(size % stride)) if size % stride else ()))
        left = IndexValue(size - whole * stride, "i64")
        rest = (
            If(Apply("lt", (literal(place, "i64"), left), "bool"), run(whole, range(place, place + 1)))
            for place in range(stride - 1)
        )
        return (*blocks, *rest)

    def _sums(self, image: Index, runs: tuple[Run, ...], part: Callable[[Seen], Expression]) -> tuple[Statement, ...]:
        """The cells of one block, in one image and channel."""
        window, stores = self.cells.window, []
        for places in itertools.product(*(run.places for run in runs)):
            axes = [self._along(axis, run, place) for axis, (run, place) in enumerate(zip(runs, places, strict=True))]
            terms = [part(self._seen(image, way)) for way in itertools.product(*axes)]
            total = reduce(lambda a, b: Apply("add", (a, b), self.out.dtype), terms or [literal(0, self.out.dtype)])
            cell = [run.block * s + place for run, s, place in zip(runs, window.strides, places, strict=True)]
            stores.append(Store(self.out, offset(window.arranged(image[0], cell, image[1]), self.cells.sizes), total))
        return tuple(stores)

    def _along(self, axis: int, run: Run, place: int) -> list[Along]:
        """The windows that may see a cell, by its place in them."""
        window, extent = self.cells.window, self.cells.extents[axis]
        stride, found = window.strides[axis], []
        for k in range(window.size[axis]):
            distance = place + extent.low - k * window.dilations[axis]
            if distance % stride == 0:
                inside = _exists(run, distance // stride, extent.out)
                if not isinstance(inside, bool):
                    found.append(Along(k, run.block + distance // stride, inside))
        return found

    def _seen(self, image: Index, ways: tuple[Along, ...]) -> Seen:
        cells, number = self.cells, 0
        for way, size in zip(ways, cells.window.size, strict=True):
            number = number * size + way.place
        index = (image[0], *(way.window for way in ways), image[1])
        told = offset(_inner(cells, index), _inner(cells, cells.window_sizes))
        return Seen(number + 1, told, cells.window_offset(index), reduce(both, (way.inside for way in ways)))


def _exists(run: Run, distance: int, count: DimLike) -> Expression | bool | None:
    """Whether there is a window so far from a block: None where always, False where never."""
    if isinstance(count, int) and run.last is not None:
        if run.last + distance < 0 or run.first + distance >= count:
            return False
        ends = run.last + distance >= count
    else:
        ends = True
    return within(run.block + distance, count, run.first + distance < 0, ends)


ROOTS: dict[type[Op], Root] = {
    MaxPoolGrad: _max_pool_grad,
    AvgPoolGrad: _avg_pool_grad,
    MaxPoolGradGrad: _max_pool_grad_grad,
}
