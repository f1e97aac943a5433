"""Writes docs/symbols.md: which names of TensorFlow 1 graphc has. Run it as ``python docs/make_symbols.py``.

The names are those that programs use (symbols.txt, with their tiers) and those that graphc's namespaces list. What
differs from TensorFlow stands in differences.txt, what is left out on purpose in graphc/left_out.py.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

import graphc  # noqa: E402
from graphc.left_out import ADVICE, LeftOut, advice_for  # noqa: E402
from graphc.tf1.finder import Absent, Finder  # noqa: E402

TIERS = ("50", "75", "90", "95", "99", "rare", "apart", "")
STATES = ("provided", "differs", "left out", "not there")


class Symbol(NamedTuple):
    """A name after ``tf.``, how common it is, and what graphc makes of it."""

    name: str
    tier: str  # empty for a name that no counted program uses
    state: str  # one of STATES
    note: str = ""


def main() -> None:
    """Writes the page."""
    (DOCS / "symbols.md").write_text(page(symbols()))


def symbols() -> list[Symbol]:
    """All names in order: those of symbols.txt and those that graphc's namespaces list."""
    tiers = used_names()
    own = {name for name in provided_names() if name not in tiers}
    differing = differences()
    return [judged(name, tiers.get(name, ""), differing) for name in sorted({*tiers, *own, *ADVICE}, key=in_order)]


def in_order(name: str) -> tuple[str, str]:
    """What names are sorted by: letters, whether large or small."""
    return name.lower(), name


def judged(name: str, tier: str, differing: dict[str, str]) -> Symbol:
    """A name with what graphc makes of it."""
    thing = found(name)
    if isinstance(thing, LeftOut):
        advice = advice_for(name)
        return Symbol(name, tier, "left out", advice) if advice else Symbol(name, tier, "not there")
    if name in differing:
        return Symbol(name, tier, "differs", differing[name])
    return Symbol(name, tier, "provided")


def found(name: str) -> Any:
    """What a program finds under a name: the thing, or a stand-in that refuses to be used."""
    try:
        return _attribute(graphc, name.split("."))
    except AttributeError:
        return _by_launcher(name)


def _attribute(thing: Any, parts: list[str]) -> Any:
    for part in parts:
        thing = getattr(thing, part)
    return thing


def _by_launcher(name: str) -> Any:
    """What ``import tensorflow....name`` gives in a program that ``python -m graphc.tf1`` runs."""
    finder, parts = Finder(), name.split(".")
    for count in range(len(parts), 0, -1):
        spec = finder.find_spec(".".join(["tensorflow", *parts[:count]]))
        if spec is None:
            continue
        module = finder.create_module(spec)
        try:
            return LeftOut(f"tf.{name}") if isinstance(module, Absent) else _attribute(module, parts[count:])
        except AttributeError:
            break
    return LeftOut(f"tf.{name}")


def used_names() -> dict[str, str]:
    """Name to tier, of symbols.txt."""
    lines = (DOCS / "symbols.txt").read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: tier for tier, name in pairs}


def differences() -> dict[str, str]:
    """Name to what differs, of differences.txt."""
    lines = (DOCS / "differences.txt").read_text().splitlines()
    pairs = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
    return {name: note for names, note in pairs for name in names.split(", ")}


def provided_names() -> Iterator[str]:
    """Every name that graphc's namespaces list, from graphc itself down."""
    waiting: list[tuple[str, ModuleType]] = [("", graphc)]
    seen = {id(graphc)}
    while waiting:
        inside, module = waiting.pop()
        for name in _listed(module):
            thing = getattr(module, name)
            if not isinstance(thing, ModuleType):
                yield inside + name
            elif id(thing) not in seen and thing.__name__.startswith("graphc."):
                seen.add(id(thing))
                waiting.append((f"{inside}{name}.", thing))


def _listed(module: ModuleType) -> list[str]:
    later = [*getattr(module, "_LATER", ()), *getattr(module, "PLACES", ())]
    return sorted({*getattr(module, "__all__", ()), *later})


def page(found: list[Symbol]) -> str:
    """The whole text."""
    spaces = sorted({namespace(symbol.name) for symbol in found}, key=in_order)
    parts = [_HEAD, _counts(found), _missing(found)]
    parts += [_section(space, [symbol for symbol in found if namespace(symbol.name) == space]) for space in spaces]
    return "\n\n".join(part for part in parts if part) + "\n"


_HEAD = """# The names of TensorFlow 1

Written by `python docs/make_symbols.py`; do not edit. A number after a name is its tier: the names of tier 50 serve
half of the programs of a count over 1,542 programs in 152 public repositories, those up to 75 three quarters, and so
on. "rare" are names of none of the tiers, "apart" those of programs that need what is left out as a whole (Keras,
Estimator, TPUs, clusters). What is left out can be named, and raises `NotImplementedError` when it is used."""


def _counts(found: list[Symbol]) -> str:
    rows = ["| tier | names | " + " | ".join(STATES) + " |", "|" + "---|" * (len(STATES) + 2)]
    for tier in TIERS:
        states = [symbol.state for symbol in found if symbol.tier == tier]
        counts = " | ".join(str(states.count(state)) for state in STATES)
        rows.append(f"| {tier or 'other names of graphc'} | {len(states)} | {counts} |")
    return "\n".join(rows)


def _missing(found: list[Symbol]) -> str:
    missing = [symbol for symbol in found if symbol.state == "not there"]
    if not missing:
        return ""
    missing.sort(key=lambda symbol: TIERS.index(symbol.tier))
    return f"## Not there ({len(missing)})\n\n" + _names(missing, whole=True)


def namespace(name: str) -> str:
    """The part of a name that its section is called by."""
    parts = name.split(".")
    if parts[0] in ("contrib", "python", "core") and len(parts) > 2:
        return ".".join(parts[:2])
    return ".".join(parts[:-1][:1])


def _section(space: str, found: list[Symbol]) -> str:
    provided = [symbol for symbol in found if symbol.state == "provided"]
    noted = [symbol for symbol in found if symbol.state in ("differs", "left out") and not _part_of_left_out(symbol)]
    if not provided and not noted:
        return ""
    text = f"## tf.{space}" if space else "## tf"
    if provided:
        text += f"\n\n{_names(provided)}"
    if noted:
        rows = [f"| {_called(symbol)} | {symbol.state} | {symbol.note} |" for symbol in noted]
        text += "\n\n" + "\n".join(["| name | | what differs, or what to use instead |", "|---|---|---|", *rows])
    return text


def _part_of_left_out(symbol: Symbol) -> bool:
    """Whether the line of the namespace that it stands in says all."""
    return symbol.state == "left out" and symbol.name not in ADVICE


def _names(found: Iterable[Symbol], whole: bool = False) -> str:
    text = ", ".join(_called(symbol) for symbol in found)
    return textwrap.fill(text, 160, break_long_words=False, break_on_hyphens=False)


def _called(symbol: Symbol) -> str:
    tier = f" {symbol.tier}" if symbol.tier else ""
    return f"`{symbol.name}`{tier}"


if __name__ == "__main__":
    main()
