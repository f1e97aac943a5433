"""What the kernels of a graph become: loops that are lowered and scheduled, once for all that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.codegen.loops import Buffer, Kernel
from graphc.codegen.lower.kernel import fed_operands, lower
from graphc.codegen.schedule_rounds import stages
from graphc.codegen.target import Target
from graphc.codegen.windows import windowed
from graphc.dims import DimLike
from graphc.nodes import Operation, Tensor
from graphc.records import record, replace


@record
class Stages:
    """What a node becomes: kernels that run one after the other, and the nodes that their error codes stand for.

    ``arguments`` are those of the node, its inputs and outputs; other ones are for what stages leave to the next.
    Kernels get some of them from an element on that is not the first: those that have ``starts``.
    """

    arguments: tuple[Buffer, ...]
    kernels: tuple[Kernel, ...]
    checked: tuple[Operation, ...]
    starts: Mapping[Buffer, DimLike]

    @property
    def partials(self) -> tuple[Buffer, ...]:
        """What a stage leaves to the next."""
        used = dict.fromkeys(buffer for kernel in self.kernels for buffer in kernel.arguments)
        return tuple(buffer for buffer in used if buffer not in self.arguments)


def staged(nodes: Sequence[Operation], feeds: Sequence[Tensor | None], target: Target) -> dict[Operation, Stages]:
    """The stages of each node; kernels of one structure are lowered once, those that read alike scheduled once."""
    known: dict[Any, list[tuple[Kernel, tuple[Kernel, ...]]]] = {}
    firsts: dict[Any, Operation] = {}
    result: dict[Operation, Stages] = {}
    for node in nodes:
        fed = fed_operands(node, feeds)
        first = firsts.setdefault((node.kind.structure, fed), node)  # type: ignore[attr-defined]
        if first is not node:
            result[node] = replace(result[first], checked=_counterparts(result[first].checked, first, node))
            continue
        loops = lower(node, fed)
        kernel, starts = windowed(loops.kernel)
        # Most have arguments that no other has, and need no text.
        alike = known.setdefault(tuple((x.dtype, x.size) for x in kernel.arguments), [])
        runs = next((runs for other, runs in alike if other.text == kernel.text), None)
        if runs is None:
            runs = stages(kernel, target)
            alike.append((kernel, runs))
        result[node] = Stages(kernel.arguments, runs, tuple(loops.checked), starts)
    return result


def _counterparts(nodes: Sequence[Operation], first: Operation, second: Operation) -> tuple[Operation, ...]:
    """What stands in one kernel where ``nodes`` stand in another of the same structure."""
    pairs = zip(first.kind.body.nodes, second.kind.body.nodes, strict=True)  # type: ignore[attr-defined]
    other = dict(pairs)
    return tuple(other[node] for node in nodes)
