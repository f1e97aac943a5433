"""Sizes that are counted while the step runs: how many elements are true, how many different ones there are.

Once the other sizes are exact, such an op counts by ops that there are already, and names the count::

    y: i64[?,1] = Where(c)      ->      count: i64[] = Sum(Cast(c));  y: i64[m0,1] = Where(c, count=m0)

From there on ``m0`` is a size like any other. The step notes the count where every kernel reads its sizes, before the
first kernel that mentions it. Memory is planned for the most that it can be.

Where a program puts a measured size beside another one that must be equal, as in ``tf.boolean_mask(x, mask) + y`` with
``y: f32[3]``, the sizes are made exact once more under that assumption, and the op that counts checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count as counting

from graphc.dims import Dim, DimLike, Measured, atom, atoms, measured_in, most, substitute
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.shapes import TensorType

_NAMES, _ASSUMED = "names of measured sizes", "measured sizes that must be equal to others"


class MustBe(Exception):
    """A measured size fits what stands beside it only where it is equal to another size."""

    def __init__(self, size: Measured, other: DimLike):
        super().__init__(f"{size} must be {other}")
        self.size, self.other = size, other


def measure(count: Tensor, limit: DimLike) -> tuple[DimLike, bool]:
    """The size that ``count``, an ``i64[]`` that is at most ``limit``, tells while the step runs; whether to check it.

    Equal counts are one size: what two masks of one condition leave fits together. A size to be checked is one that
    the program puts in its place.
    """
    if isinstance(count.op.kind, Const):
        return int(count.op.kind.value), False
    graph = count.op.graph
    for size, known in graph.measured.items():
        if _are_equal(known, count):
            return atom(size), False
    name = f"m{next(graph.extras.setdefault(_NAMES, counting()))}"
    if name in graph.extras.get(_ASSUMED, ()):
        return graph.extras[_ASSUMED][name], True
    size = Measured(name, None, most(limit))
    graph.measured[size] = count
    return atom(size), False


def is_being_measured(graph: Graph) -> bool:
    """Whether the sizes of a graph are being made exact."""
    return _NAMES in graph.extras


def begin_measuring(graph: Graph, around: Graph, assumed: Mapping[str, DimLike]) -> None:
    """Measured sizes of ``graph``, a body of ``around`` or a step, differ in name; some are known to equal others."""
    if _NAMES not in graph.extras:
        graph.extras[_NAMES] = around.extras.get(_NAMES) or counting()
        graph.extras[_ASSUMED] = around.extras.get(_ASSUMED, assumed)


def assumption(types: Sequence[TensorType], fit: Callable[[list[TensorType]], bool]) -> MustBe | None:
    """The size that a measured one in ``types`` must be equal to so that they fit each other, or None."""
    sizes = list(dict.fromkeys(size for type in types for size in type.sizes))
    sizes.sort(key=lambda size: size == 1)  # which fits by broadcasting where another one is meant
    counted = sorted({thing for size in sizes for thing in measured_in(size)}, key=lambda thing: thing.name)
    for one in reversed(counted):  # the last one was counted when the others were known
        for other in sizes:
            too_much = isinstance(other, int) and isinstance(one.most, int) and other > one.most
            if not too_much and one not in atoms(other) and fit([_replaced(type, one, other) for type in types]):
                return MustBe(one, other)
    return None


def _replaced(type: TensorType, one: Measured, other: DimLike) -> TensorType:
    return TensorType(
        type.dtype, tuple(substitute(size, lambda thing: other if thing == one else atom(thing)) for size in type.sizes)
    )


def is_measured(size: object) -> bool:
    """Whether a size depends on a count."""
    return isinstance(size, Dim) and bool(measured_in(size))


def _are_equal(a: Tensor, b: Tensor) -> bool:
    """Whether the same ops compute two tensors from the same inputs."""
    waiting = [(a, b)]
    seen: set[tuple[Operation, Operation]] = set()
    while waiting:
        a, b = waiting.pop()
        if a is b or (a.op, b.op) in seen:
            continue
        kinds_differ = a.op.kind.by_identity or a.op.kind != b.op.kind or a.value_index != b.value_index
        if kinds_differ or len(a.op.inputs) != len(b.op.inputs):
            return False
        seen.add((a.op, b.op))
        waiting.extend(zip(a.op.inputs, b.op.inputs, strict=True))
    return True
