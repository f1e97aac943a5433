"""Contractions as native loops: the grid of tasks, the tiles within a task, and what happens to a finished tile.

    for task in begin..end:                      a block of C (and one index of the outer axes)
        for tile of rows:
            for panel of columns:
                registers = 0
                for k: registers += A[rows, k] * B[k, panel]        microtile.py
                scratch = registers
                for row, vector of the tile: epilogue(coordinates, scratch[row, vector])

A tile is spilled before it is finished, so that the epilogue (a bias, an activation, an Adam step) is written once
in a loop and not mr * nv times. A tile at the edge is moved back to overlap its neighbour, and only its new rows and
columns are finished; so edges need no code of their own. ``choose.py`` decides the sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from graphc.codegen.choose import Plan, element_bytes, plan
from graphc.codegen.kernels import microtile
from graphc.codegen.kernels.affine import Axis, Contraction, Group
from graphc.codegen.kernels.building import I64, Code, Index
from graphc.codegen.kernels.microtile import Step, Tile
from graphc.codegen.target import Target
from graphc.dims import DimLike

__all__ = ["Axis", "Contraction", "Epilogue", "emit_contraction", "scratch_bytes", "tasks"]

Size = Callable[[ir.IRBuilder, DimLike], ir.Value]
# (builder, coordinates in C, the sum: a vector along the last of cols or a scalar, mask of lanes that exist or None)
Epilogue = Callable[[ir.IRBuilder, tuple[ir.Value, ...], ir.Value, ir.Value | None], None]


def tasks(spec: Contraction, target: Target) -> DimLike:
    """The number of independent tasks, from shapes alone."""
    return plan(spec, target).tasks


def scratch_bytes(spec: Contraction, target: Target) -> DimLike:
    """Bytes of private memory that a thread needs to perform tasks."""
    chosen = plan(spec, target)
    tile = Tile(chosen.mr, chosen.nv, chosen.lanes)
    return (tile.elements + tile.lanes) * element_bytes(chosen.shape)


def emit_contraction(
    builder: ir.IRBuilder, spec: Contraction, target: Target, a_ptr: ir.Value, b_ptr: ir.Value,
    epilogue: Epilogue, begin: ir.Value, end: ir.Value, scratch: ir.Value, size: Size,
) -> None:
    """Code for the tasks ``begin`` to ``end``; ``epilogue`` sees each element of C once, summed over all of K."""
    chosen = plan(spec, target)
    if chosen.tasks == 0:
        return
    code = Code(builder, spec.dtype, target.fma)
    writer = _Writer(code, spec, chosen, target, epilogue, scratch, _Sizes(builder, size))
    a, b = code.at(a_ptr, writer.sizes(spec.a_offset)), code.at(b_ptr, writer.sizes(spec.b_offset))
    if chosen.shape.swapped:
        a, b = b, a

    def one_task(task: Index) -> None:
        writer.task(task, a, b)

    code.loop(begin, end, 1, one_task)


class _Sizes:
    """Sizes as numbers: constants, or values loaded once, in a block before all loops."""

    def __init__(self, builder: ir.IRBuilder, size: Size):
        self.builder, self.size = builder, size
        self.known: dict[DimLike, ir.Value] = {}
        self.block = builder.block
        work = builder.append_basic_block("work")
        builder.branch(work)
        builder.position_at_end(work)

    def __call__(self, dim: DimLike) -> Index:
        if isinstance(dim, int):
            return dim
        if dim not in self.known:
            with self.builder.goto_block(self.block):
                self.known[dim] = self.size(self.builder, dim)
        return self.known[dim]


class _Writer:
    """The loops of one contraction, from a task down to the finished tile."""

    def __init__(
        self, code: Code, spec: Contraction, chosen: Plan, target: Target,
        epilogue: Epilogue, scratch: ir.Value, sizes: _Sizes,
    ):
        self.code, self.spec, self.plan, self.shape, self.target = code, spec, chosen, chosen.shape, target
        self.epilogue, self.scratch, self.sizes = epilogue, scratch, sizes
        self.tile = Tile(chosen.mr, chosen.nv, chosen.lanes)
        self.m, self.n = sizes(chosen.tiled_extent), sizes(chosen.shape.n)

    def task(self, task: Index, a: ir.Value, b: ir.Value) -> None:
        """One block of C: a run of row tiles times a run of column panels."""
        code, chosen = self.code, self.plan
        rest, row_chunk = code.divmod(task, self.sizes(chosen.row_chunks))
        outer, column_chunk = code.divmod(rest, self.sizes(chosen.column_chunks))
        coordinates: dict[int, Index] = {}
        a, b = self.walk(self.shape.outer, outer, a, b, coordinates)
        first_tile = code.mul(row_chunk, chosen.row_tiles)
        last_tile = code.least(code.add(first_tile, chosen.row_tiles), self.sizes(chosen.tiles))
        first_panel = code.mul(column_chunk, chosen.panels)
        last_panel = code.least(code.add(first_panel, chosen.panels), self.sizes(chosen.column_panels))

        def row_tile(index: Index) -> None:
            self.row_tile(index, first_panel, last_panel, a, b, coordinates)

        code.loop(first_tile, last_tile, 1, row_tile)

    def row_tile(
        self, index: Index, first_panel: Index, last_panel: Index, a: ir.Value, b: ir.Value, outer: dict[int, Index]
    ) -> None:
        """The tiles that share some rows of A."""
        code, chosen = self.code, self.plan
        coordinates = dict(outer)
        untiled, place = code.divmod(index, code.ceildiv(self.m, chosen.mr))
        a, _ = self.walk(chosen.untiled, untiled, a, b, coordinates)
        row = code.mul(place, chosen.mr)
        start = code.greatest(code.least(row, code.sub(self.m, chosen.mr)), 0)
        a = code.at(a, code.mul(start, self.row_step()))

        def panel(index: Index) -> None:
            column = code.mul(index, self.tile.columns)
            first = code.least(column, code.greatest(code.sub(self.n, self.tile.columns), 0))
            here = code.at(b, code.mul(first, self.sizes(self.shape.col.b)))
            self.fill(a, here)
            self.finish(start, code.sub(row, start), first, code.sub(column, first), coordinates)

        code.loop(first_panel, last_panel, 1, panel)

    def row_step(self) -> Index:
        tiled = self.plan.tiled
        return 0 if tiled is None else self.sizes(self.shape.rows[tiled].a)

    def fill(self, a: ir.Value, b: ir.Value) -> None:
        """The sums of one tile, left in scratch. Fewer rows than a tile (a symbolic batch) are done one by one."""
        code, tile = self.code, self.tile
        if isinstance(self.m, int):
            self.sum_tile(tile, a, b, self.scratch)
            return

        def single(row: Index) -> None:
            one = Tile(1, tile.vectors, tile.lanes)
            self.sum_tile(one, code.at(a, code.mul(row, self.row_step())), b,
                          code.at(self.scratch, code.mul(row, tile.columns)))

        code.when(
            code.less(self.m, tile.rows),
            lambda: code.loop(0, self.m, 1, single),
            lambda: self.sum_tile(tile, a, b, self.scratch),
        )

    def sum_tile(self, tile: Tile, a: ir.Value, b: ir.Value, memory: ir.Value) -> None:
        code = self.code
        mask = code.first_lanes(self.n, tile.lanes) if isinstance(self.n, int) and self.n < tile.lanes else None
        steps = [Step(self.sizes(g.extent), self.sizes(g.a), self.sizes(g.b)) for g in self.shape.inner]
        zeros = microtile.zeros(code, tile)
        column_step = self.sizes(self.shape.col.b)
        totals = microtile.accumulate(code, tile, steps, a, self.row_step(), b, column_step, mask, zeros, 1)
        microtile.store_tile(code, tile, totals, memory)

    def finish(
        self, row: Index, first_row: Index, column: Index, first_column: Index, coordinates: dict[int, Index]
    ) -> None:
        """The epilogue over the new part of the tile in scratch, whose corner is C[row, column]."""
        code, tile = self.code, self.tile
        lanes = 1 if self.shape.swapped else tile.lanes
        end_row = code.least(tile.rows, code.sub(self.m, row))
        end_column = code.least(tile.columns, code.sub(self.n, column))
        whole_vectors = lanes == 1 or (isinstance(self.n, int) and self.n % lanes == 0)

        def one_row(r: Index) -> None:
            places = dict(coordinates)
            self.place(self.tiled_groups(), code.add(row, r), places)
            memory = code.at(self.scratch, code.mul(r, tile.columns))

            def vector(c: Index, mask: ir.Value | None = None) -> None:
                self.place((self.shape.col,), code.add(column, c), places)
                full = tuple(code.value(places.get(i, 0)) for i in range(len(self.spec.output)))
                self.epilogue(code.builder, full, code.load(code.at(memory, c), lanes), mask)

            if whole_vectors:
                code.loop(first_column, end_column, lanes, lambda c: vector(c))
                return
            count = code.sub(end_column, first_column)
            whole = code.add(first_column, code.mul(code.div(count, lanes), lanes))
            code.loop(first_column, whole, lanes, lambda c: vector(c))
            left = code.sub(end_column, whole)
            code.when(code.less(0, left), lambda: vector(whole, code.first_lanes(left, lanes)))

        code.loop(first_row, end_row, 1, one_row)

    def tiled_groups(self) -> Sequence[Group]:
        return () if self.plan.tiled is None else (self.shape.rows[self.plan.tiled],)

    def walk(
        self, groups: Sequence[Group], index: Index, a: ir.Value, b: ir.Value, coordinates: dict[int, Index]
    ) -> tuple[ir.Value, ir.Value]:
        """Both operands moved to position ``index`` of ``groups`` (last one fastest), noting the coordinates of C."""
        code = self.code
        for group in reversed(groups):
            rest: Index = 0
            if group is not groups[0]:
                rest, index = code.divmod(index, self.sizes(group.extent))
            a = code.at(a, code.mul(index, self.sizes(group.a)))
            b = code.at(b, code.mul(index, self.sizes(group.b)))
            self.place((group,), index, coordinates)
            index = rest
        return a, b

    def place(self, groups: Sequence[Group], index: Index, coordinates: dict[int, Index]) -> None:
        """The coordinates of C at position ``index`` of merged axes."""
        code = self.code
        axes = [axis for group in groups for axis in group.places]
        for position, extent in reversed(axes):
            if position == axes[0][0]:
                coordinates[position] = index
                return
            index, coordinates[position] = code.divmod(index, self.sizes(extent))


def _number(x: Index) -> ir.Value:
    return ir.Constant(I64, x) if isinstance(x, int) else x
