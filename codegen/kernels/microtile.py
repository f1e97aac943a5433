"""The innermost part of every contraction: a tile of C held in registers while all of K passes by.

Per step of K, ``nv`` vectors of B are loaded and ``mr`` elements of A broadcast, for ``mr * nv`` multiply-adds:

    for k: for r in range(mr): for v in range(nv): C[r, v] += splat(A[r, k]) * B[k, v]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.building import Code, Index
from graphc.records import record

# Where each k finds A in a cache line of its own, that line is asked for so many steps ahead.
AHEAD = 8
# The same for B, where it comes from the second cache; more do no good, and 24 do harm.
AHEAD_OF_B = 6
# Rows of a tile that lie within so many lines are asked for line by line.
MOST_SPANNED = 2


# How far apart the rows of a tile are; where they do not lie evenly, how far each is from the first.
RowStep = Index | tuple[Index, ...]


@record
class Step:
    """One loop over (part of) K: its trip count and how far each operand moves in a turn."""

    extent: Index
    a: Index
    b: Index


@record
class Tile:
    """Which registers: ``rows`` x ``vectors`` accumulators of ``lanes`` elements.

    The products of so many rows are ``direct``: each reads A from memory.
    """

    rows: int
    vectors: int
    lanes: int
    direct: int = 0

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes

    @property
    def elements(self) -> int:
        return self.rows * self.columns

    def is_direct(self, row: int) -> bool:
        """Whether a row is one of the direct ones, which lie evenly among the others."""
        return (row + 1) * self.direct // self.rows > row * self.direct // self.rows


def accumulate(
    code: Code,
    tile: Tile,
    steps: Sequence[Step],
    a: ir.Value,
    row_step: RowStep,
    b: ir.Value,
    column_step: Index,
    mask: ir.Value | None,
    streams: bool = False,
    panels_ahead: int = 0,
    together: int = 1,
    next_rows: Index = 0,
    next_part: Index = 0,
) -> list[ir.Value]:
    """The products summed over the nest of ``steps``, row by row; ``mask`` names the lanes of B that exist.

    B ``streams`` from the second cache: its lines are asked for ahead, those of later steps of K, or of the panel that
    is so many ``panels_ahead``. So many of the last steps of K, whose number is a multiple of that, are written
    ``together``. Where the rows of the next tile begin ``next_rows`` further on, one behind the other, they are asked
    for; so is the line of A that each step of the next part of K finds ``next_part`` further on.
    """

    def nest(steps: Sequence[Step], a: ir.Value, b: ir.Value, totals: list[ir.Value]) -> list[ir.Value]:
        if not steps:
            return one_step(a, b, totals)
        step, rest = steps[0], steps[1:]

        def turn(a_here: ir.Value, b_here: ir.Value, *totals: ir.Value) -> list[ir.Value]:
            if _is_far(code, step) and not any(_is_far(code, inner) for inner in rest):
                ask_ahead(code, tile.rows, a_here, row_step, step.a)
            if not rest and next_part != 0:
                code.prefetch(code.at(a_here, next_part))
            if not rest and (streams or panels_ahead):
                ahead = panels_ahead * tile.columns or code.mul(AHEAD_OF_B, step.b)
                for place in range(0, tile.columns, code.elements_of_line):
                    code.prefetch(code.at(b_here, code.add(ahead, place)), near=True)
            return nest(rest, a_here, b_here, list(totals))

        if rest:
            return code.walk(0, step.extent, [(a, step.a), (b, step.b)], turn, totals)
        return walk_together(code, step, together, a, b, turn, totals, tile.rows if next_rows != 0 else 0, next_rows)

    def one_step(a: ir.Value, b: ir.Value, totals: list[ir.Value]) -> list[ir.Value]:
        return one_k(code, tile, range(tile.rows), a, row_step, b, column_step, mask, totals)

    return nest(steps, a, b, [code.zero(tile.lanes)] * (tile.rows * tile.vectors))


def walk_together(
    code: Code,
    step: Step,
    together: int,
    a: ir.Value,
    b: ir.Value,
    body: Callable[..., list[ir.Value]],
    totals: list[ir.Value],
    rows: int = 0,
    next_rows: Index = 0,
) -> list[ir.Value]:
    """The last loop of K, so many steps of it in one turn: their number is a multiple of that.

    Every step asks for as many elements of the next ``rows`` as it uses of these, not yet for the first cache.
    """
    asked = together * rows

    def turn(a_here: ir.Value, b_here: ir.Value, ahead: ir.Value, *totals: ir.Value) -> list[ir.Value]:
        for place in range(0, asked, code.elements_of_line):
            code.prefetch(code.at(ahead, place))
        result = list(totals)
        for number in range(together):
            places = code.at(a_here, code.mul(number, step.a)), code.at(b_here, code.mul(number, step.b))
            result = body(*places, *result)
        return result

    moving = [(a, code.mul(together, step.a)), (b, code.mul(together, step.b)), (code.at(a, next_rows), asked)]
    return code.walk(0, code.div(step.extent, together), moving, turn, totals)


def ask_ahead(code: Code, rows: int, a: ir.Value, row_step: RowStep, step: Index) -> None:
    """Ask for what a tile reads of A some steps later: one line, or all lines of rows that share some."""
    ahead, line = code.mul(AHEAD, step), code.elements_of_line
    span = (rows - 1) * row_step if isinstance(row_step, int) else 0
    shared = line // 4 <= span <= MOST_SPANNED * line
    for place in (0, *range(line, span, line), span) if shared else (0,):
        code.prefetch(code.at(a, code.add(ahead, place)), near=True)


def _is_far(code: Code, step: Step) -> bool:
    """Whether A is in another cache line at every turn."""
    return isinstance(step.a, int) and abs(step.a) >= code.elements_of_line


def row_place(code: Code, row: int, step: RowStep) -> Index:
    """How far a row is from the first."""
    return step[row] if isinstance(step, tuple) else code.mul(row, step)


def one_k(
    code: Code,
    tile: Tile,
    rows: Sequence[int],
    a: ir.Value,
    row_step: RowStep,
    b: ir.Value,
    column_step: Index,
    mask: ir.Value | None,
    totals: Sequence[ir.Value],
) -> list[ir.Value]:
    """The sums of some rows of a tile, ``totals``, with one more product each."""

    def vector(b: ir.Value) -> ir.Value:
        return code.load(b, tile.lanes) if mask is None else code.load_masked(b, mask)

    row_of_b = [vector(code.at(b, code.mul(v * tile.lanes, column_step))) for v in range(tile.vectors)]
    sums = []
    for place, r in enumerate(rows):
        where = code.at(a, row_place(code, r, row_step))
        element = code.splat(code.load(where), tile.lanes)
        for v, columns in enumerate(row_of_b):
            if v > 0 and tile.is_direct(r):
                element = code.splat(code.load_apart(where, v), tile.lanes)
            sums.append(code.multiply_add(element, columns, totals[place * tile.vectors + v]))
    return sums


def store_tile(
    code: Code, tile: Tile, totals: Sequence[ir.Value], memory: ir.Value, earlier: ir.Value | None = None
) -> None:
    """The accumulators, plus the tile at ``earlier``, side by side: row r begins at ``r * tile.columns``."""
    width = tile.elements // len(totals)  # Of vectors, or of the scalars of dot products.
    for i, total in enumerate(totals):
        if earlier is not None:
            total = code.plus(code.load(code.at(earlier, i * width), width), total)
        code.store(total, code.at(memory, i * width))


def prefetch_tile(code: Code, tile: Tile, memory: ir.Value) -> None:
    """Ask for the lines of the tile at ``memory``."""
    code.loop(0, tile.elements, code.elements_of_line, lambda i: code.prefetch(code.at(memory, i)))
