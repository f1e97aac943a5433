"""Serialised ``tf.train.Example`` messages as tensors, a batch or one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.decoding.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    dtype_of,
)
from graphc.decoding.messages import Example
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import as_array, check_dtype, declare
from graphc.ops.host import HostOp
from graphc.ops.sparse_tensor import SparseTensor
from graphc.ops.strings import STRING, string_tensor
from graphc.records import record
from graphc.shapes import Size, TensorType, as_shape

Array = np.ndarray[Any, Any]
_KINDS = {dtypes.float32: "float_list", dtypes.int64: "int64_list", dtypes.string: "bytes_list"}
_NAMES = {"float_list": "float", "int64_list": "int64", "bytes_list": "string", dtypes.float32: "float"}


@record(eq=False)
class Wanted:
    """What is looked for under a key: ``called`` names the sort of feature, ``default`` is an array or None."""

    key: str
    called: str
    dtype: DType
    shape: tuple[int, ...] = ()
    default: Any = None
    indices: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()

    @property
    def is_sparse(self) -> bool:
        """Whether three tensors come of it."""
        return self.called in ("VarLenFeature", "SparseFeature")

    def types(self, batch: tuple[Size, ...]) -> list[TensorType]:
        """The types of its outputs; ``batch`` is the size of the batch, or nothing for one example."""
        if self.is_sparse:
            rank = len(batch) + max(len(self.sizes), 1)
            return [
                TensorType(dtypes.int64, (None, rank)),
                TensorType(self.dtype, (None,)),
                TensorType(dtypes.int64, (rank,)),
            ]
        inner: tuple[Size, ...] = (None,) if self.called == "FixedLenSequenceFeature" else ()
        return [TensorType(self.dtype, (*batch, *inner, *self.shape))]


def values_of(feature: Any, key: str, dtype: DType, before: str = "") -> Array | None:
    """The values of a feature; None where it has none; ``InvalidArgumentError`` where they are of another type."""
    found = None if feature is None else feature.WhichOneof("kind")
    if found is None:
        return None
    if found != _KINDS[dtype]:
        message = f"{before}Key: {key}.  Data types don't match. Data type: {_NAMES[found]} but expected type: "
        raise InvalidArgumentError(message=message + _NAMES.get(dtype, dtype.name))
    values = getattr(feature, found).value
    if dtype.is_string:
        return dtypes.as_bytes(list(values))
    return np.fromiter(values, dtype.numpy, len(values))


class _Parsing(HostOp):
    """Turns examples into the outputs of all features, in their order."""

    features: tuple[Wanted, ...]

    def _outputs(self, messages: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[Any, ...]:
        outputs: list[Any] = []
        for wanted in self.features:
            rows = [self._row(wanted, message, name) for message, name in zip(messages, names, strict=True)]
            outputs += _SPARSE[wanted.called](wanted, rows) if wanted.is_sparse else [_dense(wanted, rows)]
        return tuple(outputs)

    def _row(self, wanted: Wanted, message: Mapping[str, Any], name: str) -> Any:
        """What one example has of a feature."""
        if wanted.called == "SparseFeature":
            return _sparse_row(wanted, message, name)
        found = values_of(message.get(wanted.key), wanted.key, wanted.dtype, name)
        if wanted.called == "VarLenFeature":
            return np.zeros(0, wanted.dtype.numpy) if found is None else found
        if wanted.called == "FixedLenSequenceFeature":
            return _sequence_row(wanted, found, name)
        if found is None:
            if wanted.default is None:
                kind = _NAMES.get(wanted.dtype, wanted.dtype.name)
                message_text = f"{name}Feature: {wanted.key} (data type: {kind}) is required but could not be found."
                raise InvalidArgumentError(message=message_text)
            return wanted.default
        if found.size != math.prod(wanted.shape):
            raise InvalidArgumentError(message=_count_text(wanted, found, name))
        return found.reshape(wanted.shape)


def _count_text(wanted: Wanted, found: Array, name: str) -> str:
    kind, shape = _NAMES.get(wanted.dtype, wanted.dtype.name), ",".join(map(str, wanted.shape))
    return (
        f"{name}Key: {wanted.key}.  Can't parse serialized Example: number of {kind} values != expected.  "
        f"Values size: {found.size} but output shape: [{shape}]"
    )


def _sequence_row(wanted: Wanted, found: Array | None, name: str) -> Array:
    if found is None:
        return np.zeros((0, *wanted.shape), wanted.dtype.numpy)
    size = math.prod(wanted.shape)
    if size == 0 or found.size % size:
        raise InvalidArgumentError(message=_count_text(wanted, found, name))
    return found.reshape(-1, *wanted.shape)


def _sparse_row(wanted: Wanted, message: Mapping[str, Any], name: str) -> tuple[Array, Array]:
    """The positions and the values of a SparseFeature, in row-major order."""
    values = values_of(message.get(wanted.key), wanted.key, wanted.dtype, name)
    values = np.zeros(0, wanted.dtype.numpy) if values is None else values
    columns = [values_of(message.get(key), key, dtypes.int64, name) for key in wanted.indices]
    places = np.stack([np.zeros(0, np.int64) if column is None else column for column in columns], 1)
    if len(places) != len(values):
        text = f"{name}Key: {wanted.key}.  {len(values)} values came with {len(places)} positions"
        raise InvalidArgumentError(message=text)
    if places.size and ((places < 0).any() or (places >= np.array(wanted.sizes)).any()):
        text = f"{name}Key: {wanted.key}.  a position is outside the size {list(wanted.sizes)}"
        raise InvalidArgumentError(message=text)
    order = np.lexsort(places.T[::-1])
    return places[order], values[order]


def _dense(wanted: Wanted, rows: Sequence[Array]) -> Array:
    """Rows of one shape one above the other; shorter sequences are filled up."""
    if wanted.called != "FixedLenSequenceFeature":
        return np.stack(rows) if rows else np.zeros((0, *wanted.shape), wanted.dtype.numpy)
    longest = max((len(row) for row in rows), default=0)
    filler = wanted.dtype.zero if wanted.default is None else wanted.default
    result = np.full((len(rows), longest, *wanted.shape), filler, wanted.dtype.numpy)
    for place, row in enumerate(rows):
        result[place, : len(row)] = row
    return result


def rows_of_any_length(wanted: Wanted, rows: Sequence[Array]) -> list[Any]:
    """Rows of any lengths as a sparse matrix."""
    lengths = [len(row) for row in rows]
    places = [(place, column) for place, length in enumerate(lengths) for column in range(length)]
    return [
        np.array(places, np.int64).reshape(-1, 2),
        np.concatenate([np.zeros(0, wanted.dtype.numpy), *rows]),
        np.array([len(rows), max(lengths, default=0)], np.int64),
    ]


def _of_positions(wanted: Wanted, rows: Sequence[tuple[Array, Array]]) -> list[Any]:
    """Rows of positions and values as a sparse tensor."""
    places = [np.insert(positions, 0, place, axis=1) for place, (positions, _) in enumerate(rows)]
    return [
        np.concatenate([np.zeros((0, len(wanted.sizes) + 1), np.int64), *places]),
        np.concatenate([np.zeros(0, wanted.dtype.numpy), *(values for _, values in rows)]),
        np.array([len(rows), *wanted.sizes], np.int64),
    ]


_SPARSE: dict[str, Any] = {"VarLenFeature": rows_of_any_length, "SparseFeature": _of_positions}


def parsed(kind: Any, data: bytes) -> Any:
    """The message; ``InvalidArgumentError`` where the bytes are none."""
    from google.protobuf.message import DecodeError  # its messages have loaded it

    try:
        return kind.FromString(data)
    except DecodeError:
        shown = data[:80].decode(errors="backslashreplace")
        raise InvalidArgumentError(message=f"Could not parse example input, value: '{shown}'") from None


@record(eq=False)
class ParseExample(_Parsing):
    """The features of each example of a vector."""

    features: tuple[Wanted, ...]

    def infer(self, serialized: TensorType, *names: TensorType) -> tuple[TensorType, ...]:
        check_dtype(serialized, STRING, "serialized examples")
        if serialized.rank not in (None, 1):
            raise ValueError(f"a batch of examples is a vector of strings, not {serialized}")
        batch = (None,) if serialized.shape is None else serialized.shape
        return tuple(type for wanted in self.features for type in wanted.types(batch))

    def evaluate(self, serialized: Any, names: Any = ()) -> Any:
        called = [name.decode() for name in names] or ["<unknown>"] * len(serialized)
        messages = [parsed(Example, data).features.feature for data in serialized]
        return self._outputs([dict(message) for message in messages], [f"Name: {name}, " for name in called])


@record(eq=False)
class ParseSingleExample(_Parsing):
    """The features of one example."""

    features: tuple[Wanted, ...]

    def infer(self, serialized: TensorType) -> tuple[TensorType, ...]:
        check_dtype(serialized, STRING, "a serialized example")
        if serialized.rank not in (None, 0):
            raise ValueError(f"one example is a scalar string, not {serialized}; tf.parse_example takes a vector")
        return tuple(type for wanted in self.features for type in wanted.types(()))

    def evaluate(self, serialized: Any) -> Any:
        message = parsed(Example, serialized.item()).features.feature
        return self.of_one(dict(message))

    def of_one(self, message: Mapping[str, Any]) -> tuple[Any, ...]:
        """The outputs for one example: those of a batch of one, without the batch."""
        return without_batch(self.features, self._outputs([message], [""]))


def without_batch(features: Sequence[Wanted], outputs: Sequence[Any]) -> tuple[Any, ...]:
    """The outputs of a batch of one as those of one example."""
    rest, results = iter(outputs), []
    for wanted in features:
        if wanted.is_sparse:
            results += [next(rest)[:, 1:], next(rest), next(rest)[1:]]
        else:
            results.append(next(rest)[0])
    return tuple(results)


# -- what users call ---------------------------------------------------------------------------------------------


def wanted_of(features: Mapping[str, Any] | None, sequences: bool = False) -> tuple[Wanted, ...]:
    """The features in the order of their keys; ``ValueError`` or ``TypeError`` where one cannot be had."""
    return tuple(_wanted(key, feature, sequences) for key, feature in sorted((features or {}).items()))


def _wanted(key: str, feature: Any, sequences: bool) -> Wanted:
    if not isinstance(feature, (FixedLenFeature, VarLenFeature, FixedLenSequenceFeature, SparseFeature)):
        raise TypeError(f"Invalid feature {key}:{feature}.")
    dtype, called = dtype_of(key, feature), type(feature).__name__
    if isinstance(feature, VarLenFeature):
        return Wanted(key, called, dtype)
    if isinstance(feature, SparseFeature):
        indices = tuple(_listed(feature.index_key))
        sizes = tuple(int(size) for size in _listed(feature.size))
        if len(indices) != len(sizes):
            raise ValueError(f"SparseFeature {key}: {len(indices)} index keys, but sizes {list(sizes)}")
        return Wanted(feature.value_key, called, dtype, indices=indices, sizes=sizes)
    shape: Any = as_shape(feature.shape)
    if shape is None or not all(isinstance(size, int) for size in shape):
        raise ValueError(f"the shape of feature {key!r} must be known, not {feature.shape}")
    if isinstance(feature, FixedLenSequenceFeature) and not sequences and not feature.allow_missing:
        raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
    default = None if feature.default_value is None else as_array(feature.default_value, dtype)
    if default is not None and called == "FixedLenFeature":
        default = np.broadcast_to(default, shape) if default.size == 1 else default.reshape(shape)
    return Wanted(key, called, dtype, shape, default)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def gathered(keys: Iterable[str], wanted: Sequence[Wanted], outputs: Sequence[Tensor]) -> dict[str, Any]:
    """The outputs by the keys of the features, those of a sparse one as a SparseTensor."""
    rest, found = iter(outputs), {}
    for key, one in zip(keys, wanted, strict=True):
        found[key] = SparseTensor(next(rest), next(rest), next(rest)) if one.is_sparse else next(rest)
    return found


def _checked(features: Any) -> Mapping[str, Any]:
    if not features:
        raise ValueError("Missing: features was None or empty.")
    return features


@telling_line
def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """A vector of serialised ``tf.train.Example`` messages as a dictionary of tensors with the batch first.

    ``features`` gives for each key a FixedLenFeature, VarLenFeature, FixedLenSequenceFeature or SparseFeature.
    ``InvalidArgumentError`` where an example lacks a feature without default, or holds one of another type or size.
    """
    wanted = wanted_of(_checked(features))
    inputs = [string_tensor(serialized), *([] if example_names is None else [string_tensor(example_names)])]
    node = declare(ParseExample(wanted), *inputs, name=name)
    return gathered(sorted(features), wanted, node.outputs)


@telling_line
def parse_single_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """One serialised ``tf.train.Example`` as a dictionary of tensors; see ``tf.parse_example``."""
    wanted = wanted_of(_checked(features))
    node = declare(ParseSingleExample(wanted), string_tensor(serialized), name=name)
    return gathered(sorted(features), wanted, node.outputs)
