"""Products at the edges of A: what lies outside counts as zero and is not read, so that images need no padded copy.

An edge joins an axis of the rows with a loop of K: position u sees only the turns v with 0 <= start + u*s + v*t < size.

    rows that are plain loops      the loop of K gets other bounds, computed once for each tile
    rows that the tile runs along  a tile that some turn sees only in part is written for its place: turns with the same
                                   rows are a loop, and all such loops follow each other; tiles within need nothing
    one tile of all rows           the same for every loop of K with an edge, one within the other
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.affine import Group
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.dot import along_k, summed_up
from graphc.codegen.kernels.microtile import AHEAD, Step, ask_ahead, one_k, walk_together
from graphc.codegen.kernels.operands import OperandA, OperandB, Rows
from graphc.codegen.kernels.packing import Move, merged
from graphc.codegen.kernels.paired import one_pair
from graphc.codegen.kernels.site import KStep, Site
from graphc.records import record

Keep = Callable[[list[ir.Value]], None]


@record
class _Turn:
    """One loop of K for a tile: its bounds, and how far A and B move.

    Or the turn that it begins with, how many there are, and the ``rows`` that exist in each turn of the whole loop.
    """

    begin: Index
    end: Index
    a: Index
    b: Index
    rows: tuple[tuple[int, ...], ...] | None = None


@record
class Clipped:
    """The products of the tiles of a contraction with edges."""

    site: Site
    a: OperandA
    b: OperandB

    def products(self, a: ir.Value, b: ir.Value, steps: Sequence[KStep], rows: Rows, keep: Keep) -> None:
        """``keep`` the products of the tile at ``rows``, by the code for its place."""
        if self.site.plan.tiled is None:
            keep(self._summed(a, b, self._turns(steps, rows, 0)))
            return
        places: list[int | None] = [start for start, is_cut in self._starts() if is_cut]
        if isinstance(rows.start, int):
            keep(self._summed(a, b, self._turns(steps, rows, rows.start if rows.start in places else None)))
            return
        if len(places) < len(list(self._starts())) or not places:
            places.append(None)  # Tiles within.
        self._choose(places, a, b, steps, rows, keep)

    def _choose(
        self, places: Sequence[int | None], a: ir.Value, b: ir.Value, steps: Sequence[KStep], rows: Rows, keep: Keep
    ) -> None:
        """The code for the first of ``places`` where the tile begins there, else that for the others."""
        code, (first, *others) = self.site.code, places
        if not others or first is None:
            keep(self._summed(a, b, self._turns(steps, rows, first)))
            return
        here = code.builder.icmp_signed("==", code.value(rows.start), code.value(first))
        code.when(
            here,
            lambda: keep(self._summed(a, b, self._turns(steps, rows, first))),
            lambda: self._choose(others, a, b, steps, rows, keep),
        )

    # -- places --------------------------------------------------------------------------------------

    def _tiled(self) -> Group | None:
        plan = self.site.plan
        group = None if plan.tiled is None else plan.shape.rows[plan.tiled]
        return group if group is not None and group.edge is not None else None

    def _starts(self) -> Iterator[tuple[int, bool]]:
        """Where tiles begin, and whether some turn of K sees such a tile only in part."""
        group = self._tiled()
        if group is None:
            return
        turns, mr = self._extent(group.edge), self.site.plan.mr  # type: ignore[arg-type]
        assert isinstance(group.extent, int), "tiles run along edges of known length"
        starts = {max(0, min(start, group.extent - mr)) for start in range(0, group.extent, mr)}
        for start in sorted(starts):
            yield start, any(len(rows) < mr for rows in self._rows_seen(group, start, turns))

    def _rows_seen(self, group: Group, start: int, turns: int) -> list[list[int]]:
        """For each turn of K, the rows of a tile that begins at ``start`` for which A exists, and no tile before it."""
        mr = self.site.plan.mr
        rows = range(-start % mr, mr)  # A tile that was moved back begins with rows of the one before.
        return self._seen(group, {r: start + r for r in rows}, turns)

    def _seen(self, group: Group, places: dict[int, int], turns: int) -> list[list[int]]:
        """For each turn of K, the rows of a tile for which A exists, of those at these ``places`` of the group."""
        edge = self.site.plan.shape.edges[group.edge]  # type: ignore[index]
        return [
            [r for r, u in places.items() if 0 <= edge.start + edge.row_step * u + edge.inner_step * v < edge.size]
            for v in range(turns)
        ]

    def _seen_of_all(self, edge: int, turns: int) -> list[list[int]]:
        """The same for one tile of all rows, whatever their axes."""
        groups = self.site.plan.shape.rows
        number = next(i for i, group in enumerate(groups) if group.edge == edge)
        places = itertools.product(*(range(group.extent) for group in groups))  # type: ignore[arg-type]
        return self._seen(groups[number], {r: place[number] for r, place in enumerate(places)}, turns)

    def _extent(self, edge: int) -> int:
        extent = next(group.extent for group in self.site.plan.shape.inner if group.edge == edge)
        assert isinstance(extent, int), "windows have known sizes"
        return extent

    # -- loops ---------------------------------------------------------------------------------------

    def _turns(self, steps: Sequence[KStep], rows: Rows, start: int | None) -> list[_Turn]:
        """The loops of K for a tile, one that is cut and begins at ``start``, or one that is whole."""
        turns: list[_Turn] = []
        whole: list[Move] = []
        tiled = self._tiled()
        for step in steps:
            move = Move(step.extent, self.a.k_step(step), self.b.k_step(step))
            if step.edge is None or (tiled is not None and step.edge == tiled.edge and start is None):
                whole.append(move)
                continue
            turns += self._unclipped(whole)
            whole = []
            if self.site.plan.tiled is None:
                seen = self._seen_of_all(step.edge, self._extent(step.edge))
                turns.append(_Turn(step.start, step.extent, move.source, move.copy, tuple(map(tuple, seen))))
            elif tiled is not None and step.edge == tiled.edge:
                assert isinstance(step.extent, int) and isinstance(start, int), "such loops of K are never cut"
                seen = self._rows_seen(tiled, start, step.extent)
                turns.append(_Turn(0, step.extent, move.source, move.copy, tuple(map(tuple, seen))))
            else:
                turns.append(_Turn(*self._bounds(step, rows), move.source, move.copy))
        return turns + self._unclipped(whole)

    def _unclipped(self, moves: Sequence[Move]) -> list[_Turn]:
        return [_Turn(0, move.extent, move.source, move.copy) for move in merged(self.site.code, moves)]

    def _bounds(self, step: KStep, rows: Rows) -> tuple[Index, Index]:
        """The turns of a loop of K that the rows of a tile, all at one place of the edge's axis, see."""
        code, shape = self.site.code, self.site.plan.shape
        edge = shape.edges[step.edge]  # type: ignore[index]
        group = next(group for group in shape.rows if group.edge == step.edge)
        u = rows.coordinates.get(group.places[0][0], 0)
        place = code.add(edge.start, code.mul(edge.row_step, u))
        size = abs(edge.inner_step)
        if edge.inner_step > 0:
            first = self._positive_ceildiv(code.sub(0, place), size)
            end = self._positive_ceildiv(code.sub(edge.size, place), size)
        else:
            first = code.div(code.greatest(code.add(code.sub(place, edge.size), size), 0), size)
            end = code.div(code.greatest(code.add(place, size), 0), size)
        begin = code.greatest(code.sub(first, step.start), 0)
        return begin, code.least(code.sub(end, step.start), step.extent)

    def _positive_ceildiv(self, x: Index, y: int) -> Index:
        code = self.site.code
        return code.ceildiv(code.greatest(x, 0), y)

    # -- sums ----------------------------------------------------------------------------------------

    def _summed(self, a: ir.Value, b: ir.Value, turns: Sequence[_Turn]) -> list[ir.Value]:
        code, tile = self.site.code, self.site.tile
        in_dots = self.site.plan.form == "dot"
        sums_of_row, lanes = (tile.columns, self.site.lanes) if in_dots else (tile.vectors, tile.lanes)

        def nest(
            turns: Sequence[_Turn], a: ir.Value, b: ir.Value, rows: Sequence[int], totals: list[ir.Value]
        ) -> list[ir.Value]:
            if not turns:
                return self._one_step(rows, a, b, totals)
            turn, rest = turns[0], turns[1:]
            if turn.rows is not None:
                return in_parts(turn, rest, a, b, rows, totals)
            if in_dots and not rest:
                step = Step(turn.end, turn.a, turn.b)
                steps = self.a.row_step, self.b.column_step
                return along_k(code, rows, tile.columns, lanes, step, a, steps[0], b, steps[1], totals)

            def body(here: ir.Value, there: ir.Value, *totals: ir.Value) -> list[ir.Value]:
                if not rest and isinstance(turn.a, int) and abs(turn.a) >= code.elements_of_line:
                    self._ask_ahead(here, there, turn)
                return nest(rest, here, there, rows, list(totals))

            together = 1 if rest else self._together(turn, rows)
            if together == 1:
                return code.walk(turn.begin, turn.end, [(a, turn.a), (b, turn.b)], body, totals)
            return walk_together(code, Step(turn.end, turn.a, turn.b), together, a, b, body, totals)

        def in_parts(
            turn: _Turn, rest: Sequence[_Turn], a: ir.Value, b: ir.Value, before: Sequence[int], totals: list[ir.Value]
        ) -> list[ir.Value]:
            assert turn.rows is not None
            totals = list(totals)
            for seen, alike in itertools.groupby(enumerate(turn.rows), key=lambda pair: pair[1]):
                numbers = [k for k, _ in alike]
                rows = [r for r in before if r in seen]
                if rows:
                    places = [before.index(r) * sums_of_row + v for r in rows for v in range(sums_of_row)]
                    first = code.greatest(code.sub(numbers[0], turn.begin), 0)
                    end = code.least(code.sub(numbers[-1] + 1, turn.begin), turn.end)
                    if isinstance(first, int) and isinstance(end, int):
                        here, there = (code.at(x, code.mul(first, step)) for x, step in ((a, turn.a), (b, turn.b)))
                        turns = _joined(code, _Turn(0, end - first, turn.a, turn.b), rest)
                    else:
                        here, there, turns = a, b, [_Turn(first, end, turn.a, turn.b), *rest]
                    part = nest(turns, here, there, rows, [totals[place] for place in places])
                    for place, total in zip(places, part, strict=True):
                        totals[place] = total
            return totals

        totals = nest(turns, a, b, range(tile.rows), [code.zero(lanes)] * (tile.rows * sums_of_row))
        return summed_up(code, totals, lanes) if in_dots else totals

    def _ask_ahead(self, a: ir.Value, b: ir.Value, turn: _Turn) -> None:
        """Ask for what is read some steps later: of a tile of all rows the last, as it read for the others."""
        code, tile, row_step = self.site.code, self.site.tile, self.a.row_step
        if not isinstance(row_step, tuple):
            ask_ahead(code, tile.rows, a, row_step, turn.a)
            return
        for x, place, step in ((a, row_step[-1], turn.a), (b, 0, turn.b)):
            for column in range(0, tile.columns, code.elements_of_line):
                code.prefetch(code.at(x, code.add(code.add(place, column), code.mul(AHEAD, step))), near=True)

    def _together(self, turn: _Turn, rows: Sequence[int]) -> int:
        """How many steps of K are written in one turn of the last loop: one for tiles that are cut, which are many."""
        plan, whole = self.site.plan, len(rows) == self.site.tile.rows
        if plan.form != "tile" or not whole or turn.begin != 0 or not isinstance(turn.end, int):
            return 1
        return plan.together if turn.end % plan.together == 0 else 1

    def _one_step(self, rows: Sequence[int], a: ir.Value, b: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
        site, shape = self.site, self.site.plan.shape
        if site.plan.form == "paired":
            steps = self.a.row_step, site.sizes(shape.col.a)
            return one_pair(site.code, site.tile, rows, a, *steps, b, self.b.column_step, shape.n, totals)
        return one_k(site.code, site.tile, rows, a, self.a.row_step, b, self.b.column_step, self.b.mask, totals)


def _joined(code: Code, turn: _Turn, rest: Sequence[_Turn]) -> list[_Turn]:
    """The loops, the first two as one where they walk as one."""
    if rest and rest[0].rows is None and rest[0].begin == 0 and isinstance(rest[0].end, int):
        inner = rest[0]
        if turn.a == code.mul(inner.end, inner.a) and turn.b == code.mul(inner.end, inner.b):
            return [_Turn(0, code.mul(turn.end, inner.end), inner.a, inner.b), *rest[1:]]
    return [turn, *rest]
