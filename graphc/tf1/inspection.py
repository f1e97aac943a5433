"""``tensorflow.python.util.tf_inspect``: Python's ``inspect``, with the ``getargspec`` that Python 3.11 dropped."""

from __future__ import annotations

import inspect
from inspect import (
    FullArgSpec,
    currentframe,
    getcallargs,
    getdoc,
    getfile,
    getfullargspec,
    getmembers,
    getmodule,
    getmro,
    getsource,
    isclass,
    isfunction,
    isgenerator,
    ismethod,
    ismodule,
    isroutine,
    stack,
)
from typing import Any, NamedTuple

__all__ = [
    "ArgSpec",
    "FullArgSpec",
    "currentframe",
    "getargspec",
    "getcallargs",
    "getdoc",
    "getfile",
    "getfullargspec",
    "getmembers",
    "getmodule",
    "getmro",
    "getsource",
    "isclass",
    "isfunction",
    "isgenerator",
    "ismethod",
    "ismodule",
    "isroutine",
    "stack",
]


class ArgSpec(NamedTuple):
    """The arguments of a function, without those by keyword only."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def getargspec(obj: Any) -> ArgSpec:
    """The arguments of a function, of a class's ``__init__``, or of a callable's ``__call__``."""
    target = obj.__init__ if inspect.isclass(obj) else obj
    found = inspect.getfullargspec(target)
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)
