"""Every row of the op table: types, values, gradients and second derivatives; with known sizes and without."""

from __future__ import annotations

import pytest

from graphc.graph import Graph
from graphc.shapes import is_compatible
from graphc.testing import check_gradients
from tests.ops.cases import CASES, NAMES, ROWS
from tests.ops.harness import Case, assert_close, build, weights_like, with_gradients

DIFFERENTIABLE = [case for case in CASES if "float64" in case.dtypes and case.sources("float64")]
DIFFERENTIABLE = [case for case in DIFFERENTIABLE if case.differentiable != ()]
FREE = [(case, dtype) for case, dtype in ROWS if not case.known_sizes]


def _name(case: Case) -> str:
    return case.name


def test_names_differ() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case, dtype", ROWS, ids=NAMES)
def test_values_and_types(case: Case, dtype: str) -> None:
    built = build(case, dtype)
    came = built.interpreted()
    assert_close(came, case.expected(built.arrays), case.loose)
    for tensor, value in zip(built.outputs, came, strict=True):
        assert tensor.dtype.numpy == value.dtype
        assert is_compatible(tensor.type.shape, value.shape)
    assert_close(built.specialised(), came)


@pytest.mark.parametrize("case, dtype", FREE, ids=[f"{case.name}-{dtype}" for case, dtype in FREE])
def test_unknown_sizes(case: Case, dtype: str) -> None:
    built = build(case, dtype, unknown=True)
    expected = case.expected(built.arrays)
    for tensor, value in zip(built.outputs, expected, strict=True):
        assert is_compatible(tensor.type.shape, value.shape)
    assert_close(built.interpreted(), expected, case.loose)
    assert_close(built.specialised(), expected, case.loose)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=_name)
def test_gradients(case: Case) -> None:
    built = build(case, "float64")
    with built.graph.as_default():
        ys = [y for y in built.outputs if y.dtype.is_floating]
        check_gradients(ys, [built.inputs[i] for i in case.sources("float64")], built.feeds)


@pytest.mark.parametrize("case", [case for case in DIFFERENTIABLE if not case.known_sizes], ids=_name)
def test_gradients_of_unknown_sizes(case: Case) -> None:
    known, wanted = with_gradients(case, "float64")
    free, found = with_gradients(case, "float64", unknown=True)
    values = known.interpreted(wanted)
    assert_close(free.interpreted(found), values)
    assert_close(free.specialised(found), values)


@pytest.mark.parametrize("case", [case for case in DIFFERENTIABLE if case.second], ids=_name)
def test_second_derivatives(case: Case) -> None:
    built, first = with_gradients(case, "float64")
    sources = [built.inputs[i] for i in case.sources("float64")]
    with built.graph.as_default():
        moving = [g for g in first if any(_depends(built.graph, g, x) for x in sources)]
        if moving:
            check_gradients(moving, sources, built.feeds, tolerance=1e-5)


def _depends(graph: Graph, y: object, x: object) -> bool:
    waiting, seen = [y], set()
    while waiting:
        tensor = waiting.pop()
        if tensor is x:
            return True
        if tensor.op not in seen:  # type: ignore[attr-defined]
            seen.add(tensor.op)  # type: ignore[attr-defined]
            waiting.extend(tensor.op.inputs)  # type: ignore[attr-defined]
    return False


def test_weights_tell_elements_apart() -> None:
    values = build(CASES[0], "float64").interpreted()
    weights = weights_like(values[0])
    assert weights.shape == values[0].shape
