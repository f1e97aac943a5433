"""Saver: what is written is read back; nothing of the old is lost; errors are TensorFlow's and change nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.checkpoints import native

V2 = 2  # tf.train.SaverDef.V2


def declared(scale: float = 1.0) -> dict[str, tf.Variable]:
    """Variables of each type and of none, one and two axes."""
    return {
        "w": tf.Variable(np.arange(6, dtype=np.float32).reshape(2, 3) * scale, name="layer/w"),
        "b": tf.Variable(np.float64(0.25 * scale), name="b"),
        "n": tf.Variable(np.array([1, -2], np.int64) * int(scale), name="n"),
        "yes": tf.Variable(np.array([True, False, scale > 1]), name="yes"),
        "none": tf.Variable(np.zeros((0, 3), np.float32), name="none"),
        "small": tf.Variable(np.array([3, 200], np.uint8), name="small"),
        "i": tf.Variable(np.array(-7, np.int32), name="i"),
    }


@pytest.mark.parametrize("version", [None, V2])
def test_what_is_saved_is_restored_bit_for_bit(tmp_path: Path, version: int | None) -> None:
    variables = declared()
    saver = tf.train.Saver(write_version=version)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before = sess.run(variables)
        path = saver.save(sess, str(tmp_path / "new" / "model.ckpt"), global_step=20)
    assert path == str(tmp_path / "new" / "model.ckpt-20")
    assert tf.train.latest_checkpoint(str(tmp_path / "new")) == path
    with tf.Session() as sess:  # nothing is initialised here: restoring does it
        saver.restore(sess, path)
        after = sess.run(variables)
    for name, value in before.items():
        assert after[name].dtype == value.dtype and after[name].shape == value.shape
        np.testing.assert_array_equal(after[name], value)


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    x = tf.constant([[1.0, 2.0], [3.0, -1.0]])
    w = tf.get_variable("w", [2, 1], initializer=tf.ones_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
    train = tf.train.AdamOptimizer(0.1).minimize(loss)
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(train)
        path = saver.save(sess, str(tmp_path / "m"))
        sess.run(train)
        wanted = sess.run(w)
        for _ in range(5):
            sess.run(train)
        saver.restore(sess, path)  # also in a session whose steps are compiled and running
        sess.run(train)
        np.testing.assert_array_equal(sess.run(w), wanted)
    names = [name for name, _ in tf.train.list_variables(path)]
    assert names == ["beta1_power", "beta2_power", "w", "w/Adam", "w/Adam_1"]


def test_names_in_the_file_can_be_chosen(tmp_path: Path) -> None:
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable([3.0, 4.0], name="b")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver({"first": a, "second": b}).save(sess, str(tmp_path / "m"))
        assert tf.train.list_variables(path) == [("first", [2]), ("second", [2])]
        tf.train.Saver({"second": a, "first": b}).restore(sess, path)
        np.testing.assert_array_equal(sess.run([a, b]), [[3, 4], [1, 2]])


def test_the_last_few_are_kept(tmp_path: Path) -> None:
    v = tf.Variable(0.0)
    step = tf.train.get_or_create_global_step()
    saver = tf.train.Saver(max_to_keep=2)
    folder = str(tmp_path)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        paths = []
        for _ in range(4):
            sess.run([v.assign_add(1.0), step.assign_add(10)])
            paths.append(saver.save(sess, f"{folder}/m", global_step=step))
    assert paths == [f"{folder}/m-{n}" for n in (10, 20, 30, 40)]
    assert saver.last_checkpoints == paths[2:]
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, False, True, True]
    state = tf.train.get_checkpoint_state(folder)
    assert state.model_checkpoint_path == paths[3]
    assert state.all_model_checkpoint_paths == paths[2:]
    assert not [name for name in os.listdir(folder) if name.startswith("m-10") or name.endswith(".tmp")]
    again = tf.train.Saver(max_to_keep=2)
    again.recover_last_checkpoints([*state.all_model_checkpoint_paths, f"{folder}/gone"])
    assert again.last_checkpoints == paths[2:]
    with tf.Session() as sess:
        again.restore(sess, paths[2])
        again.save(sess, f"{folder}/m", global_step=50)
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, False, False, True]


def test_one_every_so_many_hours_stays_and_zero_keeps_all(tmp_path: Path) -> None:
    tf.Variable(0.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        hourly = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1e-9)
        paths = [hourly.save(sess, str(tmp_path / "h"), n) for n in range(3)]
        assert all(map(tf.train.checkpoint_exists, paths))
        everything = tf.train.Saver(max_to_keep=0)
        paths = [everything.save(sess, str(tmp_path / "all"), n) for n in range(7)]
        assert all(map(tf.train.checkpoint_exists, paths))
        assert everything.last_checkpoints == []


def test_relative_folders_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tf.Variable(0.0)
    monkeypatch.chdir(tmp_path)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert tf.train.Saver().save(sess, "run/m", 1) == "run/m-1"
        absolute = str(tmp_path / "abs" / "m")
        tf.train.Saver(save_relative_paths=True).save(sess, absolute, 1)
        tf.train.Saver(pad_step_number=True).save(sess, "m", 3)
    assert 'model_checkpoint_path: "m-1"' in Path("run/checkpoint").read_text()
    os.rename("run", "moved")
    os.rename("abs", "gone")
    assert tf.train.latest_checkpoint("moved") == "moved/m-1"
    assert tf.train.latest_checkpoint("gone") == "gone/m-1"
    assert tf.train.latest_checkpoint(".") == "./m-00000003"


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    v = tf.Variable([1.0, 2.0])
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, str(tmp_path / "m"), write_meta_graph=False)
        files = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
        sess.run(v.assign([5.0, 6.0]))

        def breaks(*_: Any) -> None:
            Path(_[1]).write_bytes(b"half")
            raise OSError("No space left on device")

        monkeypatch.setattr(native._library().numpy, "save_file", breaks)
        with pytest.raises(OSError, match="No space left"):
            saver.save(sess, path, write_meta_graph=False)
        assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == files
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(v), [1, 2])


def test_another_format_under_the_same_name_replaces_the_first(tmp_path: Path) -> None:
    v = tf.Variable(1.0)
    path = str(tmp_path / "m")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for value, version in ((1.0, None), (2.0, V2), (3.0, None)):
            sess.run(v.assign(value))
            tf.train.Saver(write_version=version).save(sess, path)
            sess.run(v.initializer)
            tf.train.Saver().restore(sess, path)
            assert sess.run(v) == value


def test_errors_say_what_is_wrong_and_change_nothing(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.Variable([1.0, 2.0], name="w")
        tf.Variable([7], name="other")
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(sess, str(tmp_path / "m"))
    other, w = tf.Variable([1], name="other"), tf.Variable(np.zeros(3, np.float32), name="w")
    missing = tf.Variable(0.0, name="missing")
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value missing"):
            tf.train.Saver().save(sess, path)
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.NotFoundError, match="Key missing not found in checkpoint"):
            tf.train.Saver([other, missing]).restore(sess, path)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"test_saver.py:\d+\) of type f32\[3\]"):
            tf.train.Saver([other, w]).restore(sess, path)
        with pytest.raises(tf.errors.InvalidArgumentError, match="has values of type float32"):
            tf.train.Saver({"w": other}).restore(sess, path)
        assert sess.run(other) == [1]
        with pytest.raises(ValueError, match="not a valid checkpoint"):
            tf.train.Saver().restore(sess, path + "-1")
        with pytest.raises(ValueError, match="Can't load save_path when it is None"):
            tf.train.Saver().restore(sess, None)
        with pytest.raises(ValueError, match="must not contain path components"):
            tf.train.Saver().save(sess, path, latest_filename="a/b")
        with pytest.raises(TypeError, match="'sess' must be a Session"):
            tf.train.Saver().save("session", path)
        with pytest.raises(TypeError, match="not a Variable"):
            tf.train.Saver([tf.constant(1.0)])
        with pytest.raises(ValueError, match="build cannot be deferred"):
            tf.train.Saver([w], defer_build=True)
        with pytest.raises(RuntimeError, match="should be called before save"):
            tf.train.Saver(defer_build=True).save(sess, path)
        with pytest.raises(NotImplementedError, match="V2"):
            tf.train.Saver(write_version=1)
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="No variables to save"):
            tf.train.Saver()
        assert tf.train.Saver(allow_empty=True).variables == {}


def test_the_last_folder_of_a_path_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What TensorFlow does with each of these paths."""
    monkeypatch.chdir(tmp_path)
    tf.Variable(1.0, name="w")
    (tmp_path / "file").write_text("")
    saver = tf.train.Saver()
    with tf.Session() as sess:
        for path in ("deep/run/m", "file/m"):  # seen even before the variables have values
            with pytest.raises(ValueError, match=f"Parent directory of {path} doesn't exist, can't save."):
                saver.save(sess, path, write_meta_graph=False)
        sess.run(tf.global_variables_initializer())
        assert saver.save(sess, "run/m", 3) == "run/m-3"
    assert saver.last_checkpoints == ["run/m-3"] and tf.train.latest_checkpoint("run") == "run/m-3"
    assert not (tmp_path / "deep").exists()
    with pytest.raises(tf.errors.NotFoundError, match="deep/checkpoint; No such file or directory"):
        tf.train.update_checkpoint_state("deep", "deep/m")


def test_reshape(tmp_path: Path) -> None:
    a, b = tf.Variable([1.0, 2.0, 3.0, 4.0]), tf.Variable(np.zeros((2, 2), np.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver({"a": a}).save(sess, str(tmp_path / "m"))
        tf.train.Saver({"a": b}, reshape=True).restore(sess, path)
        np.testing.assert_array_equal(sess.run(b), [[1, 2], [3, 4]])


@pytest.mark.parametrize("version", [None, V2])
def test_damage_is_found(tmp_path: Path, version: int | None) -> None:
    v = tf.Variable(np.arange(100.0))
    saver = tf.train.Saver(write_version=version)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, str(tmp_path / "m"), write_meta_graph=False)
        for name in (name for name in os.listdir(tmp_path) if name != "checkpoint"):
            whole = (tmp_path / name).read_bytes()
            for at in (1, len(whole) // 3, len(whole) // 2):
                (tmp_path / name).write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
                with pytest.raises((tf.errors.DataLossError, tf.errors.NotFoundError)):
                    saver.restore(sess, path)
            (tmp_path / name).write_bytes(whole[: len(whole) // 2])
            with pytest.raises(tf.errors.DataLossError, match="damaged"):
                saver.restore(sess, path)
            (tmp_path / name).write_bytes(whole)
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(v), np.arange(100.0))


def test_averages_are_restored_in_place_of_variables(tmp_path: Path) -> None:
    v = tf.Variable(1.0, name="v")
    average = tf.train.ExponentialMovingAverage(0.5)
    update = average.apply([v])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with tf.control_dependencies([v.assign(3.0)]):
            after = tf.group(v.assign(3.0))
        sess.run(after)
        sess.run(update)
        path = tf.train.Saver().save(sess, str(tmp_path / "m"))
        tf.train.Saver(average.variables_to_restore()).restore(sess, path)
        assert sess.run(v) == 2.0
