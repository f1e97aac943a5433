"""``tf.io.gfile``: the functions of ``tf.gfile`` under TensorFlow 2's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphc.frame import gfile
from graphc.frame.gfile import GFile

__all__ = [
    "GFile",
    "copy",
    "exists",
    "glob",
    "isdir",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copies a file."""
    gfile.Copy(src, dst, overwrite)


def exists(path: Any) -> bool:
    """Whether there is such a file or folder."""
    return gfile.Exists(path)


def glob(pattern: Any) -> list[str]:
    """The paths that match a pattern, or any of a list of patterns."""
    return gfile.Glob(pattern)


def isdir(path: Any) -> bool:
    """Whether this is a folder."""
    return gfile.IsDirectory(path)


def listdir(path: Any) -> list[str]:
    """The names in a folder."""
    return gfile.ListDirectory(path)


def makedirs(path: Any) -> None:
    """Makes a folder and those above it."""
    gfile.MakeDirs(path)


def mkdir(path: Any) -> None:
    """Makes a folder in one that is there."""
    gfile.MkDir(path)


def remove(path: Any) -> None:
    """Removes a file."""
    gfile.Remove(path)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Gives a file another name."""
    gfile.Rename(src, dst, overwrite)


def rmtree(path: Any) -> None:
    """Removes a folder with all in it."""
    gfile.DeleteRecursively(path)


def stat(path: Any) -> Any:
    """Length and times of a file."""
    return gfile.Stat(path)


def walk(
    top: Any, topdown: bool = True, onerror: Callable[..., Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Every folder from ``top`` on, with the names of the folders and the files in it."""
    return gfile.Walk(top, topdown)
