"""TensorFlow's V2 checkpoints: an index (a table of protocol buffers) and shards of plain bytes.

``model.ckpt-7.index`` maps "" to a header and each tensor's name to an entry: type, shape, shard, offset, size and
checksum. The fields are those of tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from graphc import errors
from graphc.checkpoints.atomic import replacing
from graphc.checkpoints.slices import part_key, part_of, ranges
from graphc.checkpoints.table import read_table, table_bytes
from graphc.checkpoints.values import BFLOAT16, ENUMS, NUMPY, STRING, Kind, widened_bfloat16
from graphc.checkpoints.wire import (
    Damaged,
    Fields,
    bytes_field,
    fixed32_field,
    number_field,
    parse,
    read_varint,
)
from graphc.checksums import masked_crc32c

INDEX = ".index"
Array = np.ndarray[Any, Any]


class Bundle:
    """An open V2 checkpoint."""

    def __init__(self, prefix: str):
        self._prefix = prefix
        self._entries: dict[bytes, Fields] = {}
        try:
            with open(prefix + INDEX, "rb") as file:
                table = read_table(file.read())
            header = parse(table.pop(b"", b""))
            self._shards = header.number(1)
            if header.number(2):
                self._fail(INDEX, "its numbers are in big-endian order, which graphc does not read")
            self._entries = {key: parse(value) for key, value in table.items()}
            whole = {key.decode(): entry for key, entry in self._entries.items() if not key.startswith(b"\0")}
        except (Damaged, UnicodeDecodeError) as error:
            self._fail(INDEX, str(error))
        self.kinds = {name: Kind(entry.number(1), shape_of(entry.bytes(2))) for name, entry in whole.items()}

    def read(self, name: str) -> Array:
        """The tensor ``name``, joined where it was kept in parts; ``DataLossError`` for damage."""
        kind, entry = self.kinds[name], self._entries[name.encode()]
        parts = [part_of(message) for message in entry.messages(7)]
        if not parts:
            return self._read(name, entry)
        value = np.zeros(kind.shape, NUMPY[kind.number])
        for part in parts:
            found = self._entries.get(part_key(name, part))
            if found is None:
                self._fail(INDEX, f"a part of '{name}' is missing")
            value[ranges(part, kind.shape)] = self._read(name, found)
        return value

    def _read(self, name: str, entry: Fields) -> Array:
        number, shape = entry.number(1), shape_of(entry.bytes(2))
        shard = f".data-{entry.number(3):05d}-of-{self._shards:05d}"
        data = self._bytes(shard, entry.number(4), entry.number(5))
        if number == STRING:
            return self._strings(name, shard, data, shape, entry.number(6))
        if masked_crc32c(data) != entry.number(6):
            self._fail(shard, f"Checksum does not match: the bytes of '{name}' are damaged")
        if number == BFLOAT16:
            return widened_bfloat16(data).reshape(shape)
        if number not in NUMPY:
            raise errors.UnimplementedError(None, None, f"'{name}' has TensorFlow's type {number}, which NumPy has not")
        if len(data) != int(np.prod(shape)) * NUMPY[number].itemsize:
            self._fail(shard, f"'{name}' has {len(data)} bytes, which is not what the shape {shape} takes")
        return np.frombuffer(data, NUMPY[number]).reshape(shape).copy()

    def _bytes(self, shard: str, offset: int, size: int) -> bytes:
        try:
            with open(self._prefix + shard, "rb") as file:
                file.seek(offset)
                data = file.read(size)
        except FileNotFoundError:
            raise errors.NotFoundError(None, None, f"{self._prefix}{shard}; No such file or directory") from None
        if len(data) != size:
            self._fail(shard, f"it has {offset + len(data)} bytes and should have at least {offset + size}")
        return data

    def _strings(self, name: str, shard: str, data: bytes, shape: tuple[int, ...], checksum: int) -> Array:
        """Their lengths, a checksum of these, and their bytes."""
        count, lengths, at = int(np.prod(shape)), [], 0
        for _ in range(count):
            length, at = read_varint(data, at)
            lengths.append(length)
        # both checksums are over the lengths as numbers of four bytes, not over the varints
        counted = np.array(lengths, "<u4").tobytes()
        wrong = masked_crc32c(counted) != int.from_bytes(data[at : at + 4], "little")
        if wrong or masked_crc32c(counted + data[at:]) != checksum:
            self._fail(shard, f"Checksum does not match: the bytes of '{name}' are damaged")
        at += 4
        value = np.empty(count, object)
        for place, length in enumerate(lengths):
            value[place] = data[at : at + length]
            at += length
        return value.reshape(shape)

    def _fail(self, suffix: str, reason: str) -> NoReturn:
        raise errors.DataLossError(None, None, f"the checkpoint file '{self._prefix}{suffix}' is damaged: {reason}")


def shape_of(message: bytes) -> tuple[int, ...]:
    """The sizes in a TensorShapeProto."""
    return tuple(dim.signed(1) for dim in parse(message).messages(2))


def write(prefix: str, values: Mapping[str, Array]) -> None:
    """Writes a checkpoint of one shard that TensorFlow reads; ``TypeError`` for types that it has not."""
    shard = f"{prefix}.data-00000-of-00001"
    os.makedirs(os.path.dirname(prefix) or ".", exist_ok=True)
    entries = {b"": number_field(1, 1) + bytes_field(3, number_field(1, 1))}  # one shard; version 1 of the format
    with replacing(shard, prefix + INDEX) as (data_file, index_file):
        with open(data_file, "wb") as file:
            for name in sorted(values, key=str.encode):
                data = values[name].tobytes()
                entries[name.encode()] = _entry(values[name], file.tell(), data)
                file.write(data)
        with open(index_file, "wb") as file:
            file.write(table_bytes(entries))


def _entry(value: Array, offset: int, data: bytes) -> bytes:
    if value.dtype not in ENUMS:
        raise TypeError(f"TensorFlow's checkpoints cannot keep values of the type {value.dtype}")
    shape = b"".join(bytes_field(2, number_field(1, size)) for size in value.shape)
    return (
        number_field(1, ENUMS[value.dtype]) + bytes_field(2, shape) + number_field(4, offset)
        + number_field(5, len(data)) + fixed32_field(6, masked_crc32c(data))
    )  # fmt: skip
