"""What is known of the kernels of a program: what each computes and moves, and where its values are."""

from __future__ import annotations

from graphc.codegen.estimate import estimate
from graphc.codegen.program import Call, InArena, Place, Program, Slot
from graphc.dims import Dim, DimLike
from graphc.nodes import Operation, Tensor


def lines_of_kernels(program: Program) -> dict[Operation, list[str]]:
    """For each kernel's node: its place in the order, how many numbers it computes, bytes it moves, tasks it has."""
    lines: dict[Operation, list[str]] = {}
    for number, call in enumerate(program.calls, 1):
        lines.setdefault(call.node, []).append(f"{number}. {_costs(call)}")
    return lines


def memory_of_tensors(program: Program) -> dict[Tensor, str]:
    """Where each value that a kernel reads or makes is: in the arena at some offset, or in the caller's memory."""
    memory: dict[Tensor, str] = {}
    for call in program.calls:
        values = [*call.node.inputs, *call.node.outputs]
        memory.update({tensor: _place_text(place) for tensor, place in zip(values, call.homes, strict=True)})
    return memory


def summary(program: Program) -> str:
    """The whole step in a few words."""
    costs = [estimate(call.kernel) for call in program.calls]
    flops, moved = sum((cost.flops for cost in costs), 0), sum((cost.moved for cost in costs), 0)
    count = len(program.calls)
    return (
        f"{count} {'kernel' if count == 1 else 'kernels'}, {_amount(flops, 'FLOP')}, {_amount(moved, 'B')} moved, "
        f"{_amount(program.arena_bytes, 'B')} of memory between kernels"
    )


def _costs(call: Call) -> str:
    cost, tasks = estimate(call.kernel), call.kernel.tasks
    return f"{_amount(cost.flops, 'FLOP')}, {_amount(cost.moved, 'B')}, {tasks} {'task' if tasks == 1 else 'tasks'}"


def _place_text(place: Place) -> str:
    if isinstance(place, InArena):
        return f"@{place.offset}"
    return place.kind if isinstance(place, Slot) else ""


def _amount(count: DimLike, unit: str) -> str:
    """``1.2 MFLOP``; a polynomial of sizes as it is."""
    if isinstance(count, Dim):
        return f"{count} {unit}"
    for factor, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= factor:
            return f"{count / factor:.3g} {prefix}{unit}"
    return f"{count} {unit}"
