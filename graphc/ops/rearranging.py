"""Elements in another order or counted: roll, permutations, searches, bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones_like, stack, zeros_like
from graphc.ops.assertions import provided
from graphc.ops.base import axis_of, convert_to_tensor, convert_together, graph_of
from graphc.ops.indexing import unsorted_segment_sum
from graphc.ops.lookup import gather, take_along_rows
from graphc.ops.reduction import reduce_all, reduce_max, reduce_min
from graphc.ops.reshaping import reshape, shape
from graphc.ops.scatter import changed
from graphc.ops.segments import number_of
from graphc.ops.sequences import range as iota
from graphc.ops.shape_values import static_sizes
from graphc.shapes import TensorShape, as_shape, broadcast


@telling_line
def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved by ``shift`` along ``axis``, those that fall off put in at the other end; one or several axes."""
    x = convert_to_tensor(input)
    axes = static_sizes(axis)
    if x.type.rank in (0, None) or axes is None or not all(isinstance(a, int) for a in axes):
        raise ValueError(f"roll needs an input of known rank above 0 and axes that are known, not {x.type}, {axis!r}")
    shifts = reshape(convert_to_tensor(shift), [-1])
    with graph_of([x]).name_scope(name or "Roll") as scope:
        for number, place in enumerate(axes):
            position = axis_of(x, place, "roll")  # type: ignore[arg-type]
            length = e.cast(shape(x)[position], shifts.dtype)
            places = e.floormod(e.cast(iota(shape(x)[position]), shifts.dtype) - shifts[number], length)
            x = gather(x, places, axis=position)
        return e.identity(x, name=scope)


@telling_line
def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """``y[x[i]] = i`` for a vector that holds each of 0 to n - 1 once.

    ``errors.InvalidArgumentError`` when the graph runs where a number is another one, or stands there twice.
    """
    order = convert_to_tensor(x)
    if order.type.rank not in (1, None):
        raise ValueError(f"invert_permutation expects a 1D vector, not {order.type}")
    with graph_of([order]).name_scope(name or "InvertPermutation") as scope:
        own = e.cast(iota(shape(order)[0]), order.dtype)
        inverse = changed("update", zeros_like(order), order, own, "InvertPermutation", whole=False)
        is_last = e.equal(gather(inverse, order), own)  # of equal numbers, the last one is what is written
        twice = reduce_max(e.select(is_last, convert_to_tensor(-1, order.dtype), order))
        said = [twice, "is duplicated in the input."]
        return e.identity(provided(inverse, reduce_all(is_last), "InvertPermutation", said), name=scope)


@telling_line
def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Where each of ``values`` [..., k] would stand in ``sorted_sequence`` [..., n]: before equal ones, or behind.

    ``side`` is ``left`` or ``right``. By halving the row again and again.
    """
    if side not in ("left", "right"):
        raise ValueError("side must be either 'right' or 'left'.  Saw: " + str(side))
    rows, wanted = convert_together(sorted_sequence, values)
    if not rows.type.rank or rows.type.rank != wanted.type.rank:
        raise ValueError(f"searchsorted needs inputs of one known rank, not {rows.type} and {wanted.type}")
    goes_on = e.less if side == "left" else e.less_equal
    size = rows.type.shape[-1]  # type: ignore[index]
    steps = size.bit_length() if isinstance(size, int) else 31
    with graph_of([rows]).name_scope(name or "searchsorted") as scope:
        length = shape(rows)[-1]
        found = zeros_like(wanted, dtypes.int32)
        if size == 0:
            return e.cast(found, out_type, name=scope)
        for step in reversed(range(steps)):
            further = found + (1 << step)
            there = take_along_rows(rows, e.minimum(further, length) - 1)
            # a step that leaves the row wraps for the widest ones, and is then negative
            fits = e.logical_and(e.less_equal(further, length), e.greater(further, 0))
            found = e.select(e.logical_and(fits, goes_on(there, wanted)), further, found)
        return e.cast(found, out_type, name=scope)


@telling_line
def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """The coordinates of positions counted through an array of sizes ``dims``: [axes, positions...]."""
    places, sizes = convert_to_tensor(indices), convert_to_tensor(dims)
    count = sizes.type.shape[0] if sizes.type.shape else None
    if not isinstance(count, int):
        raise ValueError(f"unravel_index needs a known number of axes, not {sizes.type}")
    with graph_of([places]).name_scope(name or "UnravelIndex") as scope:
        coordinates: list[Tensor] = []
        rest = places
        for axis in reversed(range(1, count)):
            size = e.cast(sizes[axis], places.dtype)
            coordinates.append(e.floormod(rest, size))
            rest = e.floordiv(rest, size)
        return stack([rest, *reversed(coordinates)], name=scope)


@telling_line
def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which both shapes are repeated; ``ValueError`` where there is none."""
    try:
        return TensorShape(broadcast(as_shape(shape_x), as_shape(shape_y)))
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}") from None


@telling_line
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The same of shapes as vectors, whose lengths are known while declaring.

    ``errors.InvalidArgumentError`` when the graph runs where two sizes differ and none is 1.
    """
    x, y = convert_together(shape_x, shape_y)
    lengths = [part.type.shape[0] if part.type.shape else None for part in (x, y)]
    if not all(isinstance(length, int) for length in lengths):
        raise ValueError(f"broadcast_dynamic_shape needs shapes of known rank, not {x.type} and {y.type}")
    longest: Any = max(lengths)  # type: ignore[type-var]
    with graph_of([x]).name_scope("BroadcastArgs"):
        x, y = (concat([np.ones(longest - n, part.dtype.numpy), part], 0) if n < longest else part
                for part, n in zip((x, y), lengths, strict=True))  # fmt: skip
        one = convert_to_tensor(1, x.dtype)
        alone = e.logical_or(e.equal(x, one), e.equal(y, one))
        fits = reduce_all(e.logical_or(alone, e.equal(x, y)))
        return provided(e.select(e.equal(x, one), y, x), fits, "BroadcastArgs", ["Incompatible shapes:", x, "and", y])


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How often each of 0, 1, ... stands in ``arr``, or the sums of ``weights`` there.

    One more than the greatest number decides the length, at least ``minlength`` and at most ``maxlength``. Numbers
    beyond ``maxlength`` do not count; a negative one is an ``InvalidArgumentError`` when the graph runs.
    """
    numbers = reshape(e.cast(convert_to_tensor(arr), dtypes.int32), [-1])
    with graph_of([numbers]).name_scope(name or "bincount") as scope:
        least = reduce_min(numbers)
        said = ["bincount takes no negative numbers, such as", least]
        numbers = provided(numbers, e.less_equal(0, least), "Bincount", said)
        length = _bins(numbers, minlength, maxlength)
        given = ones_like(numbers, dtype) if weights is None else reshape(convert_to_tensor(weights), [-1])
        if maxlength is not None:
            numbers = e.select(e.less(numbers, e.cast(convert_to_tensor(maxlength), dtypes.int32)), numbers, -1)
        return unsorted_segment_sum(given, numbers, length, name=scope)


def _bins(numbers: Tensor, least: Any, most: Any) -> Any:
    known = [static_sizes(limit) for limit in (least, most) if limit is not None]
    if len(known) == 2 and known[0] == known[1]:
        return least
    length = number_of(numbers)
    if least is not None:
        length = e.maximum(length, e.cast(convert_to_tensor(least), length.dtype))
    return length if most is None else e.minimum(length, e.cast(convert_to_tensor(most), length.dtype))


@telling_line
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """The bin of each value: the range in ``nbins`` equal parts, values beyond it in the first or the last."""
    x = convert_to_tensor(values)
    limits = convert_to_tensor(value_range, x.dtype)
    with graph_of([x]).name_scope(name or "histogram_fixed_width_bins") as scope:
        share = e.truediv(x - limits[0], limits[1] - limits[0])
        scaled = share * e.cast(convert_to_tensor(nbins), share.dtype)
        last = e.cast(convert_to_tensor(nbins), dtypes.int32) - 1
        inside = e.minimum(e.maximum(e.floor(scaled), 0), e.cast(last, scaled.dtype))
        return e.cast(inside, dtype, name=scope)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """How many values are in each bin of :func:`histogram_fixed_width_bins`."""
    with graph_of([convert_to_tensor(values)]).name_scope(name or "histogram_fixed_width") as scope:
        bins = histogram_fixed_width_bins(reshape(values, [-1]), value_range, nbins)
        return unsorted_segment_sum(ones_like(bins, dtype), bins, nbins, name=scope)


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """``input``, of which the program promises that it never changes: nothing more is made of that."""
    return e.identity(input, name=name or "GuaranteeConst")
