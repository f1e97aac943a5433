"""The private memory that a thread needs to run a kernel: its scratch buffers, then what its contractions need."""

from __future__ import annotations

from graphc.codegen import choose
from graphc.codegen.loops import ITEM_BYTES, Contract, Kernel
from graphc.codegen.memory import aligned
from graphc.codegen.target import Target
from graphc.codegen.traverse import statements_below
from graphc.dims import DimLike


def scratch_bytes(kernel: Kernel, target: Target) -> DimLike:
    """The private memory that a thread needs to run the kernel."""
    specs = [statement.spec for statement in statements_below(kernel.body) if isinstance(statement, Contract)]
    return sum((aligned(choose.scratch_bytes(spec, target)) for spec in specs), scratch_offsets(kernel)[-1])


def scratch_offsets(kernel: Kernel) -> list[DimLike]:
    """Where each scratch buffer begins, and where the last one ends."""
    offsets: list[DimLike] = [0]
    for buffer in kernel.scratch:
        offsets.append(offsets[-1] + aligned(buffer.size * ITEM_BYTES[buffer.dtype]))
    return offsets
