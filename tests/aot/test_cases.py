"""Every case of the op table ahead of time, with one of its dtypes: many become the entry points of one library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import graphc as tf
from graphc import aot
from tests.ops.cases import CASES
from tests.ops.harness import Array, Case, assert_close

NATIVE = 4.0  # as in a Session
PARTS = 6  # libraries


def declare(case: Case, dtype: str, number: int, graph: Any) -> tuple[list[Array], tuple[list[Any], list[Any]]]:
    """Feeds of a case, and its fetches and feeds in the graph."""
    arrays = case.arrays(dtype)
    with graph.as_default(), tf.name_scope(f"row{number}"):
        inputs = [tf.placeholder(array.dtype, array.shape, name=f"x{n}") for n, array in enumerate(arrays)]
        result = case.build(*inputs)
        outputs = list(result) if isinstance(result, (list, tuple)) else [result]
        # A value of its own for each output: a fetch that is asked for twice is given once.
        return arrays, ([tf.identity(output) for output in outputs], inputs)


@pytest.mark.parametrize("part", range(PARTS))
def test_values(part: int, tmp_path: Path) -> None:
    cases = [(case, case.dtypes[n % len(case.dtypes)]) for n, case in enumerate(CASES)][part::PARTS]
    graph = tf.Graph()
    rows = [declare(case, dtype, number, graph) for number, (case, dtype) in enumerate(cases)]
    model = aot.compile_entries({f"row{n}": entry for n, (_, entry) in enumerate(rows)}, tmp_path, name="rows").load()
    for number, ((case, _), (arrays, (outputs, _))) in enumerate(zip(cases, rows)):
        result = getattr(model, f"row{number}")(*arrays)
        came = list(result) if len(outputs) > 1 else [result]
        assert_close(came, case.expected(arrays), NATIVE * case.loose)
