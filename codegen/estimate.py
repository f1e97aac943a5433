"""How much a kernel computes and moves, as polynomials of the sizes: for reports, and to compare with what must be."""

from __future__ import annotations

from typing import NamedTuple

from graphc.codegen.loops import (
    ITEM_BYTES,
    Accumulate,
    AccumulateAt,
    Apply,
    Buffer,
    Contract,
    For,
    If,
    Kernel,
    Least,
    LoadedIndex,
    Statement,
    Store,
    postorder,
)
from graphc.codegen.traverse import expressions_of, loads_below, read_buffers, statements_below, written_buffers
from graphc.dims import DimLike, atom, atoms, product, substitute


class Estimate(NamedTuple):
    """Operations on floating-point numbers (a function such as exp is one), and bytes read and written."""

    flops: DimLike
    read: DimLike
    written: DimLike

    @property
    def moved(self) -> DimLike:
        """Bytes read and written together."""
        return self.read + self.written


def estimate(kernel: Kernel) -> Estimate:
    """What one run of a kernel computes and moves; each buffer counts once, however often a cache is asked."""
    read = sum((_bytes_read(kernel, buffer) for buffer in _arguments(kernel, read_buffers(kernel))), 0)
    written = sum((_bytes(buffer) for buffer in _arguments(kernel, written_buffers(kernel))), 0)
    return Estimate(_flops(kernel.body), read, written)


def _flops(body: tuple[Statement, ...]) -> DimLike:
    return sum((_statement_flops(statement) for statement in body), 0)


def _statement_flops(statement: Statement) -> DimLike:
    if isinstance(statement, For):
        return _turns(statement) * _flops(statement.body)
    if isinstance(statement, If):
        return _flops(statement.body)
    if isinstance(statement, Contract):
        elements = product(axis.extent for axis in statement.spec.output)
        inner = product(axis.extent for axis in statement.spec.inner)
        return elements * (2 * inner + _flops(statement.epilogue))
    own = sum(isinstance(node, Apply) and node.dtype[0] == "f" for node in postorder(expressions_of(statement)))
    combines = isinstance(statement, Accumulate | AccumulateAt) and statement.value.dtype[0] == "f"
    combines = combines or (isinstance(statement, Store) and statement.combine is not None)
    return own + combines


def _turns(loop: For) -> DimLike:
    """How often a loop runs; the last of several pieces counts as a whole one."""
    return substitute(loop.extent, lambda thing: thing.left if isinstance(thing, Least) else atom(thing))


def _arguments(kernel: Kernel, used: set[Buffer]) -> list[Buffer]:
    return [buffer for buffer in kernel.arguments if buffer in used]


def _bytes(buffer: Buffer) -> DimLike:
    return buffer.size * ITEM_BYTES[buffer.dtype]


def _bytes_read(kernel: Kernel, buffer: Buffer) -> DimLike:
    """The whole buffer; what only a gather reads counts as often as it is read."""
    if any(isinstance(s, Contract) and buffer in (s.a, s.b) for s in statements_below(kernel.body)):
        return _bytes(buffer)
    loads = [load for load in loads_below(kernel.body) if load.buffer == buffer]
    if not loads or any(not _is_gather(load.offset) for load in loads):
        return _bytes(buffer)
    return _gathered(kernel.body, buffer) * ITEM_BYTES[buffer.dtype]


def _is_gather(offset: DimLike) -> bool:
    return any(isinstance(thing, LoadedIndex) for thing in atoms(offset))


def _gathered(body: tuple[Statement, ...], buffer: Buffer) -> DimLike:
    """How many loads of a buffer a body performs."""
    total: DimLike = 0
    for statement in body:
        if isinstance(statement, For):
            total = total + _turns(statement) * _gathered(statement.body, buffer)
        else:
            total = total + sum(load.buffer == buffer for load in loads_below((statement,)))
    return total
