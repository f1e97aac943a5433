"""Taking parts of an array by position: gather along an axis, gather_nd by coordinates, both in batches."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, stack
from graphc.ops.base import apply, axis_of, convert_to_tensor, graph_of
from graphc.ops.indexing import GatherV2
from graphc.ops.late import is_late, late, number
from graphc.ops.reshaping import ExpandDims, broadcast_to, expand_dims, reshape, shape
from graphc.ops.scatter import GatherNd, checked
from graphc.ops.sequences import range as iota
from graphc.ops.shape_values import static_axis
from graphc.shapes import TensorType


@telling_line
def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """``params`` at the positions ``indices`` of ``axis`` (the first after ``batch_dims`` where None).

    The result has the sizes of ``indices`` (those after its batch axes) in place of the axis. A position outside is an
    ``InvalidArgumentError`` when the graph runs.
    """
    x, places = convert_to_tensor(params), convert_to_tensor(indices)
    axis = batch_dims if axis is None else axis
    if is_late(axis, x):
        return _gather_later(x, places, axis, batch_dims, name or "GatherV2")
    if batch_dims < 0 and places.type.rank is not None:
        batch_dims += places.type.rank
    position = _axis_of(x, axis)
    if not batch_dims:
        return apply(GatherV2(position), x, places, name=name or "GatherV2")
    if x.type.rank is None or places.type.rank is None:
        return _gather_later(x, places, axis, batch_dims, name or "GatherV2")
    if not 0 < batch_dims <= min(position, places.type.rank):
        raise ValueError(
            f"gather with batch_dims {batch_dims} needs indices with as many axes, and an axis behind them; got "
            f"{places.type} and axis {position}"
        )
    with graph_of([x]).name_scope(name or "GatherV2") as scope:
        return _batched_gather(x, places, position, batch_dims, scope)


def _gather_later(x: Tensor, places: Tensor, axis: Any, batch_dims: int, name: str) -> Tensor:
    def build(x: Tensor, places: Tensor, axis: Any) -> Tensor:
        return gather(x, places, axis=number(axis), batch_dims=batch_dims)

    return late("GatherV2", build, [x, places], [axis], TensorType(x.dtype, None), name=name)[0]


def _axis_of(x: Tensor, axis: Any) -> int:
    position = static_axis(axis, "gather")
    return position if x.type.rank is None else axis_of(x, position, "gather")


def _batched_gather(x: Tensor, places: Tensor, axis: int, batch: int, scope: str) -> Tensor:
    """A gather by coordinates: the own position along each axis before, then that of the index."""
    inner = (places.type.rank or 0) - batch
    between = axis - batch  # axes of params between those of the batch and the one looked up
    spread = places
    if between:
        spread = apply(ExpandDims(tuple(range(batch, batch + between))), places)
    sizes = concat([shape(x)[:axis], shape(places)[batch:]], 0)
    spread = broadcast_to(spread, sizes)
    own = [_along(iota(shape(x)[n]), n, axis + inner, sizes, places) for n in range(axis)]
    coordinates = stack([*own, spread], -1)
    return apply(GatherNd(), x, checked(coordinates, x, "GatherV2", "indices"), name=scope)


def _along(positions: Tensor, axis: int, rank: int, sizes: Tensor, like: Tensor) -> Tensor:
    """The positions along one axis of a block of these sizes."""
    column = apply(ExpandDims(tuple(n for n in range(rank) if n != axis)), e.cast(positions, like.dtype))
    return broadcast_to(column, sizes)


@telling_line
def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """``params`` at ``indices`` along the last axis of ``indices``, for each position of the axes before."""
    places = convert_to_tensor(indices)
    if places.type.rank is None:
        raise ValueError(f"batch_gather needs indices of known rank, not {places.type}")
    return gather(params, places, name=name or "BatchGather", batch_dims=places.type.rank - 1)


@telling_line
def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The parts of ``params`` at the coordinates that stand along the last axis of ``indices``.

    With ``indices`` [i..., depth] of ``params`` [sizes..., inner...], where depth sizes are named, the result is
    [i..., inner...]; the first ``batch_dims`` axes belong together. A coordinate outside is an
    ``InvalidArgumentError`` when the graph runs.
    """
    x, places = convert_to_tensor(params), convert_to_tensor(indices)
    with graph_of([x]).name_scope(name or "GatherNd") as scope:
        if batch_dims:
            places = _in_batches(x, places, batch_dims)
        return apply(GatherNd(), x, checked(places, x, "GatherNd", "indices"), name=scope)


def _in_batches(x: Tensor, places: Tensor, batch: int) -> Tensor:
    """The coordinates behind the own position along each axis of the batch."""
    rank = places.type.rank
    if rank is None or x.type.rank is None or not 0 < batch < rank or batch >= x.type.rank:
        raise ValueError(f"gather_nd with batch_dims {batch} needs known ranks above it, not {x.type}, {places.type}")
    outer = shape(places)[:-1]
    own = [expand_dims(_along(iota(shape(x)[n]), n, rank - 1, outer, places), -1) for n in range(batch)]
    return concat([*own, places], -1)


def take_along_rows(x: Tensor, places: Tensor) -> Tensor:
    """``y[..., i] = x[..., places[..., i]]``, for places that are inside: of ``x`` [rows..., n], [rows..., k]."""
    if x.type.rank == 1:
        return gather(x, places)
    lines = shape(x)[:-1]
    first = reshape(iota(_product(x)), concat([lines, [1]], 0)) * shape(x)[-1]
    return gather(reshape(x, [-1]), places + e.cast(first, places.dtype))


def _product(x: Tensor) -> Tensor:
    """How many rows there are."""
    total = convert_to_tensor(1, dtypes.int32)
    for axis in range((x.type.rank or 1) - 1):
        total = total * shape(x)[axis]
    return total
