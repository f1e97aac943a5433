"""Where a condition holds: positions, coordinates, and the parts of a tensor at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import as_sizes, entries_of, stack
from graphc.ops.base import Const, apply, check_dtype, constant, convert_to_tensor, convert_together, graph_of
from graphc.ops.copies import whole
from graphc.ops.late import late
from graphc.ops.lookup import gather
from graphc.ops.measured import guards, measure
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import ExpandDims, reshape, shape
from graphc.ops.shape_values import static_axis
from graphc.records import record
from graphc.shapes import Size, TensorType, is_compatible, merge


@record
class Positions(Op):
    """``y[k]`` is the k-th position ``i`` with ``x[i]``; the step counts how many there are: its ``size``.

    Further inputs are checks of the size that come before.
    """

    size: Size = None

    def infer(self, x: TensorType, *checks: TensorType) -> TensorType:
        check_dtype(x, (dtypes.bool,), "the condition")
        if x.rank not in (1, None):
            raise ValueError(f"positions are those of a vector, not of {x}")
        return TensorType(dtypes.int64, (self.size,))

    def evaluate(self, x: Any, *checks: Any) -> Any:
        return np.flatnonzero(x).astype(np.int64)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None] * len(node.inputs)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the size that the step counts; constants of a constant."""
        x = inputs[0]
        if isinstance(x.op.kind, Const):
            return constant(self.evaluate(x.op.kind.value))
        if self.size is not None:
            return None
        count = reduce_sum(e.cast(x, dtypes.int64), axis=[0])
        size = measure(count, x.type.elements)
        return apply(Positions(size), x, *guards(count))


def positions(condition: Tensor, name: str | None = None) -> Tensor:
    """The positions at which a vector is true, as int64."""
    if isinstance(condition.op.kind, Const):
        return constant(np.flatnonzero(condition.op.kind.value))
    return apply(Positions(), condition, name=name or "Where")


def coordinates(condition: Any, name: str | None = None) -> Tensor:
    """The coordinates of the elements that are true (or not zero), in row-major order: ``int64[count, rank]``."""
    x = convert_to_tensor(condition)
    if x.type.rank is None:
        return late("Where", coordinates, [x], [], TensorType(dtypes.int64, (None, None)), name=name)[0]
    with graph_of([x]).name_scope(name or "Where") as scope:
        truth = x if x.dtype.is_bool else e.not_equal(x, convert_to_tensor(0, x.dtype))
        places = positions(truth if x.type.rank == 1 else reshape(truth, [-1]))
        if x.type.rank < 2:
            column = apply(ExpandDims((1,)), places)
            return e.identity(column if x.type.rank else column[:, :0], name=scope)
        sizes = entries_of(shape(x, out_type=dtypes.int64), x.type.shape)  # type: ignore[arg-type]
        return stack(_columns(places, sizes), 1, name=scope)


def _columns(places: Tensor, sizes: Sequence[Any]) -> list[Tensor]:
    """Each axis's part of positions counted through a block of ``sizes``, the last axis fastest."""
    columns: list[Tensor] = []
    rest = places
    for size in reversed(sizes[1:]):
        columns.append(e.floormod(rest, size))
        rest = e.floordiv(rest, size)
    return [rest, *reversed(columns)]


@telling_line
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``x`` where ``condition`` is True, else ``y``; a vector condition chooses whole rows of x and y.

    With a condition alone, the coordinates of the elements that are true: ``int64[count, rank]``.
    """
    if x is None and y is None:
        return coordinates(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    chosen = convert_to_tensor(condition, dtypes.bool)
    a, b = convert_together(x, y)
    if chosen.type.rank is None:  # a vector chooses rows
        kind = TensorType(a.dtype, merge(a.type.shape, b.type.shape))
        return late("Select", where, [chosen, a, b], [], kind, name=name)[0]
    rank = a.type.rank
    if chosen.type.rank == 1 and rank is not None and rank > 1:
        chosen = apply(ExpandDims(tuple(range(1, rank))), chosen)
    return apply(e.Elementwise("Select"), chosen, a, b, name=name or "Select")


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``x`` where ``condition`` is True, else ``y``; all three broadcast. With a condition alone, as :func:`where`."""
    if x is None or y is None:
        return where(condition, x, y, name)
    chosen, other = convert_together(x, y)
    return e.select(convert_to_tensor(condition, dtypes.bool), chosen, other, name=name or "SelectV2")


@telling_line
def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: Any = None) -> Tensor:
    """The parts of ``tensor`` where ``mask``, which stands for its axes from ``axis`` on, is True.

    The rank of the mask must be known; ``ValueError`` where the sizes do not fit.
    """
    x, chosen = convert_to_tensor(tensor), convert_to_tensor(mask, dtypes.bool)
    first = 0 if axis is None else static_axis(axis, "boolean_mask")
    rank = chosen.type.rank
    if rank is None:
        raise ValueError(
            "Number of mask dimensions must be specified, even if some dimensions are None.  E.g. shape=[None] is ok, "
            "but shape=None is not."
        )
    if not rank:
        raise ValueError("mask cannot be scalar.")
    if x.type.shape is None:
        build = lambda x, mask: boolean_mask(x, mask, axis=first)  # noqa: E731
        return late("BooleanMask", build, [x, chosen], [], TensorType(x.dtype, None), name=name)[0]
    first = first + len(x.type.shape) if first < 0 else first
    if not is_compatible(x.type.shape[first : first + rank], chosen.type.shape):
        raise ValueError(f"Shapes {x.shape} and {chosen.shape} are incompatible: boolean_mask from axis {first} on")
    with graph_of([x]).name_scope(name) as scope:
        if rank > 1:
            sizes = entries_of(shape(x), x.type.shape)
            x = reshape(x, as_sizes([*sizes[:first], -1, *sizes[first + rank :]]))
            known = chosen.op.kind
            chosen = constant(known.value.reshape(-1)) if isinstance(known, Const) else reshape(chosen, [-1])
        return gather(whole(x), positions(chosen), axis=first, name=scope)
