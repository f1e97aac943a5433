"""Dot products: where both operands are contiguous along K, vectors run along K and lanes are added up at the end.

for each row r and column c of a small tile: total[r, c] += A[r, k : k + lanes] * B[k : k + lanes, c]
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.microtile import Step


def dot_products(
    code: Code,
    rows: int,
    columns: int,
    lanes: int,
    steps: Sequence[Step],
    a: ir.Value,
    row_step: Index,
    b: ir.Value,
    column_step: Index,
) -> list[ir.Value]:
    """The scalars sum over the steps of A[r] * B[c], row by row; the last step has stride 1 in A and in B."""

    def nest(steps: Sequence[Step], a: ir.Value, b: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
        step, rest = steps[0], steps[1:]
        if not rest:
            return run(step.extent, a, b, totals)

        def turn(k: Index, *totals: ir.Value) -> list[ir.Value]:
            return nest(rest, code.at(a, code.mul(k, step.a)), code.at(b, code.mul(k, step.b)), totals)

        return code.loop(0, step.extent, 1, turn, totals)

    def run(extent: Index, a: ir.Value, b: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
        whole = code.sub(extent, code.divmod(extent, lanes)[1])

        def turn(k: Index, *totals: ir.Value) -> list[ir.Value]:
            return products(code.at(a, k), code.at(b, k), None, totals)

        totals = code.loop(0, whole, lanes, turn, totals)
        left = code.sub(extent, whole)
        if isinstance(left, int) and left == 0:
            return totals
        mask = code.first_lanes(left, lanes)

        def last(k: Index, *totals: ir.Value) -> list[ir.Value]:
            return products(code.at(a, k), code.at(b, k), mask, totals)

        return code.loop(whole, extent, lanes, last, totals)  # One turn or none: a loop, because it carries totals.

    def products(a: ir.Value, b: ir.Value, mask: ir.Value | None, totals: Sequence[ir.Value]) -> list[ir.Value]:
        left = [vector(code.at(a, code.mul(r, row_step)), mask) for r in range(rows)]
        right = [vector(code.at(b, code.mul(c, column_step)), mask) for c in range(columns)]
        pairs = [(x, y) for x in left for y in right]
        return [code.multiply_add(x, y, total) for (x, y), total in zip(pairs, totals, strict=True)]

    def vector(pointer: ir.Value, mask: ir.Value | None) -> ir.Value:
        return code.load(pointer, lanes) if mask is None else code.load_masked(pointer, mask)

    totals = [code.zero(lanes)] * (rows * columns)
    return [sum_of_lanes(code, total) for total in nest(steps, a, b, totals)]


def sum_of_lanes(code: Code, vector: ir.Value) -> ir.Value:
    """The lanes added pairwise: halves on each other until one is left."""
    lanes = vector.type.count
    while lanes > 1:
        lanes //= 2
        low, high = (code.shuffle(vector, vector, range(start, start + lanes)) for start in (0, lanes))
        vector = code.plus(low, high)
    return code.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))
