"""MetaGraphs: a graph that is exported and imported trains on, here and in TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(0)
W1, W2 = RNG.normal(size=(4, 6)).astype("f4"), RNG.normal(size=(6, 3)).astype("f4")
FEEDS = {"x:0": RNG.normal(size=(7, 4)).astype("f4"), "t:0": RNG.integers(0, 3, 7)}


def declare(lib: Any, optimizer: str = "AdamOptimizer", **settings: Any) -> None:
    """A small classifier, in graphc or in TensorFlow."""
    x, t = lib.placeholder(lib.float32, [None, 4], name="x"), lib.placeholder(lib.int64, [None], name="t")
    with lib.variable_scope("l1"):
        w, b = lib.get_variable("w", initializer=W1), lib.get_variable("b", initializer=np.zeros(6, "f4"))
        h = lib.nn.relu(lib.matmul(x, w) + b)
    with lib.variable_scope("l2"):
        z = lib.matmul(h, lib.get_variable("w", initializer=W2))
    loss = lib.nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z)
    loss = lib.reduce_mean(loss, name="loss")
    step = lib.train.get_or_create_global_step()
    train = getattr(lib.train, optimizer)(0.05, **settings).minimize(loss, step, name="train")
    lib.add_to_collection("mine", train)
    lib.add_to_collection("mine", loss)
    lib.add_to_collection("number", 5)
    lib.add_to_collection("text", "abc")
    lib.variables_initializer(lib.global_variables(), name="init")


def losses(session: Any, steps: int) -> list[float]:
    """What some steps of training give."""
    return [float(session.run(["loss:0", "train"], FEEDS)[0]) for _ in range(steps)]


def saved(lib: Any, path: Path, optimizer: str = "AdamOptimizer", **settings: Any) -> tuple[str, list[float]]:
    """The checkpoint after two steps, and the losses of the next three."""
    with lib.Graph().as_default():
        declare(lib, optimizer, **settings)
        saver = lib.train.Saver(**({"write_version": 2} if lib is tf else {}))
        with lib.Session() as session:
            session.run("init")
            losses(session, 2)
            return saver.save(session, str(path / "m"), 2), losses(session, 3)


def test_the_same_in_another_program(tmp_path: Path) -> None:
    path, wanted = saved(tf, tmp_path)
    saver = tf.train.import_meta_graph(path + ".meta")
    assert saver is not None
    assert [v.name for v in tf.trainable_variables()] == ["l1/w:0", "l1/b:0", "l2/w:0"]
    assert len(tf.global_variables()) == 3 + 1 + 2 + 6
    assert [item.name for item in tf.get_collection("mine")] == ["train", "loss:0"]
    assert tf.get_collection("number") == [5] and tf.get_collection("text") == [b"abc"]
    assert tf.train.get_global_step().name == "global_step:0"
    with tf.Session() as sess:
        saver.restore(sess, path)
        assert losses(sess, 3) == wanted  # bit for bit
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run("l1/w:0"), W1)
        again = saver.save(sess, str(tmp_path / "again" / "m"))
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(again + ".meta", import_scope="part").restore(sess, again)
        np.testing.assert_array_equal(sess.run("part/l1/w:0"), W1)


def test_renamed_variables_and_forms_of_files(tmp_path: Path) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    saver = tf.train.Saver({"other": v}, max_to_keep=3)
    found = saver.export_meta_graph(str(tmp_path / "text.meta"), as_text=True)
    assert found.saver_def.max_to_keep == 3 and found.saver_def.restore_op_name == "save/restore_all"
    assert 'name: "v/Assign"' in (tmp_path / "text.meta").read_text()
    with tf.Session() as sess:
        sess.run(v.initializer)
        path = saver.save(sess, str(tmp_path / "m"), write_meta_graph=False)
    assert not (tmp_path / "m.meta").exists()
    with tf.Graph().as_default(), tf.Session() as sess:
        again = tf.train.import_meta_graph(str(tmp_path / "text.meta"))
        again.restore(sess, path)
        np.testing.assert_array_equal(sess.run("v:0"), [1, 2])
        assert again.max_to_keep == 3
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph(tf.train.export_meta_graph()) is None
    plain = tf.train.export_meta_graph(collection_list=["trainable_variables"])
    assert list(plain.collection_def) == ["trainable_variables"] and not plain.HasField("saver_def")


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "none.meta"))
    (tmp_path / "bad.meta").write_bytes(b"\xff\xfe no message")
    with pytest.raises(OSError, match="Cannot parse file"):
        tf.train.import_meta_graph(str(tmp_path / "bad.meta"))
    tf.Variable(1.0)
    with pytest.raises(ValueError, match="no operations of a saver"):
        tf.train.Saver(saver_def=tf.train.SaverDef(restore_op_name="save/restore_all"))


def test_a_graph_that_no_file_can_hold_is_saved_all_the_same(tmp_path: Path) -> None:
    v = tf.Variable(2.0, name="v")
    tf.py_func(lambda a: a + 1, [v], tf.float32, name="python")
    with tf.Session() as sess:
        sess.run(v.initializer)
        path = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(path + ".meta").restore(sess, path)
        assert sess.run("v/read:0") == 2.0


OPTIMIZERS = [
    ("AdamOptimizer", {}),
    ("GradientDescentOptimizer", {}),
    ("MomentumOptimizer", {"momentum": 0.9}),
    ("MomentumOptimizer", {"momentum": 0.9, "use_nesterov": True}),
    ("RMSPropOptimizer", {"momentum": 0.5}),
    ("RMSPropOptimizer", {"centered": True}),
    ("AdagradOptimizer", {}),
    ("AdadeltaOptimizer", {}),
]


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("optimizer, settings", OPTIMIZERS)
@pytest.mark.parametrize("resource", [False, True])
def test_what_tensorflow_saved_trains_on(
    tmp_path: Path, optimizer: str, settings: dict[str, Any], resource: bool
) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    (peer.enable_resource_variables if resource else peer.disable_resource_variables)()
    try:
        path, wanted = saved(peer, tmp_path, optimizer, **settings)
    finally:
        peer.disable_resource_variables()
    with tf.Session() as sess:
        tf.train.import_meta_graph(path + ".meta").restore(sess, path)
        np.testing.assert_allclose(losses(sess, 3), wanted, rtol=1e-5)
        assert len(tf.trainable_variables()) == 3


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("optimizer, settings", OPTIMIZERS)
def test_tensorflow_trains_on_what_graphc_saved(tmp_path: Path, optimizer: str, settings: dict[str, Any]) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    path, wanted = saved(tf, tmp_path, optimizer, **settings)
    with peer.Graph().as_default(), peer.Session() as session:
        saver = peer.train.import_meta_graph(path + ".meta")
        saver.restore(session, path)
        np.testing.assert_allclose(losses(session, 3), wanted, rtol=1e-5)
        assert peer.train.latest_checkpoint(str(tmp_path)) == path
        assert [v.op.name for v in peer.trainable_variables()] == ["l1/w", "l1/b", "l2/w"]


def _convolutional(lib: Any) -> tuple[Any, dict[str, Any]]:
    x = lib.placeholder(lib.float32, [None, 10, 10, 1], name="x")
    t = lib.placeholder(lib.float32, [None, 4], name="t")
    rng = np.random.default_rng(4)

    def weights(name: str, *shape: int) -> Any:
        return lib.get_variable(name, initializer=rng.normal(size=shape).astype("f4") / 2)

    h = lib.nn.relu(
        lib.nn.bias_add(lib.nn.conv2d(x, weights("w0", 3, 3, 1, 6), [1, 1, 1, 1], "VALID"), weights("b0", 6))
    )
    h, _, _ = lib.nn.fused_batch_norm(h, weights("scale", 6), weights("offset", 6))
    h = lib.nn.max_pool(lib.nn.elu(h), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    h = lib.nn.avg_pool(lib.pad(h, [[0, 0], [1, 0], [0, 1], [0, 0]]), [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
    h = lib.matmul(lib.reshape(h, [-1, 96]), weights("w1", 96, 4)) + weights("b1", 4)
    loss = lib.reduce_mean(lib.nn.softmax_cross_entropy_with_logits_v2(labels=t, logits=h))
    return loss, {"x:0": rng.normal(size=(5, 10, 10, 1)), "t:0": np.eye(4)[[0, 2, 1, 3, 3]]}


def _joined(lib: Any) -> tuple[Any, dict[str, Any]]:
    x = lib.placeholder(lib.float32, [None, 3, 4], name="x")
    rng = np.random.default_rng(5)
    w = lib.get_variable("w", initializer=rng.normal(size=(4, 4)).astype("f4"))
    h = lib.reshape(lib.matmul(lib.reshape(x, [-1, 4]), w), [-1, 3, 4])
    a, b = lib.split(h, 2, axis=2)
    h = lib.concat([lib.tanh(a), lib.sigmoid(b), a[:, ::-1]], 2)
    h = lib.reduce_max(h, 1) / lib.sqrt(lib.reduce_sum(lib.square(h)) + 1.0)
    return lib.reduce_mean(lib.reduce_logsumexp(h, 1) * lib.exp(-h[:, 0])), {"x:0": rng.normal(size=(5, 3, 4))}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("declared", [_convolutional, _joined])
def test_tensorflows_gradients_are_read(tmp_path: Path, declared: Any) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    with peer.Graph().as_default(), peer.Session() as session:
        loss, feeds = declared(peer)
        peer.identity(loss, name="loss")
        peer.train.MomentumOptimizer(0.1, 0.9).minimize(loss, name="train")
        session.run(peer.global_variables_initializer())
        path = peer.train.Saver().save(session, str(tmp_path / "m"))
        wanted = [session.run(["loss:0", "train"], feeds)[0] for _ in range(4)]
    with tf.Session() as sess:
        tf.train.import_meta_graph(path + ".meta").restore(sess, path)
        came = [sess.run(["loss:0", "train"], feeds)[0] for _ in range(4)]
    np.testing.assert_allclose(came, wanted, rtol=2e-4)
