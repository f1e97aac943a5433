"""Watching a graph on its way through the passes: printing, dumping to a folder, timing, verifying."""

from __future__ import annotations

import difflib
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

from graphc import settings
from graphc.graph import Graph
from graphc.passes.verify import verify

Observer = Callable[[str, Graph, Graph], None]

_dumped = itertools.count()  # through all steps that this process compiles, so that none overwrites another's files


def observers() -> list[Observer]:
    """The observers that the settings ask for."""
    chosen: list[Observer] = []
    if settings.current().verbose >= 2:
        chosen.append(_timer())
    if settings.current().verbose >= 3:
        chosen += [_verify, _print]
    if settings.current().dump:
        chosen.append(dumper(settings.current().dump or ""))
    return chosen


def dumper(folder: str | Path) -> Observer:
    """Writes each stage to ``folder`` as a numbered text file, and as a picture in Graphviz's language."""
    from graphc.pictures.picture import picture_of  # only for those who look

    def dump(name: str, before: Graph, after: Graph) -> None:
        file = next_file(folder, name)
        text = str(after)
        same = "(unchanged)\n" if text == str(before) else ""
        file.write_text(f"{same}{text}\n", encoding="utf-8")
        picture_of(after, name).save(file.with_suffix(".dot"))

    return dump


def next_file(folder: str | Path, name: str) -> Path:
    """The numbered text file for what comes next."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"environment variable GRAPHC_DUMP is '{folder}', which cannot be made: {error.strerror}"
        raise OSError(error.errno, text) from None
    return Path(folder) / f"{next(_dumped):03d}_{name.replace(' ', '_')}.txt"


def _timer() -> Observer:
    last = [time.perf_counter()]

    def report(name: str, before: Graph, after: Graph) -> None:
        now = time.perf_counter()
        print(f"graphc: {name}: {len(before)} -> {len(after)} nodes, {1e3 * (now - last[0]):.1f} ms", file=sys.stderr)
        last[0] = now

    return report


def _print(name: str, before: Graph, after: Graph) -> None:
    lines = changed_lines(str(before), str(after))
    print("\n".join([f"-- {name}{'' if lines else ' (unchanged)'}", *lines]), file=sys.stderr)


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that went, with ``-`` before them, and those that came, with ``+``; the rest is in a dump."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for number, line in enumerate(lines) if number >= 2 and not line.startswith("@@")]


def _verify(name: str, before: Graph, after: Graph) -> None:
    verify(after, name)
