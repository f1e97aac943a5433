"""Loops of TensorFlow 1 in GraphDefs and MetaGraphs: read as ``tf.while_loop``, with values and adjoints."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

FLOAT, INT, BOOL = 1, 3, 10


def node(op: str, name: str, *inputs: str, dtype: int = FLOAT, frame: str = "", constant: bool = False) -> Any:
    """A NodeDef as TensorFlow writes those of loops."""
    made = tf.NodeDef(name=name, op=op, input=inputs)
    made.attr["T"].type = dtype
    if frame:
        made.attr["frame_name"].s = frame.encode()
        made.attr["is_constant"].b = constant
    return made


def const(name: str, value: Any, *inputs: str) -> Any:
    made = tf.NodeDef(name=name, op="Const", input=inputs)
    array = np.asarray(value)
    made.attr["dtype"].type = INT if array.dtype.kind == "i" else FLOAT
    made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    return made


def placeholder(name: str, dtype: int, *sizes: int) -> Any:
    made = tf.NodeDef(name=name, op="Placeholder")
    made.attr["dtype"].type = dtype
    made.attr["shape"].shape.SetInParent()
    for size in sizes:
        made.attr["shape"].shape.dim.add(size=size)
    return made


def powers(*body: Any, result: str) -> Any:
    """``i, t = 0, x; while i < n: i, t = i + 1, result``; the way back stands before what it comes from."""
    return tf.GraphDef(node=[
        node("NextIteration", "i/Next", "i/Add", dtype=INT), node("NextIteration", "t/Next", result),
        placeholder("x", FLOAT), placeholder("n", INT), const("zero", np.int32(0)),
        node("Enter", "i/Enter", "zero", dtype=INT, frame="loop"), node("Enter", "t/Enter", "x", frame="loop"),
        node("Enter", "n/Enter", "n", dtype=INT, frame="loop", constant=True),
        node("Enter", "x/Enter", "x", frame="loop", constant=True),
        node("Merge", "i/Merge", "i/Enter", "i/Next", dtype=INT), node("Merge", "t/Merge", "t/Enter", "t/Next"),
        node("Less", "Less", "i/Merge", "n/Enter", dtype=INT), node("LoopCond", "LoopCond", "Less", dtype=BOOL),
        node("Switch", "i/Switch", "i/Merge", "LoopCond", dtype=INT), node("Switch", "t/Switch", "t/Merge", "LoopCond"),
        node("Identity", "i/Now", "i/Switch:1", dtype=INT), node("Identity", "t/Now", "t/Switch:1"),
        const("one", np.int32(1), "^i/Now"), node("AddV2", "i/Add", "i/Now", "one", dtype=INT), *body,
        node("Exit", "i", "i/Switch", dtype=INT), node("Exit", "t", "t/Switch"), node("Neg", "y", "t"),
    ])  # fmt: skip


def test_a_loop_with_its_adjoint() -> None:
    definition = powers(node("Mul", "times", "t/Now", "x/Enter"), result="times")
    tf.import_graph_def(definition, name="net")
    graph = tf.get_default_graph()
    y, x = graph.get_tensor_by_name("net/y:0"), graph.get_tensor_by_name("net/x:0")
    (slope,) = tf.gradients(y, x)
    with tf.Session() as sess:
        assert sess.run([y, "net/i:0", slope], {x: 3.0, "net/n:0": 4}) == [-(3.0**5), 4, -5 * 3.0**4]
        assert sess.run([y, "net/t:0"], {x: 3.0, "net/n:0": 0}) == [-3, 3]
    with tf.Graph().as_default(), tf.Session() as sess:  # the loop is graphc's now, and is written as such
        tf.import_graph_def(graph.as_graph_def(), name="")
        assert sess.run("net/y:0", {"net/x:0": 2.0, "net/n:0": 2}) == -8


def test_a_loop_in_a_loop() -> None:
    inner = [
        const("z", np.int32(0), "^t/Now"), node("Enter", "j/Enter", "z", dtype=INT, frame="inner"),
        node("Enter", "u/Enter", "t/Now", frame="inner"), node("Enter", "i/In", "i/Now", dtype=INT, frame="inner"),
        node("Enter", "x/In", "x/Enter", frame="inner"), const("w", np.int32(1), "^j/Switch"),
        node("Merge", "j/Merge", "j/Enter", "j/Next", dtype=INT), node("Merge", "u/Merge", "u/Enter", "u/Next"),
        node("Less", "LessI", "j/Merge", "i/In", dtype=INT), node("LoopCond", "CondI", "LessI", dtype=BOOL),
        node("Switch", "j/Switch", "j/Merge", "CondI", dtype=INT), node("Switch", "u/Switch", "u/Merge", "CondI"),
        node("AddV2", "j/Add", "j/Switch:1", "w", dtype=INT), node("AddV2", "u/Add", "u/Switch:1", "x/In"),
        node("NextIteration", "j/Next", "j/Add", dtype=INT), node("NextIteration", "u/Next", "u/Add"),
        node("Exit", "u", "u/Switch"), node("Neg", "back", "u"),
    ]  # fmt: skip
    tf.import_graph_def(powers(*inner, result="back"), name="")
    wanted = 1.5
    for i in range(5):
        wanted = -(wanted + i * 1.5)
    with tf.Session() as sess:
        assert sess.run("t:0", {"x:0": 1.5, "n:0": 5}) == wanted


def test_a_loop_variable_whose_size_the_body_does_not_know() -> None:
    some = node("Reshape", "some", "t/Now", "shape/Enter")
    some.attr["Tshape"].type = INT
    definition = powers(some, node("Add", "twice", "some", "some"), result="twice")
    entered = node("Enter", "shape/Enter", "shape", dtype=INT, frame="loop", constant=True)
    definition.node.extend([placeholder("shape", INT, 1), entered])
    next(found for found in definition.node if found.name == "x").attr["shape"].shape.dim.add(size=3)
    tf.import_graph_def(definition, name="")
    assert tf.get_default_graph().get_tensor_by_name("t:0").shape.as_list() == [None]
    with tf.Session() as sess:
        came = sess.run("t:0", {"x:0": [1, 2, 3], "n:0": 3, "shape:0": [3]})
    np.testing.assert_array_equal(came, [8, 16, 24])


def test_lists_of_tensors_as_tensorflow_2_freezes_them() -> None:
    """``kept[i] = 2 * rows[i]``, with the nodes of a ``map_fn``."""
    given = node("TensorListFromTensor", "given", "rows", "row")
    given.attr["element_dtype"].type = FLOAT
    made = node("TensorListReserve", "x", "row", "n")
    made.attr["element_dtype"].type = FLOAT
    listed = powers(
        node("Enter", "rows/Enter", "given", frame="loop", constant=True), const("row/In", np.int32([2]), "^i/Now"),
        node("TensorListGetItem", "item", "rows/Enter", "i/Now", "row/In"), node("Add", "twice", "item", "item"),
        node("TensorListSetItem", "set", "t/Now", "i/Now", "twice"), result="set",
    )  # fmt: skip
    kept = [found for found in listed.node if found.name not in ("x", "y", "x/Enter")]
    tf.import_graph_def(tf.GraphDef(node=[
        *kept, placeholder("rows", FLOAT, -1, 2), const("row", np.int32([2])), given, made,
        node("TensorListStack", "y", "t", "row", "n"), node("TensorListLength", "count", "t"),
    ]), name="")  # fmt: skip
    rows = np.float32([[1, 2], [3, 4], [5, 6]])
    with tf.Session() as sess:
        y, count = sess.run(["y:0", "count:0"], {"rows:0": rows, "n:0": 3})
    np.testing.assert_array_equal(y, 2 * rows)
    assert count == 3


def test_what_is_no_loop_says_so_when_it_is_run() -> None:
    unknown = powers(node("QuantumLeap", "leap", "t/Now"), result="leap")
    tf.import_graph_def(unknown, name="a")
    bare = powers(node("Mul", "times", "t/Now", "x/Enter"), result="times")
    kept = [found for found in bare.node if found.name not in ("LoopCond", "i/Switch", "t/Switch")]
    del bare.node[:]
    bare.node.extend(kept)
    bare.node.extend([
        node("Switch", "i/Switch", "i/Merge", "Less", dtype=INT), node("Switch", "t/Switch", "t/Merge", "Less"),
    ])  # fmt: skip
    tf.import_graph_def(bare, name="b")
    feeds = {f"{name}:0": value for scope in "ab" for name, value in ((f"{scope}/x", 1.0), (f"{scope}/n", 1))}
    with tf.Session() as sess:
        with pytest.raises(tf.errors.UnimplementedError, match=r"the loop 'loop', read from .*of type QuantumLeap"):
            sess.run("a/y:0", feeds)
        with pytest.raises(tf.errors.UnimplementedError, match="the loop 'loop' is not as TensorFlow writes loops"):
            sess.run("b/y:0", feeds)
    written = [found for found in tf.get_default_graph().as_graph_def().node if found.name == "a/LoopCond"]
    assert [found.op for found in written] == ["LoopCond"]


# -- loops that TensorFlow wrote -----------------------------------------------------------------------------------

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(3, 6, 4)).astype("f4")


def tensorflow() -> Any:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the cells are in the package tf_keras
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    peer.disable_control_flow_v2()
    return peer


def recurrent(peer: Any, x: Any) -> list[Any]:
    cells = peer.nn.rnn_cell
    both = peer.nn.bidirectional_dynamic_rnn(
        cells.BasicRNNCell(3), cells.LSTMCell(2), x, peer.constant([6, 4, 0]), dtype=peer.float32
    )
    return list(peer.nest.flatten(both))


def mapped(peer: Any, x: Any) -> list[Any]:
    def grown(i: Any, t: Any) -> Any:
        half = peer.cond(peer.reduce_sum(t) > 3.0, lambda: t * 0.5, lambda: t + 1.0)
        return i + 1, peer.while_loop(lambda j, _: j < i, lambda j, u: (j + 1, u + x[0, 0]), [0, half])[1]

    return [
        peer.map_fn(lambda rows: peer.map_fn(lambda row: row * row, rows), x),
        peer.scan(lambda a, b: a * 0.5 + b, x),
        peer.foldr(lambda a, b: a + b * 2.0, x),
        peer.while_loop(lambda i, _: i < 5, grown, [0, x[0, 0]])[1],
    ]


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("declare", [recurrent, mapped])
def test_frozen_by_tensorflow(declare: Callable[..., list[Any]]) -> None:
    peer = tensorflow()
    with peer.Graph().as_default() as graph, peer.Session() as session:
        found = declare(peer, peer.placeholder(peer.float32, [None, 6, 4], name="x"))
        names = [peer.identity(value, name=f"y{n}").name for n, value in enumerate(found)]
        session.run(peer.global_variables_initializer())
        wanted = session.run(names, {"x:0": ROWS})
        ends = [name.removesuffix(":0") for name in names]
        frozen = peer.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ends)
    tf.import_graph_def(tf.GraphDef.FromString(frozen.SerializeToString()), name="")
    with tf.Session() as sess:
        for came, value in zip(sess.run(names, {"x:0": ROWS}), wanted, strict=True):
            np.testing.assert_allclose(came, value, rtol=2e-6, atol=1e-6)


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_a_saved_recurrent_net_trains_on(tmp_path: Path) -> None:
    peer = tensorflow()
    with peer.Graph().as_default(), peer.Session() as session:
        x = peer.placeholder(peer.float32, [None, 6, 4], name="x")
        outputs, _ = peer.nn.dynamic_rnn(peer.nn.rnn_cell.BasicLSTMCell(3), x, dtype=peer.float32)
        loss = peer.reduce_mean(peer.square(outputs - 0.5), name="loss")
        found = peer.trainable_variables()
        steps = peer.train.GradientDescentOptimizer(0.5).minimize(loss, name="train")
        session.run(peer.global_variables_initializer())
        path = peer.train.Saver().save(session, str(tmp_path / "m"))
        wanted = [session.run("loss:0", {"x:0": ROWS})]
        session.run(steps, {"x:0": ROWS})
        wanted += [session.run("loss:0", {"x:0": ROWS}), *session.run(found)]
    with tf.Session() as sess:
        saver = tf.train.import_meta_graph(path + ".meta")
        saver.restore(sess, path)
        came = [sess.run("loss:0", {"x:0": ROWS})]
        with pytest.raises(tf.errors.UnimplementedError, match="read from a GraphDef"):
            sess.run("train", {"x:0": ROWS})  # TensorFlow's own adjoint of the loop, which keeps values on stacks
        loss = tf.get_default_graph().get_tensor_by_name("loss:0")
        sess.run(tf.train.GradientDescentOptimizer(0.5).minimize(loss), {"x:0": ROWS})
        came += [sess.run(loss, {"x:0": ROWS}), *sess.run(tf.trainable_variables())]
    for value, other in zip(came, wanted, strict=True):
        np.testing.assert_allclose(value, other, rtol=2e-5, atol=1e-6)
