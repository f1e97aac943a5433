"""Every row of the op table in a Session: native code beside NumPy, values and gradients."""

from __future__ import annotations

import pytest

from tests.ops.cases import NAMES, ROWS
from tests.ops.harness import Case, assert_close, build, with_gradients

NATIVE = 4.0  # our functions may differ from NumPy's by 2 ulp, and sums are taken in another order
DIFFERENTIABLE = [(case, dtype) for case, dtype in ROWS if case.differentiable != () and case.sources(dtype)]
# The cheaper half of the products of dtype and known sizes: each row is compiled both ways, once.
UNKNOWN = [row for row in DIFFERENTIABLE if row[1] == "float32"]
KNOWN = [row for row in DIFFERENTIABLE if row[1] == "float64"]


@pytest.mark.parametrize("case, dtype", ROWS, ids=NAMES)
def test_values(case: Case, dtype: str) -> None:
    built = build(case, dtype)
    assert_close(built.compiled(), case.expected(built.arrays), NATIVE * case.loose)


@pytest.mark.parametrize("case, dtype", UNKNOWN, ids=[case.name for case, _ in UNKNOWN])
def test_gradients(case: Case, dtype: str) -> None:
    built, found = with_gradients(case, dtype, unknown=not case.known_sizes)
    assert_close(built.compiled(found), built.interpreted(found), NATIVE * case.loose)


@pytest.mark.parametrize("case, dtype", KNOWN, ids=[case.name for case, _ in KNOWN])
def test_values_and_gradients_in_one_run(case: Case, dtype: str) -> None:
    """What is fetched on the way must be stored by the kernel that also uses it."""
    built, found = with_gradients(case, dtype)
    fetched = [*built.outputs, *found]
    assert_close(built.compiled(fetched), built.interpreted(fetched), NATIVE * case.loose)
