"""What a run is fed: values checked against the tensors they stand in for, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import DType, as_bytes, float32
from graphc.errors import brief
from graphc.graph import Graph
from graphc.nodes import Tensor
from graphc.ops.base import as_array
from graphc.ops.tensor_groups import TensorGroup
from graphc.shapes import is_compatible


def single_keys(keys: Sequence[Any]) -> tuple[list[Any], bool]:
    """The keys of a feed dict, each for one tensor, and whether some stood for several.

    Several stand in a sparse tensor and the like, and in tuples, such as the state of an LSTM.
    """
    return [single for key in keys for single in _singles(key)], any(map(_is_several, keys))


def _is_several(key: Any) -> bool:
    return isinstance(key, (TensorGroup, tuple))


def _singles(key: Any) -> list[Any]:
    return [single for part in _parts(key) for single in _singles(part)] if _is_several(key) else [key]


def _parts(key: Any) -> Sequence[Any]:
    return key if isinstance(key, tuple) else key.parts


def single_values(keys: Sequence[Any], values: Sequence[Any]) -> tuple[Any, ...]:
    """The values for :func:`single_keys`: of a key that stood for several, a tuple of as many."""
    return tuple(single for key, value in zip(keys, values, strict=True) for single in _values(key, value))


def _values(key: Any, value: Any) -> Sequence[Any]:
    if not _is_several(key):
        return [value]
    parts = _parts(key)
    if not isinstance(value, (tuple, list)) or len(value) != len(parts):
        raise ValueError(
            f"Cannot feed {brief(value)} for {key!r}, which takes {len(parts)} arrays; wanted a tuple of them"
        )
    return single_values(parts, value)


def feed_target(graph: Graph, key: Any) -> Tensor:
    """The tensor that a key of a feed dict names; ``TypeError`` where it is none of this graph."""
    try:
        element = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {reason}") from None
    return element  # type: ignore[return-value]


def check_fed_once(tensors: Sequence[Tensor]) -> None:
    """``ValueError`` where two keys of a feed dict, such as a tensor and its name, are one tensor."""
    seen: set[Tensor] = set()
    for tensor in tensors:
        if tensor in seen:
            raise ValueError(f"Tensor '{tensor.name}' is fed twice, under two keys ({tensor.op.describe()})")
        seen.add(tensor)


def feed_value(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    """``value`` as a contiguous array of the tensor's dtype; ``TypeError`` or ``ValueError`` where it does not fit."""
    if type(value) is np.ndarray and value.dtype == tensor.dtype.numpy and not tensor.dtype.is_string:
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
        raise type(error)(f"{_cannot_feed(tensor, value)}: {error} ({tensor.op.describe()})") from None
    lost = _lost(array, tensor.dtype)
    if lost:
        raise TypeError(f"{_cannot_feed(tensor, value)}: {lost} ({tensor.op.describe()})")
    with np.errstate(over="ignore"):
        return array.astype(tensor.dtype.numpy)


def _cannot_feed(tensor: Tensor, value: Any) -> str:
    return f"Cannot feed {brief(value)} for Tensor '{tensor.name}' of type {tensor.type}"


def _plain(value: Any, wanted: DType) -> np.ndarray[Any, Any]:
    """``value`` as an array that has not lost anything which ``wanted`` holds."""
    if wanted.is_string:
        return as_bytes(value)
    is_array = hasattr(value, "dtype") or hasattr(value, "__array__")
    with np.errstate(over="ignore"):
        array = np.asarray(value) if is_array else as_array(value)
    if _is_text(array) and not wanted.is_bool:  # numbers as they stand in a table of text are read, as by NumPy
        try:
            return array.astype(np.int64 if wanted.is_integer else np.complex128 if wanted.is_complex else np.float64)
        except ValueError:
            raise ValueError(f"text that is no {'whole ' if wanted.is_integer else ''}number") from None
    if is_array:
        return array
    is_rounded = array.dtype == np.float32 and array.size > 0  # Python floats declare float32, as in TensorFlow
    return np.asarray(value, np.float64) if is_rounded and wanted is not float32 else array


def _lost(array: np.ndarray[Any, Any], wanted: DType) -> str | None:
    """What no value of the dtype can stand for: a fraction, a sign, a high bit; rounding of floats is no loss."""
    if wanted.is_string:
        return None
    if _is_text(array):
        return "strings are no numbers"
    if array.dtype.kind not in ("fiubc" if wanted.is_complex else "fiub"):
        return f"{array.dtype} is no dtype of {'' if wanted.is_complex else 'real '}numbers"
    if wanted.has_slope or array.dtype.kind == "b" or array.size == 0:
        return None
    if array.dtype.kind == "f":
        fractions = ~(np.isfinite(array) & (array == np.floor(array)))
        if fractions.any():
            return f"{_first(array, fractions)} is not a whole number"
    least, greatest = (0, 1) if wanted.is_bool else (np.iinfo(wanted.numpy).min, np.iinfo(wanted.numpy).max)
    if least <= int(array.min()) and int(array.max()) <= greatest:
        return None
    return f"{_first(array, (array < least) | (array > greatest))} is outside the range of {wanted.name}"


def _is_text(array: np.ndarray[Any, Any]) -> bool:
    return array.dtype.kind in "SU" or (array.size > 0 and isinstance(array.flat[0], (bytes, str)))


def _first(array: np.ndarray[Any, Any], wrong: np.ndarray[Any, Any]) -> str:
    """The first element that is wrong, and where it stands."""
    position = tuple(int(number) for number in np.argwhere(wrong)[0])
    return f"{array[position]}" + (f" at position {list(position)}" if position else "")
