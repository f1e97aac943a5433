"""Copies of parts of A and B into the order in which the registers want them, through the strides of their axes.

A by rows:     copy[r, k]         when A is contiguous along K: each row of a tile becomes one run.
A by columns:  copy[k, r]         when A is contiguous along its rows.
B by panels:   copy[panel, k, c]  each k of a panel is a run of whole vectors; missing columns hold something finite.

Every routine walks the loops of K as ``Move`` steps, so that a transposition, a slice or a convolution's patches are
nothing but other strides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import ir
from graphc.codegen.kernels.building import Code, Index
from graphc.records import record

# How many short runs ahead of the one that is copied memory is asked for: about the latency of the third cache.
PREFETCH = 16
# Elements no further apart are picked from whole vectors.
MOST_PICKED = 8
# How many runs are copied for one tile before the next tile has its turn. With 16, products of 512 to 1024 squares take
# 1.02 to 1.03 of the time where they come from the third cache; with 64, others take that where they are near.
BLOCK = 32


@record
class Move:
    """One loop of a copy: its trip count, and how far source and copy move in a turn."""

    extent: Index
    source: Index
    copy: Index


def merged(code: Code, moves: Sequence[Move]) -> list[Move]:
    """Loops that walk like one longer loop joined."""
    result: list[Move] = []
    for move in moves:
        if result and isinstance(move.extent, int):
            outer = result[-1]
            if outer.source == code.mul(move.extent, move.source) and outer.copy == code.mul(move.extent, move.copy):
                result[-1] = Move(code.mul(outer.extent, move.extent), move.source, move.copy)
                continue
        result.append(move)
    return result


def walk(
    code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, body: Callable[[ir.Value, ir.Value], None]
) -> None:
    """``body`` at every position of the loops ``moves``."""
    if not moves:
        body(source, copy)
        return
    move, rest = moves[0], moves[1:]

    def turn(source: ir.Value, copy: ir.Value) -> None:
        walk(code, rest, source, copy, body)

    code.walk(0, move.extent, [(source, move.source), (copy, move.copy)], turn)


def copy_element(code: Code, source: ir.Value, copy: ir.Value) -> None:
    code.store(code.load(source), copy)


def copy_moves(code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, lanes: int) -> None:
    """Any copy; by vectors where both sides are contiguous along the last loop."""
    moves = merged(code, moves)
    if not moves or moves[-1].source != 1 or moves[-1].copy != 1:
        walk(code, moves, source, copy, lambda s, c: copy_element(code, s, c))
        return
    count = moves[-1].extent

    def run(source: ir.Value, copy: ir.Value) -> None:
        whole = code.sub(count, code.divmod(count, lanes)[1])

        def vector(i: Index) -> None:
            code.store(code.load(code.at(source, i), lanes), code.at(copy, i))

        code.loop(0, whole, lanes, vector)
        code.loop(whole, count, 1, lambda i: copy_element(code, code.at(source, i), code.at(copy, i)))

    walk(code, moves[:-1], source, copy, run)


def copy_run(code: Code, source: ir.Value, copy: ir.Value, count: int, lanes: int) -> None:
    """A short run of known length, by vectors of halving width."""
    done = 0
    while done < count:
        while lanes > count - done:
            lanes //= 2
        code.store(code.load(code.at(source, done), lanes), code.at(copy, done))
        done += lanes


def copy_runs(code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, count: int, lanes: int) -> None:
    """A run of ``count`` contiguous elements at every position of ``moves``."""
    moves = merged(code, moves)
    ahead = code.mul(PREFETCH, max((m.source for m in moves[-2:] if isinstance(m.source, int)), default=0))

    def run(source: ir.Value, copy: ir.Value) -> None:
        for place in range(0, count, code.elements_of_line):
            code.prefetch(code.at(source, code.add(ahead, place)))
        copy_run(code, source, copy, count, lanes)

    walk(code, moves, source, copy, run)


def copy_runs_in_blocks(
    code: Code, moves: Sequence[Move], across: Move, source: ir.Value, copy: ir.Value, count: int, lanes: int
) -> None:
    """`copy_runs` with ``across`` around every ``BLOCK`` turns of the last of ``moves``.

    Lines of the source are then read, and lines of the copy written, from end to end while they are near.
    """
    *outer, last = merged(code, moves)

    def blocks(source: ir.Value, copy: ir.Value) -> None:
        def block(first: Index) -> None:
            here, there = code.at(source, code.mul(first, last.source)), code.at(copy, code.mul(first, last.copy))
            turns = Move(code.least(BLOCK, code.sub(last.extent, first)), last.source, last.copy)
            copy_runs(code, [across, turns], here, there, count, lanes)

        code.loop(0, last.extent, BLOCK, block)

    walk(code, outer, source, copy, blocks)


def copy_partial_runs(
    code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, count: Index, width: int, lanes: int
) -> None:
    """Runs of ``count`` elements in places of ``width``, by masked vectors; the rest becomes zero."""
    masks = [code.first_lanes(code.sub(count, v), lanes) for v in range(0, width, lanes)]

    def run(source: ir.Value, copy: ir.Value) -> None:
        for v, mask in enumerate(masks):
            code.store(code.load_masked(code.at(source, v * lanes), mask), code.at(copy, v * lanes))

    walk(code, merged(code, moves), source, copy, run)


def copy_clamped(
    code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, count: Index, width: int, step: Index
) -> None:
    """Element by element, columns ``step`` apart in the source; those beyond ``count`` repeat the last."""

    def column(c: Index) -> None:
        there = code.least(c, code.sub(count, 1))
        first = code.at(source, code.mul(there, step))
        walk(code, merged(code, moves), first, code.at(copy, c), lambda s, c: copy_element(code, s, c))

    code.loop(0, width, 1, column)


def copy_strided(
    code: Code, moves: Sequence[Move], source: ir.Value, copy: ir.Value, count: int, width: int, step: int, lanes: int
) -> None:
    """``count`` columns, a few elements apart, at every position of ``moves``, in places of ``width``."""

    def run(source: ir.Value, copy: ir.Value) -> None:
        for v in range(0, width, lanes):
            there = code.at(source, v * step)
            code.store(columns_of(code, there, step, lanes, max(count - v, 0)), code.at(copy, v))

    walk(code, merged(code, moves), source, copy, run)


def columns_of(code: Code, start: ir.Value, step: Index, lanes: int, count: int) -> ir.Value:
    """The elements ``step`` apart from ``start`` on, in lanes; of ``count``, if there are fewer, no more is read."""
    if step == 0:
        return code.splat(code.load(start), lanes)
    if step == 1:
        return code.load(start, lanes) if count >= lanes else code.load_masked(start, code.first_lanes(count, lanes))
    if isinstance(step, int) and 1 < step <= min(lanes, MOST_PICKED) and count > 0:
        return _picked(code, start, step, lanes, min(count, lanes))
    if lanes == 1:
        return code.load(start)
    result: ir.Value = code.zero(lanes)
    for lane in range(min(lanes, count)):
        element = code.load(code.at(start, code.mul(lane, step)))
        result = code.builder.insert_element(result, element, ir.Constant(ir.IntType(32), lane))
    return result


def _picked(code: Code, start: ir.Value, step: int, lanes: int, count: int) -> ir.Value:
    """`columns_of` from whole vectors; the last ends with the last element, so that nothing behind is touched."""
    total = (count - 1) * step + 1
    if total < lanes:
        vector = code.load_masked(start, code.first_lanes(total, lanes))
        return code.shuffle(vector, vector, [i * step if i < count else i for i in range(lanes)])
    bases = [*range(0, total - lanes, lanes), total - lanes]
    sources = [min(i * step // lanes, len(bases) - 1) if i < count else 0 for i in range(lanes)]
    result = code.load(start, lanes)
    for number, base in enumerate(bases[1:], start=1):
        # What comes from earlier vectors stands in its lanes, after the first round.
        before = [i * step if number == 1 and sources[i] == 0 and i < count else i for i in range(lanes)]
        order = [lanes + i * step - base if sources[i] == number else before[i] for i in range(lanes)]
        result = code.shuffle(result, code.load(code.at(start, base), lanes), order)
    if len(bases) == 1:
        result = code.shuffle(result, result, [i * step if i < count else i for i in range(lanes)])
    return result


def copy_transposed(
    code: Code,
    moves: Sequence[Move],
    source: ir.Value,
    copy: ir.Value,
    width: Index,
    step: Index,
    lanes: int,
    count: Index | None = None,
) -> None:
    """``width`` columns, ``step`` apart and contiguous along the last loop, become rows of ``width`` elements.

    Where only the first ``count`` exist, the last of them is repeated.
    """
    *outer, last = moves
    side = max(1, min(lanes, 16 // code.element_bytes))

    def existing(c: Index) -> Index:
        return c if count is None else code.least(c, code.sub(count, 1))

    def block(source: ir.Value, copy: ir.Value) -> None:
        whole = code.sub(last.extent, code.divmod(last.extent, side)[1])

        def vectors(c: Index) -> None:
            first = existing(c)
            within = (
                range(lanes) if count is None else [code.sub(existing(code.add(c, n)), first) for n in range(lanes)]
            )
            columns = [code.mul(lane, step) for lane in within]
            rows = [code.mul(i, last.copy) for i in range(side)]

            def square(there: ir.Value, here: ir.Value) -> None:
                places = [code.at(there, column) for column in columns]
                for place, row in zip(rows, transposed_rows(code, places, side), strict=True):
                    code.store(row, code.at(here, place))

            pointers = [(code.at(source, code.mul(first, step)), side), (code.at(copy, c), code.mul(side, last.copy))]
            code.walk(0, code.div(last.extent, side), pointers, square)

        if count is None:
            code.loop(0, width, lanes, vectors)
        else:
            for c in range(0, width, lanes):  # type: ignore[arg-type]
                vectors(c)

        def left_over(k: Index) -> None:
            there, here = code.at(source, k), code.at(copy, code.mul(k, last.copy))
            code.loop(
                0, width, 1, lambda c: copy_element(code, code.at(there, code.mul(existing(c), step)), code.at(here, c))
            )

        code.loop(whole, last.extent, 1, left_over)

    walk(code, merged(code, outer), source, copy, block)


def copy_turned(
    code: Code,
    rows: Index,
    columns: Index,
    source: ir.Value,
    column_step: Index,
    copy: ir.Value,
    row_step: Index,
    lanes: int,
) -> None:
    """copy[r, c] = source[c, r]: by the widest vectors along the columns first, what is left by narrower ones."""
    narrower = [lanes >> n for n in range(1, lanes.bit_length())]
    done: Index = 0
    for width in [lanes, *(narrower if isinstance(columns, int) else [1])]:
        left = code.sub(columns, done)
        count = code.sub(left, code.divmod(left, width)[1])
        if count != 0:
            here, there = code.at(source, code.mul(done, column_step)), code.at(copy, done)
            copy_transposed(code, [Move(rows, 1, row_step)], here, there, count, column_step, width)
        done = code.add(done, count)


def transposed_rows(code: Code, places: Sequence[ir.Value], side: int) -> list[ir.Value]:
    """``side`` vectors, the i-th holding element i of every place.

    Squares of ``side`` x ``side`` elements are 16 bytes wide; a vector of several such is gathered so that its
    j-th part comes from place j * side + i, and all squares are transposed at once.
    """
    rows = [_joined(code, [code.load(place, side) for place in places[i::side]]) for i in range(side)]
    return _transpose_squares(code, rows, side)


def _joined(code: Code, parts: list[ir.Value]) -> ir.Value:
    """The lanes of all parts, a power of two of them, one after the other."""
    while len(parts) > 1:
        order = range(2 * parts[0].type.count)
        parts = [code.shuffle(low, high, order) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _transpose_squares(code: Code, rows: list[ir.Value], side: int) -> list[ir.Value]:
    """Each aligned group of ``side`` lanes is a square, transposed by log2(side) rounds of interleaving."""
    if side == 1:
        return rows
    lanes = rows[0].type.count
    starts = range(0, lanes, side)
    half = side // 2
    low = [x for s in starts for i in range(half) for x in (s + i, lanes + s + i)]
    high = [x for s in starts for i in range(half, side) for x in (s + i, lanes + s + i)]
    distance = half
    while distance:
        mixed = []
        for i in range(half):
            mixed += [code.shuffle(rows[i], rows[i + half], low), code.shuffle(rows[i], rows[i + half], high)]
        rows = mixed
        distance //= 2
    return rows
