"""Sizes that a branch or a loop tells: those of values whose size depends on what it did.

    x: f32[m0,5], k: i64[] = While(x0, 1)      inside: x: f32[m1,5], k: m1      ->      Concat(x, row), m1 + 1

Beside each such value stands its size, a number like any other: a result of the branch, a variable of the loop. From
there on the size is one that is measured (:mod:`graphc.ops.measured`).

What a loop saves for its gradient is of another size in each iteration. The loop that replays it reads each size from
the same history, before the value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike, Measured, atom, is_bounded, is_nonnegative, most, substitute
from graphc.errors import InvalidArgumentError
from graphc.nodes import Op, Tensor
from graphc.ops.base import apply
from graphc.ops.loops import history_of
from graphc.ops.measured import CheckSize, Measuring
from graphc.records import record
from graphc.scopes import default_graphs
from graphc.shapes import TensorType

COUNT = TensorType(dtypes.int64, ())


@record
class HistorySizes(Op):
    """The sizes along an axis of the values of a history, as a history of its own: the same position on a stack."""

    axis: int

    def infer(self, history: TensorType) -> TensorType:
        return history_of(COUNT)

    def evaluate(self, history: Any) -> Any:
        sizes = np.empty((), object)
        sizes[()] = [np.int64(value.shape[self.axis]) for value in history.item()]
        return sizes


def told_size(count: Tensor, limit: DimLike | None = None) -> DimLike:
    """A size that ``count``, an ``i64[]``, tells, whatever it must be equal to; what is so large is made before."""
    graph = count.op.graph
    measuring = Measuring.of(graph)
    assert measuring is not None, "sizes are told while a graph is made exact"
    size = Measured(measuring.name(), None, limit)
    graph.measured[size] = count
    if size.name in measuring.equal:
        check = apply(CheckSize(measuring.equal[size.name]), count)
        graph.measured[Measured(size.name, None, 0, kept=True)] = check
    return atom(size)


def as_assumed(x: Tensor) -> Tensor:
    """``x``, or a copy of it in the shape that it must have."""
    measuring = Measuring.of(x.op.graph)
    if measuring is None or not (measuring.equal or measuring.here):
        return x
    if not x.type.is_exact:
        said = f"elements {x.type} differ in shape from one iteration to the next; all its elements have one shape"
        raise InvalidArgumentError(x.op, x.op, f"{x.op.describe()}: of a TensorArray the {said}")
    from graphc.ops.measured_shapes import reshaped  # late: few sizes must be other ones

    sizes = tuple(_as_assumed(size, measuring.equal | measuring.here) for size in x.type.sizes)
    return x if sizes == x.type.sizes else reshaped(x, sizes)


def _as_assumed(size: DimLike, equal: dict[str, DimLike]) -> DimLike:
    """What a size must be; where that is a size that must itself be another, what that must be, and so on."""
    for _ in equal:
        found = substitute(size, lambda thing: equal.get(getattr(thing, "name", ""), atom(thing)))
        if found == size:
            break
        size = found
    return size


def larger(a: DimLike, b: DimLike) -> DimLike | None:
    """A size that neither exceeds; None where nothing bounds one of them."""
    if not is_bounded(a) or not is_bounded(b):
        return None
    a, b = most(a), most(b)
    if is_nonnegative(a - b):
        return a
    return b if is_nonnegative(b - a) else a + b


def known_around() -> set[Measured]:
    """The sizes that are told in the graph that is made exact now and in those around it."""
    return {size for graph in default_graphs.items for size in graph.measured if not size.kept}
