"""Prune, specialise, fold and share on small graphs: before and after, same values, nothing more to do."""

import numpy as np
import pytest

import graphc as tf
from graphc.dims import symbol
from graphc.graph import Graph
from graphc.passes.fold import fold
from graphc.passes.fuse import PARTS
from graphc.passes.pipeline import PIPELINE
from graphc.passes.prune import prune
from graphc.passes.share import share
from graphc.passes.specialise import Given, specialise
from graphc.shapes import TensorType
from tests.passes.printed import built, check_same_values, printed


def test_prune_drops_what_no_target_needs():
    def build(x):
        tf.exp(x)
        return tf.log(x)

    before = built(build, x="float32 3")
    assert printed(prune(before)) == ["Log: f32[3] = Log(x)", "return Log"]


def test_prune_drops_names_for_values():
    before = built(lambda x: tf.identity(tf.stop_gradient(x)) + 1.0, x="float32 3")
    after = prune(before)
    assert printed(after) == ["Const: f32[] = Const(value=1.)", "add: f32[3] = Add(x, Const)", "return add"]
    assert prune(after) is after


def test_prune_sees_nodes_declared_after_the_targets():
    before = built(lambda x: x + 1.0, x="float32 3")
    with before.as_default():
        tf.exp(before.targets[0])
    assert len(prune(before)) == 3


def test_specialise_writes_sizes_in():
    graph = Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        graph.targets = (tf.reshape(x, tf.stack([tf.shape(x)[0] * 2, -1])), tf.reduce_mean(x))
    fixed = specialise(graph, {"x": TensorType(tf.float32, (3, 4))})
    assert [str(target.type) for target in fixed.targets] == ["f32[6,2]", "f32[]"]
    assert [node.type for node in fixed.nodes if node.type not in ("Placeholder", "Const")] == [
        "Reshape",
        "Sum",
        "RealDiv",
    ]
    symbolic = specialise(graph, {"x": TensorType(tf.float32, (symbol("n"), 4))})
    assert [str(target.type) for target in symbolic.targets] == ["f32[2*n,2]", "f32[]"]


def test_specialise_names_the_node_that_does_not_fit():
    graph = Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None], name="x")
        y = tf.placeholder(tf.float32, [None], name="y")
        graph.targets = (tf.add(x, y, name="total"),)
    types = {"x": TensorType(tf.float32, (3,)), "y": TensorType(tf.float32, (4,))}
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        specialise(graph, types)
    line = graph.nodes[-1].origin
    assert (
        caught.value.message
        == f"Add 'total' (declared at {line}): sizes 3 and 4 do not broadcast in shapes [3] and [4]"
    )


def test_fold_computes_what_depends_on_constants():
    before = built(lambda x: tf.sqrt(tf.constant(4.0)) * x, x="float32 3")
    after = fold(before)
    assert printed(after) == ["Sqrt: f32[] = Const(value=2.)", "mul: f32[3] = Mul(Sqrt, x)", "return mul"]
    check_same_values(before, after)
    assert printed(fold(after)) == printed(after)


def test_fold_leaves_large_results_of_small_constants():
    before = built(lambda x: tf.tile(tf.constant([1.0, 2.0]), [4000]) + x, x="float32 8000")
    assert max(node.kind.value.size for node in fold(before).nodes if node.type == "Const") <= 1024


def test_fold_leaves_what_fails_to_the_run():
    before = built(lambda x: tf.gather(tf.constant([1.0, 2.0]), tf.constant([5])) + x, x="float32 1")
    assert "GatherV2" in [node.type for node in fold(before).nodes]


def test_fold_leaves_random_numbers():
    graph = built(lambda x: tf.random_uniform([2]) + x, x="float32 2")
    assert "RandomUniform" in [node.type for node in fold(graph).nodes]


def test_share_computes_equal_things_once():
    before = built(lambda x, y: tf.exp(x + y) * tf.exp(y + x), x="float32 3", y="float32 3")
    after = share(before)
    assert printed(after) == [
        "add: f32[3] = Add(x, y)",
        "Exp: f32[3] = Exp(add)",
        "mul: f32[3] = Mul(Exp, Exp)",
        "return mul",
    ]
    check_same_values(before, after)
    assert share(after) is after


def test_share_keeps_apart_what_differs():
    def build(x):
        return x - 1.0, 1.0 - x, x - 2.0, tf.cast(x, tf.float64), tf.cast(x, tf.int32)

    before = built(build, x="float32 3")
    assert len([node for node in share(before).nodes if node.inputs]) == 5


def test_share_keeps_apart_what_reads_different_outputs_of_a_node():
    def build(x):
        outputs = tf.unstack(tf.reshape(x, [20, 1]))  # as many numbers apart as nodes follow
        loop = tf.while_loop(lambda *v: v[0][0] < 9, lambda *v: [y + 1 for y in v], outputs)
        return [tf.square(y) for node in (loop[:20], [tf.exp(y) for y in loop]) for y in node]

    graph = share(built(build, x="float32 20"))
    assert len([node for node in graph.nodes if node.type == "Square"]) == 40


def test_share_keeps_constants_of_different_types_and_signs_apart():
    def build(x):
        return x + 0.0, x + -0.0, tf.cast(x, tf.float64) + tf.constant(0.0, tf.float64)

    graph = share(built(build, x="float32 3"))
    assert len([node for node in graph.nodes if node.type == "Const"]) == 3


def test_share_keeps_random_numbers_apart():
    graph = built(lambda x: tf.random_uniform([2], seed=1) + tf.random_uniform([2], seed=1) + x, x="float32 2")
    assert [node.type for node in share(graph).nodes].count("RandomUniform") == 2


def test_all_passes_give_reasons():
    assert [step.name for step in PIPELINE if len(step.reason) < 20] == []
    assert len({step.name for step in PIPELINE}) == len(PIPELINE)
    assert [part.name for part in PARTS if len(part.reason) < 20] == []
    assert (PIPELINE[0].name, PIPELINE[-1].name) == ("specialise", "fuse")


def test_targets_keep_their_places():
    before = built(lambda x: (x + 0, x, x + 0, tf.constant(np.int32(7)), tf.negative(-x)), x="int32 3")
    graph = before
    for step in PIPELINE:
        graph = step.run(graph, Given())
        check_same_values(before, graph)
