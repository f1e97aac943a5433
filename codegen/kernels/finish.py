"""What happens to a finished tile: its sums, which wait in scratch, go through the epilogue vector by vector."""

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
            full = tuple(code.value(here.get(axis, 0)) for axis in range(self.axes))
            self.epilogue(code.builder, full, code.load(code.at(sums, c), lanes), mask)

        if lanes == 1 or (isinstance(site.n, int) and site.n % lanes == 0):
            code.loop(first, end, lanes, vector)
            return
        whole = code.add(first, code.mul(code.div(code.sub(end, first), lanes), lanes))
        code.loop(first, whole, lanes, vector)
        left = code.sub(end, whole)
        code.when(code.less(0, left), lambda: vector(whole, code.first_lanes(left, lanes)))

    def _tiled(self) -> Sequence[Group]:
        plan = self.site.plan
        return plan.shape.rows if plan.tiled is None else (plan.shape.rows[plan.tiled],)
