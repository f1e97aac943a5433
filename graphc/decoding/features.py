"""What tf.parse_example looks for under each key of an example."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc import dtypes
from graphc.dtypes import DType

_ALLOWED = (dtypes.float32, dtypes.int64, dtypes.string)


class FixedLenFeature(NamedTuple):
    """A tensor of a known shape; an error where it is missing and has no default."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """As many values as there are: a SparseTensor."""

    dtype: Any


class FixedLenSequenceFeature(NamedTuple):
    """As many tensors of a known shape as there are, shorter ones of a batch filled up with the default (0)."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class SparseFeature(NamedTuple):
    """A SparseTensor of ``size``, whose positions and values stand under keys of their own."""

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


def dtype_of(key: str, feature: Any) -> DType:
    """The dtype of a feature; ``TypeError`` unless an example can hold it."""
    if feature.dtype is None:
        raise ValueError(f"Missing type for feature {key}.")
    dtype = dtypes.as_dtype(feature.dtype)
    if dtype not in _ALLOWED:
        raise TypeError(f"feature {key!r}: an example holds float32, int64 or string, not {dtype.name}")
    return dtype
