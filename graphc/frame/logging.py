"""``tf.logging``: lines such as ``INFO:tensorflow:step 100`` on stderr, through Python's own logging.

The logger is named ``tensorflow``, as programs that configure it expect.
"""

from __future__ import annotations

import logging as python_logging
import sys
from collections import Counter
from logging import DEBUG, ERROR, FATAL, INFO, WARN, Logger
from typing import Any

__all__ = [
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "TaskLevelStatusMessage",
    "debug",
    "error",
    "fatal",
    "flush",
    "get_logger",
    "get_verbosity",
    "info",
    "log",
    "log_every_n",
    "log_first_n",
    "log_if",
    "set_verbosity",
    "vlog",
    "warn",
    "warning",
]

_said: Counter[tuple[str, int, str]] = Counter()


class _Stderr(python_logging.StreamHandler[Any]):
    """Writes to what ``sys.stderr`` is at the time of the line, so that a program may put something else there."""

    def __init__(self) -> None:
        python_logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """The stream of now."""
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        pass


def get_logger() -> Logger:
    """Python's logger behind this module."""
    logger = python_logging.getLogger("tensorflow")
    # A program that has configured logging itself gets the lines there, once.
    if not logger.handlers and not python_logging.getLogger().handlers:
        handler = _Stderr()
        handler.setFormatter(python_logging.Formatter(python_logging.BASIC_FORMAT, None))
        logger.addHandler(handler)
        logger.propagate = False
        if logger.level == python_logging.NOTSET:
            logger.setLevel(INFO if hasattr(sys, "ps1") else WARN)  # what TensorFlow shows at a prompt and in a program
    return logger


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of the given level; ``args`` are put into ``msg`` by %."""
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of level DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of level INFO."""
    get_logger().info(msg, *args, **kwargs)


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of level WARN."""
    get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of level ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of level FATAL; the program goes on."""
    get_logger().fatal(msg, *args, **kwargs)


def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """A line of a level given as a number."""
    get_logger().log(level, msg, *args, **kwargs)


def TaskLevelStatusMessage(msg: Any) -> None:
    """A line of level ERROR."""
    error(msg)


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """The first and then every ``n``-th time that this line of the program is reached."""
    log_if(level, msg, _times_before() % n == 0, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """The first ``n`` times that this line of the program is reached."""
    log_if(level, msg, _times_before() < n, *args)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """A line where ``condition`` holds."""
    if condition:
        log(level, msg, *args)


def _times_before() -> int:
    """How often the program's line that called was reached before."""
    code = sys._getframe(2)
    place = (code.f_code.co_filename, code.f_lineno, code.f_code.co_name)
    _said[place] += 1
    return _said[place] - 1


def set_verbosity(v: Any) -> None:
    """The least level that is shown: a number such as ``tf.logging.INFO``, or its name."""
    get_logger().setLevel(v)


def get_verbosity() -> int:
    """The least level that is shown."""
    return get_logger().getEffectiveLevel()


def flush() -> None:
    """All lines are out when it returns."""
    for handler in get_logger().handlers:
        handler.flush()
