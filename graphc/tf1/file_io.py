"""``tensorflow.python.lib.io.file_io``: the functions of ``tf.gfile`` under the names of that module."""

from __future__ import annotations

from typing import Any

from graphc.frame.gfile import Copy as copy
from graphc.frame.gfile import DeleteRecursively as delete_recursively
from graphc.frame.gfile import Exists as file_exists
from graphc.frame.gfile import GFile
from graphc.frame.gfile import GFile as FileIO
from graphc.frame.gfile import Glob as get_matching_files
from graphc.frame.gfile import IsDirectory as is_directory
from graphc.frame.gfile import ListDirectory as list_directory
from graphc.frame.gfile import MakeDirs as recursive_create_dir
from graphc.frame.gfile import MkDir as create_dir
from graphc.frame.gfile import Remove as delete_file
from graphc.frame.gfile import Rename as rename
from graphc.frame.gfile import Stat as stat
from graphc.frame.gfile import Walk as walk

__all__ = [
    "FileIO",
    "copy",
    "create_dir",
    "delete_file",
    "delete_recursively",
    "file_exists",
    "get_matching_files",
    "is_directory",
    "list_directory",
    "read_file_to_string",
    "recursive_create_dir",
    "rename",
    "stat",
    "walk",
    "write_string_to_file",
]


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """What is in a file: text, or bytes in binary mode."""
    with GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Makes a file of a text."""
    with GFile(filename, "w") as file:
        file.write(file_content)
