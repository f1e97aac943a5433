"""Rows of tables for rows of sparse ids, combined: sums, means, sums over the root of their number."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.composites import div_no_nan
from graphc.mistakes import telling_line
from graphc.nn.lookup import embedding_lookup
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ones_like, zeros_like
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.reshaping import expand_dims
from graphc.ops.segments import segment_sum
from graphc.ops.sparse_dense import as_sparse
from graphc.ops.sparse_tensor import SparseTensor
from graphc.sparse.functions import sparse_fill_empty_rows, sparse_retain


@telling_line
def embedding_lookup_sparse(
    params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str = "mod", name: str | None = None,
    combiner: str | None = None, max_norm: float | None = None,
) -> Tensor:  # fmt: skip
    """For each row of ``sp_ids`` [rows, any] the rows of the table that it names, weighed and combined.

    ``combiner`` is ``sum``, ``mean`` (the default) or ``sqrtn``: the weighed sum, over the sum of the weights, or over
    the root of the sum of their squares; 0 for a row without ids. There are as many rows as the last one that has any.
    """
    combiner = "mean" if combiner is None else combiner
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    ids = as_sparse(sp_ids, "embedding_lookup_sparse")
    weights = None if sp_weights is None else as_sparse(sp_weights, "embedding_lookup_sparse").values
    with graph_of([ids.values]).name_scope(name or "embedding_lookup_sparse") as scope:
        rows = embedding_lookup(params, ids.values, partition_strategy, max_norm=max_norm)
        numbers = e.cast(ids.indices[:, 0], dtypes.int32)
        weights = ones_like(ids.values, rows.dtype) if weights is None else e.cast(weights, rows.dtype)
        for _ in range((rows.type.rank or 2) - 1):
            weights = expand_dims(weights, -1)
        total = segment_sum(rows * weights, numbers)
        if combiner == "sum":
            return e.identity(total, name=scope)
        if combiner == "mean":
            return div_no_nan(total, segment_sum(weights, numbers), name=scope)
        return div_no_nan(total, e.sqrt(segment_sum(e.square(weights), numbers)), name=scope)


@telling_line
def safe_embedding_lookup_sparse(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: str | None = None,
    default_id: int | None = None, name: str | None = None, partition_strategy: str = "div",
    max_norm: float | None = None,
) -> Tensor:  # fmt: skip
    """The same for ids of which some may be negative, or weights not positive: those do not count.

    A row without ids gets the row ``default_id`` of the table, or zeros where that is None.
    """
    ids = as_sparse(sparse_ids, "safe_embedding_lookup_sparse")
    weights = None if sparse_weights is None else as_sparse(sparse_weights, "safe_embedding_lookup_sparse")
    if ids.shape.ndims != 2:
        raise ValueError(f"safe_embedding_lookup_sparse needs ids [rows, any], not {ids.shape}")
    with graph_of([ids.values]).name_scope(name or "safe_embedding_lookup_sparse") as scope:
        valid = e.greater_equal(ids.values, convert_to_tensor(0, ids.dtype))
        if weights is not None:
            if combiner != "sum":
                valid = e.logical_and(valid, e.greater(weights.values, convert_to_tensor(0, weights.dtype)))
            weights = sparse_retain(SparseTensor(ids.indices, weights.values, ids.dense_shape), valid)
        ids, is_empty = sparse_fill_empty_rows(sparse_retain(ids, valid), default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        rows = embedding_lookup_sparse(embedding_weights, ids, weights, partition_strategy, None, combiner, max_norm)
        if default_id is not None:
            return e.identity(rows, name=scope)
        return e.select(expand_dims(is_empty, 1), zeros_like(rows), rows, name=scope)
