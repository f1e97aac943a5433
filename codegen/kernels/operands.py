"""The two operands as the registers see them: read in place, or from a copy made just before."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.building import Index, Range
from graphc.codegen.kernels.microtile import RowStep
from graphc.codegen.kernels.packing import (
    Move,
    copy_clamped,
    copy_moves,
    copy_partial_runs,
    copy_runs,
    copy_runs_in_blocks,
    copy_strided,
    copy_transposed,
    walk,
)
from graphc.codegen.kernels.site import Coordinates, KStep, Site
from graphc.records import record

# Columns so far apart, as those of a strided convolution, are picked from whole vectors.
MOST_APART = 4


@record
class Rows:
    """The rows of one tile: the first new one, the row where the tile begins, A there, and where C is."""

    row: Index
    start: Index
    source: ir.Value
    coordinates: Coordinates


@record
class OperandA:
    """Tiles of rows; ``copy`` is the memory for those of them that are copied at once."""

    site: Site
    copy: ir.Value

    @property
    def row_step(self) -> RowStep:
        """How far apart rows are where the registers read them."""
        plan = self.site.plan
        if plan.pack_a:
            return 1 if plan.pack_a == "columns" else self.site.sizes(plan.row_elements)
        if plan.tiled is None and plan.shape.rows:  # One tile of all rows, which are several axes.
            return tuple(self.site.offsets(plan.shape.rows, row)[0] for row in range(plan.mr))
        return self._source_step

    @property
    def _source_step(self) -> Index:
        plan = self.site.plan
        return 0 if plan.tiled is None else self.site.sizes(plan.shape.rows[plan.tiled].a)

    def k_step(self, step: KStep) -> Index:
        """How far one turn of a loop of K moves where the registers read."""
        plan = self.site.plan
        if plan.pack_a:
            return step.packed if plan.pack_a == "rows" else self.site.code.mul(step.packed, plan.mr)
        return step.a

    def rows(self, tile: Index, a: ir.Value) -> Rows:
        """The rows of tile number ``tile``."""
        site, plan, code = self.site, self.site.plan, self.site.code
        untiled, place = code.divmod(tile, code.ceildiv(site.m, plan.mr)) if plan.untiled else (0, tile)
        in_a, _, coordinates = site.offsets(plan.untiled, untiled)
        row = code.mul(place, plan.mr)
        start = self._moved_back(row)
        if plan.tiled is not None:
            in_a = code.add(in_a, code.mul(start, self._source_step))
        return Rows(row, start, code.at(a, in_a), coordinates)

    def _moved_back(self, row: Index) -> Index:
        """Where the tile that should begin at ``row`` begins, so that all its rows exist."""
        site, plan, code = self.site, self.site.plan, self.site.code
        if plan.may_lack_rows or plan.pack_a == "rows" or (plan.pack_a and not isinstance(site.m, int)):
            return row  # The rows that are left are summed in lower tiles, or the copy repeats the last one.
        if isinstance(site.m, int) and site.m % plan.mr == 0:
            return row
        return code.least(row, code.greatest(code.sub(site.m, plan.mr), 0))

    def place(self, tile: Index, first_copied: Index, rows: Rows) -> ir.Value:
        """Where the registers find a tile."""
        site, code = self.site, self.site.code
        if not site.plan.pack_a:
            return rows.source
        return code.at(self.copy, code.mul(code.sub(tile, first_copied), site.sizes(site.plan.tile_elements)))

    def copy_tiles(self, tiles: Range, steps: Sequence[KStep], a: ir.Value) -> None:
        """The rows of some tiles copied, by columns or by rows."""
        site, plan, code = self.site, self.site.plan, self.site.code
        first = tiles[0]
        make = self._copy_rows if plan.pack_a == "rows" else self._copy_columns

        def one(tile: Index) -> None:
            rows = self.rows(tile, a)
            make(rows, steps, a, self.place(tile, tiles[0], rows))

        if plan.pack_a == "columns" and not plan.untiled:
            # Tiles inside blocks of K: what is contiguous in A is read from end to end.
            first = code.least(tiles[1], code.div(site.m, plan.mr))
            tile = Move(code.sub(first, tiles[0]), plan.mr, site.sizes(plan.tile_elements))
            source = code.at(a, code.mul(tiles[0], plan.mr))
            copy_runs_in_blocks(code, self._column_moves(steps), tile, source, self.copy, plan.mr, site.lanes)
            if isinstance(site.m, int) and site.m % plan.mr == 0:
                return
        code.loop(first, tiles[1], 1, one)

    def _column_moves(self, steps: Sequence[KStep]) -> list[Move]:
        mr = self.site.plan.mr
        return [Move(step.extent, step.a, self.site.code.mul(step.packed, mr)) for step in steps]

    def _copy_rows(self, rows: Rows, steps: Sequence[KStep], a: ir.Value, copy: ir.Value) -> None:
        site, code = self.site, self.site.code
        moves = [Move(step.extent, step.a, step.packed) for step in steps]

        def one(r: Index) -> None:
            existing = code.least(code.add(rows.start, r), code.sub(site.m, 1))
            source = code.at(a, site.offsets(site.plan.shape.rows, existing)[0])
            copy_moves(code, moves, source, code.at(copy, code.mul(r, site.sizes(site.plan.row_elements))), site.lanes)

        code.loop(0, site.plan.mr, 1, one)

    def _copy_columns(self, rows: Rows, steps: Sequence[KStep], a: ir.Value, copy: ir.Value) -> None:
        site, code, mr = self.site, self.site.code, self.site.plan.mr
        moves = self._column_moves(steps)
        left = code.sub(site.m, rows.start)
        code.when(
            False if isinstance(site.m, int) else code.less(left, mr),
            lambda: copy_clamped(code, moves, rows.source, copy, left, mr, self._source_step),
            lambda: copy_runs(code, moves, rows.source, copy, mr, site.lanes),
        )


@record
class OperandB:
    """Panels of columns; ``copy`` is the memory for the panels of a task."""

    site: Site
    copy: ir.Value

    @property
    def column_step(self) -> Index:
        """How far apart two columns are where the registers read them."""
        return 1 if self.site.plan.pack_b else self._source_step

    @property
    def _source_step(self) -> Index:
        return self.site.sizes(self.site.plan.shape.col.b)

    @property
    def mask(self) -> ir.Value | None:
        """The lanes that exist, where C is narrower than a vector; a copy has all of them."""
        site = self.site
        if site.plan.pack_b or not isinstance(site.n, int) or site.n >= site.tile.lanes:
            return None
        return site.code.first_lanes(site.n, site.tile.lanes)

    def k_step(self, step: KStep) -> Index:
        """How far one turn of a loop of K moves where the registers read."""
        return self.site.code.mul(step.packed, self.site.tile.columns) if self.site.plan.pack_b else step.b

    def first_column(self, column: Index) -> Index:
        """Where the panel that should begin at ``column`` begins: in place, all its columns must exist."""
        site, code = self.site, self.site.code
        if site.plan.pack_b or (isinstance(site.n, int) and site.n % site.tile.columns == 0):
            return column
        return code.least(column, code.greatest(code.sub(site.n, site.tile.columns), 0))

    def place(self, panel: Index, first_panel: Index, first_column: Index, b: ir.Value) -> ir.Value:
        """Where the registers find a panel."""
        site, code = self.site, self.site.code
        if not site.plan.pack_b:
            return code.at(b, code.mul(first_column, self._source_step))
        return code.at(self.copy, code.mul(code.sub(panel, first_panel), site.sizes(site.plan.panel_elements)))

    def copy_panels(self, panels: Range, steps: Sequence[KStep], b: ir.Value) -> None:
        """The panels of a task copied: whole ones, and the one that the last column cuts."""
        site, code, width, step = self.site, self.site.code, self.site.tile.columns, self._source_step
        whole = code.least(panels[1], code.div(site.n, width))
        b = code.at(b, code.mul(code.mul(panels[0], width), step))
        moves = [Move(k.extent, k.b, code.mul(k.packed, width)) for k in steps]
        panel = Move(code.sub(whole, panels[0]), code.mul(width, step), site.sizes(site.plan.panel_elements))
        self._copy_whole(panel, moves, b)

        def cut(_: Index) -> None:
            done = panel.extent
            source, copy = code.at(b, code.mul(done, panel.source)), code.at(self.copy, code.mul(done, panel.copy))
            self._copy_cut(moves, code.sub(site.n, code.mul(whole, width)), source, copy)

        if not isinstance(site.n, int) or site.n % width:
            code.loop(whole, panels[1], 1, cut)

    def _copy_whole(self, panel: Move, moves: list[Move], b: ir.Value) -> None:
        code, tile, step = self.site.code, self.site.tile, self._source_step
        if step == 1:
            # Panels innermost: a row of B is read from end to end, as memory likes it.
            copy_runs(code, [*moves, panel], b, self.copy, tile.columns, tile.lanes)
            return

        def one(source: ir.Value, copy: ir.Value) -> None:
            if isinstance(step, int) and 1 < step <= MOST_APART:
                copy_strided(code, moves, source, copy, tile.columns, tile.columns, step, tile.lanes)
            elif moves and moves[-1].source == 1:
                copy_transposed(code, moves, source, copy, tile.columns, step, tile.lanes)
            else:
                copy_clamped(code, moves, source, copy, tile.columns, tile.columns, step)

        walk(code, [panel], b, self.copy, one)

    def _copy_cut(self, moves: list[Move], count: Index, source: ir.Value, copy: ir.Value) -> None:
        code, tile, step = self.site.code, self.site.tile, self._source_step
        if step == 1 and self.site.target.masks and tile.lanes > 1:
            copy_partial_runs(code, moves, source, copy, count, tile.columns, tile.lanes)
        elif isinstance(self.site.n, int) and isinstance(step, int) and 1 < step <= MOST_APART:
            copy_strided(code, moves, source, copy, self.site.n % tile.columns, tile.columns, step, tile.lanes)
        elif moves and moves[-1].source == 1:
            copy_transposed(code, moves, source, copy, tile.columns, step, tile.lanes, count)
        else:
            copy_clamped(code, moves, source, copy, count, tile.columns, step)
