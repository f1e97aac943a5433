"""Whether a kernel may write an output over one of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphc.codegen.loops import Buffer, Contract, Expression, Kernel, Load, Statement, Store, postorder
from graphc.codegen.traverse import body_of, expressions_of, loaded_buffers, stored_buffers
from graphc.dims import DimLike


def overwrites_safely(kernels: Sequence[Kernel], read: Buffer, written: Buffer) -> bool:
    """Whether ``written`` may be the memory of ``read`` in kernels that run one after the other."""
    for number, kernel in enumerate(kernels):
        if written in stored_buffers(kernel.body):
            later = any(read in loaded_buffers(other.body) for other in kernels[number + 1 :])
            return not later and reads_only_what_it_overwrites(kernel, read, written)
    return False


def reads_only_what_it_overwrites(kernel: Kernel, read: Buffer, written: Buffer) -> bool:
    """Whether every load of ``read`` is at the offset of the one store to ``written``, in the same innermost body."""
    stores = list(_stores(kernel.body, written))
    if len(stores) != 1 or read.dtype != written.dtype:
        return False
    body, offset = stores[0]
    inside = {id(statement) for statement in body}
    return all(id(statement) in inside and place == offset for statement, place in _loads(kernel.body, read))


def _stores(body: tuple[Statement, ...], buffer: Buffer) -> Iterator[tuple[tuple[Statement, ...], DimLike]]:
    for statement in body:
        if isinstance(statement, Store) and statement.buffer == buffer:
            yield body, statement.offset
        yield from _stores(body_of(statement), buffer)


def _loads(body: tuple[Statement, ...], buffer: Buffer) -> Iterator[tuple[Statement, DimLike | None]]:
    """Every statement that reads ``buffer`` and where; None where it reads all of it."""
    for statement in body:
        for expression in _own_loads(statement):
            if expression.buffer == buffer:
                yield statement, expression.offset
        if isinstance(statement, Contract) and buffer in (statement.a, statement.b):
            yield statement, None
        yield from _loads(body_of(statement), buffer)


def _own_loads(statement: Statement) -> Iterator[Load]:
    roots: list[Expression] = list(expressions_of(statement))
    return (node for node in postorder(roots) if isinstance(node, Load))
