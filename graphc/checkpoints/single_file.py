"""TensorFlow's V1 checkpoints: one table (or one a shard) whose values are tensors as protocol buffers.

The fields are those of tensorflow/core/util/saved_tensor_slice.proto and tensorflow/core/framework/tensor.proto.
"""

from __future__ import annotations

import glob
from typing import Any

import numpy as np

from graphc import errors
from graphc.checkpoints.bundle import shape_of
from graphc.checkpoints.slices import Part, part_key, part_of, ranges
from graphc.checkpoints.table import MAGIC, read_table
from graphc.checkpoints.values import NUMPY, Kind
from graphc.checkpoints.wire import Damaged, Fields, parse, read_varint

Array = np.ndarray[Any, Any]
# The field of a TensorProto that holds the values, and their type there; the rest of whole numbers are varints.
_FLOATS = {1: (5, "<f4"), 2: (6, "<f8")}
_FIELDS = {3: 7, 4: 7, 5: 7, 6: 7, 9: 10, 10: 11, 13: 7, 17: 7, 22: 16, 23: 17}


def files_of(path: str) -> list[str]:
    """The files of a V1 checkpoint called ``path``: that file, or its shards; none where there is no such thing."""
    found = [path, *sorted(glob.glob(glob.escape(path) + "-?????-of-?????"))]
    return [name for name in found if _is_table(name)]


def _is_table(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            file.seek(-len(MAGIC), 2)
            return file.read() == MAGIC
    except OSError:
        return False


class SingleFile:
    """An open V1 checkpoint, all of it in memory."""

    def __init__(self, paths: list[str]):
        self._path = paths[0]
        self.kinds: dict[str, Kind] = {}
        self._parts: dict[str, dict[Part, bytes]] = {}
        for path in paths:
            try:
                with open(path, "rb") as file:
                    self._take(read_table(file.read()))
            except (Damaged, UnicodeDecodeError) as error:
                raise errors.DataLossError(None, None, f"the checkpoint '{path}' is damaged: {error}") from None

    def _take(self, table: dict[bytes, bytes]) -> None:
        for described in parse(parse(table[b""]).bytes(1)).messages(1):
            name = described.bytes(1).decode()
            self.kinds[name] = Kind(described.number(3), shape_of(described.bytes(2)))
            for part in map(part_of, described.messages(4)):
                key = part_key(name, part)
                if key in table:
                    self._parts.setdefault(name, {})[part] = parse(parse(table[key]).bytes(2)).bytes(3)

    def read(self, name: str) -> Array:
        """The tensor ``name``, joined of its parts."""
        kind = self.kinds[name]
        if kind.number not in _FLOATS and kind.number not in _FIELDS:
            raise errors.UnimplementedError(
                None, None, f"'{name}' in '{self._path}' has type {kind.dtype.name}, which is not read from V1 files"
            )
        value = np.zeros(kind.shape, NUMPY[kind.number])
        for part, message in self._parts.get(name, {}).items():
            where = ranges(part, kind.shape)
            value[where] = _values(kind.number, parse(message)).reshape(value[where].shape)
        return value


def _values(number: int, message: Fields) -> Array:
    """The numbers in a TensorProto."""
    if number in _FLOATS:
        field, form = _FLOATS[number]
        packed = b"".join(part for part in message.values.get(field, []) if isinstance(part, bytes))
        return np.frombuffer(packed, form)
    found = []
    for packed in message.values.get(_FIELDS[number], []):
        if isinstance(packed, int):
            found.append(packed)
            continue
        at = 0
        while at < len(packed):
            value, at = read_varint(packed, at)
            found.append(value)
    return np.array(found, np.uint64).astype(np.int64).astype(NUMPY[number])
