"""``tf.resource_loader``: files that stand beside the program's own modules."""

from __future__ import annotations

import os
import sys
from typing import Any

from graphc import errors

__all__ = ["get_data_files_path", "get_path_to_datafile", "get_root_dir_with_all_resources", "load_resource"]


def get_data_files_path() -> str:
    """The folder of the file that calls this."""
    return _folder_of_caller()


def get_path_to_datafile(path: Any) -> str:
    """The path of a file named from the folder of the file that calls this."""
    return os.path.join(_folder_of_caller(), path)


def get_root_dir_with_all_resources() -> str:
    """The folder of the file that calls this."""
    return _folder_of_caller()


def load_resource(path: Any) -> bytes:
    """What is in a file named from the folder of the program; ``NotFoundError`` where there is none."""
    full = os.path.join(_folder_of_caller(), path)
    try:
        with open(full, "rb") as file:
            return file.read()
    except OSError as error:
        raise errors.of_system(error, full) from None


def _folder_of_caller() -> str:
    return os.path.dirname(os.path.abspath(sys._getframe(2).f_code.co_filename))
