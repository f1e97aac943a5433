"""Kernels that go over the same positions several times, few results at a time: each round a kernel for all threads.

A batch normalisation adds up the elements of each channel, then their squared distances from the mean, then stores.
With 16 channels, all of it fits the lanes of one vector, and one thread would do it all.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.codegen.loops import Buffer, Declare, For, Kernel, Let, Load, Local, Statement, Store
from graphc.codegen.schedule import flat, schedule
from graphc.codegen.schedule_cost import CostModel, estimate_size
from graphc.codegen.schedule_products import split_product
from graphc.codegen.schedule_split import (
    BLOCK,
    ENOUGH_TASKS,
    WORTH,
    Reduction,
    around,
    is_wide,
    kernel_of,
    may_be_cut,
    mentioned,
    outer_loops,
    piece_of,
    pieces_of,
    place_of,
    split,
    split_reduction,
)
from graphc.codegen.target import Target
from graphc.codegen.traverse import (
    accumulations,
    all_atoms,
    loaded_buffers,
    statements_below,
    stored_buffers,
)
from graphc.dims import Symbol, product
from graphc.records import record

ROUNDS_WORTH = 5 * WORTH  # Two more kernels for each round, to compile and to call.


@record
class Rounds:
    """Loops over results; the long loops in each of them; what is stored when all are done."""

    kept: tuple[Symbol, ...]
    loops: tuple[For, ...]
    accumulators: tuple[Declare, ...]
    tail: tuple[Store, ...]


def stages(kernel: Kernel, target: Target) -> tuple[Kernel, ...]:
    """The scheduled kernels that do, one after the other, what a plain one means: several where that is worth it."""
    parts = (
        split_product(kernel, target) or split_reduction(kernel, target) or split_rounds(kernel, target) or (kernel,)
    )
    return tuple(schedule(part, target) for part in parts)


def split_rounds(kernel: Kernel, target: Target) -> tuple[Kernel, ...] | None:
    """A plain kernel as several, one or two for each round; None where that does not pay::

    for j < 16:                      (as a reduction is split)             t[j] = sum of x[i,j]
      accumulator s = 0
      for i < n: s += x[i,j]    ->   for c < ceil(n/512):
      for i < n: y[i,j] = x[i,j]-s     for j < 16:
      z[j] = s                           s = t[j]
                                         for i < min(512, n-c*512): ...    z[j] = t[j]
    """
    rounds = _match(flat(kernel))
    if rounds is None:
        return None
    scheduled = schedule(kernel, target)
    costs = CostModel(target)
    cost = costs.body(scheduled.body)
    if cost < ROUNDS_WORTH or estimate_size(scheduled.tasks) >= ENOUGH_TASKS:
        return None
    return tuple(_kernels(kernel, rounds, cost / len(rounds.loops), costs))


def _match(body: tuple[Statement, ...]) -> Rounds | None:
    """The parts of a kernel of several rounds, or None."""
    kept, body = outer_loops(body)
    loops = tuple(statement for statement in body if isinstance(statement, For))
    accumulators = tuple(statement for statement in body if isinstance(statement, Declare))
    tail = tuple(statement for statement in body if isinstance(statement, Store))
    if len(loops) < 2 or len(loops) + len(accumulators) + len(tail) != len(body):
        return None
    if stored_buffers(body) & loaded_buffers(body) or not all(may_be_cut(loop) for loop in loops):
        return None
    inner = [statement for statement in statements_below(loops) if isinstance(statement, For)]
    if any(set(kept) & all_atoms(loop.extent) for loop in inner):
        return None
    return Rounds(kept, loops, accumulators, tail)


def _kernels(kernel: Kernel, rounds: Rounds, cost: float, costs: CostModel) -> Iterator[Kernel]:
    """The kernels of the rounds, which hand totals over, and one for what is left to store."""
    count, place = product(symbol.extent or 1 for symbol in rounds.kept), place_of(rounds.kept)
    totals = {a.name: Buffer(f"total_{a.name}", a.dtype, count) for a in rounds.accumulators}
    whole = Kernel(kernel.name, (*kernel.arguments, *totals.values()), kernel.body, kernel.scratch)
    known: tuple[Let, ...] = ()
    tail = rounds.tail
    for number, loop in enumerate(rounds.loops):
        names = {change.name for change in accumulations(loop.body)}
        own = tuple(a for a in rounds.accumulators if a.name in names)
        piece = piece_of(loop.extent, cost)
        if own:
            stores = tuple(Store(totals[a.name], place, Local(a.name, a.dtype)) for a in own)
            if loop is rounds.loops[-1]:
                stores, tail = (*stores, *tail), ()
            reduction = Reduction(rounds.kept, (*mentioned(known, (loop, *stores)), *own), loop, stores)
            wide = is_wide(reduction, costs)
            yield from split(whole, reduction, max(piece, 4 * BLOCK) if wide else piece, in_blocks=wide, stage=number)
            known += tuple(Let(a.name, Load(totals[a.name], place)) for a in own)
        else:
            pieces, part = pieces_of(loop, piece)
            body = For(pieces, around(rounds.kept, (*mentioned(known, (part,)), part)))
            yield kernel_of(f"{kernel.name}_{number}", whole, (body,))
    if tail:
        yield kernel_of(kernel.name, whole, around(rounds.kept, (*mentioned(known, tail), *tail)))
