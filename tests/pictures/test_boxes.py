"""What is drawn of a graph: boxes, and links between them."""

from __future__ import annotations

import graphc as tf
from graphc import visualize
from tests.pictures.drawn import box_text, declare_network, drawing, links, names


def test_only_what_the_fetches_need_is_drawn() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.exp(x, name="y")
    tf.sin(x, name="other")
    assert names(drawing(y)) == ["x", "y"]
    assert names(drawing()) == ["x", "y", "other"]


def test_a_variable_is_one_box_and_its_initialisation_is_set_aside() -> None:
    w = tf.get_variable("w", [2, 3])
    y = tf.square(w, name="y")
    tf.global_variables_initializer()
    assert names(drawing()) == names(drawing(y)) == ["w", "y"]
    assert links(drawing()) == {("w", "y")}
    assert "w/Assign" not in visualize.dot_text(tf.get_default_graph())
    assert {"Assign", "init"} <= set(names(drawing(initialisers=True)))


def test_the_initialiser_is_drawn_where_it_is_asked_for() -> None:
    tf.get_variable("w", [2, 3])
    drawn = drawing(tf.global_variables_initializer())
    assert "init" in names(drawn)
    assert any(kind == "control" for kind in (link.kind for link in drawn.links))


def test_a_read_after_a_write_keeps_its_place() -> None:
    w = tf.get_variable("w", [2])
    with tf.control_dependencies([w.assign_add([1.0, 1.0]).op]):
        later = tf.identity(w.read_value(), name="later")
    assert names(drawing(later)) == ["w", "AssignAdd", "read", "later"]
    assert ("AssignAdd", "read") in links(drawing(later), "control")


def test_small_constants_are_written_into_their_readers() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.multiply(x, 0.25, name="scaled")
    assert names(drawing(y)) == ["x", "scaled"]
    assert ">0.25<" in box_text(visualize.dot_text(y), "scaled")
    assert len(names(drawing(y, constants=True))) == 3


def test_a_large_constant_and_a_fetched_one_are_boxes() -> None:
    table = tf.constant([[1.0] * 10] * 10, name="table")
    assert names(drawing(tf.exp(table, name="y"))) == ["table", "y"]
    assert names(drawing(tf.constant(2.0, name="two"))) == ["two"]


def test_an_assignment_points_at_its_variable() -> None:
    w = tf.get_variable("w", [2])
    step = tf.assign_add(w, [1.0, 2.0], name="step")
    drawn = drawing(step)
    assert links(drawn, "write") == {("step", "w")}
    assert links(drawn) == set()


def test_control_dependencies_are_dashed() -> None:
    first = tf.placeholder(tf.float32, [], name="first")
    with tf.control_dependencies([first.op]):
        second = tf.no_op(name="second")
    assert links(drawing(second), "control") == {("first", "second")}
    (edge,) = [line for line in visualize.dot_text(second).splitlines() if "->" in line]
    assert "style=dashed" in edge


def test_order_that_follows_from_other_links_is_not_drawn() -> None:
    """After ``first`` come four operations in a chain, as after the moving averages of a training graph."""
    x = tf.placeholder(tf.float32, [3], name="x")
    first = tf.assign_add(tf.get_variable("count", []), 1.0, name="first")
    with tf.control_dependencies([first.op]):
        y = tf.sin(tf.cos(tf.exp(x, name="a"), name="b"), name="c")
        with tf.control_dependencies([y.op]):
            last = tf.no_op(name="last")
    assert len([node for node in x.graph.nodes if first.op in node.control_inputs]) == 4
    assert links(drawing(last), "control") == {("first", "a"), ("c", "last")}


def test_order_is_drawn_once_from_scope_to_scope_of_two_parts() -> None:
    graph = tf.get_default_graph()
    with tf.name_scope("averages"), graph.in_role("update"):
        averages = [tf.assign_add(tf.get_variable(name, []), 1.0, name=name) for name in ("one", "two")]
    with tf.control_dependencies([x.op for x in averages]), tf.name_scope("layer"):
        ends = [tf.exp(2.0, name="left"), tf.sin(2.0, name="right")]
    assert links(drawing(*ends, fold=None, constants=False), "control") == {("one", "left")}
    assert links(drawing(*ends, fold=0), "control") == {("averages", "layer")}


def test_links_between_parts_have_tooltips_and_no_labels() -> None:
    loss, _ = declare_network()
    edges = [line for line in visualize.dot_text(loss.graph).splitlines() if "->" in line]
    between = [line for line in edges if "a9b1bd" in line and "style=dashed" not in line]
    within = [line for line in edges if "a9b1bd" not in line and "style=dashed" not in line]
    assert between and all(
        "edgetooltip=" in line and " label=" not in line and "[label=" not in line for line in between
    )
    assert within and any("label=" in line for line in within)


def test_the_long_name_of_a_counter_stands_in_a_small_line() -> None:
    with tf.name_scope("a_name_that_is_long"), tf.name_scope("within_another"):
        y = tf.random_uniform([3])
    text = box_text(visualize.dot_text(y, stage="kernels"), "counter")
    assert ">of ...ong/within_another/random_uniform<" in text.replace("</font>", "<")
