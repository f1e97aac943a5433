"""Which loops are cut into tasks for threads, and how long a task is: from shapes alone, never from threads."""

from __future__ import annotations

from graphc.codegen import choose, choose_tasks
from graphc.codegen.loops import (
    Contract,
    Draw,
    For,
    Kernel,
    Let,
    Statement,
    statement_tasks,
)
from graphc.codegen.schedule_cost import CostModel, estimate_size
from graphc.codegen.schedule_turned import SQUARE
from graphc.codegen.schedule_vectors import independent
from graphc.codegen.target import Target
from graphc.codegen.traverse import loaded_buffers, stored_buffers
from graphc.dims import DimLike, product
from graphc.records import replace

TASK_COST = 16_000.0  # Of a task: some 10 to 20 microseconds, against about 1 to hand one over.
MOST_TASKS = 64
DRAWN_PER_TASK = 4096  # Some 10 microseconds; a multiple of philox.FILL_BLOCK.


def parallelise(body: tuple[Statement, ...], target: Target) -> tuple[Statement, ...]:
    """Cut the outermost loops into tasks, where all of them are independent loops::

    for i < 100000:         ->      parallel(4096) for i < 100000:
      y[i] = x[i]                     y[i] = x[i]
    """
    costs = CostModel(target)
    body = tuple(_with_tasks(statement, target) for statement in sink_lets(body))
    if not all(isinstance(s, Contract | Draw) or (isinstance(s, For) and independent(s, costs)) for s in body):
        return body
    if not _apart(body):
        return body
    cut = tuple(replace(s, grain=grain_of(s, costs)) if isinstance(s, For) else s for s in body)
    if all(isinstance(s, For) and isinstance(s.extent, int) for s in cut) and _total(cut, costs) < 2 * TASK_COST:
        return body
    return cut


def _with_tasks(statement: Statement, target: Target) -> Statement:
    if isinstance(statement, Draw):
        return replace(statement, grain=DRAWN_PER_TASK)
    if not isinstance(statement, Contract):
        return statement
    return replace(statement, tasks=choose.tasks(statement.spec, target))


def grain_of(loop: For, costs: CostModel) -> int:
    """How many iterations of a loop make a task; a multiple of the vector's lanes, of a transpose whole squares."""
    unit = SQUARE if loop.turned else loop.width
    extent = max(estimate_size(loop.extent), 1)
    each = costs.loop(loop) / extent
    wanted = max(TASK_COST / max(each, 0.01), extent / MOST_TASKS if isinstance(loop.extent, int) else 0, 1.0)
    grain = -(-int(wanted) // unit) * unit
    if isinstance(loop.extent, int):
        whole = -(-loop.extent // unit) * unit
        return max(min(grain, whole), 1)
    return grain


def sink_lets(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Values named before the loops are named in each of them; the emitter computes them ahead of the loops anyway."""
    lets = tuple(statement for statement in body if isinstance(statement, Let))
    rest = tuple(statement for statement in body if not isinstance(statement, Let))
    if not lets or not all(isinstance(statement, For) for statement in rest):
        return body
    if stored_buffers(rest) & loaded_buffers(lets):
        return body
    return tuple(replace(s, body=(*lets, *s.body)) for s in rest if isinstance(s, For))


def _total(body: tuple[Statement, ...], costs: CostModel) -> float:
    return costs.body(body)


def _apart(body: tuple[Statement, ...]) -> bool:
    """Whether no statement touches what another one writes."""
    for place, statement in enumerate(body):
        others = (*body[:place], *body[place + 1 :])
        writers = tuple(other for other in others if not (_is_phase(statement) and _is_phase(other)))
        if stored_buffers((statement,)) & (stored_buffers(writers) | loaded_buffers(others)):
            return False
    return True


def _is_phase(statement: Statement) -> bool:
    return isinstance(statement, Contract) and statement.phase


def too_little(kernel: Kernel) -> list[tuple[DimLike, int]]:
    """When a kernel of several tasks has no work for a second thread: where each of these is below its limit.

    Nothing, where that is never so: tasks are cut for the sizes that are known, and for usual ones of those that the
    step is told when it runs. The limits are those by which work of known size stays in one task.
    """
    flops: DimLike = 0
    loops: DimLike = 0
    for statement in kernel.body:
        if isinstance(statement, Contract):
            axes = (*statement.spec.output, *statement.spec.inner)
            flops = flops + 2 * product(axis.extent for axis in axes)
        else:
            loops = loops + (statement_tasks(statement) or 0)
    limits = [(flops, 2 * choose_tasks.TASK_FLOPS), (loops, 3)]
    is_never = any(isinstance(work, int) and work >= limit for work, limit in limits)
    return [] if is_never else [(work, limit) for work, limit in limits if not isinstance(work, int)]
