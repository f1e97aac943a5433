"""The innermost part of every contraction: a tile of C held in registers while all of K passes by.

Per step of K, ``nv`` vectors of B are loaded and ``mr`` elements of A broadcast, for ``mr * nv`` multiply-adds:

    for k: for r in range(mr): for v in range(nv): C[r, v] += splat(A[r, k]) * B[k, v]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from graphc.codegen.kernels.building import Code, Index


@dataclass(frozen=True)
class Step:
    """One loop over (part of) K: its trip count and how far each operand moves in a turn."""

    extent: Index
    a: Index
    b: Index


@dataclass(frozen=True)
class Tile:
    """Which registers: ``rows`` x ``vectors`` accumulators of ``lanes`` elements."""

    rows: int
    vectors: int
    lanes: int

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes

    @property
    def elements(self) -> int:
        return self.rows * self.columns


def accumulate(
    code: Code, tile: Tile, steps: Sequence[Step], a: ir.Value, row_step: Index, b: ir.Value, b_step: Index,
    mask: ir.Value | None, totals: list[ir.Value], unroll: int,
) -> list[ir.Value]:
    """``totals`` plus the products over the nest of ``steps``; ``mask`` names the lanes of B that exist."""
    if not steps:
        return _one_step(code, tile, a, row_step, b, b_step, mask, totals)
    step, rest = steps[0], steps[1:]
    turns = unroll if not rest and isinstance(step.extent, int) else 1
    turns = max(turn for turn in range(1, turns + 1) if isinstance(step.extent, ir.Value) or step.extent % turn == 0)

    def body(k: Index, *totals: ir.Value) -> list[ir.Value]:
        a_here, b_here = code.at(a, code.mul(k, step.a)), code.at(b, code.mul(k, step.b))
        sums = list(totals)
        for turn in range(turns):
            a_turn, b_turn = code.at(a_here, code.mul(turn, step.a)), code.at(b_here, code.mul(turn, step.b))
            sums = accumulate(code, tile, rest, a_turn, row_step, b_turn, b_step, mask, sums, unroll)
        return sums

    return code.loop(0, step.extent, turns, body, totals)


def _one_step(
    code: Code, tile: Tile, a: ir.Value, row_step: Index, b: ir.Value, b_step: Index, mask: ir.Value | None,
    totals: list[ir.Value],
) -> list[ir.Value]:
    """One rank-one update: a column of A times a row of B."""
    sums = list(totals)
    row_of_b = [_vector_of_b(code, tile, code.at(b, code.mul(v * tile.lanes, b_step)), mask) for v in range(tile.vectors)]
    for r in range(tile.rows):
        element = code.splat(code.load(code.at(a, code.mul(r, row_step))), tile.lanes)
        for v, vector in enumerate(row_of_b):
            sums[r * tile.vectors + v] = code.multiply_add(element, vector, sums[r * tile.vectors + v])
    return sums


def _vector_of_b(code: Code, tile: Tile, b: ir.Value, mask: ir.Value | None) -> ir.Value:
    return code.load(b, tile.lanes) if mask is None else code.load_masked(b, mask)


def zeros(code: Code, tile: Tile) -> list[ir.Value]:
    return [code.zero(tile.lanes)] * (tile.rows * tile.vectors)


def store_tile(
    code: Code, tile: Tile, totals: Sequence[ir.Value], memory: ir.Value, earlier: ir.Value | None = None
) -> None:
    """The accumulators, plus the tile at ``earlier``, side by side: row r begins at ``r * tile.columns``."""
    for i, total in enumerate(totals):  # Vectors, or the scalars of dot products.
        width = tile.elements // len(totals)
        if earlier is not None:
            total = code.plus(code.load(code.at(earlier, i * width), width), total)
        code.store(total, code.at(memory, i * width))


def prefetch_tile(code: Code, tile: Tile, memory: ir.Value) -> None:
    code.loop(0, tile.elements, 64 // code.element_bytes, lambda i: code.prefetch(code.at(memory, i)))
