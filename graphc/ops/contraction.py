"""Matrix products and what they come down to: sums of products over shared axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor, convert_together, graph_of
from graphc.ops.copies import conjugate
from graphc.ops.reduction import reduce_prod
from graphc.ops.reshaping import expand_dims, reshape, shape, squeeze, transpose
from graphc.ops.shape_values import static_sizes
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType, broadcast, normalise_axis

MULTIPLIED = (*dtypes.FIELD, dtypes.int32, dtypes.int64)


@record
class MatMul(Op):
    """``a @ b`` for matrices, each transposed first where its flag says so."""

    transpose_a: bool = False
    transpose_b: bool = False

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        dtype = check_same_dtype((a, b))
        check_dtype(a, MULTIPLIED, "the first matrix")
        for operand in (a, b):
            if operand.rank not in (2, None):
                raise ValueError(f"needs matrices, not {a} @ {b}")
        return TensorType(dtype, _product_shape(a, b, self.transpose_a, self.transpose_b))

    def evaluate(self, a: Any, b: Any) -> Any:
        return np.matmul(_turned(a, self.transpose_a), _turned(b, self.transpose_b))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return _product_adjoints(MatMul, self.transpose_a, self.transpose_b, node.inputs, grad)


@record
class BatchMatMul(Op):
    """``a @ b`` for the matrices in the last two axes; the axes before broadcast."""

    transpose_a: bool = False
    transpose_b: bool = False

    type = "BatchMatMulV2"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        dtype = check_same_dtype((a, b))
        check_dtype(a, MULTIPLIED, "the first matrix")
        for operand in (a, b):
            if operand.rank is not None and operand.rank < 2:
                raise ValueError(f"needs at least 2 axes in both inputs, not {a} @ {b}")
        return TensorType(dtype, _product_shape(a, b, self.transpose_a, self.transpose_b))

    def evaluate(self, a: Any, b: Any) -> Any:
        return np.matmul(_turned(a, self.transpose_a), _turned(b, self.transpose_b))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return _product_adjoints(BatchMatMul, self.transpose_a, self.transpose_b, node.inputs, grad)


@record
class Contract(Op):
    """``y[batch, rows, cols] = sum over inner of a[a_offset + steps . index] * b[b_offset + steps . index]``.

    The form that code generation understands: each axis is ``(extent, a_step, b_step)``, steps counted in elements of
    the row-major inputs. Rows do not move in b, cols do not move in a; ``paired`` are axes after the cols that move as
    they like, as the channels of a convolution by depth do. ``shape`` is the row-major order of batch, rows, cols and
    paired under the sizes of the result. ``edges`` are ``(row, inner, row_step, inner_step, start, size)``: a is read
    only where ``0 <= start + row_step * u + inner_step * v < size`` for the positions u along that axis of the rows and
    v along that inner axis, and counts as zero elsewhere, as the padding around images does. Axes of the cols are
    numbered after those of the rows, and their edges are edges of b; a contraction has edges of one input only.
    """

    batch: tuple[tuple[DimLike, DimLike, DimLike], ...]
    rows: tuple[tuple[DimLike, DimLike, DimLike], ...]
    cols: tuple[tuple[DimLike, DimLike, DimLike], ...]
    inner: tuple[tuple[DimLike, DimLike, DimLike], ...]
    a_offset: DimLike
    b_offset: DimLike
    shape: tuple[DimLike, ...]
    paired: tuple[tuple[DimLike, DimLike, DimLike], ...] = ()
    edges: tuple[tuple[int, int, int, int, int, int], ...] = ()

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        return TensorType(check_same_dtype((a, b)), self.shape)

    def evaluate(self, a: Any, b: Any) -> Any:
        axes: list[Any] = [*self.batch, *self.rows, *self.cols, *self.paired, *self.inner]
        if any(extent == 0 for extent, _, _ in axes):
            return np.zeros(self.shape, a.dtype)
        left = [(n, extent, step) for n, (extent, step, _) in enumerate(axes) if step != 0]
        right = [(n, extent, step) for n, (extent, _, step) in enumerate(axes) if step != 0]
        outer = len(axes) - len(self.inner)
        kept = [n for n in range(outer) if axes[n][1] != 0 or axes[n][2] != 0]
        places = [[n for n, _, _ in moving] for moving in (left, right)]
        cut = int(self.cuts_b)
        places[cut] = sorted({*places[cut], *self._edge_axes()})
        views = [_view(a, self.a_offset, left), _view(b, self.b_offset, right)] if not self.edges else []
        if self.edges:
            offset = self.b_offset if cut else self.a_offset
            seen = self._seen(b if cut else a, offset, [(extent, steps[cut]) for extent, *steps in axes], places[cut])
            views = [_view(a, self.a_offset, left), seen] if cut else [seen, _view(b, self.b_offset, right)]
        total = np.einsum(views[0], places[0], views[1], places[1], kept, optimize=True)
        # an inner axis along which neither input moves adds the same product again and again
        repeats = math.prod(extent for extent, *steps in self.inner if steps == [0, 0])
        spread = [axes[n][0] if n in kept else 1 for n in range(outer)]
        every = [extent for extent, _, _ in axes[:outer]]
        result = np.broadcast_to((total * repeats).reshape(spread), every)
        return result.astype(a.dtype).reshape(self.shape)

    def _edge_axes(self) -> list[int]:
        """The axes with edges, by their numbers in batch, rows, cols, paired, inner."""
        inner = len((*self.batch, *self.rows, *self.cols, *self.paired))
        return [axis for row, k, *_ in self.edges for axis in (len(self.batch) + row, inner + k)]

    @property
    def cuts_b(self) -> bool:
        """Whether the edges are edges of b."""
        return any(row >= len(self.rows) for row, *_ in self.edges)

    def _seen(self, x: Any, offset: Any, axes: Sequence[Any], places: Sequence[int]) -> Any:
        """The elements of ``x`` along the axes (extent, step) of these numbers, zero beyond its edges."""
        index = dict(zip(places, np.ix_(*(np.arange(axes[n][0]) for n in places)), strict=True))
        exists: Any = True
        numbers = self._edge_axes()
        for (_, _, row_step, inner_step, start, size), u, v in zip(
            self.edges, numbers[::2], numbers[1::2], strict=True
        ):  # fmt: skip
            at = start + row_step * index[u] + inner_step * index[v]
            exists = exists & (at >= 0) & (at < size)
        place = offset + sum(axes[n][1] * index[n] for n in places)
        return np.where(exists, np.asarray(x).reshape(-1)[np.where(exists, place, 0)], np.zeros((), x.dtype))

    def attributes(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "batch": self.batch,
            "rows": self.rows,
            "cols": self.cols,
            "paired": self.paired,
            "inner": self.inner,
        }
        shown |= {"edges": self.edges}
        offsets = {"a_offset": self.a_offset, "b_offset": self.b_offset}
        return {key: axes for key, axes in shown.items() if axes} | {k: v for k, v in offsets.items() if v != 0}


@record
class ContractPhases(Op):
    """Contractions of the same two inputs, each giving the result at ``start + step * index`` along every axis.

    Together they give every element once. ``places`` holds the starts and the steps of each part.
    """

    parts: tuple[Contract, ...]
    places: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    shape: tuple[DimLike, ...]

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        return TensorType(check_same_dtype((a, b)), self.shape)

    def evaluate(self, a: Any, b: Any) -> Any:
        shape: Any = self.shape
        result = np.zeros(shape, a.dtype)
        for part, (starts, steps) in zip(self.parts, self.places, strict=True):
            index = tuple(slice(start, None, step) for start, step in zip(starts, steps, strict=True))
            result[index] = part.evaluate(a, b)
        return result

    def attributes(self) -> dict[str, Any]:
        return {"parts": len(self.parts)}


def _view(x: Any, offset: Any, axes: Sequence[tuple[int, Any, Any]]) -> Any:
    """The elements of ``x`` that the axes walk over."""
    flat = np.ascontiguousarray(x).reshape(-1)
    reach = [(extent - 1) * step for _, extent, step in axes]
    first, last = offset + sum(r for r in reach if r < 0), offset + sum(r for r in reach if r > 0)
    if first < 0 or last >= flat.size:
        raise IndexError(f"a contraction reads elements {first} to {last} of {flat.size}")
    sizes = [extent for _, extent, _ in axes]
    return np.lib.stride_tricks.as_strided(flat[offset:], sizes, [step * flat.itemsize for _, _, step in axes])


def _turned(x: Any, transposed: bool) -> Any:
    return np.swapaxes(x, -1, -2) if transposed else x


def _product_shape(a: TensorType, b: TensorType, transpose_a: bool, transpose_b: bool) -> Shape:
    left, right = _last_two(a, transpose_a), _last_two(b, transpose_b)
    if left[1] is not None and right[0] is not None and left[1] != right[0]:
        signs = ["^T" if flag else "" for flag in (transpose_a, transpose_b)]
        raise ValueError(f"inner sizes differ: {a}{signs[0]} @ {b}{signs[1]} ({left[1]} and {right[0]})")
    if a.shape is None or b.shape is None:
        return None
    outer = broadcast(a.shape[:-2], b.shape[:-2])
    return (*(outer or ()), left[0], right[1])


def _last_two(x: TensorType, transposed: bool) -> tuple[Size, Size]:
    rows, cols = (None, None) if x.shape is None else x.shape[-2:]
    return (cols, rows) if transposed else (rows, cols)


def _product_adjoints(kind: Any, ta: bool, tb: bool, inputs: Sequence[Tensor], g: Tensor) -> list[Tensor | None]:
    """With ``y = a @ b``: ``da = g @ b^T`` and ``db = a^T @ g``, so written that nothing is transposed as a node."""
    a, b = map(conjugate, inputs)
    da = apply(kind(tb, True), b, g) if ta else apply(kind(False, not tb), g, b)
    db = apply(kind(True, ta), g, a) if tb else apply(kind(not ta, False), a, g)
    return [da, db]


@telling_line
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The matrix product of ``a`` and ``b``; axes before the last two are a batch, and broadcast."""
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("Only one of transpose and adjoint can be True for an operand.")
    left, right = convert_together(a, b)
    left, right = conjugate(left) if adjoint_a else left, conjugate(right) if adjoint_b else right
    ranks = {left.type.rank, right.type.rank}
    several = any(rank is not None and rank > 2 for rank in ranks)
    kind = BatchMatMul if several or ranks == {None} else MatMul  # of two unknown ranks, either may be
    return apply(kind(transpose_a or adjoint_a, transpose_b or adjoint_b), left, right, name=name or "MatMul")


batch_matmul = matmul


@telling_line
def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over ``axes``: a number of last axes of ``a`` and first of ``b``, or a pair of lists."""
    left, right = convert_together(a, b)
    if left.type.rank is None or right.type.rank is None:
        raise ValueError(f"tensordot needs known ranks, not {left.type} and {right.type}")
    a_axes, b_axes = _contracted_axes(axes, left.type.rank, right.type.rank)
    _check_contracted(left.type, right.type, a_axes, b_axes)
    a_free = [i for i in range(left.type.rank) if i not in a_axes]
    b_free = [i for i in range(right.type.rank) if i not in b_axes]
    with graph_of([left]).name_scope(name or "Tensordot") as scope:
        rows = _as_matrix(left, a_free, a_axes)
        cols = _as_matrix(right, b_axes, b_free)
        product = matmul(rows, cols)
        return reshape(product, _joined_sizes(left, a_free, right, b_free), name=scope)


def _contracted_axes(axes: Any, a_rank: int, b_rank: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        if not 0 <= axes <= min(a_rank, b_rank):
            raise ValueError(f"tensordot: axes must be from 0 to {min(a_rank, b_rank)}, not {axes}")
        return list(range(a_rank - axes, a_rank)), list(range(axes))
    pair = [static_sizes(part) for part in axes]
    if len(pair) != 2 or any(part is None or None in part for part in pair) or len(pair[0]) != len(pair[1]):  # type: ignore
        raise ValueError(f"tensordot: axes must be a number or two lists of one length, not {axes!r}")
    first, second = pair
    return [normalise_axis(i, a_rank) for i in first], [normalise_axis(i, b_rank) for i in second]  # type: ignore


def _check_contracted(a: TensorType, b: TensorType, a_axes: Sequence[int], b_axes: Sequence[int]) -> None:
    for i, j in zip(a_axes, b_axes, strict=True):
        m, n = a.shape[i], b.shape[j]  # type: ignore[index]
        if m is not None and n is not None and m != n:
            raise ValueError(f"tensordot: axis {i} of {a} and axis {j} of {b} differ in size ({m} and {n})")


def _as_matrix(x: Tensor, first: Sequence[int], second: Sequence[int]) -> Tensor:
    """``x`` with its axes in the order ``first + second``, each list merged to one axis."""
    order = (*first, *second)
    turned = x if order == tuple(range(len(order))) else transpose(x, order)
    if len(first) == len(second) == 1:
        return turned
    sizes = [_count(turned, range(len(first))), _count(turned, range(len(first), len(order)))]
    if None not in sizes:
        return reshape(turned, tuple(sizes))
    # Of no elements, what -1 would stand for is not the product of the sizes that are merged.
    known = [_product_of(part) for part in (shape(turned)[: len(first)], shape(turned)[len(first) :])]
    return reshape(turned, convert_to_tensor([own if size is None else size for own, size in zip(known, sizes)]))


def _count(x: Tensor, axes: Sequence[int]) -> Any:
    sizes = [x.type.shape[axis] for axis in axes]  # type: ignore[index]
    return None if None in sizes else int(np.prod(sizes, dtype=np.int64))  # type: ignore[arg-type]


def _product_of(sizes: Tensor) -> Tensor:
    return reduce_prod(sizes)


def _joined_sizes(a: Tensor, a_axes: Sequence[int], b: Tensor, b_axes: Sequence[int]) -> Any:
    sizes = [x.type.shape[axis] for x, axes in ((a, a_axes), (b, b_axes)) for axis in axes]  # type: ignore[index]
    if sizes.count(None) <= 1 and 0 not in sizes:
        return tuple(-1 if size is None else size for size in sizes)
    entries: list[Any] = [shape(x)[axis] if x.type.shape[axis] is None else x.type.shape[axis]  # type: ignore[index]
                          for x, axes in ((a, a_axes), (b, b_axes)) for axis in axes]  # fmt: skip
    return convert_to_tensor(entries) if None in sizes else tuple(entries)


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of the matrices ``a`` and the vectors ``b``."""
    matrix, vector = convert_together(a, b)
    with graph_of([matrix]).name_scope(name or "MatVec") as scope:
        column = matmul(matrix, expand_dims(vector, -1), transpose_a=transpose_a, adjoint_a=adjoint_a)
        return squeeze(column, [-1], name=scope)
