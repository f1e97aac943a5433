"""What happens to a finished tile: its sums go through the epilogue vector by vector, from registers or from scratch.

From registers where the epilogue may see an element twice: tiles at an edge overlap their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.affine import Group
from graphc.codegen.kernels.building import Index
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
        """Whether tiles are finished as they leave the registers: all of their rows and columns are C's."""
        plan = self.site.plan
        whole_rows = isinstance(self.site.m, int) and plan.pack_a != "rows"
        n, columns = self.site.n, self.site.tile.columns
        whole_columns = isinstance(n, int) and (n % columns == 0 or (not plan.pack_b and n > columns))
        plain = plan.form == "tile" and plan.k_blocks == 1 and not plan.shape.swapped and not plan.shape.edges
        return self.repeatable and plain and whole_rows and whole_columns

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
        end_row = code.least(tile.rows, code.sub(site.m, row))
        end_column = code.least(tile.columns, code.sub(site.n, column))

        def one_row(r: Index) -> None:
            here = coordinates | site.coordinates(self._tiled(), code.opaque(code.add(row, r)))
            sums = code.opaque_pointer(code.at(self.sums, code.mul(r, tile.columns)))
            self._row(sums, column, first_column, end_column, here)

        code.loop(first_row, end_row, 1, one_row)

    def _row(self, sums: ir.Value, column: Index, first: Index, end: Index, coordinates: Coordinates) -> None:
        site, code = self.site, self.site.code
        # Rows that became columns are apart in C, so each element is finished alone.
        lanes = 1 if site.plan.shape.swapped else site.tile.lanes

        def vector(c: Index, mask: ir.Value | None = None) -> None:
            here = coordinates | site.coordinates((site.plan.shape.col,), code.add(column, c))
            self.epilogue(code.builder, self._full(here), code.load(code.at(sums, c), lanes), mask)

        if lanes == 1 or (isinstance(site.n, int) and site.n % lanes == 0):
            code.loop(first, end, lanes, vector)
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
