"""What is known of the kernels of a program: what each computes and moves, and where its values are."""

from __future__ import annotations

from graphc.codegen.estimate import estimate
from graphc.codegen.outline import Slot
from graphc.codegen.program import Call, InArena, Place, Program
from graphc.nodes import Operation, Tensor
from graphc.visualize.amounts import amount, number


def lines_of_kernels(program: Program) -> dict[Operation, list[str]]:
    """For each kernel's node: its place in the order, how many numbers it computes, bytes it moves, tasks it has."""
    lines: dict[Operation, list[str]] = {}
    for place, call in enumerate(program.calls, 1):
        lines.setdefault(call.node, []).append(f"{place}. {_costs(call)}")
    return lines


def memory_of_tensors(program: Program) -> dict[Tensor, str]:
    """Where each value that a kernel reads or makes is: in the arena at some offset, or in the caller's memory.

    Nothing is said of an offset that depends on a size: it would be a formula.
    """
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
        f"{count} {'kernel' if count == 1 else 'kernels'}, {amount(flops, 'FLOP')}, {amount(moved, 'B')} moved, "
        f"{amount(program.arena_bytes, 'B')} of memory between kernels"
    )


def _costs(call: Call) -> str:
    cost, tasks = estimate(call.kernel), call.kernel.tasks
    work = f"{amount(cost.flops, 'FLOP')}, {amount(cost.moved, 'B')}"
    return f"{work}, {number(tasks)} {'task' if tasks == 1 else 'tasks'}"


def _place_text(place: Place) -> str:
    if isinstance(place, InArena):
        return f"@{place.offset}" if isinstance(place.offset, int) else ""
    return place.kind if isinstance(place, Slot) else ""
