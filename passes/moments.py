"""Mean and variance of much data in one sweep over memory, by distances from a sample's mean.

Before::

    total: f32[16] = Sum(x, axes=(0,))                    x is f32[32768,16]
    mean: f32[16] = Mul(total, 1 / 32768)
    a: f32[32768,16] = Sub(x, mean)
    b: f32[32768,16] = Square(a)
    spread: f32[16] = Sum(b, axes=(0,))

After::

    k = mean of the first 2048 rows of x                  or 0 where that is not finite
    d = x - k
    s, q = Sum(d), Sum(d * d)                             in the same loops
    total = s + 32768 * k
    spread = q - s * s / 32768

With any ``k`` that is exact; what rounding adds to ``spread`` grows with ``1 + (k - mean)**2 / variance`` (Chan, Golub
and LeVeque, "Algorithms for Computing the Sample Variance", 1983, section 3). For the mean of a part of the elements
that is hardly more than 1, and whatever the data, at most 1 + how many such parts there are.
"""

from __future__ import annotations

from graphc.dims import DimLike, product, substitute
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.blocks import Slice
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import Reshape
from graphc.passes.rewrite import rewrite
from graphc.passes.simplify_reductions import is_alike_along, total_of_mean
from graphc.passes.simplify_site import Site, is_fn
from graphc.records import record
from graphc.scopes import get_default_graph

LARGE = 512 * 1024  # bytes: less stays in the cache of a core, where a second sweep costs little
PARTS = 16  # the sample is one of so many
USUAL_SIZE = 64  # what a symbolic size is taken to be


@record
class Sums:
    """The sum of ``x`` over axes, and the sum of the squared distances from its mean."""

    total: Tensor
    spread: Tensor


def moments(graph: Graph) -> Graph:
    """The graph with such sums computed together."""
    found = {sums.total: sums for node in graph.nodes if (sums := _sums(node)) is not None}
    return rewrite(graph, _Together(found).rule) if found else graph


def _sums(node: Operation) -> Sums | None:
    """The pair of which the node computes the second."""
    squares = node.inputs[0] if _is_sum(node) else None
    if squares is None or not is_fn(squares, "Square") or not is_fn(squares.op.inputs[0], "Sub"):
        return None
    x, mean = squares.op.inputs[0].op.inputs
    axes = node.kind.axes  # type: ignore[attr-defined]
    if x.type.sizes != squares.type.sizes or not is_alike_along(mean, axes, len(x.type.sizes)):
        return None
    total = total_of_mean(mean, x, axes)
    return Sums(total, node.outputs[0]) if total is not None and _is_worth_it(x, axes) else None


def _is_sum(node: Operation) -> bool:
    kind = node.kind
    if not isinstance(kind, Reduce) or kind.fn != "Sum" or not kind.axes:
        return False
    return node.outputs[0].type.is_exact and node.inputs[0].type.is_exact and node.inputs[0].dtype.is_floating


def _is_worth_it(x: Tensor, axes: tuple[int, ...]) -> bool:
    """Whether there is much to read, some axis to take a part of, and rounds for one result in all its columns.

    Along the last axis, each row is reduced while it is in the cache.
    """
    sizes = x.type.sizes
    large = _number(product(sizes)) * x.dtype.size > LARGE
    return large and len(sizes) - 1 not in axes and _sampled_axis(sizes, axes) is not None


def _sampled_axis(sizes: tuple[DimLike, ...], axes: tuple[int, ...]) -> int | None:
    """The axis of which the sample is the beginning: the first long one, so that it is in one place."""
    for axis in sorted(axes):
        size = sizes[axis]
        if isinstance(size, int) and size >= PARTS:
            return axis
    return None


def _number(size: DimLike) -> int:
    number = size if isinstance(size, int) else substitute(size, lambda _: USUAL_SIZE)
    assert isinstance(number, int)
    return number


class _Together:
    """Replaces the sums: both are made where the first stands, as the second reads it."""

    def __init__(self, found: dict[Tensor, Sums]):
        self.found = found
        self.made: dict[Tensor, Tensor] = {}

    def rule(self, node: Operation, inputs: tuple[Tensor, ...]) -> Tensor | None:
        tensor = node.outputs[0] if len(node.outputs) == 1 else None
        if tensor in self.made:
            return self.made[tensor]
        if tensor not in self.found:
            return None
        sums = self.found[tensor]
        total, spread = _swept(Site(get_default_graph(), node, {}, node.kind, tensor.type), inputs[0])
        self.made[sums.spread] = _shaped(sums.spread.op, spread)
        return _shaped(node, total)


def _swept(at: Site, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of ``x``, and of its squared distances from the mean; reduced axes are kept."""
    axes, sizes = at.kind.axes, x.type.sizes
    add_up = Reduce("Sum", axes, True)
    zero = at.constant(0, x.dtype)
    sample = _sample(at, x)
    few = at.size(product(sample.type.sizes[axis] for axis in axes), x.dtype)
    count = at.size(product(sizes[axis] for axis in axes), x.dtype)
    mean = at.fn("RealDiv", at.make(add_up, sample), few)
    near = at.fn("Select", at.fn("IsFinite", mean), mean, zero)
    distance = at.fn("Sub", x, near)
    total, squares = at.make(add_up, distance), at.make(add_up, at.fn("Square", distance))
    spread = at.fn("Sub", squares, at.fn("RealDiv", at.fn("Square", total), count))
    return at.fn("Add", total, at.fn("Mul", near, count)), at.fn("Maximum", spread, zero)


def _sample(at: Site, x: Tensor) -> Tensor:
    """The beginning of ``x`` along one of the reduced axes."""
    sizes = x.type.sizes
    axis = _sampled_axis(sizes, at.kind.axes)
    assert axis is not None
    part = (*sizes[:axis], sizes[axis] // PARTS, *sizes[axis + 1 :])
    return at.make(Slice((0,) * len(sizes), part, (1,) * len(sizes)), x)


def _shaped(node: Operation, value: Tensor) -> Tensor:
    """``value`` in the shape of what the node gives."""
    type = node.outputs[0].type
    if value.type.sizes == type.sizes:
        return value
    return get_default_graph().add(Reshape(type.sizes), (value,), (type,), like=node).outputs[0]
