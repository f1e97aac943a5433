"""In which structure loop variables come back: in that of the body's result, as in TensorFlow."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest

import graphc

Pair = namedtuple("Pair", "a b")
Other = namedtuple("Other", "c d")
LOOPS: dict[str, tuple[Any, Callable[..., Any], dict[str, Any]]] = {
    "a list for a tuple": ((0, 1), lambda a, b: [a + 1, b], {}),
    "a tuple for a list": ([0, 1], lambda a, b: (a + 1, b), {}),
    "a named tuple for a list": ([0, 1], lambda a, b: Pair(a + 1, b), {}),
    "a list for a named tuple": (Pair(0, 1), lambda a, b: [a + 1, b], {}),
    "another named tuple": (Pair(0, 1), lambda a, b: Other(a + 1, b), {}),
    "another list inside": ((0, (1, 2)), lambda a, b: (a + 1, list(b)), {}),
    "another named tuple inside": ((0, Pair(1, 2)), lambda a, b: (a + 1, Other(*b)), {}),
    "one": ([0], lambda a: (a + 1,), {}),
    "one in its structure": ([0], lambda a: (a + 1,), {"return_same_structure": True}),
    "one alone in its structure": ((0,), lambda a: a + 1, {"return_same_structure": True}),
    "a tuple alone": ([(0, 1)], lambda a: [(a[0] + 1, a[1])], {}),
    "a tuple that is not alone": ([(0, 1)], lambda a: (a[0] + 1, a[1]), {}),
    "a dictionary": ([{"x": 0, "y": 1}], lambda a: [{"x": a["x"] + 1, "y": a["y"]}], {}),
    "several at most twice": ((0, 1), lambda a, b: (a + 1, b), {"maximum_iterations": 2}),
    "one at most twice": ([0], lambda a: [a + 1], {"maximum_iterations": 2, "return_same_structure": True}),
    "a tuple at most twice": ([(0, 1)], lambda a: (a[0] + 1, a[1]), {"maximum_iterations": 2}),
    "too few": ([0, 1], lambda a, b: a + 1, {}),
    "too many": ([0], lambda a: [a + 1, a], {}),
    "nothing": ([0], lambda a: None, {}),
}


def _outcome(tf: Any, name: str) -> Any:
    """The structure of what comes back, or the class of the error."""
    start, body, more = LOOPS[name]

    def first(value: Any) -> Any:
        while isinstance(value, (list, tuple, dict)):
            value = value["x"] if isinstance(value, dict) else value[0]
        return value

    with tf.Graph().as_default():
        try:
            result = tf.while_loop(lambda *given: first(list(given)) < 3, body, start, **more)
        except (ValueError, TypeError) as error:
            return type(error).__name__
    return _form(result)


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form(item) for key, item in value.items()}
    return (type(value).__name__, *map(_form, value)) if isinstance(value, (list, tuple)) else "tensor"


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LOOPS)
def test_tensorflow_gives_the_same(name: str) -> None:
    from tensorflow.compat import v1

    v1.disable_control_flow_v2()
    try:
        assert _outcome(graphc, name) == _outcome(v1, name)
    finally:
        v1.enable_control_flow_v2()


def test_the_structure_is_that_of_the_body() -> None:
    assert _outcome(graphc, "a list for a tuple") == ("list", "tensor", "tensor")
    assert _outcome(graphc, "another named tuple") == ("Other", "tensor", "tensor")
    assert _outcome(graphc, "another list inside") == "TypeError"
    assert _outcome(graphc, "one") == "tensor"
    assert _outcome(graphc, "one alone in its structure") == ("list", "tensor")
    assert _outcome(graphc, "a tuple alone") == ("list", ("tuple", "tensor", "tensor"))
    assert _outcome(graphc, "a tuple at most twice") == ("tuple", "tensor", "tensor")
