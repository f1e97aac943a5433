"""Files that are either the old or the new, whole, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def replacing(*paths: str) -> Iterator[Sequence[str]]:
    """Names to write to in place of ``paths``; what was written takes their places at the end of the ``with``.

    It is on the disk before it does. Where the block fails nothing is replaced and nothing is left behind.
    """
    fresh: list[str] = []
    try:
        for path in paths:
            handle, name = tempfile.mkstemp(".tmp", f".{os.path.basename(path)}.", os.path.dirname(path) or ".")
            os.close(handle)
            fresh.append(name)
        yield fresh
        for name in fresh:
            _flush(name)
            os.chmod(name, 0o666 & ~_mask())
        for name, path in zip(fresh, paths, strict=True):
            os.replace(name, path)
    finally:
        for name in fresh:
            with suppress(OSError):
                os.unlink(name)
    for folder in {os.path.dirname(path) or "." for path in paths}:
        with suppress(OSError):  # some file systems cannot flush a folder
            _flush(folder)


def replace_text(path: str, text: str) -> None:
    """Writes a text file as a whole."""
    with replacing(path) as (fresh,), open(fresh, "w", encoding="utf-8") as file:
        file.write(text)


def _flush(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mask() -> int:
    """The permissions that new files shall not have; reading it means setting it for a moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
