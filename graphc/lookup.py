"""tf.lookup: tables from keys to values. Their contents live in the session, and looking up runs on the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.dtypes import DType
from graphc.frame.gfile import GFile
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, convert_to_tensor
from graphc.ops.fingerprint import fingerprint64
from graphc.ops.host import host_array, host_call, resources
from graphc.ops.sparse_tensor import SparseTensor
from graphc.ops.state import group
from graphc.ops.strings import string_tensor
from graphc.scopes import GraphKeys, add_to_collection, control_dependencies, get_collection, get_default_graph
from graphc.shapes import TensorType, is_compatible

__all__ = [
    "KeyValueTensorInitializer",
    "StaticHashTable",
    "StaticVocabularyTable",
    "TextFileIndex",
    "TextFileInitializer",
    "tables_initializer",
]


class TextFileIndex:
    """Which part of a line is a key or a value, beside the numbers of columns."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class KeyValueTensorInitializer:
    """Fills a table with ``keys[i] -> values[i]``."""

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None):
        self.keys = convert_to_tensor(keys, key_dtype)
        self.values = convert_to_tensor(values, value_dtype)
        self.key_dtype, self.value_dtype = self.keys.dtype, self.values.dtype

    def operation(self, fill: Callable[[Any, Any], None]) -> Operation:
        """The operation that hands keys and values to ``fill``."""
        return host_call(fill, [self.keys, self.values], [], "InitializeTableV2", "key_value_init")


class TextFileInitializer:
    """Fills a table with a key and a value from each line of a file: whole lines, their numbers, or columns."""

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
        vocab_size: int | None = None, delimiter: str = "\t", name: str | None = None,
    ):  # fmt: skip
        self.filename = string_tensor(filename)
        self.key_dtype, self.value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        for index, dtype in ((key_index, self.key_dtype), (value_index, self.value_dtype)):
            if index < TextFileIndex.WHOLE_LINE:
                raise ValueError(f"Invalid index value {index}.")
            if index == TextFileIndex.LINE_NUMBER and dtype is not dtypes.int64:
                raise ValueError(f"Signature mismatch. Line numbers are of dtype int64, not {dtype.name}.")
            if index == TextFileIndex.WHOLE_LINE and not (dtype.is_string or dtype.is_integer):
                raise ValueError(f"Signature mismatch. Whole lines are of dtype string or int64, not {dtype.name}.")
        self._columns = (key_index, self.key_dtype), (value_index, self.value_dtype)
        self._size, self._delimiter = vocab_size, delimiter

    def operation(self, fill: Callable[[Any, Any], None]) -> Operation:
        """The operation that hands keys and values to ``fill``."""

        def read(name: Any) -> None:
            with GFile(name.item().decode(), "rb") as file:
                lines = file.read().splitlines()
            if self._size is not None and len(lines) < self._size:
                message = f"Invalid vocab_size in {name.item().decode()}: expected {self._size} but got {len(lines)}"
                raise errors.InvalidArgumentError(message=message)
            lines = lines[: self._size]
            fill(*(self._column(lines, index, dtype) for index, dtype in self._columns))

        return host_call(read, [self.filename], [], "InitializeTableFromTextFileV2", "text_file_init")

    def _column(self, lines: Sequence[bytes], index: int, dtype: DType) -> Any:
        if index == TextFileIndex.LINE_NUMBER:
            return np.arange(len(lines))
        if index == TextFileIndex.WHOLE_LINE:
            texts = list(lines)
        else:
            rows = [line.split(self._delimiter.encode()) for line in lines]
            short = next((n for n, row in enumerate(rows) if len(row) <= index), None)
            if short is not None:
                message = f"Invalid number of columns in line {short}: expected at least {index + 1}"
                raise errors.InvalidArgumentError(message=message)
            texts = [row[index] for row in rows]
        return dtypes.as_bytes(texts) if dtype.is_string else np.array([dtype.numpy.type(text) for text in texts])


class StaticHashTable:
    """A table that is filled once, by ``initializer`` or ``tf.tables_initializer()``.

    A key that is not there gives ``default_value``. ``errors.FailedPreconditionError`` where it is not filled yet.
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None):
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        self.default_value = convert_to_tensor(default_value, self.value_dtype)
        self.name = get_default_graph().unique_name(name or "hash_table")
        self.initializer = initializer.operation(self._fill)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, self.initializer)

    @property
    def init(self) -> Operation:
        """The operation that fills the table."""
        return self.initializer

    def _fill(self, keys: Any, values: Any) -> None:
        held: dict[Any, Any] = {}
        for key, value in zip(keys.reshape(-1).tolist(), values.reshape(-1).tolist(), strict=True):
            if held.setdefault(key, value) != value:
                message = "HashTable has different value for same key. Key "
                raise errors.FailedPreconditionError(
                    message=f"{message}{_shown(key)} has {_shown(held[key])} and trying to add value {_shown(value)}"
                )
        resources()[self] = held

    def _contents(self) -> dict[Any, Any]:
        held = resources().get(self)
        if held is None:
            message = f"Table not initialized: '{self.name}'; run tf.tables_initializer() first"
            raise errors.FailedPreconditionError(message=message)
        return held

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The value of each key, in the shape of ``keys``; of a SparseTensor the values are looked up."""
        if isinstance(keys, SparseTensor):
            return SparseTensor(keys.indices, self.lookup(keys.values, name), keys.dense_shape)
        keys = convert_to_tensor(keys)
        if keys.dtype is not self.key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self.key_dtype}, got {keys.dtype}.")
        row = self.default_value.type.shape or ()
        type = TensorType(self.value_dtype, None if keys.type.shape is None else (*keys.type.shape, *row))
        node = host_call(self._found, [keys, self.default_value], [type], "LookupTableFindV2", name or "table_lookup")
        return node.outputs[0]

    def _found(self, keys: Any, default: Any) -> Any:
        held, missing = self._contents(), default.tolist()
        values = [held.get(key, missing) for key in keys.reshape(-1).tolist()]
        return host_array(values, self.value_dtype).reshape(keys.shape + default.shape)

    def size(self, name: str | None = None) -> Tensor:
        """How many keys there are, int64."""
        type = TensorType(dtypes.int64, ())
        return host_call(lambda: len(self._contents()), [], [type], "LookupTableSizeV2", name).outputs[0]


def _shown(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


class MutableHashTable(StaticHashTable):
    """A table that operations fill while the graph runs; empty at first in every session."""

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, shared_name: str | None = None,
        name: str = "MutableHashTable", checkpoint: bool = True,
    ):  # fmt: skip
        self.key_dtype, self.value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        self.default_value = convert_to_tensor(default_value, self.value_dtype)
        if self.default_value.type.rank not in (0, 1) or None in (self.default_value.type.shape or ()):
            raise ValueError(f"default_value must be a scalar or a vector of known length, not {self.default_value}")
        self.name = get_default_graph().unique_name(name)

    def _contents(self) -> dict[Any, Any]:
        return resources().setdefault(self, {})

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that sets the value of each key."""
        inputs = [convert_to_tensor(keys, self.key_dtype), convert_to_tensor(values, self.value_dtype)]

        row = self.default_value.type.shape or ()
        wanted = (*(inputs[0].type.shape or ()), *row)
        if inputs[0].type.shape is not None and not is_compatible(inputs[1].type.shape, wanted):
            raise ValueError(
                f"{self.name}: values of keys {inputs[0].type} must be {list(wanted)}, not {inputs[1].type}"
            )

        def put(keys: Any, values: Any) -> None:
            names = keys.reshape(-1).tolist()
            rows = values.reshape(len(names), *row).tolist()
            self._contents().update(zip(names, rows, strict=True))

        return host_call(put, inputs, [], "LookupTableInsertV2", name)

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and their values."""
        row = self.default_value.type.shape or ()
        types = [TensorType(self.key_dtype, (None,)), TensorType(self.value_dtype, (None, *row))]

        def listed() -> tuple[Any, ...]:
            held = self._contents()
            values = host_array(list(held.values()), self.value_dtype).reshape(len(held), *row)
            return host_array(list(held), self.key_dtype), values

        keys, values = host_call(listed, [], types, "LookupTableExportV2", name).outputs
        return keys, values

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """An operation that takes keys out of the table; keys that are not in it change nothing."""

        def take(keys: Any) -> None:
            held = self._contents()
            for key in keys.reshape(-1).tolist():
                held.pop(key, None)

        return host_call(take, [convert_to_tensor(keys, self.key_dtype)], [], "LookupTableRemoveV2", name)


class MutableDenseHashTable(MutableHashTable):
    """A table that operations fill while the graph runs, of keys other than ``empty_key`` and ``deleted_key``.

    ``errors.InvalidArgumentError`` where one of these two is looked up or put in.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any,
        initial_num_buckets: int | None = None, shared_name: str | None = None, name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
    ):  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, shared_name, name, checkpoint)
        self._kept_apart: dict[Any, str] = {}
        for key, what in ((empty_key, "empty_key"), (deleted_key, "deleted_key")):
            kind = convert_to_tensor(key, self.key_dtype).op.kind
            if not isinstance(kind, Const) or kind.value.ndim:
                raise ValueError(f"{self.name}: {what} must be a scalar that is known while declaring, not {key!r}")
            if kind.value.item() in self._kept_apart:
                raise ValueError(f"{self.name}: empty_key and deleted_key must differ, both are {key!r}")
            self._kept_apart[kind.value.item()] = what

    def _found(self, keys: Any, default: Any) -> Any:
        self._check(keys)
        return super()._found(keys, default)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        with control_dependencies([self._checking(keys)]):
            return super().insert(keys, values, name)

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        with control_dependencies([self._checking(keys)]):
            return super().remove(keys, name)

    def _checking(self, keys: Any) -> Operation:
        return host_call(self._check, [convert_to_tensor(keys, self.key_dtype)], [], "Assert", "check_keys")

    def _check(self, keys: Any) -> None:
        for key in keys.reshape(-1).tolist():
            if key in self._kept_apart:
                message = f"{self.name}: using the {self._kept_apart[key]} {_shown(key)} as a key is not allowed"
                raise errors.InvalidArgumentError(message=message)


class StaticVocabularyTable(StaticHashTable):
    """A table of ids in which other keys get one of ``num_oov_buckets`` ids behind, by their fingerprint."""

    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None,
        default_value: int = -1,
    ):  # fmt: skip
        if initializer.value_dtype is not dtypes.int64:
            raise TypeError(f"Invalid value dtype, expected int64 but got {initializer.value_dtype.name}")
        self._buckets = int(num_oov_buckets)
        super().__init__(initializer, default_value, name)

    def _found(self, keys: Any, default: Any) -> Any:
        held, missing = self._contents(), default.item()
        ids = [self._id(held, key, missing) for key in keys.reshape(-1).tolist()]
        return host_array(ids, dtypes.int64).reshape(keys.shape)

    def _id(self, held: dict[Any, Any], key: Any, missing: int) -> int:
        if key in held or not self._buckets:
            return held.get(key, missing)
        text = key if isinstance(key, bytes) else str(key).encode()
        return len(held) + fingerprint64(text) % self._buckets

    def size(self, name: str | None = None) -> Tensor:
        """How many ids there are, those of the buckets counted."""
        return super().size(name) + self._buckets


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """The operation that fills all tables of the graph."""
    return group(*get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)


# -- tf.contrib.lookup -------------------------------------------------------------------------------------------


def _fast_hash(hasher_spec: Any) -> None:
    if hasher_spec is not None and getattr(hasher_spec, "hasher", "fasthash") != "fasthash":
        raise NotImplementedError("hasher_spec: only the fast hash is provided; leave it out")


def index_table_from_tensor(
    mapping: Any, num_oov_buckets: int = 0, default_value: int = -1, hasher_spec: Any = None,
    dtype: Any = dtypes.string, name: str | None = None,
) -> StaticVocabularyTable:  # fmt: skip
    """The table from each string (or whole number) of ``mapping`` to its position."""
    _fast_hash(hasher_spec)
    if mapping is None:
        raise ValueError("mapping must be specified.")
    keys = convert_to_tensor(mapping, None if isinstance(mapping, Tensor) else dtype)
    count = keys.type.shape[0] if keys.type.shape else None
    if not isinstance(count, int):
        raise NotImplementedError(f"the mapping must be a vector of known length, not {keys.type}")
    initializer = KeyValueTensorInitializer(keys, np.arange(count))
    return StaticVocabularyTable(initializer, num_oov_buckets, None, name or "string_to_index", default_value)


def index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None, default_value: int = -1,
    hasher_spec: Any = None, key_dtype: Any = dtypes.string, name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE, value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> StaticVocabularyTable:  # fmt: skip
    """The table from each line of a file to its number."""
    _fast_hash(hasher_spec)
    _check_file(vocabulary_file)
    initializer = TextFileInitializer(
        vocabulary_file, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter
    )
    return StaticVocabularyTable(initializer, num_oov_buckets, None, name or "string_to_index", default_value)


def _check_file(vocabulary_file: Any) -> None:
    if vocabulary_file is None or (isinstance(vocabulary_file, (str, bytes)) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")


def index_to_string_table_from_tensor(
    vocabulary_list: Any = None, default_value: str = "UNK", name: str | None = None, mapping: Any = None
) -> StaticHashTable:
    """The table from positions to the strings that stand there."""
    values = string_tensor(vocabulary_list if mapping is None else mapping)
    kind = values.op.kind
    if not isinstance(kind, Const):
        raise NotImplementedError("the mapping must be known while declaring")
    initializer = KeyValueTensorInitializer(np.arange(kind.value.size), values)
    return StaticHashTable(initializer, default_value, name or "index_to_string")


def index_to_string_table_from_file(
    vocabulary_file: Any, vocab_size: int | None = None, default_value: str = "UNK", name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER, value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> StaticHashTable:  # fmt: skip
    """The table from the number of each line of a file to the line."""
    _check_file(vocabulary_file)
    initializer = TextFileInitializer(
        vocabulary_file, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size, delimiter
    )
    return StaticHashTable(initializer, default_value, name or "index_to_string")
