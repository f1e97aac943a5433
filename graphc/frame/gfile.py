"""``tf.gfile``: files and folders, by TensorFlow's names and with its errors.

What the operating system refuses comes as ``tf.errors.NotFoundError``, ``PermissionDeniedError`` and the like. Only the
machine's own file systems are served: a path such as ``gs://bucket`` raises ``UnimplementedError``.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from graphc import errors

__all__ = [
    "Copy",
    "DeleteRecursively",
    "Exists",
    "FastGFile",
    "FileStatistics",
    "GFile",
    "Glob",
    "IsDirectory",
    "ListDirectory",
    "MakeDirs",
    "MkDir",
    "Open",
    "Remove",
    "Rename",
    "Stat",
    "Walk",
]

MODES = ("r", "w", "a", "r+", "w+", "a+")


def local_path(path: Any) -> str:
    """A path as a string; ``UnimplementedError`` for one of another file system."""
    text = os.fsdecode(path)
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    if scheme == "file":
        return rest
    raise errors.UnimplementedError(None, None, f"File system scheme '{scheme}' not implemented (file: '{text}')")


@contextmanager
def _as_tensorflow_error(what: Any) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.of_system(error, os.fsdecode(what)) from None


class GFile:
    """A file that is opened when it is first read or written; text is UTF-8, with ``b`` in the mode it is bytes."""

    def __init__(self, name: Any, mode: str = "r"):
        self._name, self._mode = name, mode
        self._binary = "b" in mode
        self._kind = mode.replace("b", "")
        if self._kind not in MODES:
            raise errors.InvalidArgumentError(
                None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'" + f": {mode!r}"
            )
        self._file: IO[bytes] | None = None

    @property
    def name(self) -> Any:
        """The path that was given."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode that was given."""
        return self._mode

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            path = local_path(self._name)
            with _as_tensorflow_error(path):
                self._file = open(path, f"{self._kind}b")  # noqa: SIM115 (close and the with statement end it)
        return self._file

    def _readable(self) -> IO[bytes]:
        if self._kind in ("w", "a"):
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        return self._opened()

    def _writable(self) -> IO[bytes]:
        if self._kind == "r":
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        return self._opened()

    def _value(self, data: bytes) -> Any:
        return data if self._binary else data.decode("utf-8")

    def read(self, n: int = -1) -> Any:
        """The rest of the file, or its next ``n`` bytes."""
        file = self._readable()
        with _as_tensorflow_error(self._name):
            return self._value(file.read(n))

    def readline(self) -> Any:
        """The next line with its end; empty at the end of the file."""
        file = self._readable()
        with _as_tensorflow_error(self._name):
            return self._value(file.readline())

    def readlines(self) -> list[Any]:
        """All lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def write(self, file_content: Any) -> None:
        """Writes text or bytes."""
        data = file_content.encode("utf-8") if isinstance(file_content, str) else bytes(file_content)
        file = self._writable()
        with _as_tensorflow_error(self._name):
            file.write(data)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Goes to a place in the file; ``position`` is the older name of ``offset``."""
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        file = self._readable()
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, 2."
            )
        with _as_tensorflow_error(self._name):
            file.seek(offset if position is None else position, whence)  # type: ignore[arg-type]

    def tell(self) -> int:
        """The place in the file."""
        return self._opened().tell()

    def seekable(self) -> bool:
        """True."""
        return True

    def size(self) -> int:
        """The size of the file in bytes."""
        return Stat(self._name).length

    def flush(self) -> None:
        """What was written is in the file when it returns."""
        if self._file is not None:
            with _as_tensorflow_error(self._name):
                self._file.flush()

    def close(self) -> None:
        """Closes the file; reading or writing opens it again."""
        if self._file is not None:
            with _as_tensorflow_error(self._name):
                self._file.close()
            self._file = None

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self.close()


FastGFile = Open = GFile


class FileStatistics:
    """What :func:`Stat` tells: ``length`` in bytes, ``mtime_nsec``, ``is_directory``."""

    def __init__(self, length: int, mtime_nsec: int, is_directory: bool):
        self.length, self.mtime_nsec, self.is_directory = length, mtime_nsec, is_directory


def Exists(filename: Any) -> bool:
    """Whether there is a file or folder of this name."""
    return os.path.exists(local_path(filename))


def IsDirectory(dirname: Any) -> bool:
    """Whether this is a folder."""
    return os.path.isdir(local_path(dirname))


def ListDirectory(dirname: Any) -> list[str]:
    """The names in a folder, without order; ``NotFoundError`` where there is no such folder."""
    if not IsDirectory(dirname):
        raise errors.NotFoundError(None, None, f"Could not find directory {os.fsdecode(dirname)}")
    with _as_tensorflow_error(dirname):
        return os.listdir(local_path(dirname))


def MakeDirs(dirname: Any) -> None:
    """Makes a folder and those above it; fine where it exists."""
    with _as_tensorflow_error(dirname):
        os.makedirs(local_path(dirname), exist_ok=True)


def MkDir(dirname: Any) -> None:
    """Makes a folder; ``AlreadyExistsError``, and ``NotFoundError`` where the one above it is missing."""
    with _as_tensorflow_error(dirname):
        os.mkdir(local_path(dirname))


def Glob(filename: Any) -> list[str]:
    """The files whose names match a pattern, or one of a list of patterns, sorted."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    return [found for one in patterns for found in sorted(glob.glob(local_path(one), include_hidden=True))]


def Remove(filename: Any) -> None:
    """Deletes a file; ``NotFoundError`` where there is none."""
    with _as_tensorflow_error(filename):
        os.remove(local_path(filename))


def DeleteRecursively(dirname: Any) -> None:
    """Deletes a folder with all that is in it, or a file."""
    path = local_path(dirname)
    with _as_tensorflow_error(dirname):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies a file; ``AlreadyExistsError`` where there is one and ``overwrite`` is not said."""
    _check_free(newpath, overwrite)
    with _as_tensorflow_error(oldpath):
        shutil.copyfile(local_path(oldpath), local_path(newpath))


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Moves a file or folder; ``AlreadyExistsError`` where there is one and ``overwrite`` is not said."""
    _check_free(newname, overwrite)
    with _as_tensorflow_error(oldname):
        os.replace(local_path(oldname), local_path(newname))


def _check_free(path: Any, overwrite: bool) -> None:
    if not overwrite and Exists(path):
        raise errors.AlreadyExistsError(None, None, f"file already exists: {os.fsdecode(path)}")


def Stat(filename: Any) -> FileStatistics:
    """Size and time of a file; ``NotFoundError`` where there is none."""
    with _as_tensorflow_error(filename):
        found = os.stat(local_path(filename))
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(local_path(filename)))


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Folders under ``top`` as triples of path, names of folders, names of files; from below if not ``in_order``."""
    for folder, folders, files in os.walk(local_path(top), topdown=in_order):
        folders.sort()
        yield folder, folders, sorted(files)
