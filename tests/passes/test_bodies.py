"""Passes for branches and loops: before and after, same values, and what is not legal in them."""

from __future__ import annotations

import re
from typing import Any

import pytest

import graphc as tf
from graphc.body import Function
from graphc.errors import InternalError
from graphc.graph import Graph
from graphc.nodes import Tensor
from graphc.passes.bodies import choose, everywhere
from graphc.passes.count import count
from graphc.passes.fold import fold
from graphc.passes.pipeline import optimise
from graphc.passes.trim import trim
from graphc.passes.verify import verify
from graphc.records import replace
from tests.passes.printed import built, check_same_values, printed


def two_results(x: Any, p: Any) -> Tensor:
    """A branch that gives two values, of which one is read."""
    return tf.cond(p > 0.0, lambda: (x, tf.exp(x)), lambda: (tf.negative(x), x))[0]  # type: ignore[no-any-return]


def two_variables(x: Any, y: Any) -> list[Tensor]:
    """A loop that carries two values."""
    return list(tf.while_loop(lambda i, *_: i < 5, lambda i, a, b: (i + 1, tf.tanh(a), a + b + y), (0, x, x))[1:])


def test_trim_drops_results_of_branches() -> None:
    before = built(two_results, x="float32 3", p="float32 ")
    after = trim(before)
    assert printed(after)[2:] == [
        "cond: f32[3] = If(Greater, x)",
        "    then:",
        "        return x",
        "    orelse:",
        "        cond/Neg: f32[3] = Neg(x)",
        "        return cond/Neg",
        "return cond",
    ]
    check_same_values(before, after)


def test_trim_drops_loop_variables_that_only_feed_themselves() -> None:
    before = built(two_variables, x="float32 3", y="float32 3")
    before.targets = before.targets[:1]
    after = trim(before)
    assert printed(after) == [
        "while/Const: i32[] = Const(value=0)",
        "while: i32[], while:1: f32[3] = While(while/Const, x)",
        "    condition:",
        "        while/Const_1: i32[] = Const(value=5)",
        "        while/Less: bool[] = Less(while/Const, while/Const_1)",
        "        return while/Less",
        "    body:",
        "        while/Const_2: i32[] = Const(value=1)",
        "        while/add: i32[] = Add(while/Const, while/Const_2)",
        "        while/Tanh: f32[3] = Tanh(x)",
        "        return while/add, while/Tanh",
        "return while:1",
    ]
    check_same_values(before, after)
    assert printed(trim(after)) == printed(after)


@pytest.mark.parametrize(
    ("start", "limit", "step", "iterations", "end"),
    [(0, 5, 2, 3, 6), (2, 5, 1, 3, 5), (5, 5, 1, 0, 5), (7, 5, 3, 0, 7)],
)
def test_count_knows_how_often_a_loop_runs(start: int, limit: int, step: int, iterations: int, end: int) -> None:
    before = built(
        lambda x: tf.while_loop(lambda i, _: i < limit, lambda i, a: (i + step, tf.tanh(a)), (start, x)), x="float32 3"
    )
    after = count(before)
    (loop,) = [node for node in after.nodes if node.type == "While"]
    assert loop.kind.iterations == iterations  # type: ignore[attr-defined]
    assert after.targets[0].op.kind.value == end  # type: ignore[attr-defined]
    check_same_values(before, after)


def test_count_leaves_what_depends_on_data() -> None:
    def build(x: Any, limit: Any) -> Any:
        return tf.while_loop(lambda i, _: i < limit, lambda i, a: (i + 1, tf.tanh(a)), (0, x))

    before = built(build, x="float32 3", limit="int32 ")
    (loop,) = [node for node in count(before).nodes if node.type == "While"]
    assert loop.kind.iterations is None  # type: ignore[attr-defined]


def test_count_of_a_symbolic_size() -> None:
    before = built(lambda x: tf.map_fn(tf.tanh, x), x="float32 n,3")
    (loop,) = [node for node in count(trim(before)).nodes if node.type == "While"]
    assert str(loop.kind.iterations) == "n"  # type: ignore[attr-defined]


def test_choose_takes_the_branch_of_a_known_predicate() -> None:
    before = built(lambda x: tf.cond(tf.constant(1) > 2, lambda: tf.exp(x), lambda: tf.negative(x)), x="float32 3")
    after = choose(fold(before))
    assert printed(after) == ["cond/Neg: f32[3] = Neg(x)", "return cond/Neg"]
    check_same_values(before, after)


def test_every_pass_runs_inside() -> None:
    before = built(
        lambda x: tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: a * a * 1.0 + tf.square(a), [x]),
        x="float32 3",
    )
    after = optimise(before)
    (loop,) = [node for node in after.nodes if node.type == "While"]
    kernels = [node.type for node in loop.kind.body.graph.nodes if node.type != "Placeholder"]  # type: ignore[attr-defined]
    assert kernels == ["Kernel"]
    check_same_values(before, after)


def test_a_pass_that_changes_nothing_inside() -> None:
    before = built(two_variables, x="float32 3", y="float32 3")
    assert printed(everywhere(lambda graph: graph)(before)) == printed(before)


def message(graph: Graph) -> str:
    with pytest.raises(InternalError) as caught:
        verify(graph, "a test")
    return re.sub(r" \(declared at [^)]*\)", "", caught.value.message)


def with_function(graph: Graph, name: str, function: Function) -> Graph:
    """The graph with another function in its last node."""
    node = graph.nodes[-1]
    node.kind = replace(node.kind, **{name: function})
    return graph


def test_functions_that_take_something_else() -> None:
    graph = built(two_variables, x="float32 3", y="float32 3")
    body = graph.nodes[-1].kind.functions()["body"]
    with_function(graph, "body", Function(body.graph, body.names[:-1]))
    assert message(graph) == (
        "after a test, While 'while' is not legal: its body takes i32[], f32[3], f32[3] and is given i32[], "
        "f32[3], f32[3], f32[3]"
    )


def test_a_condition_that_gives_something_else() -> None:
    graph = built(two_variables, x="float32 3", y="float32 3")
    functions = graph.nodes[-1].kind.functions()
    wrong = functions["condition"].graph
    wrong.targets = (wrong.targets[0].op.inputs[0],)
    assert message(graph) == "after a test, While 'while' is not legal: its condition gives i32[]"
