"""What a run is fed: values checked against the tensors they stand in for, before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import DType, float32
from graphc.graph import Graph
from graphc.nodes import Tensor
from graphc.ops.base import as_array
from graphc.shapes import is_compatible


def feed_target(graph: Graph, key: Any) -> Tensor:
    """The tensor that a key of a feed dict names; ``TypeError`` where it is none of this graph."""
    try:
        element = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {reason}") from None
    return element  # type: ignore[return-value]


def feed_value(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    """``value`` as a contiguous array of the tensor's dtype; ``TypeError`` or ``ValueError`` where it does not fit."""
    if type(value) is np.ndarray and value.dtype == tensor.dtype.numpy:
        array = value
    else:
        array = _converted(tensor, value)
    if not is_compatible(tensor.type.shape, array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor '{tensor.name}', which has shape '{tensor.shape}'"
            f" ({tensor.op.describe()})"
        )
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")


def _converted(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor) or hasattr(value, "_as_tensor"):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, "
            f"lists, numpy ndarrays. The feed for Tensor '{tensor.name}' was {value!r}."
        )
    try:
        array = _plain(value, tensor.dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Cannot feed {value!r} for Tensor '{tensor.name}' of type {tensor.type}: {error}") from None
    if array.dtype.kind not in "fiub" or not _keeps_meaning(array, tensor.dtype):
        raise TypeError(
            f"Cannot feed a value of dtype {array.dtype} for Tensor '{tensor.name}' of type {tensor.type}: "
            f"it would lose what is not {tensor.dtype.name} ({tensor.op.describe()})"
        )
    with np.errstate(over="ignore"):
        return array.astype(tensor.dtype.numpy)


def _plain(value: Any, wanted: DType) -> np.ndarray[Any, Any]:
    """``value`` as an array that has not lost anything which ``wanted`` holds."""
    if hasattr(value, "dtype") or hasattr(value, "__array__"):
        return np.asarray(value)
    with np.errstate(over="ignore"):
        array = as_array(value)
    is_rounded = array.dtype == np.float32 and array.size > 0  # Python floats declare float32, as in TensorFlow
    return np.asarray(value, np.float64) if is_rounded and wanted is not float32 else array


def _keeps_meaning(array: np.ndarray[Any, Any], wanted: DType) -> bool:
    """Whether no fraction, sign or high bit is lost; rounding between float types is not a loss."""
    if wanted.is_floating or array.dtype.kind == "b" or array.size == 0:
        return True
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.floor(array)).all()):
        return False
    least, greatest = (0, 1) if wanted.is_bool else (np.iinfo(wanted.numpy).min, np.iinfo(wanted.numpy).max)
    return least <= int(array.min()) and int(array.max()) <= greatest
