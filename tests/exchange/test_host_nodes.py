"""Graphs with strings, files and images in GraphDefs: graphc's own there and back, and TensorFlow's read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

import graphc as tf


def image_file() -> bytes:
    file = BytesIO()
    Image.fromarray(np.arange(48).reshape(4, 4, 3).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def declared(lib: Any) -> list[str]:
    """A graph of nodes that run on the host; the names of what is fetched."""
    contents = lib.placeholder(lib.string, [], name="contents")
    lines = lib.placeholder(lib.string, [None], name="lines")
    pixels = lib.cast(lib.image.decode_jpeg(contents, channels=3), lib.float32) * 2.0
    pieces = lib.string_split(lines).values
    numbers = lib.string_to_number(pieces)
    fetched = [
        pixels,
        numbers,
        lib.string_to_hash_bucket_fast(pieces, 100),
        lib.string_join([lines, "x"], separator="-"),
        lib.reduce_join(lines, 0, separator=","),
        lib.as_string(numbers, precision=2),
        lib.regex_replace(lines, "1", "one"),
        lib.substr(lines, 0, 1),
        lib.decode_raw(lines, lib.uint8),
        lib.Print(numbers, [numbers], "got: ", first_n=0),
        lib.check_numerics(numbers, "numbers"),
    ]
    return [tensor.name for tensor in fetched]


FEEDS = {"contents:0": image_file(), "lines:0": ["1 2", "3 4"]}


def values(graph_def: Any, names: list[str]) -> list[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run(names, FEEDS)


def test_there_and_back() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        names = declared(tf)
        wanted = session.run(names, FEEDS)
    back = values(tf.GraphDef.FromString(graph.as_graph_def().SerializeToString()), names)
    assert all(np.array_equal(a, b) for a, b in zip(back, wanted, strict=True))


def test_examples_there_and_back() -> None:
    example = tf.train.Example()
    example.features.feature["a"].int64_list.value.extend([1, 2])
    with tf.Graph().as_default() as graph, tf.Session() as session:
        data = tf.placeholder(tf.string, [None], name="data")
        features = {"a": tf.FixedLenFeature([2], tf.int64), "b": tf.FixedLenFeature([], tf.string, "none")}
        parsed = tf.parse_example(data, features)
        names = [tensor.name for tensor in parsed.values()]
        wanted = session.run(names, {data: [example.SerializeToString()]})
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph.as_graph_def(), name="")
        back = session.run(names, {"data:0": [example.SerializeToString()]})
    assert [value.tolist() for value in back] == [value.tolist() for value in wanted] == [[[1, 2]], [b"none"]]


def test_a_python_function_is_in_no_file() -> None:
    with tf.Graph().as_default() as graph:
        tf.py_func(np.sum, [tf.ones([2])], tf.float32, name="total")
        definition = graph.as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        with pytest.raises(tf.errors.UnimplementedError, match="total"):
            session.run("total:0")


@pytest.mark.peer("tensorflow")
def test_graphs_of_tensorflow() -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    with tensorflow.Graph().as_default() as graph, v1.Session() as session:
        names = declared(v1)
        wanted = session.run(names, FEEDS)
    ours = values(tf.GraphDef.FromString(graph.as_graph_def().SerializeToString()), names)
    assert all(np.array_equal(a, b) for a, b in zip(ours, wanted, strict=True))
