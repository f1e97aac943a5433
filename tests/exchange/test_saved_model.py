"""SavedModels: written and loaded here, and in TensorFlow, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

X = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)


def net(lib: Any) -> tuple[Any, Any]:
    """A small net, in graphc or in TensorFlow."""
    x = lib.placeholder(lib.float32, [None, 2], name="x")
    w = lib.get_variable("w", initializer=np.array([[1.0, 2.0, -1.0], [0.5, -0.5, 1.0]], np.float32))
    counter = lib.Variable(3, name="counter", trainable=False)
    return x, lib.nn.softmax(lib.matmul(x, w)) + lib.cast(counter, lib.float32)


def saved(lib: Any, folder: Path) -> np.ndarray[Any, Any]:
    """Writes the net by ``simple_save``; what it gives."""
    with lib.Graph().as_default(), lib.Session() as sess:
        x, y = net(lib)
        sess.run(lib.global_variables_initializer())
        lib.saved_model.simple_save(sess, str(folder), {"x": x}, {"y": y})
        return sess.run(y, {x: X})


def loaded(lib: Any, folder: Path) -> np.ndarray[Any, Any]:
    """What the net in the folder gives, called by its signature."""
    with lib.Graph().as_default(), lib.Session() as sess:
        found = lib.saved_model.loader.load(sess, [lib.saved_model.tag_constants.SERVING], str(folder))
        key = lib.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        signature = found.signature_def[key]
        assert signature.method_name == "tensorflow/serving/predict"
        return sess.run(signature.outputs["y"].name, {signature.inputs["x"].name: X})


def test_written_and_loaded(tmp_path: Path) -> None:
    wanted = saved(tf, tmp_path / "model")
    assert tf.saved_model.contains_saved_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded(tf, tmp_path / "model"), wanted)


def test_several_graphs_signatures_and_a_first_operation(tmp_path: Path) -> None:
    builder = tf.saved_model.builder.SavedModelBuilder(str(tmp_path / "model"))
    with tf.Graph().as_default(), tf.Session() as sess:
        x, y = net(tf)
        local = tf.get_local_variable("local", initializer=np.float32(7.0))
        utils = tf.saved_model.signature_def_utils
        info = tf.saved_model.utils.build_tensor_info
        signature = utils.build_signature_def({"x": info(x)}, {"y": info(y)}, "own/method")
        assert not utils.is_valid_signature(signature)
        assert utils.is_valid_signature(utils.predict_signature_def({"x": x}, {"y": y}))
        sess.run(tf.global_variables_initializer())
        with pytest.raises(AssertionError, match="has not been saved yet"):
            builder.add_meta_graph(["serve"])
        first = tf.local_variables_initializer()
        builder.add_meta_graph_and_variables(sess, ["serve"], {"one": signature}, main_op=first)
        with pytest.raises(AssertionError, match="already been saved"):
            builder.add_meta_graph_and_variables(sess, ["serve"])
        builder.add_meta_graph(["train", "gpu"], {"two": signature})
        builder.save(as_text=True)
        wanted = sess.run([y, local.initial_value], {x: X})
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        found = tf.saved_model.load(sess, {"serve"}, str(tmp_path / "model"), import_scope="part")
        out = tf.saved_model.utils.get_tensor_from_tensor_info(found.signature_def["one"].outputs["y"], graph, "part")
        came = sess.run([out, "part/local/read:0"], {"part/x:0": X})
        np.testing.assert_array_equal(came[0], wanted[0])
        assert came[1] == wanted[1] == 7.0
    with tf.Graph().as_default(), tf.Session() as sess:
        found = tf.saved_model.load(sess, ["gpu", "train"], str(tmp_path / "model"))
        assert list(found.signature_def) == ["two"]
        with pytest.raises(RuntimeError, match=r"tags \['train'\] could not be found"):
            tf.saved_model.load(sess, ["train"], str(tmp_path / "model"))
        with pytest.raises(OSError, match="SavedModel file does not exist"):
            tf.saved_model.load(sess, ["train"], str(tmp_path))
    with pytest.raises(AssertionError, match="isn't empty"):
        tf.saved_model.Builder(str(tmp_path / "model"))


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_with_tensorflow_both_ways(tmp_path: Path) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    wanted = saved(tf, tmp_path / "ours")
    np.testing.assert_allclose(loaded(peer, tmp_path / "ours"), wanted, rtol=1e-6)
    wanted = saved(peer, tmp_path / "theirs")
    np.testing.assert_allclose(loaded(tf, tmp_path / "theirs"), wanted, rtol=1e-6)
