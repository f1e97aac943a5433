"""Between sparse tensors and dense ones."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, convert_to_tensor, convert_together, graph_of
from graphc.ops.late import late
from graphc.ops.lookup import gather_nd
from graphc.ops.reshaping import broadcast_to, expand_dims, shape
from graphc.ops.scatter import changed
from graphc.ops.segments import CheckOrder
from graphc.ops.shape_values import static_sizes
from graphc.ops.sparse_tensor import SparseTensor, SparseTensorValue
from graphc.shapes import TensorType, is_compatible, shape_text


def as_sparse(value: Any, what: str) -> SparseTensor:
    """``value`` as a SparseTensor, which a ``SparseTensorValue`` is too; ``TypeError`` for anything else."""
    if isinstance(value, (SparseTensor, SparseTensorValue)):
        return SparseTensor.from_value(value)
    raise TypeError(f"{what} needs a SparseTensor, not {type(value).__name__}")


@telling_line
def sparse_to_dense(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A tensor of ``output_shape`` that is ``sparse_values[i]`` at ``sparse_indices[i]``, and the default elsewhere.

    ``sparse_indices`` is [n, rank], or [n] or a scalar for positions in a vector; ``sparse_values`` is [n] or a scalar
    for all. An index outside is an ``InvalidArgumentError`` when the graph runs. Differentiable by the values and by
    the default.
    """
    places = convert_to_tensor(sparse_indices)
    values, rest = convert_together(sparse_values, default_value)
    sizes = convert_to_tensor(output_shape)
    if sizes.type.rank not in (None, 1):
        raise ValueError(f"output_shape: Shape must be rank 1 but is rank {sizes.type.rank}")
    if None in (places.type.rank, values.type.rank, rest.type.rank):
        build = lambda i, v, d, s: sparse_to_dense(i, s, v, d, validate_indices)  # noqa: E731
        shown = static_sizes(sizes)
        kind = TensorType(values.dtype, None if shown is None else (None,) * len(shown))
        return late("SparseToDense", build, [places, values, rest], [sizes], kind, name=name)[0]
    with graph_of([places]).name_scope(name or "SparseToDense"):
        if places.type.rank not in (0, 1, 2):
            raise ValueError(f"sparse_indices should be a scalar, vector, or matrix, not {places.type}")
        _check_entries(places, values, rest)
        if places.type.rank in (0, 1):
            places = expand_dims(places, -1)
        if places.type.rank == 1:
            places = expand_dims(places, 0)
        if values.type.rank == 0:
            values = broadcast_to(values, shape(places)[:1])
        if validate_indices:
            places = in_order(places, output_shape, "SparseToDense")
        return changed("update", broadcast_to(rest, output_shape), places, values, "SparseToDense")


def _check_entries(places: Tensor, values: Tensor, rest: Tensor) -> None:
    count = places.type.shape[0] if places.type.shape else 1
    if rest.type.rank != 0:
        raise ValueError(f"default_value should be a scalar, not {rest.type}")
    if values.type.rank and not is_compatible(values.type.shape, (count,)):
        wanted = f"[] or {shape_text((count,))}"
        raise ValueError(f"sparse_values has incorrect shape {shape_text(values.type.shape)}, should be {wanted}")


def in_order(places: Tensor, sizes: Any, called: str) -> Tensor:
    """``places`` [n, rank], which must increase strictly in row-major order when the graph runs."""
    rank = places.type.shape[1] if places.type.shape else None
    if not isinstance(rank, int) or not rank:
        return places  # of unknown rank, they are not checked
    counted, lengths = places[:, 0], convert_to_tensor(sizes)
    for axis in range(1, rank):
        counted = counted * e.cast(lengths[axis], places.dtype) + places[:, axis]
    checked = apply(CheckOrder(called, strict=True), counted, name="indices_in_order")
    return places + expand_dims(checked - counted, 1)  # zeros, which are known once the check is made


@telling_line
def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The sparse tensor as a dense one, with ``default_value`` (0 where None) where it has no entry."""
    x = as_sparse(sp_input, "sparse_tensor_to_dense")
    rest = convert_to_tensor(
        False if x.dtype is dtypes.bool else 0 if default_value is None else default_value, x.dtype
    )
    dense = sparse_to_dense(x.indices, x.dense_shape, x.values, rest, validate_indices, name or "SparseToDense")
    dense.set_shape(x.shape)
    return dense


def beside(sparse: SparseTensor, dense: Any) -> Tensor:
    """What stands in a dense tensor at the places of the entries, repeated where it is smaller."""
    other = convert_to_tensor(dense, sparse.dtype)
    if other.type.rank == 0:
        return other
    return gather_nd(broadcast_to(other, sparse.dense_shape), sparse.indices)
