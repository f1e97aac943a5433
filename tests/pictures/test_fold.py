"""Which scopes and kernels are drawn as one box."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import graphc as tf
from graphc import visualize
from graphc.pictures.fold import MOST_BOXES
from tests.pictures.drawn import all_names, declare_network, declare_residual, drawing, links, name_of, names


def test_scopes_are_clusters_and_fold_to_one_box() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with tf.name_scope("outer"):
        a = tf.exp(x, name="a")
        with tf.name_scope("inner"):
            y = tf.sin(tf.cos(a, name="b"), name="c")
    assert names(drawing(y, fold=None)) == ["x", "a", "b", "c"]
    assert names(drawing(y, fold=1)) == ["x", "a", "outer/inner"]
    assert names(drawing(y, fold=0)) == ["x", "outer"]
    assert names(drawing(y, fold=["outer/inner"])) == ["x", "a", "outer/inner"]
    assert links(drawing(y, fold=1)) == {("x", "a"), ("a", "outer/inner")}
    assert "<b>inner (2 ops)</b>" in visualize.dot_text(y, fold=1)
    assert visualize.dot_text(y, fold=None).count("subgraph cluster_") == 2


@pytest.mark.parametrize("fold", ["deep", True])
def test_what_fold_may_be_is_said(fold: Any) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError) as caught:
        visualize.draw(x, fold=fold)
    assert str(caught.value) == f'fold is {fold!r}; wanted "auto", a depth, a list of names of scopes, or None'


def test_adjoints_stand_in_the_scopes_of_their_operations() -> None:
    loss, _ = declare_network()
    drawn = drawing(*tf.gradients(loss, tf.trainable_variables()), fold=3)
    assert {"net/layer0", "gradients_1/net/layer0"} <= {scope for tree in drawn.trees for scope in all_names(tree)}


def test_slots_stand_with_the_update_and_the_update_names_its_variable() -> None:
    _, train = declare_network(1)
    drawn = drawing(train, fold=0)
    (update,) = [box for box in drawn.boxes.values() if name_of(box) == "Adam"]
    assert update.role == "update"
    assert update.updated == ["net/layer0/kernel"]
    variables = [unit.node.name for unit in update.content.all_units() if unit.kind == "variable"]  # type: ignore[union-attr]
    assert set(variables) == {"beta1_power", "beta2_power", "net/layer0/kernel/Adam", "net/layer0/kernel/Adam_1"}


@pytest.mark.parametrize("layers", [1, 5, 12, 60])
def test_automatic_folding_keeps_a_training_graph_readable(layers: int) -> None:
    loss, train = declare_network(layers)
    drawn = drawing(loss, train)
    assert len(drawn.boxes) <= MOST_BOXES
    roles = {box.role for box in drawn.boxes.values()}
    assert roles == {"forward", "adjoint", "update"}


def test_repeated_layers_fold_to_one_box() -> None:
    loss, train = declare_network(60)
    assert "<b>layer* x60 (120 ops)</b>" in visualize.dot_text([loss, train])


@pytest.mark.parametrize("blocks", [4, 8, 12])
def test_equal_blocks_are_all_open_or_all_folded(blocks: int) -> None:
    drawn = drawing(declare_residual(blocks))
    group = f"block* x{blocks}"
    for role, around in (("forward", ""), ("adjoint", "gradients/")):
        names = [name_of(box) for box in drawn.boxes.values() if box.role == role and group in name_of(box)]
        if len(names) == 1:
            assert names == [around + group]
        else:
            inside = [name.removeprefix(f"{around}{group}/").partition("/") for name in names]
            assert {block for block, _, _ in inside} == {f"block{number}" for number in range(blocks)}
            assert len({len(rest) > 0 for _, _, rest in inside}) == 1


def test_equal_kernels_share_a_box_where_there_are_many() -> None:
    train = declare_residual(8)
    source = visualize.dot_text(train, stage="kernels")
    (box,) = [line for line in source.splitlines() if ">block*/a/MatMul<" in line]
    assert "shape=folder" in box and "<b>8 x Contract + Add + Relu" in box and ">each " in box
    assert ">16 variables<" in box
    every = visualize.dot_text(train, stage="kernels", fold=None)
    assert every.count("/a/MatMul</font>") >= 8 and " x Contract" not in every
    assert source.count("shape=") <= MOST_BOXES < every.count("shape=")
    assert ">block0/a/MatMul<" in visualize.dot_text(train.graph.get_tensor_by_name("loss:0"), stage="kernels")


def test_a_long_chain_without_scopes_folds_by_line() -> None:
    h = x = tf.placeholder(tf.float32, [3], name="x")
    for _ in range(500):
        h = tf.tanh(h * x)
    here = Path(__file__).name
    (chain,) = [name for name in names(drawing(h)) if name != "x"]
    assert re.fullmatch(rf"{re.escape(here)}:\d+", chain)
    assert "(1000 ops)" in visualize.dot_text(h)


def test_second_derivatives_are_drawn_beside_the_first() -> None:
    x = tf.placeholder(tf.float64, [], name="x")
    (first,) = tf.gradients(tf.sin(x) * x, x)
    (second,) = tf.gradients(first, x)
    drawn = drawing(second, fold=0)
    assert {"gradients", "gradients_1"} <= {box.sweep for box in drawn.boxes.values()}


def test_a_depth_below_nothing_is_refused() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError) as caught:
        visualize.draw(x, fold=-3)
    assert str(caught.value) == "a depth of -3 is none: 0 folds all scopes, 1 opens the outermost"
