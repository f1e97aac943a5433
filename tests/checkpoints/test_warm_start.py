"""Variables that begin with the values of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc.contrib.framework import assign_from_checkpoint, assign_from_checkpoint_fn, get_variables_to_restore

FILES = str(Path(__file__).parent / "tensorflow_2_21" / "v2")
W = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


def test_init_from_checkpoint_by_name_variable_and_scope() -> None:
    with tf.variable_scope("new"):
        w, b = tf.get_variable("w", [3, 4]), tf.get_variable("b", [2], tf.float64)
    other = tf.get_variable("other", [3, 4])
    last = tf.Variable(np.int64(0), name="last")
    tf.train.init_from_checkpoint(FILES, {"layer/": "new/", "layer/w": "other", "global_step": last})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for found, wanted in zip(sess.run([w, b, other, last]), [W, [0.5, -1], W, 7], strict=True):
            np.testing.assert_array_equal(found, wanted)
        sess.run(w.assign(tf.zeros([3, 4])))
        sess.run(w.initializer)
        np.testing.assert_array_equal(sess.run(w), W)


def test_the_whole_file() -> None:
    with tf.variable_scope("layer"):
        w = tf.get_variable("w", [3, 4])
    tf.train.init_from_checkpoint(FILES, {"/": "/"})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(w), W)


def test_what_does_not_fit() -> None:
    tf.get_variable("w", [4, 3])
    with pytest.raises(ValueError, match=r"Shape of variable w:0 \(\(4, 3\)\) doesn't match"):
        tf.train.init_from_checkpoint(FILES, {"layer/w": "w"})
    with pytest.raises(ValueError, match="is of type int64, and w:0 float32"):
        tf.train.init_from_checkpoint(FILES, {"global_step": "w"})
    with pytest.raises(ValueError, match="is not found in"):
        tf.train.init_from_checkpoint(FILES, {"layer/none": "w"})
    with pytest.raises(ValueError, match="Should be 'scope/': 'other_scope/'"):
        tf.train.init_from_checkpoint(FILES, {"layer/w": "none"})


def test_assignments() -> None:
    w, missing = tf.get_variable("layer/w", [3, 4]), tf.get_variable("missing", [2])
    flat = tf.get_variable("flat", [12])
    with tf.Session() as sess:
        operation, feeds = assign_from_checkpoint(FILES, {"layer/w": w, "none": missing}, ignore_missing_vars=True)
        sess.run(operation, feeds)
        np.testing.assert_array_equal(sess.run(w), W)
        with pytest.raises(ValueError, match=r"missing variable \[missing\]"):
            assign_from_checkpoint(FILES, [missing])
        sess.run(w.initializer)
        assign_from_checkpoint_fn(FILES, [w, missing], ignore_missing_vars=True)(sess)
        np.testing.assert_array_equal(sess.run(w), W)
        assign_from_checkpoint_fn(FILES, {"layer/w": flat}, reshape_variables=True)(sess)
        np.testing.assert_array_equal(sess.run(flat), W.ravel())
        assert assign_from_checkpoint_fn(FILES, [missing], ignore_missing_vars=True) is None


def test_choosing_by_scope() -> None:
    for name in ("a/x", "a/y", "b/x"):
        tf.get_variable(name, [1])
    names = [v.op.name for v in get_variables_to_restore(["a"], ["a/y"])]
    assert names == ["a/x"]
    assert [v.op.name for v in get_variables_to_restore(exclude=["a"])] == ["b/x"]
