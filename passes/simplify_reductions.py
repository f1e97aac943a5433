"""Identities of reductions. Sums may come out in another order, or as a product, so to another last bit.

Before, where ``x`` is ``f32[4,5,6]``::

    a: f32[5,6] = Sum(x, axes=[0])
    b: f32[6] = Sum(a, axes=[0])
    return b

After::

    b: f32[6] = Sum(x, axes=[0,1])
    return b
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dims import DimLike, product
from graphc.nodes import Tensor
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import BroadcastTo, DimValue, ExpandDims, Reshape, Squeeze, Transpose
from graphc.passes.simplify_site import Key, Rule, Site, is_fn, is_power_of_two, number_of

LARGE = 4096  # elements; fewer are not worth a second kernel
ROWS = 16  # at least so many threads' worth of rows, and so many elements in each
_VIEWS = (Reshape, ExpandDims, Squeeze, Transpose)


def reduce_nothing(at: Site, x: Tensor) -> Tensor | None:
    """``sum(x, axes of size 1) -> squeeze(x)``, and so for the other reductions"""
    kind: Reduce = at.kind
    if kind.axes is None:
        return None
    ones = tuple(axis for axis in kind.axes if x.type.sizes[axis] == 1)
    rest = tuple(axis for axis in kind.axes if axis not in ones)
    if rest and not ones:
        return None
    reduced = at.make(Reduce(kind.fn, rest, kind.keep_dims), x) if rest else x
    if kind.keep_dims or not ones:
        return reduced
    return at.make(Squeeze(tuple(axis - sum(a < axis for a in rest) for axis in ones)), reduced)


def reduce_twice(at: Site, x: Tensor) -> Tensor | None:
    """``sum(sum(x, a), b) -> sum(x, a and b)`` where the last axis stays, and so for the other reductions

    A reduction of the last axis gives a value for each row, in the kernel that computes the rows: it stays apart.
    """
    outer, inner = at.kind, x.op.kind
    if not isinstance(inner, Reduce) or inner.fn != outer.fn or inner.axes is None or outer.axes is None:
        return None
    source = x.op.inputs[0]
    rank = len(source.type.sizes)
    places = list(range(rank)) if inner.keep_dims else [axis for axis in range(rank) if axis not in inner.axes]
    axes = tuple(sorted({*inner.axes, *(places[axis] for axis in outer.axes)}))
    if rank - 1 in axes:
        return None
    both = at.make(Reduce(outer.fn, axes, inner.keep_dims and outer.keep_dims), source)
    return at.make(Reshape(at.type.sizes), both)


def reduce_by_rows(at: Site, x: Tensor) -> Tensor | None:
    """``sum of all(x) -> sum(sum of each row)`` where x is large: rows are summed by several threads"""
    kind: Reduce = at.kind
    if not _reduces_all(kind, x) or kind.keep_dims or _is_below(product(x.type.sizes), LARGE):
        return None
    for rows in range(1, len(x.type.sizes)):
        if not _is_below(product(x.type.sizes[:rows]), ROWS):
            inner = tuple(range(rows, len(x.type.sizes)))
            if _is_below(product(x.type.sizes[rows:]), ROWS):
                return None
            return at.make(Reduce(kind.fn, tuple(range(rows))), at.make(Reduce(kind.fn, inner), x))
    return None


def reduce_all_of_view(at: Site, x: Tensor) -> Tensor | None:
    """``sum of all(transpose(x)) -> sum of all(x)``, and so for reshapes and the other reductions"""
    if not isinstance(x.op.kind, _VIEWS) or at.kind.axes is None or not _reduces_all(at.kind, x):
        return None
    source = x.op.inputs[0]
    total = at.make(Reduce(at.kind.fn, tuple(range(len(source.type.sizes)))), source)
    return at.make(Reshape(at.type.sizes), total)


def reduce_broadcast(at: Site, x: Tensor) -> Tensor | None:
    """``sum(broadcast(x)) -> x * count``; ``max(broadcast(x)) -> x``, and so for min, all, any"""
    kind: Reduce = at.kind
    if not isinstance(x.op.kind, BroadcastTo) or kind.axes is None or kind.fn == "Prod":
        return None
    source = x.op.inputs[0]
    leading = len(x.type.sizes) - len(source.type.sizes)
    repeated = [a for a in kind.axes if a < leading or source.type.sizes[a - leading] != x.type.sizes[a]]
    count = product(x.type.sizes[axis] for axis in repeated)
    if not repeated or count == 0:
        return None
    kept = [a - leading for a in range(leading, len(x.type.sizes)) if a in kind.axes]
    # axes of size 1 in the source, repeated or not, are reduced too: over one element each
    result = at.make(Reduce(kind.fn, tuple(kept), kind.keep_dims), source)
    if kind.fn == "Sum":
        result = at.fn("Mul", result, at.size(count, x.dtype))
    return at.filled(result)


def reduce_centred(at: Site, x: Tensor) -> Tensor | None:
    """``sum((x - mean(x)) * c) -> sum(x) * 0``, ``c`` alike along the axes; and so for such a part of a sum

    So a mean has no part in the adjoint of a variance, and no round over ``x`` is made to find that. It is not 0, so
    that NaN stays.
    """
    kind: Reduce = at.kind
    if kind.fn != "Sum" or not kind.axes or not x.dtype.is_floating:
        return None
    parts = x.op.inputs if is_fn(x, "Add") else (x,)
    if any(part.type.sizes != x.type.sizes for part in parts):
        return None
    totals = [_total_of_centred(part, kind.axes) for part in parts]
    if all(total is None for total in totals):
        return None
    sums = [
        at.make(kind, part)
        if total is None
        else at.make(Reshape(at.type.sizes), at.fn("Mul", total, at.constant(0, x.dtype)))
        for part, total in zip(parts, totals, strict=True)
    ]
    return sums[0] if len(sums) == 1 else at.fn("Add", *sums)


def _total_of_centred(x: Tensor, axes: Sequence[int]) -> Tensor | None:
    """The sum over the axes of what ``x`` is the distance of from its mean, times what is alike along the axes."""
    sizes = x.type.sizes
    while is_fn(x, "Neg", "Mul", "RealDiv"):
        a, b = (*x.op.inputs, *x.op.inputs)[:2]
        if is_fn(x, "Neg") or (a.type.sizes == sizes and is_alike_along(b, axes, len(sizes))):
            x = a
        elif is_fn(x, "Mul") and b.type.sizes == sizes and is_alike_along(a, axes, len(sizes)):
            x = b
        else:
            return None
    if not is_fn(x, "Sub") or x.type.sizes != sizes or not is_alike_along(x.op.inputs[1], axes, len(sizes)):
        return None
    return total_of_mean(x.op.inputs[1], x.op.inputs[0], axes)


def is_alike_along(x: Tensor, axes: Sequence[int], rank: int) -> bool:
    """Whether ``x``, broadcast to so many axes, is repeated along these."""
    first = rank - len(x.type.sizes)
    return all(axis < first or x.type.sizes[axis - first] == 1 for axis in axes)


def total_of_mean(mean: Tensor, x: Tensor, axes: Sequence[int]) -> Tensor | None:
    """The sum of ``x`` over the axes, if ``mean`` is that divided by how many elements were added up."""
    scaled = _behind_views(mean)
    if not is_fn(scaled, "Mul", "RealDiv"):
        return None
    total, factor = scaled.op.inputs
    count, number = product(x.type.sizes[axis] for axis in axes), number_of(factor)
    if not isinstance(count, int):
        of_count = is_fn(scaled, "RealDiv") and _is_size(factor, count)
    elif is_fn(scaled, "RealDiv"):
        of_count = number == count
    else:
        of_count = number is not None and is_power_of_two(number) and number * count == 1
    total = _behind_views(total)
    kind = total.op.kind
    if not of_count or not isinstance(kind, Reduce) or kind.fn != "Sum" or total.op.inputs[0] is not x:
        return None
    return total if tuple(sorted(kind.axes or ())) == tuple(sorted(axes)) else None


def _is_size(tensor: Tensor, size: DimLike) -> bool:
    kind = _behind_views(tensor).op.kind
    return isinstance(kind, DimValue) and kind.dim == size


def _behind_views(x: Tensor) -> Tensor:
    while isinstance(x.op.kind, (Reshape, ExpandDims, Squeeze, BroadcastTo)):
        x = x.op.inputs[0]
    return x


def _is_below(size: DimLike, limit: int) -> bool:
    """Whether a size is a number less than ``limit``; symbols are taken to be large."""
    return isinstance(size, int) and size < limit


def _reduces_all(kind: Reduce, x: Tensor) -> bool:
    return kind.axes is not None and len(kind.axes) == len(x.type.sizes)


REDUCTIONS: dict[Key, tuple[Rule, ...]] = {
    Reduce: (reduce_nothing, reduce_centred, reduce_twice, reduce_all_of_view, reduce_broadcast, reduce_by_rows),
}
