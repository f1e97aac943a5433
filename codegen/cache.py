"""Compiled code kept on disk between runs, in a folder that only its owner can write.

An entry is code that will be executed, so it is loaded only when nobody else can have made it: folder and file belong
to this user, nobody else may write them, neither is a link, and the header fits the contents. Everything else counts
as missing and is written anew. A cache that cannot be used is never an error: code is then compiled in every process.

File format: magic, length of the payload, BLAKE2b over key and payload, payload.
"""

from __future__ import annotations

import itertools
import os
import stat
import struct
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache

from graphc import settings
from graphc.codegen.digest import digest

_MAGIC = b"graphc cache 2\n\0"
_HEADER = struct.Struct("<16sQ32s")
_SUFFIX, _UNFINISHED = ".bin", ".tmp"

# What is used stays: a hit makes an entry young again, at most once a day, as each time costs a write to the disk.
_REFRESH_SECONDS = 24 * 3600

# Another process may still be writing a file this young.
_ABANDONED_SECONDS = 3600

# Evicting down to this share of the limit leaves room, so that not every further entry evicts again.
_KEEP_SHARE = 0.75


def get(key: str) -> bytes | None:
    """The bytes stored under ``key``, or None."""
    cache = _process_cache()
    return cache.get(key) if cache else None


def put(key: str, data: bytes) -> None:
    """Store bytes under ``key`` for later processes, if that is possible."""
    cache = _process_cache()
    if cache:
        cache.put(key, data)


def make_key(*parts: str | bytes) -> str:
    """A name for what is compiled from ``parts`` (code, processor, options) by this graphc and this LLVM."""
    pieces = [_MAGIC]
    for part in (_llvm_version(), _source_state(), *parts):
        data = part.encode() if isinstance(part, str) else part
        pieces += [len(data).to_bytes(8, "little"), data]  # So that ("ab", "c") and ("a", "bc") differ.
    return digest(b"".join(pieces)).hex()


@lru_cache(maxsize=1)
def _process_cache() -> Cache | None:
    """The cache of the settings; None when it is turned off or has no place to be."""
    wanted = settings.current()
    return Cache(wanted.cache_dir, wanted.cache_bytes) if wanted.cache and wanted.cache_dir else None


def _llvm_version() -> str:
    import llvmlite  # Late: `import graphc` must not; this loads the version number, not LLVM.

    return str(llvmlite.__version__)


@lru_cache(maxsize=1)
def _source_state() -> str:
    """Name, size and time of the sources that make code of parts: an edited compiler makes other code of the same ones.

    Those are code generation and what stands beside it, sizes and records; what comes before says itself in the parts.
    """
    own = _source_lines(os.path.dirname(__file__))
    return "\n".join(sorted((*own, *_source_lines(os.path.dirname(settings.__file__), inside=False))))


def state_of(folder: str) -> str:
    """The same of all sources in a folder and below it."""
    return "\n".join(sorted(_source_lines(folder)))


def _source_lines(folder: str, inside: bool = True) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".ll")):
                status = entry.stat()
                yield f"{entry.name} {status.st_size} {status.st_mtime_ns}"
            elif inside and entry.is_dir() and entry.name != "__pycache__":
                yield from _source_lines(entry.path)


class Cache:
    """A folder of entries with a limit on their total size; when that is passed, the oldest go first."""

    def __init__(self, folder: str | os.PathLike[str], limit: int):
        self._folder = os.fspath(folder)
        self._limit = limit
        self._total: int | None = None  # Bytes in the folder as far as this process knows; None before the first look.
        self._usable = True

    def get(self, key: str) -> bytes | None:
        """The bytes stored under ``key``, or None when there are none that can be trusted."""
        if not (self._usable and self._folder_is_safe()):
            return None
        try:
            with open(self._path(key), "rb", opener=_open_no_link) as file:
                status = os.fstat(file.fileno())
                if not (stat.S_ISREG(status.st_mode) and _only_ours(status)):
                    return None
                content = file.read()
        except OSError:
            return None
        if time.time() - status.st_mtime > _REFRESH_SECONDS:
            self._make_young(key)
        return _payload(key, content)

    def put(self, key: str, data: bytes) -> None:
        """Store bytes; readers in other processes see the whole entry or none of it."""
        if not self._usable or _HEADER.size + len(data) > self._limit * _KEEP_SHARE:
            return  # an entry that leaves no room for others would drive them all out, and go with them
        content = _HEADER.pack(_MAGIC, len(data), _checksum(key, data)) + data
        unfinished = os.path.join(self._folder, f"{key}.{os.getpid()}.{next(_numbers)}{_UNFINISHED}")
        try:
            self._make_folder()
            with open(unfinished, "xb", opener=_create_private) as file:
                file.write(content)
            os.replace(unfinished, self._path(key))
            self._keep_limit(len(content))
        except OSError as error:
            _remove(unfinished)
            self._give_up(str(error))

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, key + _SUFFIX)

    def _make_folder(self) -> None:
        os.makedirs(os.path.dirname(os.path.abspath(self._folder)), exist_ok=True)
        try:
            os.mkdir(self._folder, mode=0o700)
        except FileExistsError:
            if not self._folder_is_safe():
                raise OSError(f"{self._folder} is not a folder that only you can write") from None

    def _folder_is_safe(self) -> bool:
        try:
            status = os.lstat(self._folder)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and _only_ours(status)

    def _give_up(self, reason: str) -> None:
        """Do without the cache from now on, and say so once."""
        self._usable = False
        warnings.warn(f"graphc keeps no compiled code on disk: {reason}", RuntimeWarning, stacklevel=3)

    def _make_young(self, key: str) -> None:
        try:
            os.utime(self._path(key))
        except OSError:  # A read-only folder still serves what it has.
            return

    def _keep_limit(self, added: int) -> None:
        """Remove the oldest entries when the folder has grown past the limit."""
        if self._total is not None:
            self._total += added
            if self._total <= self._limit:
                return
        entries = sorted(self._entries())
        self._total = sum(size for _, size, _ in entries)
        if self._total <= self._limit:
            return
        for _, size, path in entries:
            if self._total <= self._limit * _KEEP_SHARE:
                break
            _remove(path)
            self._total -= size

    def _entries(self) -> Iterator[tuple[int, int, str]]:
        """(time, size, path) of each entry; what an interrupted process left half written is removed."""
        with os.scandir(self._folder) as files:
            for file in files:
                try:
                    status = file.stat(follow_symlinks=False)
                except OSError:  # Another process removed it.
                    continue
                if file.name.endswith(_SUFFIX):
                    yield status.st_mtime_ns, status.st_size, file.path
                elif file.name.endswith(_UNFINISHED) and time.time() - status.st_mtime > _ABANDONED_SECONDS:
                    _remove(file.path)


_numbers = itertools.count()


def _only_ours(status: os.stat_result) -> bool:
    """Owned by this user, and nobody else may write. Where users have no numbers, the profile folder is private."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _payload(key: str, content: bytes) -> bytes | None:
    """What follows the header, if the header fits it."""
    if len(content) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack_from(content)
    data = content[_HEADER.size :]
    fits = magic == _MAGIC and length == len(data) and checksum == _checksum(key, data)
    return data if fits else None


def _checksum(key: str, data: bytes) -> bytes:
    """The key takes part, so that an entry under another name is none."""
    return digest(key.encode() + b"\0" + data)


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _create_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # Gone already, or not ours to remove.
        return
