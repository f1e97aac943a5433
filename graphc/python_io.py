"""``tf.python_io``: files of records, as TensorFlow writes them.

A record stands between checks, numbers little-endian (TensorFlow's guide "TFRecord and tf.train.Example"):

    uint64 length, uint32 masked CRC-32C of the length, bytes data[length], uint32 masked CRC-32C of the data

with ``masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8``. The whole file may be compressed by gzip or zlib.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from graphc import errors
from graphc.checksums import masked_crc32c
from graphc.frame.gfile import local_path

__all__ = ["TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "tf_record_iterator"]


class TFRecordCompressionType:
    """How a file of records is compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


NAMES = {0: "", 1: "ZLIB", 2: "GZIP"}


class TFRecordOptions:
    """How a file of records is compressed: a :class:`TFRecordCompressionType` or "", "ZLIB", "GZIP"."""

    compression_type_map = NAMES

    def __init__(
        self, compression_type: Any = None, flush_mode: int | None = None, input_buffer_size: int | None = None,
        output_buffer_size: int | None = None, window_bits: int | None = None, compression_level: int | None = None,
        compression_method: int | None = None, mem_level: int | None = None, compression_strategy: int | None = None,
    ):  # fmt: skip
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.compression_level = zlib.Z_DEFAULT_COMPRESSION if compression_level is None else compression_level

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """ "", "ZLIB" or "GZIP", of options, a type or a name; ``ValueError`` for what is none of these."""
        kind = options.compression_type if isinstance(options, TFRecordOptions) else options
        name = NAMES.get(kind, kind) if kind else ""
        if name not in NAMES.values():
            raise ValueError(f'Not a valid compression_type: "{kind}"')
        return str(name)


class TFRecordWriter:
    """Writes records to a file, which it begins anew."""

    def __init__(self, path: Any, options: Any = None):
        kind = TFRecordOptions.get_compression_type_string(options)
        level = getattr(options, "compression_level", zlib.Z_DEFAULT_COMPRESSION)
        self._path = local_path(path)
        try:
            self._file: BinaryIO = open(self._path, "wb")  # noqa: SIM115 (close and the with statement end it)
        except OSError as error:
            raise errors.of_system(error, self._path) from None
        # Window bits above 15 ask zlib for gzip's header and trailer.
        self._packer = zlib.compressobj(level, wbits=31 if kind == "GZIP" else 15) if kind else None

    def write(self, record: Any) -> None:
        """Appends a record of bytes (or of text, as UTF-8)."""
        if self._file.closed:
            raise errors.FailedPreconditionError(None, None, f"Writer is closed: {self._path}")
        data = record.encode() if isinstance(record, str) else bytes(record)
        self._put(framed(data))

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(self._packer.compress(data) if self._packer else data)
        except OSError as error:
            raise errors.of_system(error, self._path) from None

    def flush(self) -> None:
        """What was written can be read when it returns."""
        if self._packer:
            self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Ends the file."""
        if not self._file.closed:
            if self._packer:
                self._file.write(self._packer.flush())
            self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file in order; ``DataLossError`` where it is damaged, ``NotFoundError`` where there is none."""
    kind = TFRecordOptions.get_compression_type_string(options)
    name = local_path(path)
    try:
        with open(name, "rb") as file:
            yield from _records(_unpacked(file, kind), name)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise errors.DataLossError(None, None, f"{name}: {error}") from None
        raise errors.of_system(error, name) from None
    except (zlib.error, EOFError) as error:
        raise errors.DataLossError(None, None, f"{name}: damaged compressed data: {error}") from None


def _unpacked(file: BinaryIO, kind: str) -> Any:
    if kind == "GZIP":
        return gzip.GzipFile(fileobj=file)
    return _Inflated(file) if kind == "ZLIB" else file


class _Inflated:
    """A file compressed by zlib, as one to read from."""

    def __init__(self, file: BinaryIO):
        self._file, self._unpacker, self._ready = file, zlib.decompressobj(), b""

    def read(self, count: int) -> bytes:
        while len(self._ready) < count:
            packed = self._file.read(1 << 16)
            if not packed:
                if not self._unpacker.eof:
                    raise EOFError("the file ends too early")
                break
            self._ready += self._unpacker.decompress(packed)
        data, self._ready = self._ready[:count], self._ready[count:]
        return data


def _records(file: Any, name: str) -> Iterator[bytes]:
    place = 0
    while head := file.read(12):
        if len(head) < 12:
            raise errors.DataLossError(None, None, f"truncated record at {place} of {name}")
        length, check = struct.unpack("<QI", head)
        if masked_crc32c(head[:8]) != check:
            raise errors.DataLossError(None, None, f"corrupted record at {place} of {name}")
        data = file.read(length)
        tail = file.read(4)
        if len(data) < length or len(tail) < 4:
            raise errors.DataLossError(None, None, f"truncated record at {place} of {name}")
        if masked_crc32c(data) != struct.unpack("<I", tail)[0]:
            raise errors.DataLossError(None, None, f"corrupted record at {place} of {name}")
        place += length + 16
        yield data


def framed(data: bytes) -> bytes:
    """A record with its length and checks."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", masked_crc32c(length)), data, struct.pack("<I", masked_crc32c(data))))
