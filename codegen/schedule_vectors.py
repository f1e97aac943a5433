"""Which loop becomes the vector, how wide it is, and which loops are written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphc.codegen.loops import (
    ITEM_BYTES,
    Buffer,
    Contract,
    For,
    If,
    Local,
    Statement,
    Store,
)
from graphc.codegen.schedule_cost import FOLD, CostModel, estimate_size
from graphc.codegen.target import Target
from graphc.codegen.traverse import (
    accumulated_names,
    all_atoms,
    expressions_below,
    statements_below,
    stored_buffers,
)
from graphc.dims import DimLike
from graphc.records import record, replace

SHORT = 4  # Loops of at most so many turns are written out,
WRITTEN_OUT = 64  # while the operations in all their turns are no more than this.
HEAVY = 16  # Operations that keep the processor busy: more registers are more code, which LLVM takes long for.
BRIEF = 10_000  # Instructions of heavy loops in which a second register saves less than compiling it ever costs.


@record
class Choice:
    """A loop as it may be scheduled, and its cost."""

    cost: float
    loop: Statement


def vectorise(body: tuple[Statement, ...], target: Target) -> tuple[Statement, ...]:
    """Mark in each nest the loop, or the loops, that cost least as vectors, and bring them innermost::

    for j < 128:                         vector(64) for j < 128:
      accumulator s = 0                    accumulator s = 0
      for i < n:                   ->      for i < n:
        s = add(s, x[i*128+j])               s = add(s, x[i*128+j])
      y[j] = s                             y[j] = s
    """
    costs = CostModel(target)
    return tuple(best(statement, target, costs).loop for statement in body)


def best(statement: Statement, target: Target, costs: CostModel) -> Choice:
    """The cheapest way to run a statement, among one vector loop in its chain of loops and those further inside."""
    if isinstance(statement, If):
        return Choice(0.0, replace(statement, body=tuple(best(s, target, costs).loop for s in statement.body)))
    if not isinstance(statement, For):
        return Choice(0.0, statement)
    if any(loop.turned for loop in chain_of(statement)):
        return Choice(costs.loop(statement), statement)
    choices = [_serial(statement, target, costs)]
    chain = list(chain_of(statement))
    for place, loop in enumerate(chain):
        if movable(chain[place:], costs) and lanes_allowed(loop, costs):
            choices.append(_vector(chain, place, target, costs))
    return min(choices, key=lambda choice: choice.cost)


def _serial(loop: For, target: Target, costs: CostModel) -> Choice:
    inner = tuple(best(statement, target, costs).loop for statement in loop.body)
    if all(new is old for new, old in zip(inner, loop.body, strict=True)):
        return Choice(costs.loop(loop), loop)
    loop = replace(loop, body=inner)
    return Choice(costs.loop(loop), loop)


def _vector(chain: Sequence[For], place: int, target: Target, costs: CostModel) -> Choice:
    """The loop at ``place`` of the chain as vector, innermost of the chain; what is inside it runs lane by lane."""
    loop, body = chain[place], write_out(chain[-1].body, costs)
    width = width_of(loop, body, target, costs)
    if width == 1:
        return Choice(float("inf"), chain[0])
    result = replace(loop, body=body, width=width, rest=rest_of(loop, body, width, target))
    cost = costs.loop(result) + FOLD * len(accumulated_names(body)) * (not _stays_in_lanes(chain))
    for outer in reversed([*chain[:place], *chain[place + 1 :]]):
        cost = estimate_size(outer.extent) * (cost + 1)
        result = replace(outer, body=(result,))
    return Choice(cost, result)


def _stays_in_lanes(chain: Sequence[For]) -> bool:
    """Whether the lanes are folded once for the whole chain, because it changes an accumulator from outside of it."""
    return len(chain) > 1 and bool(accumulated_names(chain[0].body))


def chain_of(loop: For) -> Iterator[For]:
    """The loop and those that are each all there is in the one before."""
    yield loop
    while len(loop.body) == 1 and isinstance(loop.body[0], For):
        loop = loop.body[0]
        yield loop


def movable(chain: Sequence[For], costs: CostModel) -> bool:
    """Whether the first loop of a chain may change places with the others: none depends on its own order."""
    if len(chain) == 1:
        return True
    variables = {loop.variable for loop in chain}
    if any(variables & all_atoms(loop.extent) for loop in chain):
        return False
    return all(independent(loop, costs) or accumulated_names(loop.body) for loop in chain)


def independent(loop: For, costs: CostModel) -> bool:
    """Whether the iterations of a loop may run in any order: none sees what another one writes."""
    if accumulated_names(loop.body):
        return False
    stored = {buffer for buffer in stored_buffers(loop.body) if buffer.kind != "scratch"}
    for statement in statements_below(loop.body):
        if isinstance(statement, Store) and statement.buffer.kind != "scratch" and not _apart(statement, loop, costs):
            return False
        if isinstance(statement, Contract):
            return False
    return _reads_its_own(loop, stored, costs)


def _apart(store: Store, loop: For, costs: CostModel) -> bool:
    """Whether different iterations store to different places."""
    step = costs.stride(store.offset, loop.variable)
    return step != 0 and (step is not None or store.combine is None)


def _reads_its_own(loop: For, stored: set[Buffer], costs: CostModel) -> bool:
    """Whether what is both read and written is read only at the place where the same iteration writes it."""
    places: dict[Buffer, set[DimLike]] = {}
    for statement in statements_below(loop.body):
        if isinstance(statement, Store) and statement.buffer in stored:
            places.setdefault(statement.buffer, set()).add(statement.offset)
    return all(places.get(x.buffer) == {x.offset} for x in costs.loads(loop.body) if x.buffer in stored)


def lanes_allowed(loop: For, costs: CostModel) -> bool:
    """Whether the iterations of a loop may run in step as lanes."""
    variable = loop.variable
    for statement in statements_below(loop.body):
        if isinstance(statement, If | Contract):
            return False
        if isinstance(statement, For) and variable in all_atoms(statement.extent):
            return False
        if isinstance(statement, Store):
            step = costs.stride(statement.offset, variable)
            if step == 0 or (step != 1 and (statement.combine is not None or statement.buffer.kind == "scratch")):
                return False
    accumulators = set(accumulated_names(loop.body))
    if any(isinstance(node, Local) and node.name in accumulators for node in expressions_below(loop.body)):
        return False
    return _reads_its_own(loop, stored_buffers(loop.body), costs)


def width_of(loop: For, body: tuple[Statement, ...], target: Target, costs: CostModel) -> int:
    """The lanes of a vector loop: those of one register, times as many registers as hide latency in a light body."""
    single = lanes_of_register(body, target)
    operations = costs.operations(body)
    registers = 4 if operations <= 6 else 2 if operations <= HEAVY else 1
    extent = loop.extent
    if not isinstance(extent, int):
        return single * max(registers, 2 if _reduces_inside(body) else 1)
    if not target.masks:
        return _divisor_width(extent, single * registers, single)
    if extent <= single:
        return 1 << (extent - 1).bit_length()
    if _reduces_inside(body):  # as few passes over the reduced axes as can be, where those are what takes time
        if operations <= HEAVY:
            registers = 4
        else:
            registers = 1 if costs.loop(replace(loop, body=body, width=single)) < BRIEF else 2
        return min(1 << (extent - 1).bit_length(), registers * single)
    while registers > 1 and extent % (single * registers) and extent < 4 * single * registers:
        registers //= 2
    return single * registers


def rest_of(loop: For, body: tuple[Statement, ...], width: int, target: Target) -> int:
    """The lanes of what is left of an unknown number of iterations: one register, as they may be few; 0 for ``width``.

    Accumulators from outside have the lanes of the whole vectors.
    """
    if isinstance(loop.extent, int) or accumulated_names(body):
        return 0
    single = lanes_of_register(body, target)
    return single if single < width else 0


def _reduces_inside(body: tuple[Statement, ...]) -> bool:
    """Whether a loop that is not written out changes accumulators of the body."""
    return any(isinstance(s, For) and not s.unrolled and accumulated_names(s.body) for s in body)


def _divisor_width(extent: int, widest: int, single: int) -> int:
    """Without masks: a width that leaves no rest, unless the loop is so long that the rest hardly counts."""
    if extent >= 16 * single:
        return widest if extent % widest == 0 else single
    width = widest
    while extent % width:
        width //= 2
    return width


def lanes_of_register(body: Sequence[Statement], target: Target) -> int:
    """Lanes of the commonest width in a body: 4-byte values where there are any, else 8-byte ones, else short ones."""
    dtypes = {node.dtype for node in expressions_below(body)} | {buffer.dtype for buffer in stored_buffers(body)}
    sizes = {ITEM_BYTES[dtype] for dtype in dtypes}
    size = next(size for size in (4, 8, 2, 1) if size in sizes or size == 1)
    return target.vector_bytes // size


def write_out(body: tuple[Statement, ...], costs: CostModel) -> tuple[Statement, ...]:
    """Short loops of fixed extent inside a vector are written out::

    for k < 2:                  ->      m = maximum(m, x[j])
      m = maximum(m, x[k*8+j])          m = maximum(m, x[8+j])
    """
    result = []
    for statement in body:
        if isinstance(statement, For):
            inner = write_out(statement.body, costs)
            statement = replace(statement, body=inner, unrolled=_is_short(statement, costs))
        result.append(statement)
    return tuple(result)


def _is_short(loop: For, costs: CostModel) -> bool:
    if not isinstance(loop.extent, int) or loop.extent > SHORT:
        return False
    return loop.extent * (costs.operations(loop.body) + 2) <= WRITTEN_OUT
