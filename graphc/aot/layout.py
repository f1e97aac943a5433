"""Where everything is in an instance: head, state, working memory. `graphc.codegen.artifact` draws the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphc.alignment import ALIGNMENT
from graphc.aot.description import Field
from graphc.aot.identifiers import Identifiers
from graphc.codegen.instance import Memory
from graphc.codegen.program import Program
from graphc.dims import DimLike, FloorDiv, evaluate, is_nonnegative, most
from graphc.nodes import Operation
from graphc.shapes import TensorType

HEAD_BYTES = 64
RESERVED = ("internal", "working")  # fields of the C struct besides those of the state


def lay_out(states: Mapping[Operation, TensorType]) -> list[Field]:
    """A place for each variable and each position of a random stream.

    What fills whole cache lines comes first and needs no gaps; then what is large, each on a cache line; then the
    small, by element size, so that C has it in the same places.
    """
    # At most one gap before each field and one behind them all.
    names = Identifiers(*RESERVED, *(f"padding{n + 1}" for n in range(len(states) + 1)))
    declared = sorted(states, key=lambda operation: operation.number)
    identifiers = {operation: names.of(_name(operation)) for operation in declared}
    fields, offset = [], 0
    for operation, type in sorted(states.items(), key=_placing_order):
        size = _bytes(type)
        offset = aligned(offset, ALIGNMENT if size >= ALIGNMENT else type.dtype.size)
        fields.append(Field(operation, _name(operation), identifiers[operation], type, offset))
        offset += size
    return fields


def _name(operation: Operation) -> str:
    return operation.name if operation.type == "VariableV2" else f"{operation.name}/counter"


def _placing_order(item: tuple[Operation, TensorType]) -> tuple[int, int, int]:
    operation, type = item
    size = _bytes(type)
    if size >= ALIGNMENT:
        return (0 if size % ALIGNMENT == 0 else 1), 0, operation.number
    return 2, -type.dtype.size, operation.number


def _bytes(type: TensorType) -> int:
    size = type.elements * type.dtype.size
    assert isinstance(size, int)
    return size


def aligned(count: int, unit: int = ALIGNMENT) -> int:
    """The next multiple of a cache line, or of another unit."""
    return -(-count // unit) * unit


def place_memory(
    fields: Sequence[Field], programs: Iterable[tuple[Program, Mapping[str, int]]], threads: int, temporary: int
) -> Memory:
    """The memory that serves all programs at their largest sizes; ``temporary`` bytes are for initial values."""
    listed = list(programs)
    arena = aligned(max(largest(program.arena_bytes, sizes) for program, sizes in listed))
    stride = aligned(max(largest(size, sizes) for program, sizes in listed for size in program.scratch_bytes))
    state = aligned(max((field.offset + field.bytes for field in fields), default=0))
    # The working memory begins on a cache line even where the instance does not.
    working = arena + stride * threads + aligned(temporary) + ALIGNMENT
    return Memory(
        state_offset=HEAD_BYTES,
        state_bytes=state,
        working_offset=HEAD_BYTES + state,
        scratch_offset=arena,
        scratch_stride=stride,
        bytes=HEAD_BYTES + state + working,
    )


def temporary_offset(memory: Memory, threads: int) -> int:
    """Where in the working memory the space for initial values begins."""
    return memory.scratch_offset + memory.scratch_stride * threads


def largest(size: DimLike, limits: Mapping[str, int]) -> int:
    """The largest value of ``size`` while each symbol runs from 1 to its limit, and what is counted to its most."""
    size = most(size)
    if isinstance(size, int):
        return size
    if _grows(size):
        return evaluate(size, limits)
    ((name, limit),) = limits.items()
    return max(evaluate(size, {name: number}) for number in range(1, limit + 1))


def _grows(size: DimLike) -> bool:
    """Whether a larger symbol can never make ``size`` smaller: sums and products of what grows, divided by numbers."""
    if isinstance(size, int):
        return size >= 0
    for monomial, factor in size.terms.items():
        if monomial and factor < 0:
            return False
        for thing in monomial:
            if isinstance(thing, FloorDiv):
                divides = isinstance(thing.denominator, int) and thing.denominator > 0
                if not (divides and is_nonnegative(thing.numerator) and _grows(thing.numerator)):
                    return False
    return True
