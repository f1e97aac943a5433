"""The graph as a networkx graph."""

from __future__ import annotations

import networkx
import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def graph() -> tf.Graph:
    """Each test declares into a graph of its own."""
    with tf.Graph().as_default() as fresh:
        yield fresh  # type: ignore[misc]


def test_nodes_and_edges_say_what_the_graph_says() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    tf.matmul(x, x, transpose_b=True, name="y")
    exported = x.graph.to_networkx()
    assert isinstance(exported, networkx.MultiDiGraph)
    line = x.op.origin.line  # type: ignore[union-attr]
    assert exported.nodes["x"] == {
        "type": "Placeholder",
        "role": "forward",
        "origin": f"{__file__}:{line}",
        "attributes": {},
        "outputs": ["f32[?,3]"],
    }
    assert exported.nodes["y"]["attributes"] == {"transpose_b": True}
    edge = {"tensor": "x:0", "dtype": "float32", "shape": (None, 3), "control": False}
    assert exported.get_edge_data("x", "y") == {0: {**edge, "input": 0}, 1: {**edge, "input": 1}}


def test_control_dependencies_are_edges_without_a_tensor() -> None:
    first = tf.placeholder(tf.float32, [], name="first")
    with tf.control_dependencies([first.op]):
        tf.no_op(name="second")
    exported = first.graph.to_networkx()
    nothing = {"tensor": None, "dtype": None, "shape": None, "input": None}
    assert exported.get_edge_data("first", "second") == {0: {**nothing, "control": True}}


def test_a_training_graph_has_no_cycle_but_every_node_and_role() -> None:
    w = tf.get_variable("w", [3])
    loss = tf.reduce_sum(tf.square(w), name="loss")
    tf.train.AdamOptimizer(0.1).minimize(loss)
    exported = loss.graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(exported)
    assert set(exported) == {node.name for node in loss.graph.get_operations()}
    assert {role for _, role in exported.nodes(data="role")} == {"forward", "adjoint", "update"}


def test_an_unknown_rank_is_none() -> None:
    x = tf.placeholder(tf.float32, name="x")
    tf.exp(x, name="y")
    (edge,) = x.graph.to_networkx().get_edge_data("x", "y").values()
    assert edge["shape"] is None
