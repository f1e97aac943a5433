"""Products of vectors by vectors: where both operands move along the columns of C, as a convolution by depth does.

for each row r and vector v of a tile: total[r, v] += A[r, k, v : v + lanes] * B[k, v : v + lanes]
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.microtile import Step, Tile
from graphc.dims import DimLike


def paired_products(
    code: Code,
    tile: Tile,
    steps: Sequence[Step],
    a: ir.Value,
    row_step: Index,
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

        def turn(k: Index, *totals: ir.Value) -> list[ir.Value]:
            return nest(rest, code.at(a, code.mul(k, step.a)), code.at(b, code.mul(k, step.b)), list(totals))

        return code.loop(0, step.extent, 1, turn, totals)

    def one_step(a: ir.Value, b: ir.Value, totals: list[ir.Value]) -> list[ir.Value]:
        return one_pair(code, tile, range(tile.rows), a, row_step, a_column, b, b_column, columns, totals)

    return nest(steps, a, b, [code.zero(tile.lanes)] * (tile.rows * tile.vectors))


def one_pair(
    code: Code,
    tile: Tile,
    rows: Sequence[int],
    a: ir.Value,
    row_step: Index,
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
        row = code.at(a, code.mul(r, row_step))
        for v, columns_of_b in enumerate(right):
            sums.append(code.multiply_add(vector(row, a_column, v), columns_of_b, totals[place * tile.vectors + v]))
    return sums


def columns_of(code: Code, start: ir.Value, step: Index, lanes: int, count: int) -> ir.Value:
    """The elements ``step`` apart from ``start`` on, in lanes; of ``count``, if there are fewer, no more is read."""
    if step == 0:
        return code.splat(code.load(start), lanes)
    if step == 1:
        return code.load(start, lanes) if count >= lanes else code.load_masked(start, code.first_lanes(count, lanes))
    if step == 2 and count >= lanes > 1:
        # the second half ends with the last element, so that nothing behind it is touched
        low, high = code.load(start, lanes), code.load(code.at(start, lanes - 1), lanes)
        return code.shuffle(low, high, [2 * i if 2 * i < lanes else 2 * i + 1 for i in range(lanes)])
    result = code.zero(lanes)
    if lanes == 1:
        return code.load(start)
    for lane in range(min(lanes, count)):
        element = code.load(code.at(start, code.mul(lane, step)))
        result = code.builder.insert_element(result, element, ir.Constant(ir.IntType(32), lane))
    return result
