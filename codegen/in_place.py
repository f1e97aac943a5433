"""Whether a kernel may write an output over one of its inputs."""

from __future__ import annotations

from collections.abc import Iterable

from graphc.codegen.loops import Buffer, Contract, Kernel, Load, Statement, Store, postorder
from graphc.codegen.staged import Stages
from graphc.codegen.traverse import body_of, expressions_of, loaded_buffers, stored_buffers
from graphc.dims import DimLike


class InPlace:
    """Answers for the kernels of one program, each of which is looked through once."""

    def __init__(self) -> None:
        self._known: dict[int, _Accesses] = {}  # by the identity of kernels that the program keeps

    def overwrites_safely(self, stages: Stages, read: Buffer, written: Buffer) -> bool:
        """Whether ``written`` may be the memory of ``read`` in kernels that run one after the other."""
        moved = stages.starts.get(read, 0) != stages.starts.get(written, 0)
        all_accesses = [self._accesses(kernel) for kernel in stages.kernels]
        for number, accesses in enumerate(all_accesses):
            if written in accesses.stored:
                later = any(read in other.loaded for other in all_accesses[number + 1 :])
                if later or (moved and read in accesses.loaded):
                    return False
                return accesses.reads_only_what_it_overwrites(read, written)
        return False

    def _accesses(self, kernel: Kernel) -> _Accesses:
        if id(kernel) not in self._known:
            self._known[id(kernel)] = _Accesses(kernel)
        return self._known[id(kernel)]


class _Accesses:
    """Where a kernel reads and writes each buffer."""

    def __init__(self, kernel: Kernel):
        self.loaded, self.stored = loaded_buffers(kernel.body), stored_buffers(kernel.body)
        self._stores: dict[Buffer, list[tuple[set[int], DimLike]]] = {}  # the statements beside it, and the offset
        self._loads: dict[Buffer, list[tuple[int, DimLike | None]]] = {}  # the statement; None where it reads all
        self._note(kernel.body)

    def _note(self, body: Iterable[Statement]) -> None:
        inside = {id(statement) for statement in body}
        for statement in body:
            if isinstance(statement, Store):
                self._stores.setdefault(statement.buffer, []).append((inside, statement.offset))
            for load in postorder(expressions_of(statement)):
                if isinstance(load, Load):
                    self._loads.setdefault(load.buffer, []).append((id(statement), load.offset))
            if isinstance(statement, Contract):
                for buffer in (statement.a, statement.b):
                    self._loads.setdefault(buffer, []).append((id(statement), None))
            self._note(body_of(statement))

    def reads_only_what_it_overwrites(self, read: Buffer, written: Buffer) -> bool:
        """Whether every load of ``read`` is at the offset of the one store to ``written``, in the same inner body."""
        stores = self._stores.get(written, [])
        if len(stores) != 1 or read.dtype != written.dtype:
            return False
        ((inside, offset),) = stores
        return all(statement in inside and place == offset for statement, place in self._loads.get(read, ()))
