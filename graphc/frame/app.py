"""``tf.app``: the way a TensorFlow 1 program starts, ``tf.app.run(main)`` under ``if __name__ == "__main__"``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from graphc.frame import flags

__all__ = ["UsageError", "flags", "run"]

HELP_WORDS = ("help", "helpshort", "helpfull", "?", "h")


class UsageError(Exception):
    """A program's ``main`` may raise it for arguments that make no sense: shown with the help text."""

    def __init__(self, message: str, exitcode: int = 1):
        super().__init__(message)
        self.exitcode = exitcode


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Parses the flags and ends the program with ``main(argv)``, which gets the program's name and what is no flag.

    ``main`` is by default the function of that name in the program. Unknown flags stay in ``argv``; ``--help`` shows
    the flags and ends with 1; a value that a flag cannot take ends with 1 and a line on stderr.
    """
    main = main or sys.modules["__main__"].main
    words = list(sys.argv if argv is None else argv)
    if any(word.lstrip("-") in HELP_WORDS for word in _before_end(words[1:])):
        _show_help(words[0], sys.stdout)
        sys.exit(1)
    try:
        left = flags.FLAGS(words, known_only=True)
    except (flags.Error, ValueError) as error:
        sys.stderr.write(f"FATAL Flags parsing error: {error}\nPass --help to see help on flags.\n")
        sys.exit(1)
    try:
        sys.exit(main(_shared_with_absl(left)))
    except UsageError as error:
        _show_help(words[0], sys.stderr, str(error))
        sys.exit(error.exitcode)


def _before_end(words: list[str]) -> list[str]:
    """The flags among the words before ``--`` that nobody declared."""
    words = words[: words.index("--")] if "--" in words else words
    return [word for word in words if word.startswith("-") and word.lstrip("-") not in flags.FLAGS]


def _shared_with_absl(words: list[str]) -> list[str]:
    """A program that imports absl itself declares flags there too: in TensorFlow both are one."""
    absl = sys.modules.get("absl.flags")
    return words if absl is None else list(absl.FLAGS(words, known_only=True))


def _show_help(program: str, file: Any, problem: str = "") -> None:
    doc = sys.modules["__main__"].__doc__ or f"\nUSAGE: {program} [flags]\n"
    text = doc.replace("%s", program)
    if problem:
        text = f"{text}\n{problem}\n"
    file.write(f"{text}\nflags:\n{flags.FLAGS.get_help()}\n")
