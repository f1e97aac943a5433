"""Dot products: where both operands are contiguous along K, vectors run along K and lanes are added up at the end.

for each row r and column c of a small tile: total[r, c] += A[r, k : k + lanes] * B[k : k + lanes, c]
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.microtile import RowStep, Step, row_place
from graphc.codegen.kernels.packing import columns_of
from graphc.codegen.plan import summed_at_once


def dot_products(
    code: Code,
    rows: int,
    columns: int,
    lanes: int,
    steps: Sequence[Step],
    a: ir.Value,
    row_step: RowStep,
    b: ir.Value,
    column_step: Index,
) -> list[ir.Value]:
    """The sums over the steps of A[r] * B[c], row by row, as many in a vector as `summed_at_once` says.

    The last step has stride 1 in B, and in A too, or a small one and a known extent: then A is picked from vectors.
    """

    def nest(steps: Sequence[Step], a: ir.Value, b: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
        step, rest = steps[0], steps[1:]
        if not rest:
            return along_k(code, range(rows), columns, lanes, step, a, row_step, b, column_step, totals)

        def turn(a: ir.Value, b: ir.Value, *totals: ir.Value) -> list[ir.Value]:
            return nest(rest, a, b, totals)

        return code.walk(0, step.extent, [(a, step.a), (b, step.b)], turn, totals)

    return summed_up(code, nest(steps, a, b, [code.zero(lanes)] * (rows * columns)), lanes)


def summed_up(code: Code, totals: Sequence[ir.Value], lanes: int) -> list[ir.Value]:
    """The sums of the lanes of all ``totals``, some of them in each vector."""
    several = summed_at_once(len(totals), lanes)
    return [sums_of_lanes(code, totals[i : i + several]) for i in range(0, len(totals), several)]


def along_k(
    code: Code,
    rows: Sequence[int],
    columns: int,
    lanes: int,
    step: Step,
    a: ir.Value,
    row_step: RowStep,
    b: ir.Value,
    column_step: Index,
    totals: Sequence[ir.Value],
) -> list[ir.Value]:
    """The sums of some rows of a tile, ``totals``, with the products of one loop over K more in their lanes."""

    def run(extent: Index, a: ir.Value, b: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
        vectors, left = code.divmod(extent, lanes)
        whole = code.sub(extent, left)

        def turn(a: ir.Value, b: ir.Value, *totals: ir.Value) -> list[ir.Value]:
            return products(a, b, lanes, None, totals)

        totals = code.walk(0, vectors, [(a, code.mul(lanes, step.a)), (b, lanes)], turn, totals)
        if isinstance(left, int) and left == 0:
            return list(totals)
        mask = code.first_lanes(left, lanes)

        def last(k: Index, *totals: ir.Value) -> list[ir.Value]:
            return products(code.at(a, code.mul(k, step.a)), code.at(b, k), left, mask, totals)

        return code.loop(whole, extent, lanes, last, totals)  # One turn or none: a loop, because it carries totals.

    def products(
        a: ir.Value, b: ir.Value, count: Index, mask: ir.Value | None, totals: Sequence[ir.Value]
    ) -> list[ir.Value]:
        right = [vector(code.at(b, code.mul(c, column_step)), mask) for c in range(columns)]
        sums = []
        for place, r in enumerate(rows):
            left = row(code.at(a, row_place(code, r, row_step)), count, mask)
            earlier = totals[place * columns : (place + 1) * columns]
            sums += [code.multiply_add(left, x, total) for x, total in zip(right, earlier, strict=True)]
        return sums

    def row(pointer: ir.Value, count: Index, mask: ir.Value | None) -> ir.Value:
        if step.a == 1 or not isinstance(count, int):
            return vector(pointer, mask)
        return columns_of(code, pointer, step.a, lanes, count)

    def vector(pointer: ir.Value, mask: ir.Value | None) -> ir.Value:
        return code.load(pointer, lanes) if mask is None else code.load_masked(pointer, mask)

    return run(step.extent, a, b, totals)


def sums_of_lanes(code: Code, vectors: Sequence[ir.Value]) -> ir.Value:
    """For each vector the sum of its lanes, halves added to each other; several (a power of two) as one vector.

    While there are two vectors, the halves of both are added at once: [a0 a1] and [b0 b1] become [a0 + a1, b0 + b1].
    """
    parts = 1  # Each vector holds so many sums, in equal runs of lanes.
    while len(vectors) > 1:
        vectors = [_halves_added(code, x, y, parts) for x, y in zip(vectors[::2], vectors[1::2], strict=True)]
        parts *= 2
    vector = vectors[0]
    while vector.type.count > parts:
        vector = _halves_added(code, vector, None, parts)
    return vector if parts > 1 else code.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _halves_added(code: Code, x: ir.Value, y: ir.Value | None, parts: int) -> ir.Value:
    """The first half of each part of x (and then of y), plus the second half."""
    count = x.type.count
    run = count // parts
    starts = range(0, count if y is None else 2 * count, run)
    low = [start + i for start in starts for i in range(run // 2)]
    other = x if y is None else y
    return code.plus(code.shuffle(x, other, low), code.shuffle(x, other, [i + run // 2 for i in low]))
