"""The records of files, one after another: lines, and pieces of a fixed length."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphc import errors
from graphc.frame.gfile import local_path
from graphc.python_io import TFRecordOptions


def file_contents(name: bytes) -> bytes:
    """All bytes of a file."""
    with _opened(name, b"") as file:
        return file.read()


def text_lines(name: bytes, compression: bytes = b"") -> Iterator[bytes]:
    """The lines of a file, without their ends."""
    with _opened(name, compression) as file:
        for line in file:
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def fixed_length(
    name: bytes, size: Any, header: Any = 0, footer: Any = 0, compression: bytes = b"", hop: Any = 0,
    strict: bool = True,
) -> Iterator[bytes]:  # fmt: skip
    """Records of ``size`` bytes each, between a header and a footer that belong to none; ``hop`` bytes apart.

    ``strict``: bytes that are left over are an ``InvalidArgumentError``.
    """
    size, hop = int(size), int(hop) or int(size)
    with _opened(name, compression) as file:
        data = file.read()[int(header) :]
    data = data[: len(data) - int(footer)] if footer else data
    if strict and len(data) % size:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Excess bytes of {len(data) % size} in input file {name.decode()}: {len(data)} bytes between header and "
            f"footer are no multiple of {size}",
        )
    for start in range(0, len(data) - size + 1, hop):
        yield data[start : start + size]


@contextmanager
def _opened(name: bytes, compression: bytes) -> Iterator[Any]:
    path = local_path(name.decode())
    kind = TFRecordOptions.get_compression_type_string(compression.decode())
    try:
        if kind == "ZLIB":
            with open(path, "rb") as file:
                yield io.BytesIO(zlib.decompress(file.read()))
        else:
            opener: Any = gzip.open if kind == "GZIP" else open
            with opener(path, "rb") as file:
                yield file
    except zlib.error as error:
        raise errors.DataLossError(None, None, f"{path}: {error}") from None
    except OSError as error:
        raise errors.of_system(error, path) from None
