"""Where in its arguments a kernel begins is told by its caller: so kernels that differ in nothing else are one.

Before                                          After
    first (in0, out0): out0[i] = f(in0[512+i])      step (in0, out0): out0[i] = f(in0[i])
    second(in0, out0): out0[i] = f(in0[1024+i])     called with in0 + 512, then with in0 + 1024

The steps of an unrolled loop are such kernels: each takes its slice of what was computed for all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphc.codegen.loops import Buffer, Contract, Draw, Kernel, Statement, Store
from graphc.codegen.traverse import Renaming, loads_below, rewrite, statements_below
from graphc.dims import Dim, DimLike, Symbol, is_nonnegative
from graphc.records import replace


def windowed(kernel: Kernel) -> tuple[Kernel, dict[Buffer, DimLike]]:
    """The kernel with offsets from where its accesses begin, and where that is, of the arguments that begin later."""
    starts: dict[Buffer, DimLike] = {}
    for buffer, offset in _accesses(kernel):
        part = _fixed_part(offset)
        starts[buffer] = _first(starts.get(buffer, part), part)
    starts = {buffer: start for buffer, start in starts.items() if start != 0 and is_nonnegative(start)}
    if not starts:
        return kernel, starts
    moving = _Moving(starts)
    return replace(kernel, body=tuple(moving.moved(statement) for statement in kernel.body)), starts


def _accesses(kernel: Kernel) -> Iterator[tuple[Buffer, DimLike]]:
    """The arguments that are read or written, with every offset; scratch is the kernel's own."""
    for load in loads_below(kernel.body):
        yield load.buffer, load.offset
    for statement in statements_below(kernel.body):
        if isinstance(statement, Store):
            yield statement.buffer, statement.offset
        elif isinstance(statement, Draw):
            yield statement.buffer, 0
        elif isinstance(statement, Contract):
            yield statement.a, statement.spec.a_offset
            yield statement.b, statement.spec.b_offset
    for buffer in kernel.scratch:
        yield buffer, 0


def _fixed_part(offset: DimLike) -> DimLike:
    """What of an offset is the same in all iterations: numbers and products of sizes."""
    if isinstance(offset, int):
        return offset
    fixed: DimLike = 0
    for monomial, factor in offset.terms.items():
        if all(isinstance(thing, Symbol) and thing.extent is None for thing in monomial):
            fixed = fixed + Dim({monomial: factor})
    return fixed


def _first(left: DimLike, right: DimLike) -> DimLike:
    """The smaller of two places; the beginning where nobody knows which that is."""
    if is_nonnegative(right - left):
        return left
    return right if is_nonnegative(left - right) else 0


class _Moving(Renaming):
    """Offsets in buffers counted from their starts."""

    def __init__(self, starts: Mapping[Buffer, DimLike]):
        super().__init__({})
        self.starts = starts

    def place(self, buffer: Buffer, offset: DimLike) -> DimLike:
        return super().place(buffer, offset) - self.starts.get(buffer, 0)

    def moved(self, statement: Statement) -> Statement:
        """A statement of the kernel, where products stand only at the top."""
        if isinstance(statement, Contract):
            spec = statement.spec
            a, b = self.place(statement.a, spec.a_offset), self.place(statement.b, spec.b_offset)
            statement = replace(statement, spec=replace(spec, a_offset=a, b_offset=b))
        return rewrite(statement, self)
