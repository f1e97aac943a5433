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

    def _turn(self, turned: ir.Value) -> None:
        """The tile transposed, its columns as long as whole vectors; the last row is repeated to fill them."""
        code, tile, plan = self.site.code, self.site.tile, self.site.plan
        lanes, height = plan.turned_lanes, plan.turned_height
        side = min(lanes, tile.lanes, 16 // code.element_bytes)

        def square(sums: ir.Value, copy: ir.Value) -> None:
            for first in range(0, height, lanes):
                places = [code.at(sums, min(first + i, tile.rows - 1) * tile.columns) for i in range(lanes)]
                for i, vector in enumerate(transposed_rows(code, places, side)):
                    code.store(vector, code.at(copy, i * height + first))

        code.walk(0, tile.columns // side, [(self.sums, side), (turned, side * height)], square)

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
