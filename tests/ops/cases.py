"""The op table: one row for each way to use an op. It drives every test of ops in this folder."""

from __future__ import annotations

from tests.ops import (
    cases_arrays,
    cases_complex,
    cases_counted,
    cases_elementwise,
    cases_matrices,
    cases_parts,
    cases_products,
    cases_special,
    cases_windows,
)
from tests.ops.harness import Case

CASES: list[Case] = [
    *cases_elementwise.CASES,
    *cases_arrays.CASES,
    *cases_counted.CASES,
    *cases_parts.CASES,
    *cases_matrices.CASES,
    *cases_products.CASES,
    *cases_special.CASES,
    *cases_windows.CASES,
    *cases_complex.CASES,
]

ROWS = [(case, dtype) for case in CASES for dtype in case.dtypes]
NAMES = [f"{case.name}-{dtype}" for case, dtype in ROWS]
