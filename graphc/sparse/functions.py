"""Functions of sparse tensors: reshapes, sums, products. Entries are gathered, scattered and sorted as any elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones_like, stack
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.copies import whole
from graphc.ops.indexing import unsorted_segment_sum
from graphc.ops.lookup import gather, gather_nd
from graphc.ops.positions import boolean_mask, coordinates, positions
from graphc.ops.reduction import reduce_any, reduce_prod
from graphc.ops.reshaping import broadcast_to, expand_dims, reshape, shape, transpose
from graphc.ops.scatter import changed
from graphc.ops.segments import unsorted_segment_max
from graphc.ops.sequences import cumsum
from graphc.ops.sequences import range as iota
from graphc.ops.shape_values import static_sizes
from graphc.ops.sorting import argsort
from graphc.ops.sparse_dense import as_sparse
from graphc.ops.sparse_tensor import SparseTensor, SparseTensorValue


def _rank(x: SparseTensor, what: str) -> int:
    rank = x.shape.ndims
    if rank is None:
        raise ValueError(f"{what} needs a sparse tensor of known rank, not {x!r}")
    return rank


def _counted(x: SparseTensor, axes: Sequence[int]) -> Tensor:
    """The positions of the entries counted through some axes, the last one fastest: int64 [n]."""
    place = e.multiply(x.indices[:, 0], 0)
    for axis in axes:
        place = place * x.dense_shape[axis] + x.indices[:, axis]
    return place


def _coordinates(places: Tensor, sizes: Sequence[Any]) -> Tensor:
    """Coordinates in an array of these sizes, of positions counted through it: int64 [n, axes]."""
    columns: list[Tensor] = []
    for size in reversed(sizes[1:]):
        columns.append(e.floormod(places, size))
        places = e.floordiv(places, size)
    return stack([places, *reversed(columns)] if sizes else columns, 1)


def _sizes_of(x: SparseTensor) -> list[Tensor]:
    return [x.dense_shape[axis] for axis in range(_rank(x, "this"))]


@telling_line
def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same entries in row-major order."""
    x = as_sparse(sp_input, "sparse_reorder")
    with x.graph.name_scope(name or "SparseReorder"):
        order = argsort(_counted(x, range(_rank(x, "sparse_reorder"))))
        return SparseTensor(gather(x.indices, order), gather(x.values, order), x.dense_shape)


@telling_line
def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The entries where ``to_retain``, a vector of bools, is true."""
    x, kept = as_sparse(sp_input, "sparse_retain"), convert_to_tensor(to_retain, dtypes.bool)
    places = positions(kept)
    return SparseTensor(gather(x.indices, places), gather(x.values, places), x.dense_shape)


@telling_line
def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:  # TensorFlow's name
    """The same entries of an array of another shape, of which one size may be -1."""
    x = as_sparse(sp_input, "sparse_reshape")
    wanted = convert_to_tensor(shape)
    known = static_sizes(wanted)
    if known is None:
        raise ValueError(f"sparse_reshape needs a shape of known rank, not {wanted.type}")
    with x.graph.name_scope(name or "SparseReshape"):
        sizes: list[Any] = [e.cast(wanted[n], dtypes.int64) if size is None else convert_to_tensor(size, dtypes.int64)
                            for n, size in enumerate(known)]  # fmt: skip
        if -1 in known:
            others = [size for size, number in zip(sizes, known, strict=True) if number != -1]
            rest = reduce_prod(x.dense_shape)
            for size in others:
                rest = e.floordiv(rest, size)
            sizes[known.index(-1)] = rest
        places = _counted(x, range(_rank(x, "sparse_reshape")))
        return SparseTensor(_coordinates(places, sizes), x.values, stack(sizes))


@telling_line
def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The axes in another order (reversed where ``perm`` is None), the entries in row-major order."""
    x = as_sparse(sp_input, "sparse_transpose")
    axes: Any = list(reversed(range(_rank(x, "sparse_transpose")))) if perm is None else static_sizes(perm)
    with x.graph.name_scope(name or "SparseTranspose"):
        moved = SparseTensor(gather(x.indices, axes, axis=1), x.values, gather(x.dense_shape, axes))
        return sparse_reorder(moved)


@telling_line
def sparse_concat(axis: int, sp_inputs: Any, name: str | None = None, expand_nonconcat_dim: bool = False,
                  concat_dim: Any = None, expand_nonconcat_dims: bool | None = None) -> SparseTensor:  # fmt: skip
    """Sparse tensors one after the other along ``axis``; the other sizes are those of the first."""
    parts = [as_sparse(part, "sparse_concat") for part in sp_inputs]
    if expand_nonconcat_dim or expand_nonconcat_dims:
        raise NotImplementedError("sparse_concat takes tensors of like sizes; give others a shape by tf.SparseTensor")
    rank = _rank(parts[0], "sparse_concat")
    axis = (axis if concat_dim is None else concat_dim) % rank
    with parts[0].graph.name_scope(name or "SparseConcat"):
        first: Any = convert_to_tensor(0, dtypes.int64)
        moved = []
        for part in parts:
            columns = [part.indices[:, n] + first if n == axis else part.indices[:, n] for n in range(rank)]
            moved.append(stack(columns, 1))
            first = first + part.dense_shape[axis]
        sizes = [first if n == axis else parts[0].dense_shape[n] for n in range(rank)]
        values = concat([part.values for part in parts], 0)
        return sparse_reorder(SparseTensor(concat(moved, 0), values, stack(sizes)))


@telling_line
def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum of two sparse tensors, sparse, or of a sparse one and a dense one, dense.

    Of the sparse sum, what two entries add up to is left out where it is smaller than ``threshold``.
    """
    least = next((least for least in (threshold, thresh) if least is not None), 0)
    if not any(isinstance(x, (SparseTensor, SparseTensorValue)) for x in (a, b)):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if not all(isinstance(x, (SparseTensor, SparseTensorValue)) for x in (a, b)):
        dense, sparse = (b, a) if isinstance(a, (SparseTensor, SparseTensorValue)) else (a, b)
        x = as_sparse(sparse, "sparse_add")
        return changed("add", convert_to_tensor(dense, x.dtype), x.indices, x.values, "SparseAdd")
    x, y = as_sparse(a, "sparse_add"), as_sparse(b, "sparse_add")
    with x.graph.name_scope("SparseAdd"):
        both = SparseTensor(concat([x.indices, y.indices], 0), concat([x.values, y.values], 0), x.dense_shape)
        total, terms = _summed(both)
        if isinstance(least, (int, float)) and not least:
            return total
        is_large = e.greater_equal(e.abs(total.values), convert_to_tensor(least, x.dtype))
        return sparse_retain(total, e.logical_or(is_large, e.less(terms, 2)))


def _summed(x: SparseTensor) -> tuple[SparseTensor, Tensor]:
    """Entries at one place as one, in row-major order, and how many each was made of."""
    places = _counted(x, range(_rank(x, "sparse_add")))
    order = argsort(places)
    ordered = gather(places, order)
    own = iota(shape(ordered)[0])
    is_first = e.logical_or(e.equal(own, 0), e.not_equal(ordered, gather(ordered, e.maximum(own - 1, 0))))
    number = cumsum(e.cast(is_first, dtypes.int32)) - 1
    sums = unsorted_segment_sum(gather(x.values, order), number, shape(ordered)[0])
    firsts = positions(is_first)
    terms = unsorted_segment_sum(ones_like(number), number, shape(ordered)[0])
    own = gather(number, firsts)
    total = SparseTensor(_coordinates(gather(ordered, firsts), _sizes_of(x)), gather(sums, own), x.dense_shape)
    return total, gather(terms, own)


@telling_line
def sparse_reduce_sum(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The sum over ``axis`` (all where None), as a dense tensor."""
    x = as_sparse(sp_input, "sparse_reduce_sum")
    rank = _rank(x, "sparse_reduce_sum")
    axis = reduction_axes if axis is None else axis
    given: Any = range(rank) if axis is None else static_sizes(axis)
    over = {int(number) % rank for number in given}
    kept = [n for n in range(rank) if n not in over]
    with x.graph.name_scope(name or "SparseReduceSum") as scope:
        sizes = [x.dense_shape[n] for n in kept]
        count = reduce_prod(stack(sizes)) if sizes else convert_to_tensor(1, dtypes.int64)
        flat = unsorted_segment_sum(x.values, _counted(x, kept), count)
        if keepdims or keep_dims:
            sizes = [convert_to_tensor(1, dtypes.int64) if n in over else x.dense_shape[n] for n in range(rank)]
        return reshape(flat, stack(sizes) if sizes else [], name=scope)


@telling_line
def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The softmax over the entries of each row along the last axis; places without an entry count for nothing."""
    x = as_sparse(sp_input, "sparse_softmax")
    outer = range(_rank(x, "sparse_softmax") - 1)
    with x.graph.name_scope(name or "SparseSoftmax"):
        rows, count = _counted(x, outer), reduce_prod(x.dense_shape[:-1])
        greatest = gather(unsorted_segment_max(e.stop_gradient(x.values), rows, count), rows)
        powers = e.exp(x.values - greatest)
        sums = gather(unsorted_segment_sum(powers, rows, count), rows)
        return SparseTensor(x.indices, powers / sums, x.dense_shape)


@telling_line
def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """``a @ b`` of a sparse matrix [m, k] and a dense one [k, n]; either may be transposed first."""
    a, dense = as_sparse(sp_a, "sparse_tensor_dense_matmul"), convert_to_tensor(b)
    if dense.dtype is not a.dtype:
        raise TypeError(
            f"sparse_tensor_dense_matmul of {a.dtype.name} and {dense.dtype.name}; convert one with tf.cast"
        )
    with graph_of([dense]).name_scope(name or "SparseTensorDenseMatMul") as scope:
        dense = transpose(dense) if adjoint_b else dense
        rows, columns = (a.indices[:, n] for n in ((1, 0) if adjoint_a else (0, 1)))
        products = expand_dims(a.values, 1) * gather(whole(dense), columns)
        return unsorted_segment_sum(products, rows, a.dense_shape[1 if adjoint_a else 0], name=scope)


@telling_line
def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Tensor]:
    """The matrix with ``default_value`` in the first column of rows without an entry; and which rows those are."""
    x = as_sparse(sp_input, "sparse_fill_empty_rows")
    with x.graph.name_scope(name or "SparseFillEmptyRows"):
        counts = unsorted_segment_sum(ones_like(x.values, dtypes.int32), x.indices[:, 0], x.dense_shape[0])
        is_empty = e.equal(counts, 0)
        rows = positions(is_empty)
        filled = broadcast_to(convert_to_tensor(default_value, x.dtype), shape(rows))
        more = stack([rows, *[e.multiply(rows, 0)] * (_rank(x, "sparse_fill_empty_rows") - 1)], 1)
        whole = SparseTensor(concat([x.indices, more], 0), concat([x.values, filled], 0), x.dense_shape)
        return sparse_reorder(whole), is_empty


@telling_line
def sparse_expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """With a new axis of size 1 at ``axis``."""
    x = as_sparse(sp_input, "sparse_expand_dims")
    rank = _rank(x, "sparse_expand_dims")
    place = (-1 if axis is None else int(axis)) % (rank + 1)
    with x.graph.name_scope(name or "SparseExpandDims"):
        column = e.multiply(x.indices[:, :1], 0)
        indices = concat([x.indices[:, :place], column, x.indices[:, place:]], 1)
        one = convert_to_tensor([1], dtypes.int64)
        return SparseTensor(indices, x.values, concat([x.dense_shape[:place], one, x.dense_shape[place:]], 0))


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of a tensor that are not zero."""
    x = convert_to_tensor(tensor)
    with graph_of([x]).name_scope(name or "dense_to_sparse"):
        places = coordinates(e.not_equal(x, convert_to_tensor(0, x.dtype)))
        return SparseTensor(places, gather_nd(x, places), shape(x, out_type=dtypes.int64))


@telling_line
def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> Any:
    """The rows of IndexedSlices whose index is none of ``mask_indices``."""
    masked = convert_to_tensor(mask_indices, a.indices.dtype)
    with a.graph.name_scope(name or "sparse_mask"):
        is_masked = reduce_any(e.equal(expand_dims(a.indices, 1), masked), 1)
        kept = e.logical_not(is_masked)
        return a.with_parts(boolean_mask(a.values, kept), boolean_mask(a.indices, kept))
