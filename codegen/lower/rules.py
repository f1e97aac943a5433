"""Which op is lowered how: the families' tables, each loaded when a kernel first holds an op of its own.

``RULES`` in a family are for ops that have a value at any position asked for; ``ROOTS`` for those with loops of their
own. A program has ops of few families, and loading all of them would take longer than lowering it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from graphc.codegen.lower.values import Root, Rule
from graphc.nodes import Op

# The files of graphc/ops with ops that are lowered, and the files here that do it.
FAMILIES: dict[str, tuple[str, ...]] = {
    "arrays": ("arrays",),
    "assertions": ("elementwise",),
    "base": ("elementwise",),
    "blocks": ("blocks",),
    "copies": ("elementwise",),
    "decompositions": ("decompositions",),
    "draws": ("elementwise",),
    "elementwise": ("elementwise",),
    "grown_rows": ("row_writes",),
    "indexing": ("indexing",),
    "matrices": ("matrices",),
    "measured": ("positions",),
    "pooling": ("pooling", "pooling_adjoints"),
    "positions": ("positions",),
    "random": ("random",),
    "recomputed": ("reshaping",),
    "reshaping": ("reshaping",),
    "row_writes": ("row_writes",),
    "sampling": ("sampling",),
    "scatter": ("scatter",),
    "segments": ("scatter",),
    "sequence_lengths": ("sequence_lengths",),
    "sequences": ("sequences",),
    "sorting": ("sorting",),
    "special": ("elementwise",),
    "stateless": ("random",),
}


_known: dict[tuple[str, type[Op]], Any] = {}


def rule_of(op: type[Op]) -> Rule | None:
    """How an op has a value at any position asked for; None where it has none."""
    return _found("RULES", op)


def root_of(op: type[Op]) -> Root | None:
    """How an op writes loops of its own; None where it has none."""
    return _found("ROOTS", op)


def _found(table: str, op: type[Op]) -> Any:
    if (table, op) not in _known:
        families = FAMILIES.get(op.__module__.rpartition(".")[2], ())
        tables = (getattr(import_module(f"graphc.codegen.lower.{family}"), table, {}) for family in families)
        _known[table, op] = next((rules[op] for rules in tables if op in rules), None)
    return _known[table, op]
