"""Long reductions with few results in two kernels, so that threads have something to share.

The pieces are fixed by shapes, and so are the bits of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen.loops import (
    ITEM_BYTES,
    Accumulate,
    Buffer,
    Declare,
    For,
    Kernel,
    Let,
    Literal,
    Load,
    Local,
    Statement,
    Store,
    identity,
)
from graphc.codegen.schedule import flat, schedule
from graphc.codegen.schedule_cost import CostModel, estimate_size
from graphc.codegen.schedule_tasks import MOST_TASKS, TASK_COST
from graphc.codegen.target import Target
from graphc.codegen.traverse import (
    Renaming,
    accumulations,
    all_atoms,
    body_of,
    expressions_below,
    least,
    loaded_buffers,
    rewrite_body,
    statements_below,
    stored_buffers,
)
from graphc.dims import DimLike, Symbol, atom, ceildiv, product
from graphc.records import record, replace

ENOUGH_TASKS = 8  # Where the results alone make so many, threads are busy without a second kernel.
BLOCK = 16  # Rows: processors fetch ahead in about so many pages at once.
WIDE = 1024  # Bytes of a row from which a block of rows is read before the next one.
WHOLE = 64  # Pieces longer than this are multiples of it, and so of vectors.
MOST_TRIED = 1 << 12  # lengths of which one may divide a loop
WORTH = 6 * TASK_COST  # A second kernel costs some microseconds too.


@record
class Reduction:
    """Loops over results; what begins each of them; the long loop; what is done when it ends."""

    kept: tuple[Symbol, ...]
    head: tuple[Statement, ...]
    loop: For
    tail: tuple[Statement, ...]


def split_reduction(kernel: Kernel, target: Target) -> tuple[Kernel, Kernel] | None:
    """A plain kernel as two, the partial results of pieces and their combination; None where it does not pay::

    for j < 16:                 for c < ceil(n/512):                       for j < 16:
      accumulator s = 0           for j < 16:                                accumulator s = 0
      for i < n:            ->      accumulator s = 0                        for c < ceil(n/512):
        s = add(s, x[i,j])          for i < min(512, n-c*512):                 s = add(s, partials[c,j])
      y[j] = s                        s = add(s, x[c*512+i,j])               y[j] = s
                                    partials[c,j] = s
    """
    reduction = _match(flat(kernel))
    if reduction is None:
        return None
    scheduled = schedule(kernel, target)
    costs = CostModel(target)
    cost = costs.body(scheduled.body)
    piece, wide = piece_of(reduction.loop.extent, cost), is_wide(reduction, costs)
    if wide:
        piece = max(piece, 4 * BLOCK)  # what pieces store is little against what they read
    enough = estimate_size(scheduled.tasks) >= ENOUGH_TASKS
    if cost < WORTH or (enough and not (wide and _count(reduction.loop.extent, piece) >= ENOUGH_TASKS)):
        return None
    return split(kernel, reduction, piece, in_blocks=wide)


def _count(extent: DimLike, piece: int) -> int:
    return -(-estimate_size(extent) // piece)


def piece_of(extent: DimLike, cost: float) -> int:
    """How much of a loop that costs so much makes a task."""
    usual = max(estimate_size(extent), 1)
    piece = max(usual * 1.5 * TASK_COST / cost, usual / MOST_TASKS if isinstance(extent, int) else 1)
    if piece <= WHOLE:
        return max(int(piece), 1)
    wanted = -(-int(piece) // WHOLE) * WHOLE
    longest = min(2 * wanted, wanted + MOST_TRIED * WHOLE)
    equal = (n for n in range(wanted, longest, WHOLE) if isinstance(extent, int) and extent % n == 0)
    return next(equal, wanted)  # pieces of one length need no limit that is computed


def _match(body: tuple[Statement, ...]) -> Reduction | None:
    """The parts of a reduction with one long loop, or None."""
    kept, body = outer_loops(body)
    places = [place for place, statement in enumerate(body) if body_of(statement)]
    if len(places) != 1:
        return None
    head, loop, tail = body[: places[0]], body[places[0]], body[places[0] + 1 :]
    if not isinstance(loop, For) or not all(isinstance(s, Let | Declare) for s in head):
        return None
    loops = [loop, *(statement for statement in statements_below(loop.body) if isinstance(statement, For))]
    if any(set(kept) & all_atoms(inner.extent) for inner in loops):
        return None
    return Reduction(kept, head, loop, tail) if accumulations(loop.body) and may_be_cut(loop) else None


def outer_loops(body: tuple[Statement, ...]) -> tuple[tuple[Symbol, ...], tuple[Statement, ...]]:
    """The variables of the loops around everything that is accumulated, and what is in them."""
    kept: list[Symbol] = []
    while len(body) == 1 and isinstance(body[0], For) and not accumulations(body[0].body):
        kept.append(body[0].variable)
        body = body[0].body
    return tuple(kept), body


def may_be_cut(loop: For) -> bool:
    """Whether pieces of the loop may run apart: it accumulates values alone and stores each to a place of its own."""
    changes = accumulations(loop.body)
    names = {change.name for change in changes}
    inside = list(statements_below(loop.body))
    if not all(isinstance(change, Accumulate) for change in changes):
        return False
    if not all(isinstance(statement, For | Store | Accumulate | Let) for statement in inside):
        return False
    if any(isinstance(node, Local) and node.name in names for node in expressions_below(loop.body)):
        return False
    if stored_buffers(loop.body) & loaded_buffers(loop.body):
        return False
    stores = [statement for statement in inside if isinstance(statement, Store)]
    if any(store.combine is not None or store.buffer.kind == "scratch" for store in stores):
        return False
    return all(loop.variable in all_atoms(store.offset) for store in stores)


def split(
    kernel: Kernel, reduction: Reduction, piece: int, in_blocks: bool = False, stage: int = 0
) -> tuple[Kernel, Kernel]:
    """The two kernels for pieces of a given length."""
    loop = reduction.loop
    changes = [change for change in accumulations(loop.body) if isinstance(change, Accumulate)]
    number, short = pieces_of(loop, piece)
    results = product(symbol.extent or 1 for symbol in reduction.kept)
    at = atom(number) * results + place_of(reduction.kept)
    partials = {
        change.name: Buffer(f"partials{stage or ''}{count}", change.value.dtype, (number.extent or 1) * results)
        for count, change in enumerate(changes)
    }
    lets = tuple(statement for statement in reduction.head if isinstance(statement, Let))
    begins: tuple[Statement, ...] = (*lets, *(Declare(c.name, c.value.dtype, _neutral(c)) for c in changes))
    stores = tuple(Store(partials[c.name], at, Local(c.name, c.value.dtype)) for c in changes)
    if in_blocks:
        zeros = tuple(Store(store.buffer, at, _neutral(c)) for store, c in zip(stores, changes, strict=True))
        adds = tuple(replace(store, combine=c.combine) for store, c in zip(stores, changes, strict=True))
        blocks = _in_blocks(short, lambda few: around(reduction.kept, (*begins, few, *adds)))
        first = (For(number, (*around(reduction.kept, zeros), blocks)),)
    else:
        first = (For(number, around(reduction.kept, (*begins, short, *stores))),)
    combined = For(number, tuple(Accumulate(c.name, c.combine, Load(partials[c.name], at)) for c in changes))
    declares = tuple(statement for statement in reduction.head if isinstance(statement, Declare))
    second = around(reduction.kept, (*mentioned(lets, reduction.tail), *declares, combined, *reduction.tail))
    whole = replace(kernel, arguments=(*kernel.arguments, *partials.values()))
    return kernel_of(f"{kernel.name}_pieces", whole, first), kernel_of(kernel.name, whole, second)


def mentioned(lets: Sequence[Let], body: tuple[Statement, ...]) -> tuple[Let, ...]:
    """Those of the names that a body uses."""
    names = {node.name for node in expressions_below(body) if isinstance(node, Local)}
    return tuple(let for let in lets if let.name in names)


def pieces_of(loop: For, piece: int) -> tuple[Symbol, For]:
    """The number of a piece of the loop, and the loop of that piece."""
    number = Symbol("piece", ceildiv(loop.extent, piece))
    even = isinstance(loop.extent, int) and loop.extent % piece == 0
    inner = Symbol(loop.variable.name, piece if even else least(piece, loop.extent - atom(number) * piece))
    place = {loop.variable: atom(number) * piece + atom(inner)}
    return number, For(inner, rewrite_body(loop.body, Renaming(place)))


def _in_blocks(loop: For, around: Callable[[For], tuple[Statement, ...]]) -> For:
    """A loop over blocks of a few rows; pages are walked in order where all columns of a block come before the next::

    for j < 1024:                    for b < 8:
      for i < 128:                     for j < 1024:
        s[j] += x[i*1024+j]    ->        for i < 16:
                                           s[j] += x[(b*16+i)*1024+j]
    """
    block = Symbol("block", ceildiv(loop.extent, BLOCK))
    even = isinstance(loop.extent, int) and loop.extent % BLOCK == 0
    few = Symbol("few", BLOCK if even else least(BLOCK, loop.extent - atom(block) * BLOCK))
    place = {loop.variable: atom(block) * BLOCK + atom(few)}
    return For(block, around(For(few, rewrite_body(loop.body, Renaming(place)))))


def is_wide(reduction: Reduction, costs: CostModel) -> bool:
    """Whether walking down a column reaches for another page of memory at nearly every step."""
    if not reduction.kept:
        return False
    for load in costs.loads(reduction.loop.body):
        row, step = costs.stride(load.offset, reduction.loop.variable), costs.stride(load.offset, reduction.kept[-1])
        if step == 1 and row is not None and estimate_size(row) * ITEM_BYTES[load.dtype] >= WIDE:
            return True
    return False


def place_of(kept: Sequence[Symbol]) -> DimLike:
    """Where the result of these positions stands."""
    place: DimLike = 0
    for symbol in kept:
        place = place * (symbol.extent or 1) + atom(symbol)
    return place


def around(kept: Sequence[Symbol], body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements in loops over all results."""
    for symbol in reversed(kept):
        body = (For(symbol, body),)
    return body


def _neutral(change: Accumulate) -> Literal:
    return Literal(identity(change.combine, change.value.dtype), change.value.dtype)


def kernel_of(name: str, whole: Kernel, body: tuple[Statement, ...]) -> Kernel:
    """A kernel of a part of what another one does, with those of its arguments that it uses."""
    used = stored_buffers(body) | loaded_buffers(body)
    arguments = tuple(buffer for buffer in whole.arguments if buffer in used)
    return Kernel(name, arguments, body, tuple(buffer for buffer in whole.scratch if buffer in used))
