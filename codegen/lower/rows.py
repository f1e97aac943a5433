"""What several rounds over one row need is computed in the first of them, and waits for the others in private memory.

A softmax goes over each row to find the greatest element, to add up exponentials, and to divide them. The
exponentials of one row stay in the nearest cache, and reading them costs less than computing them again::

    for j: s = add(s, exp(x[j] - m))                for j: e[j] = exp(x[j] - m); s = add(s, e[j])
    for j: y[j] = exp(x[j] - m) / s         ->      for j: y[j] = e[j] / s

Short rows are better off beside each other, each in a lane of its own. Theirs wait as columns, ``e[j, row]``, so that
what is done in step is stored side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from graphc.codegen.loops import Buffer, Expression, Load, Store
from graphc.codegen.lower.reduction import is_reduction
from graphc.codegen.lower.values import Index, Values, offset
from graphc.dims import DimLike, is_bounded, product
from graphc.nodes import Tensor
from graphc.ops.elementwise import Elementwise
from graphc.ops.fused import Space

EXPENSIVE = 8  # flops; far more than a store and a load from the nearest cache
SHORTEST = 32  # elements; rows that are shorter stand beside each other, where all of them are known to fit the cache
LONGEST = 1 << 15  # elements, so that a row stays in the cache


class Rows:
    """The values of one row that wait between rounds."""

    def __init__(self, number: int, space: Space, index: Index, values: Values, rounds: Sequence[Sequence[Tensor]]):
        """``rounds`` are the tensors that each round over the row needs at every position."""
        self.index = index
        self.values = values
        rank = len(space.sizes) - len(space.reduced)  # of what is kept, where the reduced axes are the last ones
        rows, row = space.sizes[:rank], space.sizes[rank:]
        self.place, size = offset(index[rank:], row), product(row)
        alone, beside = _is_within(size), isinstance(size, int) and _fits(product(space.sizes))
        if not alone:
            self.place, size = self.place * product(rows) + offset(index[:rank], rows), product(space.sizes)
        packed = set(space.reduced) == set(range(rank, len(space.sizes)))
        self.first = _needed_again(rounds, space) if packed and (alone or beside) else [[] for _ in rounds]
        tensors = [tensor for each in self.first for tensor in each]
        self.buffers = {
            tensor: Buffer(f"row{number}_{n}", tensor.dtype.short, size, "scratch") for n, tensor in enumerate(tensors)
        }

    def stores(self, number: int) -> list[Store]:
        """What a round does besides: stores of what it computes first and another needs again."""
        values = self.values
        return [Store(self.buffers[x], self.place, values.at(x, self.index)) for x in self.first[number]]

    def end(self, number: int) -> None:
        """After a round, what it stored is read from memory."""
        self.values.forget()
        for tensor in self.first[number]:
            self.values.locals[tensor] = partial(self._read, tensor)

    def _read(self, tensor: Tensor, index: Index) -> Expression:
        if index == self.index:
            return Load(self.buffers[tensor], self.place)
        return self.values.computed(tensor, index)


def _needed_again(rounds: Sequence[Sequence[Tensor]], space: Space) -> list[list[Tensor]]:
    """For each round the expensive values that it computes first and a later one needs too."""
    first: dict[Tensor, int] = {}
    again: set[Tensor] = set()
    for number, needed in enumerate(rounds):
        reached = _reached(needed, first)
        again |= first.keys() & reached
        fresh = [tensor for tensor in reached if tensor not in first and _is_expensive(tensor, space)]
        first |= dict.fromkeys(fresh, number)
    return [[tensor for tensor in first if tensor in again and first[tensor] == n] for n, _ in enumerate(rounds)]


def _reached(tensors: Sequence[Tensor], known: Collection[Tensor]) -> dict[Tensor, None]:
    """What is computed for ``tensors``, up to what is known and to results of reductions."""
    found: dict[Tensor, None] = {}
    waiting = list(tensors)
    while waiting:
        tensor = waiting.pop()
        if tensor not in found and not is_reduction(tensor.op):
            found[tensor] = None
            waiting.extend(tensor.op.inputs if tensor not in known else ())
    return found


def _is_expensive(tensor: Tensor, space: Space) -> bool:
    kind = tensor.op.kind
    return isinstance(kind, Elementwise) and kind.record.flops >= EXPENSIVE and tensor.type.sizes == space.sizes


def _is_within(length: DimLike) -> bool:
    return SHORTEST <= length <= LONGEST if isinstance(length, int) else is_bounded(length)


def _fits(count: DimLike) -> bool:
    return isinstance(count, int) and count <= LONGEST
