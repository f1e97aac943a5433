"""Blocks of an array: a slice takes one out, a pad puts one back among zeros. Each is the other's adjoint.

What a program declares (``StridedSlice``, ``Slice`` with tensors for begin and size) becomes the exact ``Slice``, and
its adjoint the exact ``Pad``, once the sizes are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dims import Dim, DimLike, is_nonnegative, measured_in
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply
from graphc.ops.bounds import Bounds, ascending, between, position, python_slice
from graphc.ops.shape_values import NeedsNumbers, shape_from, sizes_from
from graphc.records import record
from graphc.shapes import Size, TensorType, shape_text


class Block(Op):
    """A block of the first input; a subclass says which positions of each axis it takes."""

    def bounds(self, sizes: Sequence[DimLike], *values: Any) -> list[Bounds]:
        """The positions taken along each axis of an input of these sizes; ``values`` are the further inputs."""
        raise NotImplementedError

    def evaluate(self, x: Any, *values: Any) -> Any:
        return x[tuple(python_slice(b) for b in self.bounds(x.shape, *values))]

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, *rest = node.inputs
        if x.type.is_exact and not rest:
            return [put_back(grad, self.bounds(x.type.sizes), x.type.sizes)]
        return [apply(BlockAdjoint(self), grad, x, *rest), *([None] * len(rest))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """The exact slice."""
        return take_out(inputs[0], self.bounds(inputs[0].type.sizes, *values[1:]))

    def measured(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The slice where its length is known only while the step runs."""
        from graphc.ops.measured_slices import take  # stands on slicing

        return take(self, inputs)


@record
class Slice(Block):
    """``y[i] = x[begin + i * stride]`` along every axis, for ``size`` positions; strides may be negative."""

    begin: tuple[DimLike, ...]
    size: tuple[DimLike, ...]
    strides: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        if x.shape is not None:
            _check_within(self.bounds(()), x)
        return TensorType(x.dtype, self.size)

    def bounds(self, sizes: Sequence[DimLike], *values: Any) -> list[Bounds]:
        return [Bounds(*bounds) for bounds in zip(self.begin, self.size, self.strides, strict=True)]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> None:
        """Exact already."""
        return

    def attributes(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"begin": self.begin, "size": self.size}
        return shown | ({"strides": self.strides} if any(stride != 1 for stride in self.strides) else {})


@record
class StridedSlice(Block):
    """``x[begin:end:stride, ...]`` by Python's rules; axes past the last given are whole.

    An axis in ``index_axes`` is taken at the one position ``begin``, which must exist.
    """

    begin: tuple[int | None, ...]
    end: tuple[int | None, ...]
    strides: tuple[int, ...]
    index_axes: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return TensorType(x.dtype, None)
        _check_rank(len(self.begin), x)
        shape = [
            (1 if axis in self.index_axes else None) if size is None else self._along(axis, size).length
            for axis, size in enumerate(x.shape)
        ]
        return TensorType(x.dtype, tuple(shape))

    def bounds(self, sizes: Sequence[DimLike], *values: Any) -> list[Bounds]:
        return [self._along(axis, size) for axis, size in enumerate(sizes)]

    def _along(self, axis: int, size: DimLike) -> Bounds:
        if axis >= len(self.begin):
            return Bounds(0, size)
        if axis in self.index_axes:
            return Bounds(position(self.begin[axis], size, axis), 1)  # type: ignore[arg-type]
        return between(self.begin[axis], self.end[axis], self.strides[axis], size)

    def attributes(self) -> dict[str, Any]:
        return {"key": ",".join(self._key_part(axis) for axis in range(len(self.begin)))}

    def _key_part(self, axis: int) -> str:
        if axis in self.index_axes:
            return str(self.begin[axis])
        begin, end = ("" if bound is None else str(bound) for bound in (self.begin[axis], self.end[axis]))
        return f"{begin}:{end}" + (f":{self.strides[axis]}" if self.strides[axis] != 1 else "")


@record
class SliceFrom(Block):
    """``x[begin:begin+size]`` with begin and size given as vectors; -1 as a size means up to the end."""

    type = "Slice"

    def infer(self, x: TensorType, begin: TensorType, size: TensorType) -> TensorType:
        rank = x.rank if x.rank is not None else _length(begin) if _length(begin) is not None else _length(size)
        return TensorType(x.dtype, None if rank is None else (None,) * rank)

    def bounds(self, sizes: Sequence[DimLike], *values: Any) -> list[Bounds]:
        begins, counts = (sizes_from(value, "slice") for value in values)
        _check_length(len(begins), len(sizes), "begin")
        _check_length(len(counts), len(sizes), "size")
        bounds = []
        for n, begin, count in zip(sizes, begins, counts, strict=True):
            taken = n - begin if count == -1 else count
            parts = (begin, taken, n - begin - taken)
            if not all(map(is_nonnegative, parts)):
                said = (
                    f"begin {list(begins)} and size {list(counts)} reach outside the shape {shape_text(tuple(sizes))}"
                )
                if any(isinstance(part, int) and part < 0 for part in parts):
                    raise ValueError(said)
                raise NeedsNumbers(f"whether {said} depends on the sizes")
            bounds.append(Bounds(begin, taken))
        return bounds

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """The exact slice; where only begin depends on data, one gather for each axis."""
        from graphc.ops.indexing import slice_by_gather  # indexing stands on slicing

        if values[1] is None and values[2] is not None:
            _check_length(inputs[1].type.sizes[0], len(inputs[0].type.sizes), "begin")  # type: ignore[arg-type]
            return slice_by_gather(inputs[0], inputs[1], sizes_from(values[2], "slice"))
        return super().specialise(inputs, values)


@record
class StridedSliceFrom(Block):
    """``x[begin:end:stride]`` with begin and end given as vectors; where a mask is True, the axis is open there."""

    strides: tuple[int, ...]
    open_begin: tuple[bool, ...]
    open_end: tuple[bool, ...]

    type = "StridedSlice"

    def infer(self, x: TensorType, begin: TensorType, end: TensorType) -> TensorType:
        if x.shape is None:
            return x
        _check_rank(len(self.strides), x)
        kept = [
            size if axis >= len(self.strides) or self._is_whole(axis) else None for axis, size in enumerate(x.shape)
        ]
        return TensorType(x.dtype, tuple(kept))

    def bounds(self, sizes: Sequence[DimLike], *values: Any) -> list[Bounds]:
        begins, ends = (sizes_from(value, "strided_slice") for value in values)
        bounds = [Bounds(0, size) for size in sizes]
        for axis, stride in enumerate(self.strides):
            begin = None if self.open_begin[axis] else begins[axis]
            end = None if self.open_end[axis] else ends[axis]
            bounds[axis] = between(begin, end, stride, sizes[axis])
        return bounds

    def _is_whole(self, axis: int) -> bool:
        return self.open_begin[axis] and self.open_end[axis] and self.strides[axis] in (1, -1)


@record
class BlockAdjoint(Op):
    """Zeros of the shape of ``like``, with ``grad`` put where ``block`` takes it from."""

    block: Block

    type = "StridedSliceGrad"
    size_inputs = slice(2, None)

    def infer(self, grad: TensorType, like: TensorType, *rest: TensorType) -> TensorType:
        return TensorType(grad.dtype, like.shape)

    def evaluate(self, grad: Any, like: Any, *values: Any) -> Any:
        result = np.zeros(like.shape, grad.dtype)
        result[tuple(python_slice(b) for b in self.block.bounds(like.shape, *values))] = grad
        return result

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        rest = node.inputs[2:]
        return [apply(self.block, grad, *rest), *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The exact pad; where only the begin of a slice depends on data, one scatter for each axis."""
        from graphc.ops.indexing import put_back_by_scatter  # indexing stands on slicing

        sizes = inputs[1].type.sizes
        if isinstance(self.block, SliceFrom) and values[2] is None and values[3] is not None:
            return put_back_by_scatter(inputs[0], inputs[2], sizes)
        return put_back(inputs[0], self.block.bounds(sizes, *values[2:]), sizes)

    def measured(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The same where the length of the block is known only while the step runs."""
        from graphc.ops.measured_slices import put_back  # stands on slicing

        return put_back(self.block, inputs)


@record
class Pad(Op):
    """``x`` with ``interior`` cells between neighbours and ``low`` and ``high`` cells around, all holding ``value``.

    A negative edge cuts cells away.
    """

    low: tuple[DimLike, ...]
    high: tuple[DimLike, ...]
    interior: tuple[int, ...]
    value: float = 0

    type = "PadV2"

    def infer(self, x: TensorType) -> TensorType:
        _check_rank(len(self.low), x, exact=True)
        if x.shape is None:
            return TensorType(x.dtype, (None,) * len(self.low))
        return TensorType(x.dtype, tuple(self._along(axis, size) for axis, size in enumerate(x.shape)))

    def _along(self, axis: int, size: Size) -> Size:
        if size is None:
            return None
        spread = 0 if size == 0 else size + (size - 1) * self.interior[axis]
        result = spread + self.low[axis] + self.high[axis]
        if isinstance(result, int) and result < 0:
            edges = f"{self.low[axis]} and {self.high[axis]}"
            raise ValueError(f"padding axis {axis} of size {size} by {edges} leaves fewer than 0 cells")
        return result

    def evaluate(self, x: Any) -> Any:
        result = x
        for axis in range(x.ndim):
            result = _pad_axis(result, axis, self.low[axis], self.high[axis], self.interior[axis], self.value)
        return result

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``pad(grad, -low, -high)``, every ``interior + 1``-th cell of it."""
        strides = tuple(cells + 1 for cells in self.interior)
        if all(is_nonnegative(edge) and isinstance(edge, int) for edge in (*self.low, *self.high)):
            ends = tuple(-edge if edge else None for edge in self.high)
            return [block(grad, self.low, ends, strides)]  # type: ignore[arg-type]
        cut = pad_edges(grad, [-edge for edge in self.low], [-edge for edge in self.high])
        return [block(cut, (None,) * len(strides), (None,) * len(strides), strides)]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With edges of at least 0: negative ones become a slice before."""
        if not any(_is_negative(edge) for edge in (*self.low, *self.high)):
            return None
        return pad_edges(inputs[0], self.low, self.high, self.value, self.interior)

    def attributes(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"low": self.low, "high": self.high}
        shown |= {"interior": self.interior} if any(self.interior) else {}
        return shown | ({"value": self.value} if self.value else {})


@record
class PadFrom(Op):
    """``x`` with cells around, their numbers given as a matrix with a row (low, high) for each axis."""

    value: float = 0

    type = "PadV2"

    def infer(self, x: TensorType, paddings: TensorType) -> TensorType:
        rank = x.rank if x.rank is not None else _length(paddings)
        return TensorType(x.dtype, None if rank is None else (None,) * rank)

    def evaluate(self, x: Any, paddings: Any) -> Any:
        return np.pad(x, [(int(low), int(high)) for low, high in paddings], constant_values=self.value)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        from graphc.ops.reshaping import shape  # reshaping stands on slicing

        x, paddings = node.inputs
        return [apply(SliceFrom(), grad, paddings[:, 0], shape(x, out_type=paddings.dtype)), None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """With the numbers written in."""
        if inputs[1].type.rank != 2 or inputs[1].type.sizes[1] != 2:
            raise ValueError(f"paddings must be a matrix with a row (low, high) for each axis, not {inputs[1].type}")
        from graphc.ops.measured import check_at_least_0  # stands on slicing

        edges = shape_from(values[1], "pad")
        check_at_least_0(edges)
        if any(_is_negative(edge) for edge in edges if not measured_in(edge)) or not any(map(measured_in, edges)):
            return pad_edges(inputs[0], edges[0::2], edges[1::2], self.value)
        return apply(Pad(edges[0::2], edges[1::2], (0,) * (len(edges) // 2), self.value), inputs[0])  # none cuts


def take_out(x: Tensor, bounds: Sequence[Bounds], name: str | None = None) -> Tensor:
    """The exact slice of ``x``; ``x`` itself where it takes everything."""
    if name is None and all(b == Bounds(0, n) for b, n in zip(bounds, x.type.sizes, strict=True)):
        return x
    return apply(Slice(*zip(*bounds, strict=True)) if bounds else Slice((), (), ()), x, name=name)


def put_back(grad: Tensor, bounds: Sequence[Bounds], sizes: Sequence[DimLike]) -> Tensor:
    """Zeros of these sizes with ``grad`` at the positions of ``bounds``."""
    backward = [axis for axis, b in enumerate(bounds) if b.stride < 0]
    if backward:
        grad = flip(grad, backward)
    forward = [ascending(b) for b in bounds]
    low = tuple(b.first if b.length != 0 else 0 for b in forward)
    interior = tuple(b.stride - 1 for b in forward)
    high = tuple(
        n - first - (0 if b.length == 0 else (b.length - 1) * b.stride + 1)
        for n, first, b in zip(sizes, low, forward, strict=True)
    )
    return pad_edges(grad, low, high, 0, interior)


def pad_edges(
    x: Tensor, low: Sequence[DimLike], high: Sequence[DimLike], value: float = 0,
    interior: Sequence[int] | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``x`` with these numbers of cells around and between; ``x`` itself where all are 0."""
    between_cells = tuple(interior) if interior is not None else (0,) * len(low)
    if x.type.is_exact:
        x, low, high = _cut_first(x, tuple(low), tuple(high), between_cells)
    if name is None and not any(edge != 0 for edge in (*low, *high, *between_cells)):
        return x
    return apply(Pad(tuple(low), tuple(high), between_cells, value), x, name=name)


def _cut_first(
    x: Tensor, low: tuple[DimLike, ...], high: tuple[DimLike, ...], interior: tuple[int, ...]
) -> tuple[Tensor, tuple[DimLike, ...], tuple[DimLike, ...]]:
    """A part of ``x`` and edges of at least 0 that give the same: what negative edges cut away is never placed."""
    if not any(_is_negative(edge) for edge in (*low, *high)):
        return x, low, high
    bounds, lows, highs = [], [], []
    for size, before, after, gap in zip(x.type.sizes, low, high, interior, strict=True):
        front, back = _cells_cut(before, gap + 1), _cells_cut(after, gap + 1)
        left = size - front - back
        if not is_nonnegative(left):
            if isinstance(left, Dim):
                raise NeedsNumbers(f"whether an axis of size {size} has {front + back} cells depends on the size")
            front, left = 0, 0  # nothing of x is seen: only the cells around
        bounds.append(Bounds(front, left))
        whole = 0 if size == 0 else size + (size - 1) * gap
        kept = 0 if left == 0 else left + (left - 1) * gap
        lows.append(0 if left == 0 else before + front * (gap + 1))
        highs.append(whole + before + after - kept - lows[-1])
    return take_out(x, bounds), tuple(lows), tuple(highs)


def _cells_cut(edge: DimLike, step: int) -> int:
    """How many cells of x, ``step`` apart, a negative edge cuts away."""
    return -(edge // step) if isinstance(edge, int) and edge < 0 else 0


def _is_negative(edge: DimLike) -> bool:
    if isinstance(edge, Dim) and not is_nonnegative(edge):
        raise NeedsNumbers(f"whether an edge of {edge} cells adds or cuts depends on the sizes")
    return not is_nonnegative(edge)


def block(
    x: Tensor, begin: tuple[int | None, ...], end: tuple[int | None, ...], strides: tuple[int, ...],
    index_axes: tuple[int, ...] = (), name: str | None = None,
) -> Tensor:  # fmt: skip
    """``x[begin:end:stride, ...]``; exact at once where the sizes are known."""
    kind = StridedSlice(begin, end, strides, index_axes)
    if x.type.is_exact:
        _check_rank(len(begin), x.type)
        return take_out(x, kind.bounds(x.type.sizes), name)
    return apply(kind, x, name=name)


def along(x: Tensor, axis: int, begin: int | None, end: int | None, stride: int = 1, name: str | None = None) -> Tensor:
    """``x[begin:end:stride]`` along one axis counted from the front."""
    before = (None,) * axis
    return block(x, (*before, begin), (*before, end), (*([1] * axis), stride), name=name)


def flip(x: Tensor, axes: Sequence[int], name: str | None = None) -> Tensor:
    """``x`` backwards along ``axes``."""
    last = max(axes) + 1
    strides = tuple(-1 if axis in axes else 1 for axis in range(last))
    return block(x, (None,) * last, (None,) * last, strides, name=name)


def _pad_axis(x: Any, axis: int, low: Any, high: Any, interior: int, value: float) -> Any:
    """NumPy's pad along one axis, with cells between and negative edges."""
    size = x.shape[axis]
    spread = 0 if size == 0 else size + (size - 1) * interior
    result = np.full((*x.shape[:axis], spread + low + high, *x.shape[axis + 1 :]), value, x.dtype)
    # cell i of x lands at low + i * step; kept are those within the result
    step = interior + 1
    first = max(0, -(low // step))
    last = min(size, (result.shape[axis] - 1 - low) // step + 1)
    if last > first:
        before = (slice(None),) * axis
        places = slice(low + first * step, low + (last - 1) * step + 1, step)
        result[(*before, places)] = x[(*before, slice(first, last))]
    return result


def _check_rank(axes: int, x: TensorType, exact: bool = False) -> None:
    if x.rank is not None and (axes > x.rank or (exact and axes != x.rank)):
        wanted = "wanted" if exact else "wanted at most"
        raise ValueError(f"{axes} axes are given for the input {x}; {wanted} {x.rank}")


def _check_length(length: int, rank: int, what: str) -> None:
    if length != rank:
        raise ValueError(f"{what} has {length} entries for an input of {rank} axes")


def _check_within(bounds: Sequence[Bounds], x: TensorType) -> None:
    _check_rank(len(bounds), x, exact=True)
    for axis, (b, size) in enumerate(zip(bounds, x.shape or (), strict=True)):
        if any(isinstance(part, Dim) or part is None for part in (*b, size)) or b.length == 0:
            continue
        last = b.first + (b.length - 1) * b.stride
        if min(b.first, last) < 0 or max(b.first, last) >= size:  # type: ignore[operator, type-var]
            raise ValueError(f"positions {b.first} to {last} of axis {axis} reach outside {x}")


def _length(vector: TensorType) -> int | None:
    size = vector.shape[0] if vector.shape else None
    return size if isinstance(size, int) else None
