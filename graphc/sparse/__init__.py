"""Sparse tensors: the names of ``tf.sparse``."""

from graphc.ops.sparse_dense import sparse_tensor_to_dense as to_dense
from graphc.ops.sparse_tensor import SparseTensor
from graphc.ops.sparse_tensor import sparse_placeholder as placeholder
from graphc.sparse.functions import from_dense
from graphc.sparse.functions import sparse_add as add
from graphc.sparse.functions import sparse_concat as concat
from graphc.sparse.functions import sparse_expand_dims as expand_dims
from graphc.sparse.functions import sparse_fill_empty_rows as fill_empty_rows
from graphc.sparse.functions import sparse_mask as mask
from graphc.sparse.functions import sparse_reduce_sum as reduce_sum
from graphc.sparse.functions import sparse_reorder as reorder
from graphc.sparse.functions import sparse_reshape as reshape
from graphc.sparse.functions import sparse_retain as retain
from graphc.sparse.functions import sparse_softmax as softmax
from graphc.sparse.functions import sparse_tensor_dense_matmul as matmul
from graphc.sparse.functions import sparse_tensor_dense_matmul as sparse_dense_matmul
from graphc.sparse.functions import sparse_transpose as transpose

__all__ = [
    "SparseTensor",
    "add",
    "concat",
    "expand_dims",
    "fill_empty_rows",
    "from_dense",
    "mask",
    "matmul",
    "placeholder",
    "reduce_sum",
    "reorder",
    "reshape",
    "retain",
    "softmax",
    "sparse_dense_matmul",
    "to_dense",
    "transpose",
]
