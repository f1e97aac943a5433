"""Every lowering is found where its op is looked up."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from graphc.codegen import lower
from graphc.codegen.lower.rules import FAMILIES, root_of, rule_of
from graphc.ops.contraction import Contract

FILES = sorted(file.stem for file in Path(lower.__path__[0]).glob("*.py") if file.stem not in ("__init__", "rules"))


@pytest.mark.parametrize("file", FILES)
def test_the_tables_of_a_file_are_reached_from_its_ops(file: str) -> None:
    module = import_module(f"graphc.codegen.lower.{file}")
    rules, roots = (getattr(module, table, {}) for table in ("RULES", "ROOTS"))
    assert {op: rule_of(op) for op in rules} == rules
    assert {op: root_of(op) for op in roots} == roots
    assert bool(rules or roots) == any(file in families for families in FAMILIES.values())


def test_an_op_without_a_lowering_has_none() -> None:
    assert rule_of(Contract) is None and root_of(Contract) is None
