"""How a kernel prints: typed buffers, indented loops, long or shared values on lines of their own.

The text is complete and depends on nothing but the kernel, so two kernels whose texts are equal are the
same code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Check,
    Contract,
    Declare,
    Draw,
    For,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    node_text,
    postorder,
)
from graphc.codegen.traverse import expressions_of, read_buffers, written_buffers

LINE = 72  # characters of a value; longer ones have lines of their own


def kernel_text(kernel: Kernel) -> str:
    """The kernel as text; ``>`` marks the arguments that it writes."""
    reads, writes = read_buffers(kernel), written_buffers(kernel)
    lines = [f"kernel {kernel.name}: {kernel.tasks} tasks"]
    for buffer in (*kernel.arguments, *kernel.scratch):
        mark = {(True, True): "<>", (True, False): "< ", (False, True): " >"}.get(
            (buffer in reads, buffer in writes), "  "
        )
        lines.append(f"  {mark} {'scratch ' if buffer.kind == 'scratch' else ''}{buffer}")
    lines += body_lines(kernel.body, "  ")
    return "\n".join(lines)


def body_lines(body: Sequence[Statement], indent: str) -> list[str]:
    """The statements of one body, each with the lines of its long and shared values before it."""
    uses = Counter(
        id(operand) for node in postorder(x for s in body for x in expressions_of(s)) for operand in node.operands
    )
    texts: dict[int, str] = {}
    lines: list[str] = []
    named = 0
    for statement in body:
        values = expressions_of(statement)
        for node in postorder(values, texts):
            text = node_text(node, [texts[id(operand)] for operand in node.operands])
            if len(text) > LINE or (uses[id(node)] > 1 and isinstance(node, Apply)):
                lines.append(f"{indent}%{named} = {text}")
                text = f"%{named}"
                named += 1
            texts[id(node)] = text
        lines += _statement_lines(statement, [texts[id(value)] for value in values], indent)
    return lines


def _statement_lines(statement: Statement, texts: list[str], indent: str) -> list[str]:
    if isinstance(statement, For):
        return [indent + _for_head(statement), *body_lines(statement.body, indent + "  ")]
    if isinstance(statement, If):
        return [f"{indent}if {texts[0]}:", *body_lines(statement.body, indent + "  ")]
    if isinstance(statement, Contract):
        names = ", ".join(f"{symbol}<{symbol.extent}" for symbol in statement.coordinates)
        head = f"{statement.result}[{names}] = contract({statement.a.name}, {statement.b.name}) by {statement.spec}"
        return [f"{indent}{statement.tasks} tasks of {head}:", *body_lines(statement.epilogue, indent + "  ")]
    if isinstance(statement, Store):
        target = f"{statement.buffer.name}[{statement.offset}]"
        return [f"{indent}{target} = {_combined(statement.combine, target, texts[0])}"]
    if isinstance(statement, Let):
        return [f"{indent}{statement.value.dtype} {statement.name} = {texts[0]}"]
    if isinstance(statement, Declare):
        return [f"{indent}accumulator {statement.dtype} {statement.name} = {texts[0]}"]
    if isinstance(statement, Accumulate):
        return [f"{indent}{statement.name} = {_combined(statement.combine, statement.name, texts[0])}"]
    if isinstance(statement, AccumulateAt):
        both = f"{statement.name} at {statement.place}"
        return [f"{indent}{both} = {statement.combine}({both}, {texts[0]} at {texts[1]})"]
    if isinstance(statement, Draw):
        marks = f"parallel({statement.grain}) " if statement.grain is not None else ""
        between = f" between {texts[1]} and {texts[2]}" if statement.limits else ""
        seeds = ", ".join(texts[-2:])
        return [f"{indent}{marks}{statement.buffer.name} = {statement.sampler}({seeds}) from {texts[0]}{between}"]
    assert isinstance(statement, Check)
    return [f"{indent}if {texts[0]}: {statement.errors.name}[0] = error {statement.code}"]


def _for_head(loop: For) -> str:
    marks = "unrolled " if loop.unrolled else ""
    marks += "turned " if loop.turned else ""
    marks += f"parallel({loop.grain}) " if loop.grain is not None else ""
    rest = f", then {loop.rest}" if loop.rest else ""
    marks += f"vector({loop.width}{rest}) " if loop.width > 1 else ""
    return f"{marks}for {loop.variable} < {loop.extent}:"


def _combined(combine: str | None, target: str, value: str) -> str:
    return value if combine is None else f"{combine}({target}, {value})"
