"""How a drawing looks as text."""

from __future__ import annotations

import re

import graphc as tf
from graphc import visualize
from tests.pictures.drawn import box_text, declare_network, render_or_skip


def test_the_text_of_a_small_graph() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.exp(x, name="y")
    source = visualize.dot_text(y)
    assert "x" in box_text(source, "x") and "shape=invhouse" in box_text(source, "x")
    assert "f32[?,3]" in box_text(source, "x")
    assert ">Exp<" in box_text(source, "y") and ">fetched<" in box_text(source, "y")
    (edge,) = [line.strip() for line in source.splitlines() if "->" in line]
    assert edge == 'n0 -> n1 [label="f32[?,3]" edgetooltip="x: f32[?,3]" labeltooltip="x: f32[?,3]"]'


def test_tooltips_name_the_users_line() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    line = x.op.origin.line  # type: ignore[union-attr]
    assert f'tooltip="x: f32[3] = Placeholder()  # test_dot.py:{line}"' in visualize.dot_text(x)


def test_parts_have_colours_and_a_legend() -> None:
    loss, train = declare_network()
    source = visualize.dot_text([loss, train])
    legend = next(line for line in source.splitlines() if "<table" in line)
    assert [word for word in ("forward", "adjoint (gradients)", "update") if f">{word}<" in legend] == [
        "forward",
        "adjoint (gradients)",
        "update",
    ]
    boxes = [line for line in source.splitlines() if "shape=" in line]
    assert {re.search(r'fillcolor="(#\w+)"', line)[1] for line in boxes} == {"#e3eef9", "#fdebd3", "#def2e6"}  # type: ignore[index]
    assert "adjoint" not in visualize.dot_text(loss)


def test_the_same_graph_gives_the_same_text() -> None:
    texts = []
    for _ in range(2):
        with tf.Graph().as_default():
            loss, train = declare_network(3)
            texts.append(visualize.dot_text([loss, train]))
    assert texts[0] == texts[1]


def test_names_are_escaped() -> None:
    with tf.name_scope("a.b>c"):
        x = tf.placeholder(tf.float32, [2], name="in>put\\n")
        y = tf.exp(x, name="y")
    source = visualize.dot_text(y, fold=None)
    assert "<b>in&gt;put\\n</b>" in source
    assert "in>put\\\\n: f32[2]" in source
    svg = render_or_skip(source)
    assert "in&gt;put\\n" in svg and "a.b&gt;c" in svg


def test_the_forward_part_is_kept_together() -> None:
    """An unseen cluster holds its boxes, so that they stand on one side of the adjoints."""
    loss, train = declare_network()
    text = visualize.dot_text([loss, train])
    column = text.partition("subgraph cluster_forward {")[2].partition("\n\t}")[0]
    assert "style=invis" in column and 'label=""' in column
    blue = {line.split()[0] for line in text.splitlines() if 'fillcolor="#e3eef9"' in line and "shape=" in line}
    inside = {line.split()[0] for line in column.splitlines() if "shape=" in line}
    assert blue == inside
    assert "cluster_forward" not in visualize.dot_text(loss)
    assert "cluster_forward" not in visualize.dot_text([loss, train], stage="kernels")


def test_a_kernel_that_computes_nothing_has_a_title() -> None:
    """A loop whose result is known before it runs; a picture program refuses an empty title."""
    end = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], name="counted")
    source = visualize.dot_text(end, stage="kernels")
    assert "<b>Const</b>" in source and "<b></b>" not in source
