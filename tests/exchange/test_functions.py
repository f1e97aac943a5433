"""Branches and loops as TensorFlow's functional nodes: written, read back, and run by TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.exchange.array_meanings import ARRAY_MEANINGS
from graphc.exchange.functions import OUTPUTS, outputs_of
from graphc.exchange.host_meanings import HOST_MEANINGS
from graphc.exchange.meanings import MEANINGS
from graphc.exchange.own import KEY
from graphc.exchange.writing import graph_def_of

X = np.random.default_rng(3).uniform(-1, 1, (4, 3)).astype(np.float32)
W = np.float32([[0.5, 0.1, 0.2], [0.3, -0.4, 0.1], [0.2, 0.2, 0.9]])
Program = Callable[[Any, Any, Any, Any], Any]


def repeated(tf: Any, n: Any, step: Callable[[Any, Any], Any], x: Any, **settings: Any) -> Any:
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, step(i, s)), (0, x), **settings)[1]


def branch_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    choose = lambda i, s: tf.cond(tf.equal(i % 2, 0), lambda: tf.matmul(s, w), lambda: s + x)  # noqa: E731
    return repeated(tf, n, choose, x)


def loop_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeated(tf, n, lambda i, s: repeated(tf, i, lambda j, t: tf.tanh(t) + w[0], s), x)


def rows(tf: Any, x: Any, w: Any, n: Any) -> Any:
    shapes = (tf.TensorShape([]), tf.TensorShape([None, 3]))
    return repeated(tf, n, lambda i, s: tf.concat([s, s[-1:] * 0.5], 0), x, shape_invariants=shapes)


def arrays(tf: Any, x: Any, w: Any, n: Any) -> Any:
    mapped = tf.map_fn(lambda row: tf.reduce_sum(row) * row, x)
    return tf.scan(lambda a, row: a * 0.5 + row, mapped) + tf.foldl(lambda a, row: a * 0.5 + row, x)


def several_outputs(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def step(i: Any, s: Any) -> Any:
        values, places = tf.nn.top_k(s, 3)
        return values * tf.cast(places, tf.float32) - s

    return repeated(tf, n, step, x)


PROGRAMS: dict[str, Program] = {
    "loop": lambda tf, x, w, n: repeated(tf, n, lambda i, s: tf.tanh(tf.matmul(s, w)) + x, x),
    "branch": lambda tf, x, w, n: tf.cond(n > 2, lambda: tf.matmul(x, w), lambda: x * 2.0),
    "one of three": lambda tf, x, w, n: tf.case([(n < 1, lambda: x), (n < 4, lambda: x * 3.0)], lambda: tf.exp(x)),
    "branch in loop": branch_in_loop,
    "loop in loop": loop_in_loop,
    "rows": rows,
    "arrays": arrays,
    "several outputs": several_outputs,
}


def declared(tf: Any, program: Program) -> Any:
    x, n = tf.placeholder(tf.float32, [None, 3], name="x"), tf.placeholder(tf.int32, [], name="n")
    return tf.identity(program(tf, x, tf.get_variable("w", initializer=W), n), name="y")


def frozen(tf: Any, trained: bool, sess: Any) -> Any:
    graph = tf.get_default_graph()
    if trained:
        tf.gradients(graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0"))
    sess.run(tf.global_variables_initializer())
    return tf.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), ["y"])


def feeds_of(definition: Any) -> dict[str, Any]:
    names = {node.name for node in definition.node}
    return {f"{name}:0": value for name, value in (("x", X), ("n", 3)) if name in names}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_frozen_and_read_back(name: str, trained: bool) -> None:
    with tf.Session() as sess:
        y = declared(tf, PROGRAMS[name])
        definition = frozen(tf, trained, sess)
        x = sess.graph.get_tensor_by_name("x:0")
        wanted = sess.run([y, tf.gradients(y, x)[0]], feeds_of(definition))
    assert not [node.op for node in definition.node if node.op.startswith("graphc.")]
    assert {node.op for node in definition.node} & {"StatelessWhile", "StatelessIf"}
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.import_graph_def(tf.GraphDef.FromString(definition.SerializeToString()), name="")
        y, x = graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0")
        for came, value in zip(sess.run([y, tf.gradients(y, x)[0]], feeds_of(definition)), wanted, strict=True):
            np.testing.assert_allclose(came, value, rtol=1e-6, atol=1e-6)


def test_outputs_keep_their_numbers() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    chosen = tf.cond(x[0] > 0.0, lambda: (x, x[1] * 2.0), lambda: (-x, x[2]))
    _, last = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * chosen[1]), [0, chosen[0]])
    names = [last.name, chosen[0].name, chosen[1].name]
    with tf.Session() as sess:
        wanted = sess.run(names, {x: [1.0, 2.0, 3.0]})
    definition = tf.get_default_graph().as_graph_def()
    for node in definition.node:
        if node.op in ("StatelessWhile", "StatelessIf"):
            node.attr.pop(KEY, None)  # as TensorFlow would write it
    with tf.Graph().as_default(), tf.Session() as sess:
        returned = tf.import_graph_def(definition, name="", return_elements=names)
        for came in (sess.run(names, {"x:0": [1.0, 2.0, 3.0]}), sess.run(returned, {"x:0": [1.0, 2.0, 3.0]})):
            for found, value in zip(came, wanted, strict=True):
                np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("trained", [False, True])
def test_a_variable_that_a_body_reads_is_read_before(trained: bool) -> None:
    w = tf.get_variable("w", initializer=np.float32(2.0))
    read = lambda i, s: tf.cond(s > 100.0, lambda: s, lambda: s * w.read_value())  # noqa: E731
    tf.identity(repeated(tf, 3, read, tf.placeholder(tf.float32, [], name="x")), name="y")
    with tf.Session() as sess:
        definition = frozen(tf, trained, sess)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(definition, name="")
        assert sess.run("y:0", {"x:0": 3.0}) == 24.0


def test_what_draws_numbers_is_no_stateless_node() -> None:
    tf.set_random_seed(1)
    y = tf.identity(repeated(tf, 3, lambda i, s: s + tf.random_uniform([3]), tf.zeros([3])), name="y")
    definition = tf.get_default_graph().as_graph_def()
    assert [node.op for node in definition.node if node.op.endswith("While")] == ["While"]
    with tf.Session() as sess:
        wanted = sess.run(y)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(definition, name="")
        np.testing.assert_array_equal(sess.run("y:0"), wanted)


def test_a_body_that_changes_a_variable_is_read_by_graphc_alone() -> None:
    w = tf.get_variable("w", initializer=np.float32(2.0))
    tf.identity(repeated(tf, 3, lambda i, s: s + tf.assign_add(w, 1.0), 0.0), name="y")
    graph = tf.get_default_graph()
    assert "graphc.While" in {node.op for node in graph.as_graph_def().node}
    with pytest.raises(ValueError, match=r"While 'while' .* for TensorFlow: AssignAdd .* in it changes a variable"):
        graph_def_of(graph, strict=True)


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", PROGRAMS)
def test_tensorflow_runs_what_is_written(name: str) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    with tf.Session() as sess:
        y = declared(tf, PROGRAMS[name])
        definition = frozen(tf, True, sess)
        wanted = sess.run(y, feeds_of(definition))
    with peer.Graph().as_default(), peer.Session() as session:
        peer.import_graph_def(peer.GraphDef.FromString(definition.SerializeToString()), name="")
        np.testing.assert_allclose(session.run("y:0", feeds_of(definition)), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", [*PROGRAMS, "switch_case", "function"])
def test_functional_nodes_of_tensorflow_are_read(name: str) -> None:
    import tensorflow.compat.v1 as peer

    others: dict[str, Program] = {
        "switch_case": lambda tf, x, w, n: tf.switch_case(n, [lambda: x, lambda: x * 2.0, lambda: tf.matmul(x, w)]),
        "function": lambda tf, x, w, n: tf.function(lambda a: tf.matmul(a, w) + x)(tf.exp(x)),
    }
    peer.disable_v2_behavior()
    peer.enable_control_flow_v2()
    try:
        with peer.Graph().as_default(), peer.Session() as session:
            y = declared(peer, (PROGRAMS | others)[name])
            definition = frozen(peer, name in PROGRAMS, session)
            wanted = session.run(y, feeds_of(definition))
    finally:
        peer.disable_control_flow_v2()
    tf.import_graph_def(tf.GraphDef.FromString(definition.SerializeToString()), name="")
    with tf.Session() as sess:
        np.testing.assert_allclose(sess.run("y:0", feeds_of(definition)), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.peer("tensorflow")
def test_outputs_are_called_as_in_tensorflow() -> None:
    from tensorflow.python.framework import op_def_registry

    for op in {*OUTPUTS, *MEANINGS, *ARRAY_MEANINGS, *HOST_MEANINGS}:
        definition = op_def_registry.get(op)
        if definition is not None:
            assert outputs_of(op, {}) == tuple(output.name for output in definition.output_arg), op
