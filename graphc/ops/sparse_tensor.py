"""Sparse tensors: the positions of some elements, their values, and the shape of the whole.

A sparse tensor is three tensors beside each other and no kind of node: what takes one is a function over gathers and
scatters of them. The number of entries may be unknown while declaring, as any other size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops.base import convert_to_tensor, is_tensor_like, placeholder
from graphc.ops.shape_values import static_sizes
from graphc.ops.tensor_groups import TensorGroup
from graphc.shapes import TensorShape


class SparseTensorValue(NamedTuple):
    """The arrays of a sparse tensor: what is fed and fetched."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor(TensorGroup):
    """``dense[indices[i]] = values[i]`` for each of the n entries, and nothing elsewhere.

    ``indices`` is int64 [n, rank], ``values`` [n] of any dtype, ``dense_shape`` int64 [rank]. Entries stand in
    row-major order, except where :func:`sparse_reorder` is still to be called. ``ValueError`` where ranks do not fit.
    """

    @telling_line
    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        self._indices = convert_to_tensor(indices, dtypes.int64, name="indices")
        self._values = convert_to_tensor(values, name="values")
        self._dense_shape = convert_to_tensor(_sizes(dense_shape), dtypes.int64, name="shape")
        for part, rank, what in (
            (self._indices, 2, "indices"), (self._values, 1, "values"), (self._dense_shape, 1, "dense_shape")
        ):  # fmt: skip
            if part.type.rank not in (None, rank):
                raise ValueError(f"the {what} of a SparseTensor have type {part.type}; wanted {rank} axes")
        self._known = TensorShape(None)
        self._check_sizes()

    def _check_sizes(self) -> None:
        counts = [part.type.shape[0] for part in (self._indices, self._values) if part.type.shape]
        if len(set(counts)) > 1 and all(isinstance(count, int) for count in counts):
            raise ValueError(f"a SparseTensor has {counts[0]} indices, but {counts[1]} values")
        columns = self._indices.type.shape[1] if self._indices.type.shape else None
        rank = self._dense_shape.type.shape[0] if self._dense_shape.type.shape else None
        if isinstance(columns, int) and isinstance(rank, int) and columns != rank:
            raise ValueError(f"the indices of a SparseTensor name {columns} axes, but its shape has {rank}")

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """The sparse tensor that ``sparse_tensor_value`` is, or a constant one of its three arrays."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not (isinstance(sparse_tensor_value, tuple) and len(sparse_tensor_value) == 3):
            raise TypeError(f"Neither a SparseTensor nor SparseTensorValue: {sparse_tensor_value}.")
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        """The positions, int64 [n, rank]."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The values, [n]."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The shape of the whole, int64 [rank]."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape of the whole while declaring."""
        sizes = static_sizes(self._dense_shape)
        if sizes is None:
            columns = self._indices.type.shape[1] if self._indices.type.shape else None
            sizes = (None,) * columns if isinstance(columns, int) else None
        return TensorShape(sizes).merge_with(self._known)

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the shape; ``ValueError`` where it contradicts what is known."""
        self._known = self.shape.merge_with(shape)

    def get_shape(self) -> TensorShape:
        """What is known of the shape of the whole while declaring."""
        return self.shape

    @property
    def dtype(self) -> DType:
        """The element type of the values."""
        return self._values.dtype

    @property
    def op(self) -> Operation:
        """The operation that makes the values."""
        return self._values.op

    @property
    def name(self) -> str:
        """The name of the values."""
        return self._values.name

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return self._indices, self._values, self._dense_shape

    def value_of(self, values: Any) -> SparseTensorValue:
        return SparseTensorValue(*values)

    def __mul__(self, other: Any) -> SparseTensor:
        """The entries times what stands in a dense tensor at their places."""
        from graphc.ops.sparse_dense import beside  # it stands on sparse tensors

        return SparseTensor(self._indices, self._values * beside(self, other), self._dense_shape)

    def __truediv__(self, other: Any) -> SparseTensor:
        """The entries over what stands in a dense tensor at their places."""
        from graphc.ops.sparse_dense import beside  # it stands on sparse tensors

        return SparseTensor(self._indices, self._values / beside(self, other), self._dense_shape)

    def __repr__(self) -> str:
        parts = f"indices={self._indices}, values={self._values}, dense_shape={self._dense_shape}"
        return f"SparseTensor({parts})"


def _sizes(shape: Any) -> Any:
    """A shape as what becomes an int64 tensor; a plain sequence of no sizes too."""
    if is_tensor_like(shape) or (isinstance(shape, (list, tuple)) and any(is_tensor_like(size) for size in shape)):
        return shape
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    return np.asarray(shape, np.int64)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor that each run must be fed: a ``SparseTensorValue``, or a tuple (indices, values, dense_shape).

    Where ``shape`` is given it need not match what is fed, and sizes in it may be None.
    """
    prefix = f"{name}/" if name is not None else ""
    known = TensorShape(None) if shape is None or is_tensor_like(shape) else TensorShape(shape)
    if is_tensor_like(shape):
        whole: Any = convert_to_tensor(shape, dtypes.int64)
        rank = whole.type.shape[0] if whole.type.shape else None
    else:
        rank = known.ndims
        whole = placeholder(dtypes.int64, [rank], name=f"{prefix}shape" if prefix else None)
    values = placeholder(dtype, [None], name=f"{prefix}values" if prefix else None)
    indices = placeholder(dtypes.int64, [None, rank], name=f"{prefix}indices" if prefix else None)
    result = SparseTensor(indices, values, whole)
    result.set_shape(known)
    return result


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """``value`` as a SparseTensor where it is one (or a ``SparseTensorValue``), else as a tensor."""
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype is not None and dtypes.as_dtype(dtype) is not value.dtype:
            raise RuntimeError(f"Sparse dtype: requested = {dtypes.as_dtype(dtype).name}, actual = {value.dtype.name}")
        return value
    return convert_to_tensor(value, dtype, name)
