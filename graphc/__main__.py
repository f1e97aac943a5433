"""The command ``graphc``: each subcommand is a module with ``SUMMARY``, ``add_arguments`` and ``run``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "compile": "graphc.aot.command",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a subcommand; mistakes of the caller are told in one line, and give 2."""
    parser = argparse.ArgumentParser(prog="graphc", description="A compiler of static graphs in the style of TensorFlow 1.")
    subparsers = parser.add_subparsers(dest="command", required=True)
    modules = {name: import_module(module) for name, module in COMMANDS.items()}
    for name, module in modules.items():
        module.add_arguments(subparsers.add_parser(name, help=module.SUMMARY, description=module.__doc__))
    options = parser.parse_args(arguments)
    try:
        return int(modules[options.command].run(options))
    except (ValueError, TypeError, OSError) as error:
        print(f"graphc {options.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
