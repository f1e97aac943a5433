"""Products of vectors by vectors: where both operands move along the columns of C, as a convolution by depth does.

for each row r and vector v of a tile: total[r, v] += A[r, k, v : v + lanes] * B[k, v : v + lanes]
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.microtile import RowStep, Step, Tile, row_place
from graphc.codegen.kernels.packing import columns_of
from graphc.dims import DimLike


def paired_products(
    code: Code,
    tile: Tile,
    steps: Sequence[Step],
    a: ir.Value,
    row_step: RowStep,
    a_column: Index,
    b: ir.Value,
    b_column: Index,
    columns: DimLike,
) -> list[ir.Value]:
    """The products summed over the nest of ``steps``, row by row; C has ``columns`` columns, maybe fewer than lanes."""

    def nest(steps: Sequence[Step], a: ir.Value, b: ir.Value, totals: list[ir.Value]) -> list[ir.Value]:
        if not steps:
            return one_step(a, b, totals)
        step, rest = steps[0], steps[1:]

        def turn(a: ir.Value, b: ir.Value, *totals: ir.Value) -> list[ir.Value]:
            return nest(rest, a, b, list(totals))

        return code.walk(0, step.extent, [(a, step.a), (b, step.b)], turn, totals)

    def one_step(a: ir.Value, b: ir.Value, totals: list[ir.Value]) -> list[ir.Value]:
        return one_pair(code, tile, range(tile.rows), a, row_step, a_column, b, b_column, columns, totals)

    return nest(steps, a, b, [code.zero(tile.lanes)] * (tile.rows * tile.vectors))


def one_pair(
    code: Code,
    tile: Tile,
    rows: Sequence[int],
    a: ir.Value,
    row_step: RowStep,
    a_column: Index,
    b: ir.Value,
    b_column: Index,
    columns: DimLike,
    totals: Sequence[ir.Value],
) -> list[ir.Value]:
    """The sums of some rows of a tile, ``totals``, with one more product each."""
    count = columns if isinstance(columns, int) else tile.lanes

    def vector(start: ir.Value, step: Index, v: int) -> ir.Value:
        return columns_of(code, code.at(start, code.mul(v * tile.lanes, step)), step, tile.lanes, count)

    right = [vector(b, b_column, v) for v in range(tile.vectors)]
    sums = []
    for place, r in enumerate(rows):
        row = code.at(a, row_place(code, r, row_step))
        for v, columns_of_b in enumerate(right):
            sums.append(code.multiply_add(vector(row, a_column, v), columns_of_b, totals[place * tile.vectors + v]))
    return sums
