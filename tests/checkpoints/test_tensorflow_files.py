"""TensorFlow's checkpoint files, read without it; the files beside this one were written by TensorFlow 2.21."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc.checkpoints import snappy
from graphc.checkpoints.slices import part_key
from graphc.checkpoints.state import CheckpointState, parsed
from graphc.checkpoints.table import read_table, table_bytes
from graphc.checkpoints.wire import Damaged
from graphc.checksums import crc32c, masked_crc32c

FILES = Path(__file__).parent / "tensorflow_2_21"
VALUES = {
    "layer/w": np.arange(12, dtype=np.float32).reshape(3, 4) / 8,
    "layer/b": np.array([0.5, -1.0]),
    "global_step": np.array(7, np.int64),
    "parts/table": np.arange(35, dtype=np.int32).reshape(7, 5),  # in three parts
}


@pytest.mark.parametrize("name", ["v2", "v1"])
def test_variables_whole_and_in_parts(name: str) -> None:
    reader = tf.train.NewCheckpointReader(str(FILES / name))
    for key, value in VALUES.items():
        found = reader.get_tensor(key)
        assert found.dtype == value.dtype
        np.testing.assert_array_equal(found, value)
    assert reader.get_variable_to_shape_map()["parts/table"] == [7, 5]
    assert reader.get_variable_to_dtype_map()["global_step"] is tf.int64
    assert reader.has_tensor("layer/w") and not reader.has_tensor("layer")
    assert b"layer/w (DT_FLOAT32) [3, 4]\n" in reader.debug_string()
    with pytest.raises(tf.errors.NotFoundError, match="Key layer not found"):
        reader.get_tensor("layer")


def test_types_that_graphc_has_not() -> None:
    reader = tf.train.load_checkpoint(str(FILES / "v2"))
    assert reader.get_tensor("words").tolist() == [b"abc", b"de" * 70]
    np.testing.assert_array_equal(reader.get_tensor("half"), np.array([1.5, -2.0], np.float32))  # bfloat16
    assert reader.get_variable_to_dtype_map()["words"].name == "string"


def test_a_saver_restores_them() -> None:
    w = tf.get_variable("layer/w", [3, 4])
    table = tf.get_variable("parts/table", [7, 5], tf.int32, partitioner=None)
    with tf.Session() as sess:
        for name in ("v2", "v1"):
            tf.train.Saver().restore(sess, str(FILES / name))
            np.testing.assert_array_equal(sess.run(w), VALUES["layer/w"])
            np.testing.assert_array_equal(sess.run(table), VALUES["parts/table"])


def test_objects_of_tensorflow_2_are_found_by_the_names_of_their_variables() -> None:
    assert "model/kernel/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(str(FILES / "objects")))
    kernel = tf.get_variable("dense/kernel", [2, 2])
    with tf.Session() as sess:
        tf.train.Saver().restore(sess, str(FILES / "objects"))
        np.testing.assert_array_equal(sess.run(kernel), [[1, 2], [3, 4]])


def test_damage_in_any_byte_is_found(tmp_path: Path) -> None:
    for suffix in (".index", ".data-00000-of-00001"):
        for copied in (".index", ".data-00000-of-00001"):
            (tmp_path / f"v2{copied}").write_bytes((FILES / f"v2{copied}").read_bytes())
        path = tmp_path / f"v2{suffix}"
        whole = path.read_bytes()
        for at in range(0, len(whole) - 48, 7):  # the last 48 bytes are a footer that is mostly filling
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            with pytest.raises((tf.errors.DataLossError, tf.errors.NotFoundError)):
                reader = tf.train.load_checkpoint(str(tmp_path / "v2"))
                for name in reader.get_variable_to_shape_map():
                    reader.get_tensor(name)
    for content in (b"", b"x" * 100, whole[:40]):
        (tmp_path / "v2.index").write_bytes(content)
        with pytest.raises(tf.errors.DataLossError, match="damaged"):
            tf.train.load_checkpoint(str(tmp_path / "v2"))


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="Failed to find any matching files"):
        tf.train.load_checkpoint(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        tf.train.load_checkpoint(str(tmp_path))
    with pytest.raises(tf.errors.DataLossError, match="it is no checkpoint"):
        tf.train.load_checkpoint(str(FILES / "v2.index"))


def test_checksums() -> None:
    # the first two stand in RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"123456789") == 0xE3069283
    data = np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes()
    for size in (0, 511, 512, 1023, 1024, 1025, 3 * 512, 5000):
        register = 0xFFFFFFFF
        for byte in data[:size]:  # one bit after the other, as the definition says
            register ^= byte
            for _ in range(8):
                register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
        assert crc32c(data[:size]) == register ^ 0xFFFFFFFF
    assert masked_crc32c(b"") == 0xA282EAD8


def test_tables_and_keys() -> None:
    entries = {f"key{n:03d}".encode(): b"v" * n for n in range(100)}
    assert read_table(table_bytes(entries)) == entries
    assert read_table(table_bytes({})) == {}
    assert part_key("a\0\xff", ((0, -1), (64, 3)))[:3] == b"\0a\0"
    assert part_key("a", ((0, -1), (64, 3))) == b"\0a\0\1\1\2" + b"\x80\x7f" + b"\xc0\x40\x83"


def test_snappy() -> None:
    # google/snappy's format_description.txt: a literal "xyz", then a copy of 7 bytes from 3 back
    assert snappy.unpacked(b"\x0a" + b"\x08xyz" + b"\x0d\x03") == b"xyzxyzxyzx"
    assert snappy.unpacked(b"\x06" + b"\x08abc" + b"\x0a\x03\x00") == b"abcabc"
    assert snappy.unpacked(b"\x46" + b"\xf0\x45" + b"l" * 70) == b"l" * 70
    for wrong in (b"\x0a\x08xyz", b"\x04\x0d\x03", b"\x05\x00a", b"\xff"):
        with pytest.raises(Damaged):
            snappy.unpacked(wrong)


def test_the_state_file() -> None:
    state = parsed('model_checkpoint_path: "a\\"b\\303\\251"\nall_model_checkpoint_paths: "c"\n# no line\n')
    assert state.model_checkpoint_path == 'a"bé'
    assert parsed(str(state)) == state
    assert parsed(str(CheckpointState("m-2", ["m-1", "m-2"], [1.5, 2.25], 1.0))).all_model_checkpoint_timestamps == [
        1.5,
        2.25,
    ]
    with pytest.raises(ValueError, match="not a line of a checkpoint state"):
        parsed("model: 3")


def test_state_of_a_folder(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert tf.train.get_checkpoint_state(folder) is None and tf.train.latest_checkpoint(folder) is None
    tf.train.update_checkpoint_state(folder, f"{folder}/m-2", [f"{folder}/m-1"], latest_filename="mine")
    state = tf.train.get_checkpoint_state(folder, "mine")
    assert state.all_model_checkpoint_paths == [f"{folder}/m-1", f"{folder}/m-2"]
    assert tf.train.latest_checkpoint(folder, "mine") is None  # it is named but not there
    tf.train.update_checkpoint_state(folder, str(FILES / "v2"))
    assert tf.train.latest_checkpoint(folder) == str(FILES / "v2")
    assert tf.train.load_variable(folder, "global_step:0") == 7


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_tensorflow_reads_what_graphc_writes(tmp_path: Path) -> None:
    import tensorflow

    values = {f"v{n}/w": np.random.default_rng(n).normal(size=(n % 7, 3)).astype("f4") for n in range(60)} | VALUES
    with tf.Session() as sess:
        for name, value in values.items():
            tf.get_variable(name, initializer=value)
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver(write_version=2).save(sess, str(tmp_path / "m"), 3, write_meta_graph=False)
    assert tensorflow.train.latest_checkpoint(str(tmp_path)) == path
    reader = tensorflow.train.load_checkpoint(path)
    assert set(reader.get_variable_to_shape_map()) == set(values)
    for name, value in values.items():
        np.testing.assert_array_equal(reader.get_tensor(name), value)
