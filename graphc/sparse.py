"""Sparse tensors: ``tf.sparse``."""

from graphc.ops.sparse_dense import sparse_tensor_to_dense as to_dense
from graphc.ops.sparse_tensor import SparseTensor
from graphc.ops.sparse_tensor import sparse_placeholder as placeholder

__all__ = ["SparseTensor", "placeholder", "to_dense"]
