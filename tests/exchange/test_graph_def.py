"""GraphDefs: what the messages are, importing under names and with other inputs, errors, and parts of graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf


def net() -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("layer"):
        w = tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(3, 2))
        y = tf.nn.relu(tf.matmul(x, w) - 1.0, name="relu")
    return tf.nn.softmax(y, name="prob")


X = np.array([[1.0, -1.0, 0.5], [0.25, 2.0, -3.0]], np.float32)


def node(op: str, name: str, *inputs: str, **types: Any) -> Any:
    """A NodeDef as a program would write one."""
    made = tf.NodeDef(name=name, op=op, input=inputs)
    for key, value in types.items():
        made.attr[key].type = value
    return made


def test_a_graph_def_reads_as_tensorflows() -> None:
    net()
    definition = tf.get_default_graph().as_graph_def(add_shapes=True)
    by_name = {node.name: node for node in definition.node}
    assert by_name["layer/MatMul"].op == "MatMul"
    assert list(by_name["layer/MatMul"].input) == ["x", "layer/w/read"]
    assert by_name["layer/MatMul"].attr["T"].type == tf.float32.as_datatype_enum == 1
    assert by_name["layer/w"].op == "VariableV2" and by_name["layer/w/read"].op == "Identity"
    assert [dim.size for dim in by_name["x"].attr["shape"].shape.dim] == [-1, 3]
    shapes = by_name["layer/relu"].attr["_output_shapes"].list.shape
    assert [dim.size for dim in shapes[0].dim] == [-1, 2]
    value = tf.make_ndarray(by_name["layer/w/initial_value"].attr["value"].tensor)
    np.testing.assert_array_equal(value, np.arange(6).reshape(3, 2))
    again = tf.GraphDef()
    again.ParseFromString(definition.SerializeToString())
    assert again == definition
    assert 'op: "MatMul"' in str(definition)


def test_importing_under_a_name_with_another_input() -> None:
    with tf.Graph().as_default() as graph:
        net()
        definition = graph.as_graph_def()
    x = tf.placeholder(tf.float32, [None, 3])
    doubled = x * 2.0
    prob, relu = tf.import_graph_def(definition, {"x:0": doubled}, ["prob:0", "layer/relu"], name="net")
    assert prob.name == "net/prob:0" and relu.name == "net/layer/relu" and relu.type == "Relu"
    with tf.Session() as sess:
        sess.run("net/layer/w/Assign")
        came = sess.run(prob, {x: X})
        wanted = np.maximum(2 * X @ np.arange(6, dtype=np.float32).reshape(3, 2) - 1, 0)
        wanted = np.exp(wanted - wanted.max(1, keepdims=True))
        np.testing.assert_allclose(came, wanted / wanted.sum(1, keepdims=True), rtol=2e-6)
    tf.import_graph_def(definition)
    assert tf.get_default_graph().get_tensor_by_name("import/prob:0").shape.as_list() == [None, 2]
    tf.import_graph_def(definition)
    assert tf.get_default_graph().get_tensor_by_name("import_1/prob:0") is not None


def test_what_does_not_fit() -> None:
    net()
    definition = tf.get_default_graph().as_graph_def()
    with pytest.raises(ValueError, match="Node name 'x' already exists in the Graph"):
        tf.import_graph_def(definition, name="")
    with pytest.raises(TypeError, match="graph_def must be a GraphDef"):
        tf.import_graph_def(b"bytes")
    with pytest.raises(ValueError, match=r"inputs that were not found in graph_def: \[y:0\]"):
        tf.import_graph_def(definition, {"y:0": tf.constant(1.0)}, name="a")
    with pytest.raises(ValueError, match="return_element 'prob:1' not found"):
        tf.import_graph_def(definition, return_elements=["prob:1"], name="b")
    wrong = tf.GraphDef(node=[node("Relu", "y", "gone", T=1)])
    with pytest.raises(ValueError, match="Input 'gone' of node 'y' is not in graph_def"):
        tf.import_graph_def(wrong, name="c")
    ring = tf.GraphDef(node=[node("Relu", "a", "b", T=1), node("Relu", "b", "a", T=1)])
    with pytest.raises(ValueError, match="need each other in a ring"):
        tf.import_graph_def(ring, name="d")
    unlike = tf.GraphDef(node=[node("Placeholder", "p", dtype=1), node("LogicalNot", "q", "p")])
    tf.import_graph_def(unlike, name="e")
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.UnimplementedError, match="LogicalNot cannot be read"),
    ):
        sess.run("e/q:0", {"e/p:0": 1.0})


def test_a_node_that_graphc_has_not_is_an_error_when_it_is_run() -> None:
    definition = tf.GraphDef(node=[
        node("Placeholder", "x", dtype=1), node("QuantumLeap", "q", "x", T=1), node("Relu", "after", "q", T=1),
        node("Relu", "beside", "x", T=1),
    ])  # fmt: skip
    tf.import_graph_def(definition, name="")
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run("beside:0", {"x:0": [-1.0, 2.0]}), [0, 2])
        with pytest.raises(tf.errors.UnimplementedError, match="node 'q' of type QuantumLeap, read from a GraphDef"):
            sess.run("after:0", {"x:0": [1.0]})
    assert tf.get_default_graph().as_graph_def().node[1] == definition.node[1]  # and is written as it was read


def test_nodes_in_any_order_and_outputs_by_number() -> None:
    size = tf.make_tensor_proto(np.array(1, np.int32))
    axis = node("Const", "axis", dtype=3)
    axis.attr["value"].tensor.CopyFrom(size)
    split = node("Split", "split", "axis", "x", T=1)
    split.attr["num_split"].i = 3
    definition = tf.GraphDef(
        node=[node("Sub", "y", "split:2", "split", T=1), split, axis, node("Placeholder", "x", dtype=1)]
    )
    definition.node[3].attr["shape"].shape.dim.add(size=2)
    definition.node[3].attr["shape"].shape.dim.add(size=3)
    tf.import_graph_def(definition, name="")
    with tf.Session() as sess:
        y, middle = sess.run(["y:0", "split:1"], {"x:0": X})
    np.testing.assert_array_equal(y, X[:, 2:] - X[:, :1])
    np.testing.assert_array_equal(middle, X[:, 1:2])


def test_arrays_as_messages() -> None:
    for value in (np.arange(6.0).reshape(2, 3), np.array(True), np.zeros((0, 2), np.int64), np.float16([1, 2])):
        found = tf.make_ndarray(tf.make_tensor_proto(value))
        assert found.dtype == value.dtype
        np.testing.assert_array_equal(found, value)
    assert tf.make_ndarray(tf.make_tensor_proto(["a", "bc"])).tolist() == [b"a", b"bc"]
    assert tf.make_tensor_proto([1.0]).dtype == 1 and tf.make_tensor_proto([1]).dtype == 3
    filled = tf.make_tensor_proto([2.5])
    filled.ClearField("tensor_content")
    filled.float_val.append(2.5)  # one value for all
    filled.tensor_shape.dim[0].size = 4
    assert tf.make_ndarray(filled).tolist() == [2.5] * 4


def test_freezing_and_parts() -> None:
    prob = net()
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value layer/w"):
            tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["prob"])
        sess.run(tf.global_variables_initializer())
        wanted = sess.run(prob, {"x:0": X})
        frozen = tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["prob"])
        with pytest.raises(AssertionError, match="none is not in graph"):
            tf.graph_util.extract_sub_graph(sess.graph_def, ["none"])
        kept = tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["prob"], [])
    assert {n.op for n in kept.node} >= {"VariableV2"} and "Assign" not in {n.op for n in kept.node}
    lean = tf.graph_util.remove_training_nodes(frozen)
    assert "layer/w/read" in {n.name for n in frozen.node} and "layer/w/read" not in {n.name for n in lean.node}
    assert tf.graph_util.tensor_shape_from_node_def_name(tf.get_default_graph(), "prob").as_list() == [None, 2]
    for definition in (frozen, lean):
        with tf.Graph().as_default(), tf.Session() as sess:
            (found,) = tf.import_graph_def(definition, return_elements=["prob:0"], name="")
            np.testing.assert_array_equal(sess.run(found, {"x:0": X}), wanted)


def test_writing_to_a_file(tmp_path: Path) -> None:
    net()
    graph = tf.get_default_graph()
    text = tf.train.write_graph(graph, str(tmp_path / "new"), "graph.pbtxt")
    assert text == str(tmp_path / "new" / "graph.pbtxt") and 'name: "prob"' in Path(text).read_text()
    binary = tf.train.write_graph(graph.as_graph_def(), str(tmp_path), "graph.pb", as_text=False)
    assert tf.GraphDef.FromString(Path(binary).read_bytes()) == graph.as_graph_def()


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["mlp", "cnn", "ops"])
def test_frozen_by_tensorflow(kind: str) -> None:
    import tensorflow.compat.v1 as peer

    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 8, 8, 3)).astype(np.float32)
    with peer.Graph().as_default() as graph, peer.Session() as session:
        given = peer.placeholder(peer.float32, [None, 8, 8, 3], name="x")
        y = _PEERS[kind](peer, given, rng)
        peer.identity(y, name="y")
        session.run(peer.global_variables_initializer())
        wanted = session.run("y:0", {"x:0": x})
        frozen = peer.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
    tf.import_graph_def(tf.GraphDef.FromString(frozen.SerializeToString()), name="")
    with tf.Session() as sess:
        np.testing.assert_allclose(sess.run("y:0", {"x:0": x}), wanted, rtol=2e-5, atol=2e-5)


def _mlp(peer: Any, x: Any, rng: Any) -> Any:
    h = peer.reshape(x, [-1, 192])
    w = peer.Variable(rng.normal(size=(192, 16)).astype("f4"))
    h = peer.nn.elu(peer.nn.bias_add(peer.matmul(h, w), peer.Variable(np.linspace(-1, 1, 16, dtype="f4"))))
    h = peer.concat([peer.nn.leaky_relu(h), peer.tanh(h)], -1)
    return peer.nn.log_softmax(peer.matmul(h, peer.constant(rng.normal(size=(32, 5)).astype("f4"))))


def _cnn(peer: Any, x: Any, rng: Any) -> Any:
    h = peer.nn.conv2d(x, peer.Variable(rng.normal(size=(3, 3, 3, 4)).astype("f4")), [1, 2, 2, 1], "SAME")
    given = [peer.constant(rng.uniform(0.5, 1.5, 4).astype("f4")) for _ in range(4)]
    h, _, _ = peer.nn.fused_batch_norm(h, *given, is_training=False)
    h = peer.nn.relu6(h)
    h = peer.nn.depthwise_conv2d(h, peer.constant(rng.normal(size=(2, 2, 4, 2)).astype("f4")), [1, 1, 1, 1], "SAME")
    h = peer.pad(h, [[0, 0], [1, 1], [0, 2], [0, 0]], mode="SYMMETRIC")
    h = peer.nn.avg_pool(peer.nn.lrn(h), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    h = peer.nn.max_pool(h, [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
    return peer.reduce_mean(h, [1, 2], keepdims=True)


def _ops(peer: Any, x: Any, rng: Any) -> Any:
    a, b = peer.split(x, [3, 5], axis=1)
    a = peer.transpose(a[:, ::-1, 1:, ..., peer.newaxis], [0, 2, 1, 4, 3])
    c = peer.stack(peer.unstack(b, axis=3), axis=1)
    d = peer.tile(peer.expand_dims(peer.argmax(c, axis=-1), -1), [1, 1, 1, 2])
    d = peer.one_hot(d, 8, on_value=2.0, off_value=-1.0)
    e = peer.where(peer.greater(c, 0.0), c, peer.fill(peer.shape(c), 0.5))
    f = peer.gather(peer.cumsum(e, axis=2, exclusive=True), [2, 0], axis=3)
    g = peer.squared_difference(f, peer.reduce_max(f, axis=[1], keepdims=True))
    values, _ = peer.nn.top_k(peer.reshape(g, [peer.shape(g)[0], -1]), 3)
    h = peer.reduce_sum(d, axis=[1, 2, 3, 4])
    k = peer.cast(peer.reduce_any(peer.less(a, 0.0), axis=[1, 2, 3]), peer.float32)
    return peer.concat([values, h[:, peer.newaxis], k], axis=1) / peer.cast(peer.size(x), peer.float32)


_PEERS = {"mlp": _mlp, "cnn": _cnn, "ops": _ops}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_conditionals_and_loops_of_tensorflow_1() -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    peer.disable_control_flow_v2()
    rng = np.random.default_rng(2)
    with peer.Graph().as_default() as graph, peer.Session() as session:
        x, training = (
            peer.placeholder(peer.float32, [None, 3], name="x"),
            peer.placeholder(peer.bool, [], name="training"),
        )
        y = peer.cond(
            training, lambda: x + peer.constant(1.0), lambda: peer.cond(x[0, 0] > 0, lambda: 2 * x, lambda: -x)
        )
        mean, _ = peer.nn.moments(y, [0])
        kept = peer.Variable(np.array([0.5, -1.0, 2.0], np.float32))
        peer.subtract(y, peer.cond(training, lambda: mean, lambda: kept), name="y")
        _, total = peer.while_loop(lambda i, _: i < 3, lambda i, t: (i + 1, t * 2), [0, peer.reduce_sum(x)])
        peer.identity(total, name="total")
        with peer.control_dependencies([peer.cond(training, lambda: kept.assign_add([1.0] * 3), lambda: kept)]):
            peer.identity(x, name="changed")
        session.run(peer.global_variables_initializer())
        feeds = [{"x:0": sign * rng.normal(size=(4, 3)), "training:0": t} for sign in (1, -1) for t in (True, False)]
        wanted = [session.run(["y:0", "total:0"], feed) for feed in feeds]
        frozen = peer.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y", "total"])
        whole = graph.as_graph_def()
    tf.import_graph_def(tf.GraphDef.FromString(frozen.SerializeToString()), name="")
    with tf.Session() as sess:
        for feed, value in zip(feeds, wanted, strict=True):
            for came, other in zip(sess.run(["y:0", "total:0"], feed), value, strict=True):
                np.testing.assert_allclose(came, other, rtol=1e-6, atol=1e-6)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(tf.GraphDef.FromString(whole.SerializeToString()), name="")
        with pytest.raises(tf.errors.UnimplementedError, match="stands in a branch of a"):
            changing = [op for op in sess.graph.get_operations() if op.type.startswith("AssignAdd")]
            sess.run(changing, feeds[0])


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_assertions_of_tensorflow_1() -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    peer.disable_control_flow_v2()
    with peer.Graph().as_default() as graph:
        x = peer.placeholder(peer.float32, [2], name="x")
        with peer.control_dependencies([peer.assert_positive(x, message="must be positive")]):
            peer.sqrt(x, name="y")
        data = graph.as_graph_def().SerializeToString()
    tf.import_graph_def(tf.GraphDef.FromString(data), name="")
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run("y:0", {"x:0": [4.0, 9.0]}), [2, 3])
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive"):
            sess.run("y:0", {"x:0": [4.0, -9.0]})


def test_a_conditional_after_a_long_chain() -> None:
    chain = [node("Neg", f"n{k}", f"n{k - 1}", T=1) for k in range(1, 1201)]
    tf.import_graph_def(tf.GraphDef(node=[
        node("Placeholder", "n0", dtype=1), node("Placeholder", "p", dtype=10), *chain,
        node("Switch", "switch", "n1200", "p", T=1), node("Abs", "yes", "switch:1", T=1),
        node("Merge", "y", "switch", "yes", T=1),
    ]), name="")  # fmt: skip
    with tf.Session() as sess:
        assert [sess.run("y:0", {"n0:0": -2.0, "p:0": p}) for p in (True, False)] == [2, -2]
