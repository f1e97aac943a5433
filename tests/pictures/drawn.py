"""What tests of pictures have in common: small networks, and what is drawn of them."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as tf
from graphc.pictures import program
from graphc.pictures.boxes import Box, Choice, Drawing, Facts, drawing_of
from graphc.pictures.scopes import Scope


def drawing(*targets: Any, **choice: Any) -> Drawing:
    """The drawing of what ``targets`` need; of the whole default graph without targets."""
    nodes = [getattr(target, "op", target) for target in targets]
    return drawing_of(tf.get_default_graph(), nodes, Choice(**choice), Facts())


def name_of(box: Box) -> str:
    return box.content.full_name if isinstance(box.content, Scope) else box.content.title


def names(drawn: Drawing) -> list[str]:
    return [name_of(box) for box in drawn.boxes.values()]


def links(drawn: Drawing, kind: str = "data") -> set[tuple[str, str]]:
    return {(name_of(link.tail), name_of(link.head)) for link in drawn.links if link.kind == kind}


def box_text(source: str, title: str) -> str:
    """The line of DOT that draws the box with this title."""
    return next(line for line in source.splitlines() if f"<b>{title}" in line and "shape=" in line)


def declare_network(layers: int = 2, optimizer: Any = None) -> tuple[tf.Tensor, tf.Operation]:
    """A loss and a training operation of some dense layers."""
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    hidden = x
    with tf.variable_scope("net"):
        for number in range(layers):
            with tf.variable_scope(f"layer{number}"):
                kernel = tf.get_variable("kernel", [6, 6])
                hidden = tf.tanh(tf.matmul(hidden, kernel))
    loss = tf.reduce_sum(hidden, name="loss")
    return loss, (optimizer or tf.train.AdamOptimizer(0.1)).minimize(loss)


def declare_residual(blocks: int) -> tf.Operation:
    """A training operation of equal residual blocks."""
    h = tf.placeholder(tf.float32, [4, 6], name="x")
    for block in range(blocks):
        with tf.variable_scope(f"block{block}"):
            h = tf.nn.relu(h + tf.layers.dense(tf.layers.dense(h, 6, tf.nn.relu, name="a"), 6, name="b"))
    loss = tf.reduce_sum(tf.square(tf.layers.dense(h, 3, name="out")), name="loss")
    return tf.train.AdamOptimizer().minimize(loss, name="train")


def all_names(tree: Scope) -> list[str]:
    return [scope.full_name for scope in tree.all_scopes()]


def render_or_skip(source: str) -> str:
    """The text as SVG, where this machine has a dot program."""
    if program.find_program() is None:
        pytest.skip("no dot program")
    return program.render(source, "svg").decode()
