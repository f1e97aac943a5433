"""tf.train.Example and SequenceExample: made, parsed, refused. Values and errors are TensorFlow 2.21's in v1 mode."""

import sys

import numpy as np
import pytest

import graphc as tf
from graphc.exchange import schema

INVALID = tf.errors.InvalidArgumentError


def ints(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(*values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def texts(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


FULL = example(a=ints(1, 2), b=texts(b"x\0"), c=floats(1.5, 2.5, 3.5), row=ints(3, 0), value=floats(30, 0))
EMPTY = example()


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [np.asarray(part).tolist() for part in value]
    return value.tolist() if hasattr(value, "tolist") else value


def test_the_bytes_are_tensorflows():
    # recorded from tensorflow 2.21
    made = tf.train.Example(features=tf.train.Features(feature={"k": ints(1, 300)})).SerializeToString()
    assert made == b"\n\x0e\n\x0c\n\x01k\x12\x07\x1a\x05\n\x03\x01\xac\x02"
    back = tf.train.Example.FromString(FULL)
    assert back.features.feature["a"].int64_list.value == [1, 2]
    assert list(tf.train.Example.FromString(EMPTY).features.feature) == []


# (features, of one example, of a batch of the full and the empty one)
PARSED = [
    ({"a": tf.FixedLenFeature([2], tf.int64, [7, 8])}, {"a": [1, 2]}, {"a": [[1, 2], [7, 8]]}),
    ({"b": tf.FixedLenFeature([], tf.string, "d")}, {"b": b"x\0"}, {"b": [b"x\0", b"d"]}),
    ({"c": tf.VarLenFeature(tf.float32)}, {"c": [[[0], [1], [2]], [1.5, 2.5, 3.5], [3]]},
     {"c": [[[0, 0], [0, 1], [0, 2]], [1.5, 2.5, 3.5], [2, 3]]}),
    ({"z": tf.VarLenFeature(tf.string)}, {"z": [[], [], [0]]}, {"z": [[], [], [2, 0]]}),
    ({"c": tf.FixedLenSequenceFeature([3], tf.float32, allow_missing=True)}, {"c": [[1.5, 2.5, 3.5]]},
     {"c": [[[1.5, 2.5, 3.5]], [[0, 0, 0]]]}),
    ({"c": tf.FixedLenSequenceFeature([], tf.float32, True, 9.0)}, {"c": [1.5, 2.5, 3.5]},
     {"c": [[1.5, 2.5, 3.5], [9, 9, 9]]}),
    ({"s": tf.SparseFeature("row", "value", tf.float32, 5)}, {"s": [[[0], [3]], [0, 30], [5]]},
     {"s": [[[0, 0], [0, 3]], [0, 30], [2, 5]]}),
]  # fmt: skip


@pytest.mark.parametrize(("features", "single", "batch"), PARSED, ids=range(len(PARSED)))
def test_parsing(session, features, single, batch):
    one, many = tf.placeholder(tf.string, []), tf.placeholder(tf.string, [None])
    declared = tf.parse_single_example(one, features), tf.io.parse_example(many, features)
    assert plain(session.run(declared[0], {one: FULL})) == single
    assert plain(session.run(declared[1], {many: [FULL, EMPTY]})) == batch


def test_what_is_known_of_the_shapes(session):
    features = {
        "a": tf.FixedLenFeature([2], tf.int64),
        "c": tf.VarLenFeature(tf.float32),
        "d": tf.FixedLenSequenceFeature([3], tf.float32, allow_missing=True),
    }
    many = tf.parse_example(tf.placeholder(tf.string, [None]), features)
    assert [many["a"].shape.as_list(), many["d"].shape.as_list()] == [[None, 2], [None, None, 3]]
    assert isinstance(many["c"], tf.SparseTensor) and many["c"].indices.shape.as_list() == [None, 2]
    one = tf.parse_single_example(tf.placeholder(tf.string, []), features)
    assert [one["a"].shape.as_list(), one["d"].shape.as_list()] == [[2], [None, 3]]
    total = tf.reduce_sum(tf.cast(many["a"], tf.float32) * 2, 1)
    assert session.run(total, {many["a"].op.inputs[0]: [example(a=ints(1, 2))] * 3}).tolist() == [6, 6, 6]


def test_raw_images_in_examples(session):
    pixels = np.arange(12, dtype=np.uint8)
    data = example(image=texts(pixels.tobytes()), label=ints(3))
    features = {"image": tf.FixedLenFeature([], tf.string), "label": tf.FixedLenFeature([], tf.int64)}
    parsed = tf.parse_single_example(data, features)
    image = tf.reshape(tf.cast(tf.decode_raw(parsed["image"], tf.uint8), tf.float32) / 12, [3, 4])
    value, label = session.run([image, tf.cast(parsed["label"], tf.int32)])
    np.testing.assert_allclose(value, pixels.reshape(3, 4) / np.float32(12), rtol=1e-6)
    assert label == 3


REFUSED = [
    ({"a": tf.FixedLenFeature([], tf.int64)}, FULL,
     "Can't parse serialized Example: number of int64 values != expected.  Values size: 2 but output shape: []"),
    ({"z": tf.FixedLenFeature([], tf.int64)}, FULL,
     "Feature: z (data type: int64) is required but could not be found."),
    ({"a": tf.FixedLenFeature([2], tf.float32)}, FULL,
     "Key: a.  Data types don't match. Data type: int64 but expected type: float"),
    ({"a": tf.VarLenFeature(tf.string)}, FULL,
     "Key: a.  Data types don't match. Data type: int64 but expected type: string"),
    ({"s": tf.SparseFeature("row", "value", tf.float32, 2)}, FULL, "Key: value.  a position is outside the size [2]"),
    ({"a": tf.FixedLenFeature([2], tf.int64)}, b"garbage", "Could not parse example input, value: 'garbage'"),
]  # fmt: skip


@pytest.mark.parametrize(("features", "data", "text"), REFUSED, ids=range(len(REFUSED)))
def test_examples_that_are_refused(session, features, data, text):
    with pytest.raises(INVALID) as caught:
        session.run(tf.parse_single_example(data, features))
    assert str(caught.value).startswith("ParseSingleExample 'ParseSingleExample' (declared at test_examples.py:")
    assert str(caught.value).endswith(text)


def test_the_refused_example_of_a_batch_is_named(session):
    feature = {"a": tf.FixedLenFeature([2], tf.int64)}
    with pytest.raises(INVALID, match=r"Name: second, Feature: a \(data type: int64\) is required"):
        session.run(tf.parse_example([FULL, EMPTY], feature, example_names=["first", "second"]))


def _steps(*features):
    return tf.train.FeatureList(feature=features)


def _sequence():
    lists = {"w": _steps(ints(0, 1), ints(1, 2), ints(2, 3)), "v": _steps(floats(), floats(1), floats(1, 2))}
    context = tf.train.Features(feature={"n": ints(3)})
    message = tf.train.SequenceExample(context=context, feature_lists=tf.train.FeatureLists(feature_list=lists))
    return message.SerializeToString()


def test_sequence_examples(session):
    context = {"n": tf.FixedLenFeature([], tf.int64)}
    sequences = {
        "w": tf.FixedLenSequenceFeature([2], tf.int64),
        "v": tf.VarLenFeature(tf.float32),
        "z": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
    }
    data = tf.placeholder(tf.string, [])
    parsed = tf.parse_single_sequence_example(data, context, sequences)
    assert parsed[1]["w"].shape.as_list() == [None, 2] and parsed[0]["n"].shape.as_list() == []
    value = session.run(parsed, {data: _sequence()})
    assert value[0] == {"n": 3}
    assert plain(value[1]) == {
        "w": [[0, 1], [1, 2], [2, 3]],
        "v": [[[1, 0], [2, 0], [2, 1]], [1, 1, 2], [3, 2]],
        "z": [],
    }
    for wanted, text in [
        ({"w": tf.FixedLenSequenceFeature([], tf.int64)},
         r"Key: w, Index: 0\.  Number of values != expected\.  values size: 2 but output shape: \[\]"),
        ({"z": tf.FixedLenSequenceFeature([], tf.int64)}, "Feature list 'z' is required but could not be found"),
    ]:  # fmt: skip
        with pytest.raises(INVALID, match=text):
            session.run(tf.parse_single_sequence_example(data, None, wanted), {data: _sequence()})


def test_mistakes_while_declaring():
    with pytest.raises(ValueError, match="FixedLenSequenceFeature requires allow_missing to be True"):
        tf.parse_single_example("", {"a": tf.FixedLenSequenceFeature([], tf.int64)})
    with pytest.raises(ValueError, match="Missing: features was None or empty"):
        tf.parse_example([""], {})
    with pytest.raises(TypeError, match="feature 'a': an example holds float32, int64 or string, not int32"):
        tf.parse_single_example("", {"a": tf.FixedLenFeature([], tf.int32)})
    with pytest.raises(ValueError, match=r"one example is a scalar string, not string\[1\]; tf.parse_example takes a"):
        tf.parse_single_example([""], {"a": tf.VarLenFeature(tf.int64)})
    with pytest.raises(TypeError, match="Invalid feature a:3"):
        tf.parse_example([""], {"a": 3})
    with pytest.raises(ValueError, match="the shape of feature 'a' must be known"):
        tf.parse_example([""], {"a": tf.FixedLenFeature([None], tf.int64)})


def test_without_protobuf_the_error_names_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    with pytest.raises(ImportError, match=r"pip install 'graphc\[checkpoints\]'"):
        schema._classes.__wrapped__()
