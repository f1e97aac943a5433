"""Contractions as native loops: the grid of tasks, the tiles within a task, and what happens to a finished tile.

    for task in begin..end:                      a block of C (and one index of the outer axes)
        for panel of columns:
            for tile of rows:
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
from dataclasses import dataclass

from llvmlite import ir

from graphc.codegen.choose import Plan, element_bytes, plan
from graphc.codegen.kernels import microtile
from graphc.codegen.kernels.affine import Axis, Contraction, Group
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.dot import dot_products
from graphc.codegen.kernels.microtile import Step, Tile
from graphc.codegen.kernels.packing import (
    Move,
    copy_clamped,
    copy_moves,
    copy_partial_runs,
    copy_runs,
    copy_transposed,
    merged,
    walk,
)
from graphc.codegen.target import Target
from graphc.dims import DimLike, ceildiv, row_major_strides

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
    return sum(_scratch_parts(chosen)) * element_bytes(chosen.shape)


def _scratch_parts(chosen: Plan) -> tuple[DimLike, DimLike, DimLike]:
    """Elements of scratch for sums, for the copy of A and for that of B, each a whole number of cache lines."""
    tile = Tile(chosen.mr, chosen.nv, chosen.lanes)
    sums = tile.elements * (1 if chosen.k_blocks == 1 else 1 + chosen.row_tiles * chosen.panels) + tile.lanes
    a_copy = chosen.a_tiles * chosen.tile_elements if chosen.pack_a else 0
    b_copy = chosen.panels * chosen.panel_elements if chosen.pack_b else 0
    return _whole_lines(sums), _whole_lines(a_copy), _whole_lines(b_copy)


def _whole_lines(elements: DimLike) -> DimLike:
    return ceildiv(elements, 16) * 16


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


@dataclass(frozen=True)
class KStep:
    """One loop of K: its trip count, and how far A, B and a packed copy move in a turn."""

    extent: Index
    a: Index
    b: Index
    packed: Index


@dataclass(frozen=True)
class Part:
    """Where a part of K stands: are there sums from earlier parts, and do more follow."""

    has_earlier: bool | ir.Value
    more_follow: bool | ir.Value


class _Writer:
    """The loops of one contraction, from a task down to the finished tile."""

    def __init__(
        self, code: Code, spec: Contraction, chosen: Plan, target: Target,
        epilogue: Epilogue, scratch: ir.Value, sizes: _Sizes,
    ):
        self.code, self.spec, self.plan, self.shape = code, spec, chosen, chosen.shape
        self.epilogue, self.sizes = epilogue, sizes
        self.tile = Tile(chosen.mr, chosen.nv, chosen.lanes)
        self.m, self.n = sizes(chosen.tiled_extent), sizes(chosen.shape.n)
        self.lanes = target.lanes(spec.dtype)
        self.masks = target.masks
        parts = _scratch_parts(chosen)
        self.sums = scratch
        self.a_copy = code.at(scratch, sizes(parts[0]))
        self.b_copy = code.at(scratch, sizes(parts[0] + parts[1]))

    def task(self, task: Index, a: ir.Value, b: ir.Value) -> None:
        """One block of C: a run of row tiles times a run of column panels, block after block of K."""
        code, chosen = self.code, self.plan
        rest, row_chunk = code.divmod(task, self.sizes(chosen.row_chunks))
        outer, column_chunk = code.divmod(rest, self.sizes(chosen.column_chunks))
        coordinates: dict[int, Index] = {}
        a, b = self.walk(self.shape.outer, outer, a, b, coordinates)
        first = code.mul(row_chunk, chosen.row_tiles)
        tiles = (first, code.least(code.add(first, chosen.row_tiles), self.sizes(chosen.tiles)))
        first = code.mul(column_chunk, chosen.panels)
        panels = (first, code.least(code.add(first, chosen.panels), self.sizes(chosen.column_panels)))
        blocks = code.greatest(self.sizes(chosen.k_blocks), 1)

        def k_block(index: Index) -> None:
            self.k_block(index, blocks, tiles, panels, a, b, coordinates)

        code.loop(0, blocks, 1, k_block)

    def k_block(
        self, index: Index, blocks: Index, tiles: tuple[Index, Index], panels: tuple[Index, Index],
        a: ir.Value, b: ir.Value, coordinates: dict[int, Index],
    ) -> None:
        """The part of K that is packed at once; the last part finishes the tiles."""
        code, chosen = self.code, self.plan
        level, inner = chosen.k_level, self.shape.inner
        extents = [self.sizes(group.extent) for group in inner]
        if chosen.k_blocks != 1:
            cuts = code.greatest(code.ceildiv(extents[level], chosen.k_block), 1)  # An empty K has one part, of nothing.
            before, cut = code.divmod(index, cuts)
            a, b = self.walk(inner[:level], before, a, b, {})
            start = code.mul(cut, chosen.k_block)
            a = code.at(a, code.mul(start, self.sizes(inner[level].a)))
            b = code.at(b, code.mul(start, self.sizes(inner[level].b)))
            inner = inner[level:]
            extents = [code.least(code.sub(extents[level], start), chosen.k_block), *extents[level + 1 :]]
        packed = row_major_strides([group.extent for group in inner])
        steps = [
            KStep(extent, self.sizes(group.a), self.sizes(group.b), self.sizes(stride))
            for extent, group, stride in zip(extents, inner, packed, strict=True)
        ]
        part = Part(code.less(0, index), code.less(code.add(index, 1), blocks))
        if chosen.pack_b:
            self.pack_b(panels, steps, b)

        def row_block(first: Index) -> None:
            some = (first, code.least(code.add(first, chosen.a_tiles), tiles[1]))
            if chosen.pack_a:
                code.loop(*some, 1, lambda tile: self.pack_a(tile, first, steps, a))
            code.loop(*panels, 1, lambda panel: code.loop(*some, 1, lambda tile: self.one_tile(
                tile, tiles[0], first, panel, panels[0], steps, a, b, coordinates, part
            )))

        code.loop(*tiles, chosen.a_tiles, row_block)

    def one_tile(
        self, tile: Index, first_tile: Index, first_copied: Index, panel: Index, first_panel: Index, steps: list[KStep],
        a: ir.Value, b: ir.Value, outer: dict[int, Index], part: Part,
    ) -> None:
        """The sums of one tile over the steps; the epilogue, unless more of K follows."""
        code, chosen = self.code, self.plan
        coordinates = dict(outer)
        row, start, a = self.rows_of(tile, a, coordinates)
        column = code.mul(panel, self.tile.columns)
        in_chunk, panel_in_chunk = code.sub(tile, first_tile), code.sub(panel, first_panel)
        if chosen.pack_a:
            a = code.at(self.a_copy, code.mul(code.sub(tile, first_copied), self.sizes(chosen.tile_elements)))
        else:
            a = code.at(a, code.mul(start, self.row_step()))
        if chosen.pack_b:
            first, b = column, code.at(self.b_copy, code.mul(panel_in_chunk, self.sizes(chosen.panel_elements)))
        else:
            first = code.least(column, code.greatest(code.sub(self.n, self.tile.columns), 0))
            b = code.at(b, code.mul(first, self.sizes(self.shape.col.b)))
        if chosen.k_blocks == 1:
            self.fill(a, b, steps)
        else:
            place = code.add(code.mul(panel_in_chunk, chosen.row_tiles), in_chunk)
            self.add_part(a, b, steps, code.at(self.sums, code.mul(code.add(place, 1), self.tile.elements)), part)
        corner = (start, code.sub(row, start), first, code.sub(column, first))
        code.when(part.more_follow, lambda: None, lambda: self.finish(*corner, coordinates))

    def rows_of(self, tile: Index, a: ir.Value, coordinates: dict[int, Index]) -> tuple[Index, Index, ir.Value]:
        """The first new row of a tile, the row where it starts, and A moved along the rows around the tiled ones."""
        code, chosen = self.code, self.plan
        untiled, place = code.divmod(tile, code.ceildiv(self.m, chosen.mr))
        a, _ = self.walk(chosen.untiled, untiled, a, a, coordinates)
        row = code.mul(place, chosen.mr)
        return row, self.moved_back(row), a

    def moved_back(self, row: Index) -> Index:
        """Where the tile that should begin at ``row`` begins, so that all its rows exist."""
        code, chosen = self.code, self.plan
        if chosen.pack_a == "rows" or (chosen.pack_a and not isinstance(self.m, int)):
            return row  # The copy repeats the last row instead.
        return code.greatest(code.least(row, code.sub(self.m, chosen.mr)), 0)

    def pack_a(self, tile: Index, first_tile: Index, steps: list[KStep], a: ir.Value) -> None:
        """The rows of one tile copied, by columns or by rows."""
        code, chosen = self.code, self.plan
        _, start, a = self.rows_of(tile, a, {})
        copy = code.at(self.a_copy, code.mul(code.sub(tile, first_tile), self.sizes(chosen.tile_elements)))
        if chosen.pack_a == "rows":
            self.pack_rows(start, steps, a, copy)
            return
        moves = [Move(step.extent, step.a, code.mul(step.packed, chosen.mr)) for step in steps]
        a = code.at(a, code.mul(start, self.row_step()))
        if isinstance(self.m, int):
            copy_runs(code, moves, a, copy, chosen.mr, self.lanes)
            return
        left = code.sub(self.m, start)
        code.when(
            code.less(left, chosen.mr),
            lambda: copy_clamped(code, moves, a, copy, left, chosen.mr, self.row_step()),
            lambda: copy_runs(code, moves, a, copy, chosen.mr, self.lanes),
        )

    def pack_rows(self, start: Index, steps: list[KStep], a: ir.Value, copy: ir.Value) -> None:
        code, chosen = self.code, self.plan
        moves = [Move(step.extent, step.a, step.packed) for step in steps]

        def row(r: Index) -> None:
            existing = code.least(code.add(start, r), code.sub(self.m, 1))
            source, _ = self.walk(self.shape.rows, existing, a, a, {})
            there = code.at(copy, code.mul(r, self.sizes(chosen.row_elements)))
            copy_moves(code, moves, source, there, self.lanes)

        code.loop(0, chosen.mr, 1, row)

    def pack_b(self, panels: tuple[Index, Index], steps: list[KStep], b: ir.Value) -> None:
        """The panels of B copied: whole ones, and the one that is cut by the last column."""
        code, width = self.code, self.tile.columns
        whole = code.least(panels[1], code.div(self.n, width))
        step = self.sizes(self.shape.col.b)
        b = code.at(b, code.mul(code.mul(panels[0], width), step))
        moves = [Move(k.extent, k.b, code.mul(k.packed, width)) for k in steps]
        panel = Move(code.sub(whole, panels[0]), code.mul(width, step), self.sizes(self.plan.panel_elements))
        if step == 1:
            copy_runs(code, [*moves, panel], b, self.b_copy, width, self.tile.lanes)
        elif moves and moves[-1].source == 1:
            walk(code, [panel], b, self.b_copy, lambda source, copy: copy_transposed(
                code, moves, source, copy, width, step, self.tile.lanes
            ))
        else:
            walk(code, [panel], b, self.b_copy, lambda source, copy: copy_clamped(
                code, moves, source, copy, width, width, step
            ))

        def cut(_: Index) -> None:
            done = code.sub(whole, panels[0])
            source, copy = code.at(b, code.mul(done, panel.source)), code.at(self.b_copy, code.mul(done, panel.copy))
            count = code.sub(self.n, code.mul(whole, width))
            if step == 1 and self.masks and self.tile.lanes > 1:
                copy_partial_runs(code, moves, source, copy, count, width, self.tile.lanes)
            else:
                copy_clamped(code, moves, source, copy, count, width, step)

        if not isinstance(self.n, int) or self.n % width:
            code.loop(whole, panels[1], 1, cut)

    def row_step(self) -> Index:
        """How far apart the rows of a tile are, where A is read."""
        if self.plan.tiled is None:
            return 0
        return self.sizes(self.shape.rows[self.plan.tiled].a)

    def fill(self, a: ir.Value, b: ir.Value, steps: list[KStep]) -> None:
        """The sums of one tile, in scratch. Fewer rows than a tile (a small symbolic batch) are done one by one."""
        code, tile = self.code, self.tile

        def whole() -> None:
            microtile.store_tile(code, tile, self.sum_tile(tile, a, b, steps), self.sums)

        if isinstance(self.m, int) or self.plan.pack_a:
            whole()
            return

        def single(row: Index) -> None:
            one = Tile(1, tile.vectors, tile.lanes)
            here = code.at(a, code.mul(row, self.row_step()))
            microtile.store_tile(code, one, self.sum_tile(one, here, b, steps), code.at(self.sums, code.mul(row, tile.columns)))

        code.when(code.less(self.m, tile.rows), lambda: code.loop(0, self.m, 1, single), whole)

    def add_part(self, a: ir.Value, b: ir.Value, steps: list[KStep], memory: ir.Value, part: Part) -> None:
        """One part of K added to the tile at ``memory``; the last part leaves the sums where ``finish`` looks."""
        code, tile = self.code, self.tile
        microtile.prefetch_tile(code, tile, memory)
        sums = self.sum_tile(tile, a, b, steps)
        place = code.builder.select(part.more_follow, memory, self.sums)
        code.when(
            part.has_earlier,
            lambda: microtile.store_tile(code, tile, sums, place, memory),
            lambda: microtile.store_tile(code, tile, sums, place),
        )

    def sum_tile(self, tile: Tile, a: ir.Value, b: ir.Value, steps: list[KStep]) -> list[ir.Value]:
        """A tile of products in registers, summed over the steps."""
        code, chosen = self.code, self.plan
        mask, column_step, row_step = None, 1, self.row_step()
        if not chosen.pack_b:
            column_step = self.sizes(self.shape.col.b)
            if isinstance(self.n, int) and self.n < tile.lanes:
                mask = code.first_lanes(self.n, tile.lanes)
        if chosen.pack_a:
            row_step = 1 if chosen.pack_a == "columns" else self.sizes(chosen.row_elements)
        loops = []
        for step in steps:
            a_step = {"": step.a, "rows": step.packed, "columns": code.mul(step.packed, chosen.mr)}[chosen.pack_a]
            loops.append(Move(step.extent, a_step, code.mul(step.packed, tile.columns) if chosen.pack_b else step.b))
        turns = [Step(move.extent, move.source, move.copy) for move in merged(code, loops)]
        if chosen.form == "dot":
            return dot_products(code, tile.rows, tile.columns, self.lanes, turns, a, row_step, b, column_step)
        zeros = microtile.zeros(code, tile)
        return microtile.accumulate(code, tile, turns, a, row_step, b, column_step, mask, zeros, chosen.unroll)

    def finish(
        self, row: Index, first_row: Index, column: Index, first_column: Index,
        coordinates: dict[int, Index],
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
            sums = code.at(self.sums, code.mul(r, tile.columns))

            def vector(c: Index, mask: ir.Value | None = None) -> None:
                self.place((self.shape.col,), code.add(column, c), places)
                full = tuple(code.value(places.get(i, 0)) for i in range(len(self.spec.output)))
                self.epilogue(code.builder, full, code.load(code.at(sums, c), lanes), mask)

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
        return self.shape.rows if self.plan.tiled is None else (self.shape.rows[self.plan.tiled],)

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

