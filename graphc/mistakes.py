"""The user's line in the texts of mistakes: which it is, and errors that end with it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, NamedTuple, TypeVar, cast

from graphc.arithmetic import Arithmetic

_ENDS_WITH_LINE = re.compile(r"[dD]eclared at [^()]+:\d+$")
_BEGINS_WITH_NAME = re.compile(r"[\w.]+: ")

Function = TypeVar("Function", bound=Callable[..., Any])


class Origin(NamedTuple):
    """The line of the user's file that declared a node."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


def tell_line(error: Exception, name: str = "") -> None:
    """Ends the text of a mistake that graphc found with the user's line, unless it names one; others stay.

    It begins with ``name``, of the function that was called, where it does not speak of it. Lines of its inputs, as in
    "of Placeholder 'x' (declared at train.py:7)", are others.
    """
    text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else None
    if text is None or not _is_all_ours(error.__traceback__):
        return
    line = declared_at(user_line())
    is_told = line[2:] in text.replace("Declared", "declared") or _ENDS_WITH_LINE.search(text) is not None
    if is_told and not (name and getattr(error, "_is_unnamed", False)):
        return
    if name not in text and not (is_told and _BEGINS_WITH_NAME.match(text)):
        text = f"{name}: {text}"
    if not is_told:
        text = f"{text} D{line[3:]}" if text.endswith(".") else text + line
    error.args = (text,)
    error._is_unnamed = not name  # type: ignore[attr-defined]


@contextmanager
def telling(name: str = "") -> Iterator[None]:
    """As :func:`telling_line`, for a part of a function, or one whose mistakes begin with another name."""
    try:
        yield
    except (ValueError, TypeError) as error:
        tell_line(error, name)
        raise


def _is_all_ours(traceback: Any) -> bool:
    """Whether no function of the user's was on the way from here to where an error was raised."""
    while traceback is not None:
        if not _is_between(traceback.tb_frame.f_globals.get("__name__", "")):
            return False
        traceback = traceback.tb_next
    return True


def telling_line(function: Function) -> Function:
    """A function of the public namespaces whose mistakes name it and end with the user's line."""

    name = "" if "." in function.__qualname__ else function.__name__  # methods speak of what they are called on

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError) as error:
            # What a pass declares stands for a node of the user's, which says its own line.
            if not any(map(_stands_for_another, (*args, *kwargs.values()))):
                tell_line(error, name)
            raise

    return cast(Function, told)


def _stands_for_another(value: Any) -> bool:
    operation: Any = getattr(value, "op", None)
    return isinstance(value, Arithmetic) and operation.graph._standing_for is not None


def user_line() -> Origin | None:
    """The innermost line of the call stack that is not in graphc."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not _is_between(module):
            return Origin(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


@cache
def _is_between(module: str) -> bool:
    """Whether the module stands between the user's line and a node."""
    return module.startswith(("graphc.", "importlib.")) or module in ("graphc", "contextlib", "functools")


def declared_at(origin: Origin | None) -> str:
    """The end of a text that names a line, where it is known."""
    return f", declared at {origin}" if origin else ""
