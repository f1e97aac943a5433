"""The command line: ``graphc draw ...``, ``graphc profile ...`` and ``graphc compile ...``.

Each command is a module with a ``SUMMARY``, a function that adds its arguments and one that runs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from graphc.aot import command as compile_command
from graphc.aot.script import ScriptError
from graphc.errors import OpError
from graphc.profile import command as profile_command
from graphc.version import __version__
from graphc.visualize import command as draw_command

COMMANDS = {
    "draw": draw_command,
    "profile": profile_command,
    "compile": compile_command,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name; 2, and a line on stderr, where it cannot do what they ask.

    Where the user's file stops, its traceback stands on stderr instead.
    """
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except ScriptError as error:
        print(f"{error}\ngraphc {options.command}: {options.script} did not run to its end", file=sys.stderr)
        return 2
    except (OpError, OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        print(f"graphc {options.command}: {_text(error)}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    top = argparse.ArgumentParser(
        prog="graphc", description="Draw graphs, time their kernels, compile them ahead of time."
    )
    top.add_argument("--version", action="version", version=f"graphc {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.SUMMARY,
                description=command.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return top


def _text(error: Exception) -> str:
    """The message; a KeyError shows its own in quotes."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


if __name__ == "__main__":
    sys.exit(main())
