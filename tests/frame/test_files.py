"""Files and folders by TensorFlow's names and errors, and files of records."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import graphc as tf


def test_writing_and_reading(tmp_path: Path) -> None:
    name = str(tmp_path / "file.txt")
    with tf.gfile.GFile(name, "w") as file:
        file.write("größer\n")
        file.write("second\nthird")
    with tf.gfile.Open(name) as file:
        assert file.readline() == "größer\n"
        assert file.tell() == len("größer\n".encode())
        assert list(file) == ["second\n", "third"]
        file.seek(0)
        assert file.readlines()[0] == "größer\n"
        assert (file.size(), file.name, file.mode) == (os.path.getsize(name), name, "r")
    with tf.gfile.FastGFile(name, "rb") as file:
        assert file.read(4) == "grö".encode()
    with tf.gfile.GFile(name, "a") as file:
        file.write(b"!")
    assert tf.gfile.GFile(name).read().endswith("third!")


def test_folders(tmp_path: Path) -> None:
    root = str(tmp_path)
    tf.gfile.MakeDirs(f"{root}/a/b")
    tf.gfile.MakeDirs(f"{root}/a/b")
    tf.gfile.GFile(f"{root}/a/one.txt", "w").write("1")
    tf.gfile.Copy(f"{root}/a/one.txt", f"{root}/a/.two.txt")
    assert sorted(tf.gfile.ListDirectory(f"{root}/a")) == [".two.txt", "b", "one.txt"]
    assert tf.gfile.Glob([f"{root}/a/*.txt"]) == [f"{root}/a/.two.txt", f"{root}/a/one.txt"]
    assert list(tf.gfile.Walk(root)) == [
        (root, ["a"], []), (f"{root}/a", ["b"], [".two.txt", "one.txt"]), (f"{root}/a/b", [], []),
    ]  # fmt: skip
    assert tf.gfile.IsDirectory(root) and not tf.gfile.IsDirectory(f"{root}/a/one.txt")
    tf.gfile.Rename(f"{root}/a/one.txt", f"{root}/a/.two.txt", overwrite=True)
    assert tf.io.gfile.exists(f"{root}/a/.two.txt") and not tf.gfile.Exists(f"{root}/a/one.txt")
    assert tf.gfile.Stat(f"{root}/a/.two.txt").length == 1
    tf.gfile.DeleteRecursively(f"{root}/a")
    assert tf.io.gfile.listdir(root) == []


def test_errors_of_the_system(tmp_path: Path) -> None:
    missing, folder = str(tmp_path / "none"), str(tmp_path)
    taken = str(tmp_path / "taken")
    Path(taken).write_text("x")
    cases: list[tuple[Any, type[Exception]]] = [
        (lambda: tf.gfile.GFile(missing).read(), tf.errors.NotFoundError),
        (lambda: tf.gfile.GFile(f"{missing}/x", "w").write("x"), tf.errors.NotFoundError),
        (lambda: tf.gfile.GFile(folder).read(), tf.errors.FailedPreconditionError),
        (lambda: tf.gfile.GFile(taken, "q"), tf.errors.InvalidArgumentError),
        (lambda: tf.gfile.GFile(taken, "w").read(), tf.errors.PermissionDeniedError),
        (lambda: tf.gfile.GFile(taken).write("x"), tf.errors.PermissionDeniedError),
        (lambda: tf.gfile.ListDirectory(missing), tf.errors.NotFoundError),
        (lambda: tf.gfile.Remove(missing), tf.errors.NotFoundError),
        (lambda: tf.gfile.DeleteRecursively(missing), tf.errors.NotFoundError),
        (lambda: tf.gfile.MkDir(folder), tf.errors.AlreadyExistsError),
        (lambda: tf.gfile.Stat(missing), tf.errors.NotFoundError),
        (lambda: tf.gfile.Copy(taken, taken), tf.errors.AlreadyExistsError),
        (lambda: tf.gfile.Rename(missing, f"{missing}2"), tf.errors.NotFoundError),
        (lambda: tf.gfile.Exists("gs://bucket/file"), tf.errors.UnimplementedError),
    ]
    for number, (call, kind) in enumerate(cases):
        with pytest.raises(tf.errors.OpError) as caught:
            call()
        assert type(caught.value) is kind, number
    with pytest.raises(tf.errors.NotFoundError) as caught:
        tf.gfile.GFile(missing).read()
    assert str(caught.value) == f"{missing}; No such file or directory"
    assert caught.value.error_code == tf.errors.NOT_FOUND == 5


def test_text_and_bytes() -> None:
    assert tf.compat.as_bytes("ö") == b"\xc3\xb6" and tf.compat.as_text(b"\xc3\xb6") == "ö"
    assert tf.compat.as_str_any(3) == "3" and tf.compat.path_to_str(Path("/a")) == "/a"
    assert tf.compat.v1 is tf
    with pytest.raises(NotImplementedError):
        tf.compat.v2.constant(3)
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        tf.compat.as_bytes(3)


RECORDS = [b"one", b"", bytes(range(256)) * 9, b"text"]


@pytest.mark.parametrize("kind", ["NONE", "GZIP", "ZLIB"])
def test_records_come_back(tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "records")
    options = tf.python_io.TFRecordOptions(getattr(tf.python_io.TFRecordCompressionType, kind))
    with tf.python_io.TFRecordWriter(name, options) as writer:
        for record in RECORDS:
            writer.write(record)
            writer.flush()
    assert list(tf.python_io.tf_record_iterator(name, options)) == RECORDS
    size = os.path.getsize(name)
    os.truncate(name, size - 3)
    with pytest.raises(tf.errors.DataLossError):
        list(tf.python_io.tf_record_iterator(name, options))


def test_a_record_as_it_stands_in_a_file(tmp_path: Path) -> None:
    """The bytes that TensorFlow 2.21 wrote for the record b"abc"."""
    name = str(tmp_path / "records")
    tf.python_io.TFRecordWriter(name).close()
    with tf.io.TFRecordWriter(name) as writer:
        writer.write(b"abc")
    assert Path(name).read_bytes().hex() == RECORDED
    Path(name).write_bytes(bytes.fromhex(RECORDED.replace("616263", "616264")))
    with pytest.raises(tf.errors.DataLossError, match="corrupted record at 0 of"):
        list(tf.python_io.tf_record_iterator(name))
    with pytest.raises(ValueError, match="Not a valid compression_type"):
        tf.python_io.TFRecordOptions("LZ4")
    with pytest.raises(tf.errors.NotFoundError):
        list(tf.python_io.tf_record_iterator(str(tmp_path / "none")))


RECORDED = "0300000000000000b099490e6162636e57f121"
