"""The loops of a program as text: each distinct kernel as it was lowered, after every step, and as it runs.

Then how its contractions are computed: that is no loop of the kernel, and means the same in the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.codegen.choose import way
from graphc.codegen.loops import Contract, Kernel
from graphc.codegen.lower.kernel import lower
from graphc.codegen.program import Program
from graphc.codegen.schedule import steps
from graphc.codegen.target import Target
from graphc.codegen.traverse import statements_below
from graphc.codegen.windows import windowed
from graphc.nodes import Operation
from graphc.records import replace

NAMED = 3  # of the kernels that are equal


def loops_text(program: Program, target: Target) -> str:
    """All kernels in the order in which they first run; those that are equal once."""
    equal: dict[tuple[int, ...], list[Operation]] = {}  # by the identity of kernels that the program keeps
    runs: dict[Operation, list[Kernel]] = {}
    for call in program.calls:
        runs.setdefault(call.node, []).append(call.kernel)
    for node, kernels in runs.items():
        equal.setdefault(tuple(map(id, kernels)), []).append(node)
    return "\n\n".join("\n".join(_parts(nodes, runs[nodes[0]], target)) for nodes in equal.values()) + "\n"


def _parts(nodes: list[Operation], runs: list[Kernel], target: Target) -> Iterator[str]:
    names = ", ".join(node.name for node in nodes[:NAMED])
    yield f"==== {names}" + (f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else "")
    kernel = lower(nodes[0]).kernel
    text = kernel.text
    yield f"-- as lowered\n{text}"
    kernel, starts = windowed(kernel)
    if starts:
        text = kernel.text
        yield f"-- {', '.join(f'{buffer.name} begins at {start}' for buffer, start in starts.items())}\n{text}"
    for name, step in steps(target):
        kernel = replace(kernel, body=step(kernel.body))
        before, text = text, kernel.text
        yield f"-- {name} (unchanged)" if text == before else f"-- {name}\n{text}"
    if [run.text for run in runs] != [text]:
        for number, run in enumerate(runs, 1):
            yield f"-- split: part {number} of {len(runs)}, as it runs\n{run.text}"
    for run in runs:
        for contraction in statements_below(run.body):
            if isinstance(contraction, Contract):
                yield f"-- {contraction.result} is computed as {way(contraction.spec, target)}"
