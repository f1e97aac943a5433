"""Slices and pads for every small size: exact bounds beside Python's, edges that cut, and sizes that are symbols."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from graphc.dims import evaluate, symbol
from graphc.graph import Graph
from graphc.interpret import evaluate as interpret
from graphc.ops.base import placeholder
from graphc.ops.blocks import Pad, pad_edges, put_back, take_out
from graphc.ops.bounds import Bounds, between
from graphc.ops.shape_values import NeedsNumbers

BOUNDS = [None, *range(-6, 7)]
STRIDES = [-3, -2, -1, 1, 2, 3]


def test_bounds_are_pythons() -> None:
    for size, begin, end, stride in itertools.product(range(6), BOUNDS, BOUNDS, STRIDES):
        positions = list(range(size))[slice(begin, end, stride)]
        bounds = between(begin, end, stride, size)
        assert bounds.length == len(positions)
        if positions:
            assert [bounds.first + i * bounds.stride for i in range(bounds.length)] == positions  # type: ignore[arg-type]


def test_bounds_of_symbols_hold_for_every_size() -> None:
    n = symbol("n")
    certain = 0
    for begin, end, stride in itertools.product(BOUNDS, BOUNDS, STRIDES):
        try:
            bounds = between(begin, end, stride, n)
        except NeedsNumbers:
            continue
        certain += 1
        for size in range(1, 9):
            positions = list(range(size))[slice(begin, end, stride)]
            first, length = evaluate(bounds.first, {"n": size}), evaluate(bounds.length, {"n": size})
            assert [first + i * bounds.stride for i in range(length)] == positions
    # open on both sides, and from the first, the second and the last but one position on
    assert certain >= 6 * len(STRIDES) // 2


@pytest.mark.parametrize("begin, end", [(2, None), (None, -3), (1, 3), (-2, None)])
def test_what_depends_on_the_size_is_not_guessed(begin: Any, end: Any) -> None:
    with pytest.raises(NeedsNumbers):
        between(begin, end, 1, symbol("n"))


def _padded(x: Any, low: int, high: int, gap: int, value: float) -> Any:
    """Every cell of the result looked at on its own."""
    spread = max(0, len(x) + (len(x) - 1) * gap)
    result = np.full(spread + low + high, value)
    for i, cell in enumerate(x):
        place = low + i * (gap + 1)
        if 0 <= place < len(result):
            result[place] = cell
    return result


def test_pads_with_edges_that_add_and_cut() -> None:
    for size, low, high, gap in itertools.product(range(5), range(-6, 4), range(-6, 4), range(3)):
        x = np.arange(1.0, size + 1)
        if max(0, size + (size - 1) * gap) + low + high < 0:
            continue
        wanted = _padded(x, low, high, gap, 9)
        np.testing.assert_array_equal(Pad((low,), (high,), (gap,), 9).evaluate(x), wanted)
        with Graph().as_default() as graph:
            tensor = placeholder("float64", [size])
            y = pad_edges(tensor, [low], [high], 9, [gap])
        np.testing.assert_array_equal(interpret(graph, {tensor: x}, [y])[0], wanted)
        kinds = [node.kind for node in graph.nodes if isinstance(node.kind, Pad)]
        assert all(edge >= 0 for kind in kinds for edge in (*kind.low, *kind.high))  # type: ignore[operator]


def test_what_is_put_back_stands_where_it_was_taken() -> None:
    for size, begin, end, stride in itertools.product(range(1, 6), [None, -3, 0, 1, 2], [None, -1, 0, 2, 4], STRIDES):
        x = np.arange(1.0, size + 1)
        with Graph().as_default() as graph:
            tensor = placeholder("float64", [size])
            bounds = [between(begin, end, stride, size)]
            part = take_out(tensor, bounds)
            whole = put_back(part, bounds, [size])
        taken, back = interpret(graph, {tensor: x}, [part, whole])
        wanted = np.zeros(size)
        wanted[slice(begin, end, stride)] = x[slice(begin, end, stride)]
        np.testing.assert_array_equal(taken, x[slice(begin, end, stride)])
        np.testing.assert_array_equal(back, wanted)


def test_taking_everything_is_no_node() -> None:
    with Graph().as_default():
        x = placeholder("float64", [3, 4])
        assert take_out(x, [Bounds(0, 3), Bounds(0, 4)]) is x
        assert pad_edges(x, [0, 0], [0, 0]) is x
