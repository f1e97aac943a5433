"""What happens to a finished tile: its sums go through the epilogue vector by vector, from registers or from scratch.

From registers where the epilogue may see an element twice: tiles at an edge overlap their neighbours.
Where the result is contiguous along the rows of a tile and not along its columns, the tile is transposed first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.affine import Group
from graphc.codegen.kernels.building import Index
from graphc.codegen.kernels.packing import transposed_rows
from graphc.codegen.kernels.site import Coordinates, Site
from graphc.records import record

# (builder, coordinates in C, the sum: a vector along the last of cols or a scalar, mask of lanes that exist or None)
Epilogue = Callable[[ir.IRBuilder, tuple[ir.Value, ...], ir.Value, ir.Value | None], None]


@record
class Finisher:
    """Calls ``epilogue`` in a loop over rows and vectors of the tile at ``sums``; C has ``axes`` axes."""

    site: Site
    epilogue: Epilogue
    axes: int
    sums: ir.Value
    repeatable: bool = False

    @property
    def from_registers(self) -> bool:
        """Whether tiles are finished as they leave the registers: all of their rows and columns are C's.

        Rows along several axes of C are divided into those: much code to write once for each row of a tile.
        """
        plan = self.site.plan
        if sum(len(group.places) for group in self._tiled()) > 1:
            return False
        plain = plan.form == "tile" and plan.k_blocks == 1 and not plan.shape.swapped and not plan.shape.edges
        return self.repeatable and plain and plan.pack_a != "rows" and self._whole_rows and self._whole_columns

    @property
    def _whole_rows(self) -> bool:
        """Whether every tile ends within C, as rows divide it or the last tile is moved back."""
        m, plan = self.site.m, self.site.plan
        return isinstance(m, int) and (m % plan.mr == 0 or (plan.pack_a != "rows" and m > plan.mr))

    @property
    def _whole_columns(self) -> bool:
        n, columns = self.site.n, self.site.tile.columns
        return isinstance(n, int) and (n % columns == 0 or (not self.site.plan.pack_b and n > columns))

    def finish_at_once(self, products: Sequence[ir.Value], row: Index, column: Index, coordinates: Coordinates) -> None:
        """The tile whose corner is C[row, column], all of it, from registers."""
        site, code, tile = self.site, self.site.code, self.site.tile
        for r in range(tile.rows):
            in_row = coordinates | site.coordinates(self._tiled(), code.add(row, r))
            for v in range(tile.vectors):
                here = in_row | site.coordinates((site.plan.shape.col,), code.add(column, v * tile.lanes))
                self.epilogue(code.builder, self._full(here), products[r * tile.vectors + v], None)

    def finish(
        self, row: Index, first_row: Index, column: Index, first_column: Index, coordinates: Coordinates
    ) -> None:
        """The tile whose corner is C[row, column], from ``first_row`` and ``first_column`` of the tile on.

        What lies before these was finished with the neighbours that the tile was moved back over.
        """
        site, code, tile = self.site, self.site.code, self.site.tile
        end_row = tile.rows if self._whole_rows else code.least(tile.rows, code.sub(site.m, row))
        end_column = tile.columns if self._whole_columns else code.least(tile.columns, code.sub(site.n, column))
        if site.plan.turned_lanes:
            self._finish_turned((row, first_row, end_row), (column, first_column, end_column), coordinates)
            return

        def one_row(r: Index) -> None:
            here = coordinates | site.coordinates(self._tiled(), code.opaque(code.add(row, r)))
            sums = code.opaque_pointer(code.at(self.sums, code.mul(r, tile.columns)))
            self._row(sums, column, first_column, end_column, here)

        code.loop(first_row, end_row, 1, one_row, plain=tile.vectors == 1, runs=True)

    def _row(self, sums: ir.Value, column: Index, first: Index, end: Index, coordinates: Coordinates) -> None:
        site, code = self.site, self.site.code
        # Rows that became columns are apart in C, so each element is finished alone.
        lanes = 1 if site.plan.shape.swapped else site.tile.lanes

        def vector(c: Index, mask: ir.Value | None = None) -> None:
            here = coordinates | site.coordinates((site.plan.shape.col,), code.add(column, c))
            self.epilogue(code.builder, self._full(here), code.load(code.at(sums, c), lanes), mask)

        self._in_vectors(first, end, lanes, vector, not isinstance(site.n, int) or site.n % lanes != 0)

    def _finish_turned(
        self, rows: tuple[Index, Index, Index], columns: tuple[Index, Index, Index], coordinates: Coordinates
    ) -> None:
        """The same column by column, in vectors along the rows."""
        site, code = self.site, self.site.code
        lanes, height = site.plan.turned_lanes, site.plan.turned_height
        even = isinstance(site.n, int) and site.n % self._side == 0 and site.tile.columns % self._side == 0
        if self.repeatable and even and site.target.masks:
            self._finish_squares(rows, columns, coordinates)
            return
        turned = code.at(self.sums, site.sizes(site.plan.turned_place))
        self._turn(turned)
        row, first, end = rows
        column, first_column, end_column = columns

        def one_column(c: Index) -> None:
            beside = coordinates | site.coordinates((site.plan.shape.col,), code.opaque(code.add(column, c)))
            sums = code.opaque_pointer(code.at(turned, code.mul(c, height)))

            def vector(r: Index, mask: ir.Value | None = None) -> None:
                here = beside | site.coordinates(self._tiled(), code.add(row, r))
                self.epilogue(code.builder, self._full(here), code.load(code.at(sums, r), lanes), mask)

            self._in_vectors(first, end, lanes, vector)

        code.loop(first_column, end_column, 1, one_column, plain=height == lanes, runs=True)

    def _finish_squares(
        self, rows: tuple[Index, Index, Index], columns: tuple[Index, Index, Index], coordinates: Coordinates
    ) -> None:
        """The same some columns at a time, which are finished while they are in registers: code for each of them."""
        site, code = self.site, self.site.code
        row, first, end = rows
        column, first_column, end_column = columns
        bases = range(0, site.plan.turned_height, site.plan.turned_lanes)
        masks = [self._lanes_that_exist(first, end, base) for base in bases]

        def square(c: Index) -> None:
            start = code.opaque(code.add(column, c))
            for base, mask in zip(bases, masks, strict=True):
                beside = coordinates | site.coordinates(self._tiled(), code.add(row, base))
                for i, vector in enumerate(self._turned(code.at(self.sums, c), base)):
                    here = beside | site.coordinates((site.plan.shape.col,), code.add(start, i))
                    self.epilogue(code.builder, self._full(here), vector, mask)

        code.loop(first_column, end_column, self._side, square)

    def _lanes_that_exist(self, first: Index, end: Index, base: int) -> ir.Value | None:
        """The lanes of a vector along the rows from ``base`` on that are to be finished: None where all are."""
        site, code, lanes = self.site, self.site.code, self.site.plan.turned_lanes
        if isinstance(site.m, int) and site.m % site.tile.rows == 0:
            left = site.tile.rows - base
            return code.first_lanes(left, lanes) if left < lanes else None
        before, until = (code.first_lanes(code.value(code.sub(place, base)), lanes) for place in (first, end))
        return code.builder.xor(before, until)  # what is before is also before the end

    @property
    def _side(self) -> int:
        """How many columns are transposed together."""
        return min(self.site.plan.turned_lanes, self.site.tile.lanes, 16 // self.site.code.element_bytes)

    def _turned(self, sums: ir.Value, first: int) -> list[ir.Value]:
        """Some columns at ``sums`` as vectors along the rows from ``first`` on; the last row is repeated."""
        code, tile = self.site.code, self.site.tile
        rows = range(first, first + self.site.plan.turned_lanes)
        return transposed_rows(code, [code.at(sums, min(r, tile.rows - 1) * tile.columns) for r in rows], self._side)

    def _turn(self, turned: ir.Value) -> None:
        """The tile transposed, its columns as long as whole vectors."""
        code, side, plan = self.site.code, self._side, self.site.plan
        height = plan.turned_height

        def square(sums: ir.Value, copy: ir.Value) -> None:
            for first in range(0, height, plan.turned_lanes):
                for i, vector in enumerate(self._turned(sums, first)):
                    code.store(vector, code.at(copy, i * height + first))

        code.walk(0, self.site.tile.columns // side, [(self.sums, side), (turned, side * height)], square)

    def _in_vectors(self, first: Index, end: Index, lanes: int, vector: Callable[..., None], rest: bool = True) -> None:
        """``vector`` from ``first`` to ``end`` by steps of ``lanes``, the last one masked where there is a ``rest``."""
        code = self.site.code
        if lanes == 1 or not rest:
            code.loop(first, end, lanes, vector, runs=True)
            return
        whole = code.add(first, code.mul(code.div(code.sub(end, first), lanes), lanes))
        code.loop(first, whole, lanes, vector)
        left = code.sub(end, whole)
        code.when(code.less(0, left), lambda: vector(whole, code.first_lanes(left, lanes)))

    def _full(self, coordinates: Coordinates) -> tuple[ir.Value, ...]:
        return tuple(self.site.code.value(coordinates.get(axis, 0)) for axis in range(self.axes))

    def _tiled(self) -> Sequence[Group]:
        plan = self.site.plan
        return plan.shape.rows if plan.tiled is None else (plan.shape.rows[plan.tiled],)
