"""Whole files, read and written while a graph runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.decoding.records import file_contents
from graphc.frame import gfile
from graphc.nodes import Operation, Tensor
from graphc.ops.base import apply, check_dtype, declare
from graphc.ops.host import HostOp
from graphc.ops.strings import STRING, each, string_tensor
from graphc.records import record
from graphc.shapes import TensorType


@contextmanager
def _system_errors(path: Any) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.of_system(error, os.fsdecode(path)) from None


@record(eq=False)
class ReadFile(HostOp):
    """The contents of the file of each name."""

    def infer(self, names: TensorType) -> TensorType:
        check_dtype(names, STRING, "the name of a file")
        return names

    def evaluate(self, names: Any) -> Any:
        return each(file_contents, names)


@record(eq=False)
class WriteFile(HostOp):
    """Makes or replaces a file, and the folders to it."""

    has_effect = True

    def infer(self, name: TensorType, contents: TensorType) -> tuple[TensorType, ...]:
        for given in (name, contents):
            check_dtype(given, STRING, "the name of a file and its contents")
            if given.rank not in (None, 0):
                raise ValueError(f"one file takes one name and one text, not {given}")
        return ()

    def evaluate(self, name: Any, contents: Any) -> tuple[Any, ...]:
        path = gfile.local_path(name.item())
        with _system_errors(path):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "wb") as file:
                file.write(contents.item())
        return ()


@record(eq=False)
class MatchingFiles(HostOp):
    """The names of the files that fit one of the patterns, sorted."""

    def infer(self, patterns: TensorType) -> TensorType:
        check_dtype(patterns, STRING, "a pattern")
        return TensorType(dtypes.string, (None,))

    def evaluate(self, patterns: Any) -> Any:
        found = {name for pattern in np.ravel(patterns) for name in gfile.Glob(pattern.decode())}
        return dtypes.as_bytes(sorted(found))


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The contents of a file as a string; ``errors.NotFoundError`` where there is none when it runs."""
    return apply(ReadFile(), string_tensor(filename), name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Operation:
    """An operation that writes ``contents`` to the file, and makes the folders to it where they are missing."""
    return declare(WriteFile(), string_tensor(filename), string_tensor(contents), name=name)


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The sorted names of the files that fit a pattern, or one of several, when it runs."""
    return apply(MatchingFiles(), string_tensor(pattern), name=name)
