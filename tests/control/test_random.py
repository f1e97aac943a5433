"""Random branches, loops and TensorArrays in each other: values beside NumPy's, gradients beside differences."""

from __future__ import annotations

import pytest

from tests.random_control import check, random_expression


@pytest.mark.parametrize("seed", range(8))
def test_nested_control_flow(seed: int) -> None:
    try:
        check(seed)
    except Exception as error:
        error.add_note(f"x and y are f64[3] in\n{random_expression(seed)}")
        raise
