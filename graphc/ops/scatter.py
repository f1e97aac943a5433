"""Reading and changing the parts of an array that stand at given coordinates: gather_nd, and scatters of all sorts.

Coordinates are checked by a node of their own, so that the kernel that changes an array cannot fail half-way and may
do so in place. Compiled, only the parts named are touched where the array may be updated in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, check_dtype, check_same_dtype, constant, convert_to_tensor, graph_of
from graphc.ops.checks import Refused
from graphc.ops.grown_rows import FewerRows, MoreRows
from graphc.ops.indexing import INDICES, RowAdjoint
from graphc.ops.meaning import truncated_division
from graphc.ops.reduction import reduce_all
from graphc.ops.reshaping import broadcast_like, broadcast_to, expand_dims, squeeze
from graphc.ops.row_writes import AddRows, WriteRows
from graphc.records import record
from graphc.shapes import Shape, TensorType, merge, shape_text

COMBINES = {
    "update": None, "add": "add", "sub": "sub", "mul": "mul", "div": "div", "min": "minimum", "max": "maximum"
}  # fmt: skip
_MEANINGS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "min": np.minimum, "max": np.maximum,
}  # fmt: skip


@record
class CheckCoordinates(Op):
    """``y = indices``; an index that is not in its axis of an array is an error when the graph runs.

    The last axis of ``indices`` names the position in each of the array's first axes; without ``whole``, indices are
    positions in the first axis. ``sizes`` are those of these axes; None: those of the second input. With ``negative``,
    an index below zero is none, and no error.
    """

    called: str
    sizes: Any = None
    whole: bool = True
    negative: bool = False

    @property
    def type(self) -> str:
        return self.called

    def infer(self, indices: TensorType, array: TensorType | None = None) -> TensorType:
        check_dtype(indices, INDICES, "indices")
        if self.whole and array is not None and array.shape is not None:
            _depth(indices, array.shape)
        return indices

    def evaluate(self, indices: Any, array: Any = None) -> Any:
        sizes = np.array(self._limits(indices, self.sizes if array is None else array.shape), np.int64)
        wrong = np.argwhere(_beyond(indices, sizes) if self.negative else _outside(indices, sizes))
        if len(wrong):
            place = tuple(wrong[0].tolist())
            shown = "[" + ",".join(map(str, place)) + "]" if place else ""
            raise InvalidArgumentError(
                message=f"indices{shown} = {indices[place]} does not index into {sizes.tolist()}"
            )
        return indices

    def _limits(self, indices: Any, sizes: Sequence[Any]) -> Sequence[Any]:
        return sizes[: indices.shape[-1]] if self.whole else sizes[:1]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in; nothing is left where there are no coordinates."""
        if self.sizes is not None:
            return None
        indices, array = inputs
        sizes = array.type.sizes
        sizes = sizes[: _depth(indices.type, sizes) if self.whole else 1]
        return apply(CheckCoordinates(self.called, sizes, self.whole, self.negative), indices)

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where an index is outside."""
        label, sizes = node.inputs[0].user_label, self.sizes if size is None else size
        if self.negative:
            return f"an id in {label} is not below {sizes[0]}, the number of segments"
        if self.whole:
            return f"an index in {label} does not index into shape {shape_text(sizes)}"
        return f"an index in {label} is not in [0, {sizes[0]})"

    def refused(self, node: Operation) -> Refused:
        """An index outside."""
        return Refused(0, _beyond if self.negative else _outside, self.sizes)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None] * len(node.inputs)


def _outside(values: Any, sizes: Any) -> Any:
    """Where an index is not in its axis."""
    return (values < 0) | (values >= np.asarray(sizes))


def _beyond(values: Any, sizes: Any) -> Any:
    """Where an index is too large for its axis."""
    return values >= np.asarray(sizes)


@record
class GatherNd(Op):
    """``y[i..., inner...] = x[indices[i..., 0], indices[i..., 1], ..., inner...]``, indices checked before."""

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, INDICES, "indices")
        depth = None if x.shape is None else _depth(indices, x.shape)
        if depth is None:
            return TensorType(x.dtype, None)
        return TensorType(x.dtype, (*indices.shape[:-1], *x.shape[depth:]))  # type: ignore[index]

    def evaluate(self, x: Any, indices: Any) -> Any:
        return x[tuple(np.moveaxis(indices, -1, 0).astype(np.int64))]

    def gradient(self, node: Operation, grad: Tensor) -> list[Any]:
        x, indices = node.inputs
        if indices.type.rank == 2 and indices.type.shape[1] == 1:  # type: ignore[index]
            return [RowAdjoint(grad, squeeze(indices, [1]), x), None]  # of rows, as those that `gather` looks up
        zeros = broadcast_like(constant(0, x.dtype), x)
        return [apply(Scatter("add"), zeros, indices, grad), None]


@record
class Scatter(Op):
    """``array`` with ``array[indices[i..., 0], indices[i..., 1], ...] = rows[i...]``, or with that combined.

    ``how`` is one of :data:`COMBINES`. Rows come one after the other; one whose coordinates are outside is left out.
    """

    how: str = "update"

    @property
    def type(self) -> str:
        return f"TensorScatter{self.how.capitalize()}"

    def infer(self, array: TensorType, indices: TensorType, rows: TensorType) -> TensorType:
        check_dtype(indices, INDICES, "indices")
        check_same_dtype((array, rows))
        if self.how != "update":
            check_dtype(array, dtypes.RING if self.how in ("add", "sub") else dtypes.NUMBERS, "the array")
        depth = None if array.shape is None else _depth(indices, array.shape)
        if depth is not None and rows.shape is not None:
            inner = array.shape[depth:]  # type: ignore[index]
            wanted = (*indices.shape[:-1], *inner)  # type: ignore[index]
            try:
                merge(rows.shape, wanted)
            except ValueError:
                raise ValueError(
                    f"Must have updates.shape = indices.shape[:-1] + {shape_text(inner)} = "
                    f"{shape_text(wanted)}: updates {rows} do not fit the indices {indices} into {array}"
                ) from None
        return array

    def evaluate(self, array: Any, indices: Any, rows: Any) -> Any:
        depth = indices.shape[-1]
        flat = indices.reshape(-1, depth).astype(np.int64)
        parts = rows.reshape(len(flat), *array.shape[depth:]) if len(flat) else []
        result = array.copy()
        for place, part in zip(flat, parts):
            if np.all((place >= 0) & (place < array.shape[:depth])):
                at = tuple(place)
                result[at] = part if self.how == "update" else self._combined(result[at], part)
        return result

    def _combined(self, old: Any, new: Any) -> Any:
        if self.how == "div" and old.dtype.kind != "f":
            return truncated_division(old, new)
        with np.errstate(all="ignore"):
            return _MEANINGS[self.how](old, new)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        indices, rows = node.inputs[1:]
        if self.how in ("min", "max"):
            return _adjoints_of_extreme(node, grad)
        if self.how == "mul":
            return _adjoints_of_product(node, grad)
        if self.how == "div":
            raise LookupError
        own = apply(GatherNd(), grad, indices)
        if self.how == "update":
            return [apply(Scatter(), grad, indices, broadcast_like(constant(0, rows.dtype), rows)), None, own]
        return [grad, None, own if self.how == "add" else e.negative(own)]


def _inside(indices: Tensor, like: Tensor) -> Tensor:
    """Whether each row of ``like`` goes anywhere, with axes beside its own."""
    found = reduce_all(e.greater_equal(indices, convert_to_tensor(0, indices.dtype)), -1)
    extra = (like.type.rank or 0) - (indices.type.rank or 1) + 1
    for _ in range(extra):
        found = expand_dims(found, -1)
    return found


def _taken(array: Tensor, indices: Tensor) -> Tensor:
    """What stands at the coordinates, those below zero taken as zero."""
    return apply(GatherNd(), array, e.maximum(indices, convert_to_tensor(0, indices.dtype)))


def _adjoints_of_extreme(node: Operation, grad: Tensor) -> list[Tensor | None]:
    """The adjoint goes to what is equal to the extreme, in equal shares."""
    (array, indices, rows), extreme = node.inputs, node.outputs[0]
    zero = convert_to_tensor(0, rows.dtype)
    own = e.logical_and(e.equal(rows, _taken(extreme, indices)), _inside(indices, rows))
    first = e.equal(array, extreme)
    number = apply(Scatter("add"), e.cast(first, rows.dtype), indices, e.cast(own, rows.dtype))
    share = e.realdiv(grad, number)
    return [e.select(first, share, zero), None, e.select(own, _taken(share, indices), zero)]


def _adjoints_of_product(node: Operation, grad: Tensor) -> list[Tensor | None]:
    """The adjoint times the product of all other factors; of several zeros, none is among the others of another."""
    array, indices, rows = node.inputs
    zero, one = convert_to_tensor(0, rows.dtype), convert_to_tensor(1, rows.dtype)
    first_is_zero, own_is_zero = e.equal(array, zero), e.equal(rows, zero)
    zeros = apply(Scatter("add"), e.cast(first_is_zero, rows.dtype), indices, e.cast(own_is_zero, rows.dtype))
    factors = e.select(own_is_zero, one, rows)
    product = apply(Scatter("mul"), e.select(first_is_zero, one, array), indices, factors)

    def adjoint(factor: Tensor, is_zero: Tensor, product: Tensor, zeros: Tensor, grad: Tensor) -> Tensor:
        others = e.realdiv(product, e.select(is_zero, one, factor))
        alone = e.equal(zeros, e.cast(is_zero, rows.dtype))  # whether no other factor is zero
        return e.select(alone, grad * others, zero)

    own = adjoint(rows, own_is_zero, *(_taken(x, indices) for x in (product, zeros, grad)))
    return [
        adjoint(array, first_is_zero, product, zeros, grad), None, e.select(_inside(indices, rows), own, zero)
    ]  # fmt: skip


# Their kernels touch some parts of their first input, and leave the others.
UPDATES = (WriteRows, AddRows, MoreRows, FewerRows, Scatter)


def _depth(indices: TensorType, sizes: Shape) -> int | None:
    """How many axes the coordinates name; ``ValueError`` where there are fewer."""
    if indices.shape is None:
        return None
    if not indices.shape:
        raise ValueError(f"indices {indices} are a scalar; wanted coordinates along their last axis")
    depth = indices.shape[-1]
    if not isinstance(depth, int):
        return None
    if depth > len(sizes):  # type: ignore[arg-type]
        raise ValueError(f"indices {indices} name {depth} axes, but {shape_text(sizes)} has {len(sizes)}")  # type: ignore[arg-type]
    return depth


def checked(
    indices: Tensor, array: Tensor, called: str, name: str, whole: bool = True, negative: bool = False
) -> Tensor:
    """``indices``, of which each is in its axis of ``array`` when the graph runs, or negative where that is allowed."""
    known = array.type.shape
    depth = 1 if not whole else indices.type.shape[-1] if indices.type.shape else None
    if known is not None and isinstance(depth, int) and all(isinstance(size, int) for size in known[:depth]):
        return apply(CheckCoordinates(called, known[:depth], whole, negative), indices, name=name)
    return apply(CheckCoordinates(called, None, whole, negative), indices, array, name=name)


def changed(
    how: str, array: Tensor, indices: Tensor, rows: Tensor, called: str, name: str = "indices", whole: bool = True
) -> Tensor:
    """``array`` changed by ``rows`` at the coordinates; without ``whole``, at positions along its first axis."""
    places = checked(indices, array, called, name, whole)
    return apply(Scatter(how), array, places if whole else with_depth(places), rows)


def with_depth(places: Tensor) -> Tensor:
    """Positions along the first axis as coordinates."""
    return expand_dims(places, -1)


@telling_line
def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of this shape to which ``updates[i]`` is added at the coordinates ``indices[i]``.

    ``indices`` [..., depth], ``updates`` [..., inner], where ``shape[depth:]`` is inner. An index outside is an
    ``InvalidArgumentError`` when the graph runs.
    """
    places, rows = convert_to_tensor(indices), convert_to_tensor(updates)
    with graph_of([places]).name_scope(name or "ScatterNd") as scope:
        array = broadcast_to(convert_to_tensor(0, rows.dtype), shape)
        return _scattered("add", array, places, rows, "ScatterNd", scope)


@telling_line
def tensor_scatter_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """``tensor`` with ``tensor[indices[i]] = updates[i]``."""
    return _tensor_scatter("update", tensor, indices, updates, name)


@telling_line
def tensor_scatter_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """``tensor`` with ``tensor[indices[i]] += updates[i]``; equal indices add up."""
    return _tensor_scatter("add", tensor, indices, updates, name)


@telling_line
def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """``tensor`` with ``tensor[indices[i]] -= updates[i]``; equal indices add up."""
    return _tensor_scatter("sub", tensor, indices, updates, name)


def _tensor_scatter(how: str, tensor: Any, indices: Any, updates: Any, name: str | None) -> Tensor:
    x, places = convert_to_tensor(tensor), convert_to_tensor(indices)
    rows = convert_to_tensor(updates, x.dtype)
    called = Scatter(how).type
    with graph_of([x]).name_scope(name or called) as scope:
        return _scattered(how, x, places, rows, called, scope)


def _scattered(how: str, x: Tensor, places: Tensor, rows: Tensor, called: str, scope: str) -> Tensor:
    return apply(Scatter(how), x, checked(places, x, called, "indices"), rows, name=scope)
