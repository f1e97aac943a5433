"""How much a kernel computes and moves, as polynomials of the sizes: for reports, and to compare with what must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from graphc.dims import DimLike, atom, atoms, is_nonnegative, product, substitute


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
    written = sum((_bytes_written(kernel, buffer) for buffer in _arguments(kernel, written_buffers(kernel))), 0)
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
    """The whole buffer; what is only read at places that are read themselves counts as often as it is read.

    Of a buffer that is read less often than it has elements, as of a slice, no more than that.
    """
    if any(buffer in (s.a, s.b) for s in _contracts(kernel)):
        return _bytes(buffer)
    offsets = [load.offset for load in loads_below(kernel.body) if load.buffer == buffer]
    offsets += [s.offset for s in _stores(kernel, buffer) if s.combine is not None]
    if not offsets:
        return _bytes(buffer)

    def reads(statement: Statement) -> int:
        combines = isinstance(statement, Store) and statement.buffer == buffer and statement.combine is not None
        return sum(load.buffer == buffer for load in loads_below((statement,))) + combines

    return _touched(kernel, buffer, offsets, _times(kernel.body, reads))


def _bytes_written(kernel: Kernel, buffer: Buffer) -> DimLike:
    """The same of what is written."""
    stores = _stores(kernel, buffer)
    if not stores:
        return _bytes(buffer)
    count = _times(kernel.body, lambda statement: int(isinstance(statement, Store) and statement.buffer == buffer))
    return _touched(kernel, buffer, [store.offset for store in stores], count)


def _touched(kernel: Kernel, buffer: Buffer, offsets: Sequence[DimLike], count: DimLike) -> DimLike:
    """Bytes of a buffer of which elements at ``offsets`` are read or written ``count`` times in all."""
    # What an epilogue does is not counted, so it does not say that less than the whole is touched.
    fewer = not _contracts(kernel) and is_nonnegative(buffer.size - count)
    return (count if fewer or all(map(_is_looked_up, offsets)) else buffer.size) * ITEM_BYTES[buffer.dtype]


def _contracts(kernel: Kernel) -> list[Contract]:
    return [s for s in statements_below(kernel.body) if isinstance(s, Contract)]


def _stores(kernel: Kernel, buffer: Buffer) -> list[Store]:
    return [s for s in statements_below(kernel.body) if isinstance(s, Store) and s.buffer == buffer]


def _is_looked_up(offset: DimLike) -> bool:
    return any(isinstance(thing, LoadedIndex) for thing in atoms(offset))


def _times(body: tuple[Statement, ...], count: Callable[[Statement], int]) -> DimLike:
    """The sum of what ``count`` says of each statement that has no body, as often as it runs."""
    total: DimLike = 0
    for statement in body:
        if isinstance(statement, For):
            total = total + _turns(statement) * _times(statement.body, count)
        elif isinstance(statement, If):
            total = total + _times(statement.body, count)
        else:
            total = total + count(statement)
    return total
