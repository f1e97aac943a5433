"""Runs a program as the module ``__main__``, as if Python had been started with it."""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from types import ModuleType
from typing import NoReturn

from graphc.tf1.finder import install
from graphc.tracebacks import from_file

USAGE = """usage: python -m graphc.tf1 program.py [arguments]
       python -m graphc.tf1 -m module [arguments]

Runs a TensorFlow 1 program unchanged: what it imports as tensorflow is graphc.
"""


def main() -> NoReturn:
    """Runs what the command line names, as if Python had been started with it."""
    words = sys.argv[1:]
    as_module = words[:1] == ["-m"]
    words = words[as_module:]
    if not words or words[0] in ("-h", "--help"):
        (sys.stdout if words else sys.stderr).write(USAGE)
        sys.exit(0 if words else 2)
    install()
    sys.argv = words
    if as_module:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        run_file(words[0])
    sys.exit(0)


def run_file(path: str) -> None:
    """Runs a file in the module ``__main__``; an error shows the program's own lines alone and ends with 1."""
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        sys.exit(f"python -m graphc.tf1: can't open file {path!r}: {error.strerror}")
    # As Python sets it: the folder of the program, where python -m had put the current one.
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    program = ModuleType("__main__")
    program.__file__ = path
    program.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = program
    try:
        # This file's future statements are not the program's.
        exec(compile(source, path, "exec", dont_inherit=True), program.__dict__)
    except Exception as error:
        frames = from_file(error.__traceback__, path)
        sys.excepthook(type(error), error.with_traceback(frames), frames)
        sys.exit(1)
