"""Contractions as native loops: the grid of tasks, the tiles within a task, and what happens to a finished tile.

    for task in begin..end:                      a block of C (and one index of the outer axes)
        for part of K:                           only one, unless K is long
            copy the panels of B, the rows of A          operands.py, packing.py: where it pays
            for group of panels of columns:          as many as stay in the second cache
                for tile of rows:
                    for panel of the group:
                        registers = 0
                        for k: registers += A[rows, k] * B[k, panel]        microtile.py, dot.py, paired.py
                        scratch = registers (+ scratch, after the first part)
                        for row, vector of the tile:                        finish.py: after the last part
                            epilogue(coordinates, scratch[row, vector])

A tile is spilled before it is finished, so that the epilogue (a bias, an activation, an Adam step) is written once
in a loop and not mr * nv times; where it is little, tiles are finished from registers (finish.py). A tile at the edge
is moved back to overlap its neighbour, and only its new rows and columns are finished; so edges need no code of their
own. Where there may be fewer rows than a tile has, as of a batch, the last ones are summed in lower tiles.
``choose.py`` decides the sizes. A product of any batch may be written in several ways, of which one is taken for the
number of rows that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from graphc.codegen import ir
from graphc.codegen.choose import scratch_bytes, tasks, way
from graphc.codegen.kernels import microtile
from graphc.codegen.kernels.affine import Axis, Contraction, Group
from graphc.codegen.kernels.building import Code, Index, Range
from graphc.codegen.kernels.finish import Epilogue, Finisher
from graphc.codegen.kernels.microtile import Step, Tile
from graphc.codegen.kernels.operands import OperandA, OperandB, Rows
from graphc.codegen.kernels.packing import Move, merged
from graphc.codegen.kernels.site import Coordinates, KStep, Site, Size, Sizes
from graphc.codegen.plan import Plan
from graphc.codegen.target import Target
from graphc.dims import DimLike, row_major_strides
from graphc.records import record, replace

__all__ = ["Axis", "Contraction", "Epilogue", "Size", "emit_contraction", "scratch_bytes", "tasks"]

# Rows of the tiles that the end of a batch is summed in.
LOWER_TILES = (4, 2, 1)


def emit_contraction(
    builder: ir.IRBuilder,
    spec: Contraction,
    target: Target,
    a_ptr: ir.Value,
    b_ptr: ir.Value,
    epilogue: Epilogue,
    begin: Index,
    end: Index,
    scratch: ir.Value,
    size: Size,
    repeatable: bool = False,
) -> None:
    """Code for the tasks ``begin`` to ``end``; ``epilogue`` sees each element of C once, summed over all of K.

    Where that is ``repeatable``, it may see some twice, and is written once for each vector of a tile.
    """
    chosen = way(spec, target)
    if chosen.tasks == 0:
        return
    code = Code(builder, spec.dtype, target.fma)
    sizes = Sizes(builder, size)
    if not isinstance(chosen, Plan):
        from graphc.codegen.kernels.winograd import emit_winograd  # late: few programs want it

        emit_winograd(code, chosen, sizes, a_ptr, b_ptr, epilogue, begin, end, scratch)
        return

    a, b = code.at(a_ptr, sizes(spec.a_offset)), code.at(b_ptr, sizes(spec.b_offset))

    def perform(plan: Plan, begin: Index, end: Index) -> None:
        site = Site(code, plan, target, sizes)
        sums, a_copy, _ = plan.scratch_parts
        loops = _Loops(
            site,
            OperandA(site, code.at(scratch, sizes(sums))),
            OperandB(site, code.at(scratch, sizes(sums + a_copy))),
            Finisher(site, epilogue, len(spec.output), scratch, repeatable),
        )
        loops.tasks(begin, end, *((b, a) if plan.shape.swapped else (a, b)))

    _by_rows(code, sizes, chosen, chosen.shape.m, begin, end, perform)


def _by_rows(
    code: Code,
    sizes: Sizes,
    plan: Plan,
    rows: DimLike,
    begin: Index,
    end: Index,
    perform: Callable[[Plan, Index, Index], None],
) -> None:
    """``perform`` the tasks by the plan for so many ``rows``: those of C, which are columns of plans that swap roles.

    Tasks are numbered by the plan for most rows. Whoever does some of them does that part of those of another.
    """
    few = plan.few
    if few is None:
        perform(plan, begin, end)
        return
    own, numbered = sizes(few.tasks), code.greatest(sizes(plan.tasks), 1)
    first, last = (code.div(code.mul(place, own), numbered) for place in (begin, end))
    code.when(
        code.less(sizes(rows), plan.few_rows + 1),
        lambda: _by_rows(code, sizes, few, rows, first, last, perform),
        lambda: perform(plan, begin, end),
    )


@record
class _Task:
    """A block of C: a run of row tiles times a run of column panels, with both operands moved to it."""

    tiles: Range
    panels: Range
    a: ir.Value
    b: ir.Value
    coordinates: Coordinates


@record
class _Part:
    """A part of K for a task: its loops, both operands moved to it, and what came before and comes after."""

    steps: list[KStep]
    a: ir.Value
    b: ir.Value
    has_earlier: bool | ir.Value
    more_follow: bool | ir.Value


@record
class _Loops:
    """The loops of one contraction, from a task down to a tile in registers."""

    site: Site
    a: OperandA
    b: OperandB
    finisher: Finisher

    def tasks(self, begin: Index, end: Index, a: ir.Value, b: ir.Value) -> None:
        """The tasks from ``begin`` to ``end``."""
        code, plan = self.site.code, self.site.plan
        if plan.tasks == 1:  # Then every position is known now.
            code.when(code.less(begin, end), lambda: self.task(0, a, b))
        elif plan.joins:
            code.when(code.less(begin, end), lambda: self.joined(begin, end, a, b))
        else:
            code.loop(begin, end, 1, lambda task: self.task(task, a, b))

    def task(self, index: Index, a: ir.Value, b: ir.Value) -> None:
        site, code, plan = self.site, self.site.code, self.site.plan
        rest, row_chunk = self._split(index, plan.row_chunks, plan.outer * plan.column_chunks)
        outer, column_chunk = self._split(rest, plan.column_chunks, plan.outer)
        in_a, in_b, coordinates = site.offsets(plan.shape.outer, outer)
        tiles = self._run(row_chunk, plan.row_tiles, plan.tiles)
        panels = self._run(column_chunk, plan.panels, plan.column_panels)
        self._parts(_Task(tiles, panels, code.at(a, in_a), code.at(b, in_b), coordinates))

    def joined(self, begin: Index, end: Index, a: ir.Value, b: ir.Value) -> None:
        """Tasks that follow each other along the columns, as one."""
        code, plan = self.site.code, self.site.plan
        last = code.least(code.mul(end, plan.panels), self.site.sizes(plan.column_panels))
        self._parts(_Task((0, plan.row_tiles), (code.mul(begin, plan.panels), last), a, b, {}))

    def _parts(self, task: _Task) -> None:
        """All parts of K of a task."""
        site, code, plan = self.site, self.site.code, self.site.plan
        # An empty K has one part, of nothing, so that C becomes zero.
        parts = code.greatest(site.sizes(plan.k_blocks), 1)
        code.loop(0, parts, 1, lambda part: self._part(task, self._part_of_k(task, part, parts)))

    def _split(self, index: Index, inner: DimLike, outer: DimLike) -> tuple[Index, Index]:
        """The places along ``outer`` and ``inner`` of what is numbered through both, ``inner`` the faster."""
        return (0, index) if outer == 1 else self.site.code.divmod(index, self.site.sizes(inner))

    def _run(self, chunk: Index, length: int, total: DimLike) -> Range:
        code = self.site.code
        first = code.mul(chunk, length)
        end = code.add(first, length)
        divides = length == 1 or (isinstance(total, int) and total % length == 0)
        return first, end if divides else code.least(end, self.site.sizes(total))

    def _part_of_k(self, task: _Task, index: Index, parts: Index) -> _Part:
        """Part ``index`` of K: whole inner loops, a piece of the loop that is cut, one turn of each outer loop."""
        site, code, plan = self.site, self.site.code, self.site.plan
        groups, extents = plan.shape.inner, [site.sizes(group.extent) for group in plan.shape.inner]
        a, b = task.a, task.b
        if plan.k_blocks != 1:
            level, length = plan.k_level, site.sizes(plan.k_block)
            pieces = code.greatest(code.div(code.add(extents[level], code.sub(length, 1)), length), 1)
            before, piece = code.divmod(index, pieces)
            start = code.mul(piece, length)
            fixed = self._fixed_steps(groups[:level], before)
            in_a, in_b, _ = site.offsets(groups[:level], before)
            a = code.at(a, code.add(in_a, code.mul(start, site.sizes(groups[level].a))))
            b = code.at(b, code.add(in_b, code.mul(start, site.sizes(groups[level].b))))
            groups = groups[level:]
            extents = [code.least(code.sub(extents[level], start), length), *extents[level + 1 :]]
        packed = row_major_strides([group.extent for group in groups])
        steps = [
            KStep(extent, site.sizes(group.a), site.sizes(group.b), site.sizes(stride), group.edge)
            for extent, group, stride in zip(extents, groups, packed, strict=True)
        ]
        if plan.k_blocks != 1:
            steps = [*fixed, replace(steps[0], start=start), *steps[1:]]
        return _Part(steps, a, b, code.less(0, index), code.less(code.add(index, 1), parts))

    def _fixed_steps(self, groups: Sequence[Group], index: Index) -> list[KStep]:
        """The loops outside a part of K that have edges: one turn each, at its place in the axis."""
        code, steps = self.site.code, []
        for group in reversed(groups):
            index, place = code.divmod(index, self.site.sizes(group.extent))
            if group.edge is not None:
                steps.append(KStep(1, 0, 0, 0, group.edge, place))
        return steps

    def _part(self, task: _Task, part: _Part) -> None:
        """All tiles of a task over one part of K, so many rows and columns at a time as are copied at once."""
        code, plan = self.site.code, self.site.plan
        all_at_once = plan.b_panels == plan.panels
        if plan.pack_b and all_at_once:
            self.b.copy_panels(task.panels, part.steps, part.b)

        def some_tiles(tiles: Range) -> None:
            if plan.pack_a:
                self.a.copy_tiles(tiles, part.steps, part.a)

            def some_panels(panels: Range) -> None:
                copied = task.panels if all_at_once else panels
                if plan.pack_b and not all_at_once:
                    self.b.copy_panels(panels, part.steps, part.b)

                def one_tile(tile: Index) -> None:
                    def one_panel(panel: Index) -> None:
                        self._tile(task, part, tile, tiles[0], panel, copied[0])

                    code.each(panels, min(plan.group, plan.run_panels), one_panel)

                code.each(tiles, min(plan.a_tiles, plan.row_tiles), one_tile)

            code.pieces(task.panels, plan.run_panels, plan.group, some_panels)

        code.pieces(task.tiles, plan.row_tiles, plan.a_tiles, some_tiles)

    def _tile(
        self, task: _Task, part: _Part, tile: Index, first_copied: Index, panel: Index, first_panel: Index
    ) -> None:
        """One tile over one part of K; the epilogue after the last."""
        code, columns = self.site.code, self.site.tile.columns
        rows = self.a.rows(tile, part.a)
        column = code.mul(panel, columns)
        first_column = self.b.first_column(column)
        a = code.opaque_pointer(self._along_columns(self.a.place(tile, first_copied, rows), first_column))
        b = code.opaque_pointer(self.b.place(panel, first_panel, first_column, part.b))
        if self.finisher.from_registers:
            where = {axis: code.opaque(place) for axis, place in (task.coordinates | rows.coordinates).items()}
            corner = code.opaque(rows.start), code.opaque(first_column)
            self._with_products(a, b, part, rows, lambda made: self.finisher.finish_at_once(made, *corner, where))
            return
        if self.site.plan.k_blocks == 1:
            self._fill(a, b, part, rows)
        else:
            self._add_part(a, b, part, rows, self._waiting_sums(task, tile, panel))

        def finish() -> None:
            first_new = code.opaque(code.sub(rows.row, rows.start)), code.opaque(code.sub(column, first_column))
            where = {axis: code.opaque(place) for axis, place in (task.coordinates | rows.coordinates).items()}
            self.finisher.finish(code.opaque(rows.start), first_new[0], code.opaque(first_column), first_new[1], where)

        code.when(part.more_follow, lambda: None, finish)

    def _along_columns(self, a: ir.Value, first_column: Index) -> ir.Value:
        """A where the panel begins: it moves along paired columns only."""
        code = self.site.code
        return code.at(a, code.mul(first_column, self.site.sizes(self.site.plan.shape.col.a)))

    def _waiting_sums(self, task: _Task, tile: Index, panel: Index) -> ir.Value:
        """Where the sums of a tile wait for the next part of K: behind the tile that is being finished."""
        site, code = self.site, self.site.code
        in_panel = code.sub(tile, task.tiles[0])
        place = code.add(code.mul(code.sub(panel, task.panels[0]), site.plan.row_tiles), in_panel)
        return code.at(self.finisher.sums, code.mul(code.add(place, 1), site.tile.elements))

    def _fill(self, a: ir.Value, b: ir.Value, part: _Part, rows: Rows) -> None:
        """The sums of one tile, in scratch."""
        code, sums = self.site.code, self.finisher.sums

        def keep(products: list[ir.Value], tile: Tile, row: Index) -> None:
            microtile.store_tile(code, tile, products, code.at(sums, code.mul(row, tile.columns)))

        self._whole_or_pieces(a, b, part, rows, keep)

    def _add_part(self, a: ir.Value, b: ir.Value, part: _Part, rows: Rows, waiting: ir.Value) -> None:
        """One part of K added to the sums that wait; the last part leaves them where the finisher looks."""
        code = self.site.code
        microtile.prefetch_tile(code, self.site.tile, waiting)
        place = waiting
        if part.more_follow is False:
            place = self.finisher.sums
        elif part.more_follow is not True:
            place = code.builder.select(part.more_follow, waiting, self.finisher.sums)

        def keep(products: list[ir.Value], tile: Tile, row: Index) -> None:
            there, earlier = (code.at(where, code.mul(row, tile.columns)) for where in (place, waiting))
            code.when(
                part.has_earlier,
                lambda: microtile.store_tile(code, tile, products, there, earlier),
                lambda: microtile.store_tile(code, tile, products, there),
            )

        self._whole_or_pieces(a, b, part, rows, keep)

    def _whole_or_pieces(
        self, a: ir.Value, b: ir.Value, part: _Part, rows: Rows, keep: Callable[[list[ir.Value], Tile, Index], None]
    ) -> None:
        """``keep`` a tile of products, or, where fewer rows are left of a batch, lower ones, each from its row on."""
        site, code, tile = self.site, self.site.code, self.site.tile
        left = code.sub(site.m, rows.start)

        def whole() -> None:
            self._with_products(a, b, part, rows, lambda made: keep(made, tile, 0))

        def pieces() -> None:
            done: Index = 0
            for height in (height for height in LOWER_TILES if height < tile.rows):
                end = code.sub(left, code.divmod(code.sub(left, done), height)[1])
                code.loop(done, end, height, partial(piece, Tile(height, tile.vectors, tile.lanes)))
                done = end

        def piece(lower: Tile, row: Index) -> None:
            step = self.a.row_step
            assert not isinstance(step, tuple), "rows of unknown number lie evenly"
            keep(self._products(lower, code.at(a, code.mul(row, step)), b, part), lower, row)

        if site.plan.may_lack_rows:
            code.when(code.less(left, tile.rows), pieces, whole)
        else:
            whole()

    def _with_products(
        self, a: ir.Value, b: ir.Value, part: _Part, rows: Rows, keep: Callable[[list[ir.Value]], None]
    ) -> None:
        """``keep`` the tile of products over a part of K, which at the edges of A takes less of it."""
        site = self.site
        if site.plan.shape.edges:
            from graphc.codegen.kernels.clipped import Clipped  # late: only convolutions have edges

            Clipped(site, self.a, self.b).products(a, b, part.steps, rows, keep)
        else:
            keep(self._products(site.tile, a, b, part))

    def _together(self, extent: Index) -> int:
        """How many steps of the last loop of K are written in one turn: those of the plan, if all parts allow it."""
        plan = self.site.plan
        if isinstance(extent, int):
            return plan.together if extent % plan.together == 0 else 1
        last = plan.shape.inner[-1].extent
        known = len(plan.shape.inner) == 1 and isinstance(last, int) and isinstance(plan.k_block, int)
        return plan.together if known and last % plan.together == 0 and plan.k_block % plan.together == 0 else 1

    def _next_rows(self) -> Index:
        """How far the rows of the next tile are behind those of one."""
        site = self.site
        if site.plan.pack_a:
            return site.sizes(site.plan.tile_elements)
        step = self.a.row_step
        assert not isinstance(step, tuple), "rows that follow each other lie evenly"
        return site.code.mul(site.plan.mr, step)

    def _products(self, tile: Tile, a: ir.Value, b: ir.Value, part: _Part) -> list[ir.Value]:
        """A tile of products in registers, summed over a part of K."""
        site, code = self.site, self.site.code
        # What the end of a tile computes with is loaded again there. LLVM would keep it in registers all the way,
        # constants and all, and the sums of the tile on the stack instead.
        code.builder.clobber(site.target.vector_names)
        moves = merged(code, [Move(step.extent, self.a.k_step(step), self.b.k_step(step)) for step in part.steps])
        steps = [Step(move.extent, move.source, move.copy) for move in moves]
        is_whole = tile.rows == site.tile.rows
        if site.plan.form == "dot":
            from graphc.codegen.kernels.dot import dot_products  # late: few products take this form

            return dot_products(
                code, tile.rows, tile.columns, site.lanes, steps, a, self.a.row_step, b, self.b.column_step
            )
        if site.plan.form == "paired":
            from graphc.codegen.kernels.paired import paired_products  # late: few products take this form

            column_step = site.sizes(site.plan.shape.col.a)
            return paired_products(
                code, tile, steps, a, self.a.row_step, column_step, b, self.b.column_step, site.plan.shape.n
            )
        return microtile.accumulate(
            code,
            tile,
            steps,
            a,
            self.a.row_step,
            b,
            self.b.column_step,
            self.b.mask,
            site.plan.streams,
            site.plan.panels_ahead,
            self._together(steps[-1].extent) if steps and is_whole else 1,
            self._next_rows() if site.plan.follows and is_whole else 0,
            code.mul(site.sizes(site.plan.k_block), steps[0].a) if site.plan.parts_follow and is_whole else 0,
        )
