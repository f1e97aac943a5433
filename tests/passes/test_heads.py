"""The example at the head of a pass's file is what the pass does, line by line."""

import importlib
from collections.abc import Callable
from textwrap import indent
from typing import Any

import pytest

import graphc as tf
from graphc.graph import Graph
from graphc.passes.bodies import choose
from graphc.passes.fuse import fuse, fused_so_far
from graphc.passes.simplify import simplify
from graphc.passes.specialise import specialise
from graphc.shapes import TensorType
from tests.passes.printed import built, printed


def _arithmetic(x, y):
    return tf.pow(tf.subtract(y, tf.negative(x, name="a"), name="b"), tf.constant(2.0, name="c"), name="d")


def _product(x, w):
    return tf.matmul(tf.multiply(x, tf.constant(0.5, name="c"), name="a"), w, name="y")


def _reduction(x):
    return tf.reduce_sum(tf.reduce_sum(x, 0, name="a"), 0, name="b")


def _views(x):
    a = tf.transpose(tf.reshape(x, [4, 1, 5], name="a"), [2, 1, 0], name="b")
    return tf.transpose(a, [2, 1, 0], name="c")


def _two_orders(x, b):
    h = tf.tanh(tf.add(x, b, name="a"), name="h")
    return tf.reduce_sum(tf.exp(h, name="e"), 1, name="s"), tf.exp(tf.transpose(h, name="t"), name="y")


def _two_small(v, w):
    return tf.exp(v, name="a"), tf.sqrt(w, name="b")


SIMPLIFIED: list[tuple[str, Callable[..., Any], dict[str, str]]] = [
    ("arithmetic", _arithmetic, {"x": "float32 3", "y": "float32 3"}),
    ("products", _product, {"x": "float32 4,5", "w": "float32 5,3"}),
    ("reductions", _reduction, {"x": "float32 4,5,6"}),
    ("views", _views, {"x": "float32 4,5"}),
]


def _check_head(module: str, *graphs: Graph, known: int = 0) -> None:
    """AssertionError where a graph, as it prints after ``known`` lines, is not at the head of the file."""
    head = importlib.import_module(f"graphc.passes.{module}").__doc__ or ""
    for graph in graphs:
        text = indent("\n".join(printed(graph)[known:]), "    ")
        assert f"::\n\n{text}\n\n" in head + "\n", f"wanted at the head of {module}.py:\n{text}"


@pytest.mark.parametrize(("part", "build", "types"), SIMPLIFIED, ids=[part for part, _, _ in SIMPLIFIED])
def test_the_head_of_simplifying(part, build, types):
    before = built(build, **types)
    _check_head(f"simplify_{part}", before, simplify(before))


def test_the_head_of_grow():
    before = built(_two_orders, x="float32 64,10", b="float32 10")
    _check_head("grow", before, next(iter(fused_so_far(before))))


def test_the_head_of_bundle():
    graph = built(_two_small, v="float32 10", w="float32 784")
    *_, before = fused_so_far(graph)
    _check_head("bundle", before, fuse(graph))


def _with_targets(*targets: tf.Tensor) -> Graph:
    graph = tf.get_default_graph()
    graph.targets = targets
    return graph


def test_the_head_of_bodies():
    x, z = (tf.placeholder(tf.float32, [3], name=name) for name in "xz")
    y = tf.cond(tf.constant(True, name="training"), lambda: tf.add(x, z, name="noisy"), lambda: x, name="y")
    before = _with_targets(y)
    _check_head("bodies", before, choose(before))


def test_the_head_of_gradients_if():
    p, x = tf.placeholder(tf.bool, [], name="p"), tf.placeholder(tf.float32, [3], name="x")
    y = tf.cond(p, lambda: tf.exp(x), lambda: tf.negative(x), name="y")
    before = _with_targets(y)
    _check_head("gradients_if", before)
    known = len(printed(before)) - 1  # all but what it gives
    grads = tf.gradients(y, x, grad_ys=tf.placeholder(tf.float32, [3], name="dy"), name="g")
    _check_head("gradients_if", _with_targets(*grads), known=known)


def test_the_head_of_gradients_while():
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.while_loop(lambda v: v < 9.0, lambda v: tf.exp(v), [x], name="w")
    _check_head("gradients_while", _with_targets(v))
    grads = tf.gradients(v, x, grad_ys=tf.placeholder(tf.float32, [], name="dv"), name="g")
    _check_head("gradients_while", _with_targets(*grads))


def test_the_head_of_specialise_bodies():
    p, x = tf.placeholder(tf.bool, [], name="p"), tf.placeholder(tf.float32, [None], name="x")
    before = _with_targets(tf.cond(p, lambda: x[:2], lambda: tf.negative(x), name="y"))
    types = {"p": TensorType(tf.bool, ()), "x": TensorType(tf.float32, (3,))}
    _check_head("specialise_bodies", before, specialise(before, types, by_value=True))


def test_the_head_of_specialise_loops():
    x, row = tf.placeholder(tf.float32, [None], name="x"), tf.placeholder(tf.float32, [1], name="row")
    go_on = tf.placeholder(tf.bool, [], name="go_on")
    any_size = tf.TensorShape([None])
    grown = tf.while_loop(lambda v: go_on, lambda v: tf.concat([v, row], 0, name="c"), [x], [any_size], name="w")
    before = _with_targets(grown)
    types = {"x": TensorType(tf.float32, (2,)), "row": TensorType(tf.float32, (1,)), "go_on": TensorType(tf.bool, ())}
    _check_head("specialise_loops", before, specialise(before, types, by_value=True))
