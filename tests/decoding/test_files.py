"""Files, bytes as numbers, and comma-separated text. Errors and values are TensorFlow 2.21's in v1 mode."""

import os

import numpy as np
import pytest

import graphc as tf

INVALID = tf.errors.InvalidArgumentError


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_files_are_written_and_read(session, tmp_path):
    name, text = tf.placeholder(tf.string, []), tf.placeholder(tf.string, [])
    write, read = tf.write_file(name, text), tf.read_file(name)
    path = str(tmp_path / "folder" / "file")
    session.run(write, {name: path, text: b"a\0b"})
    assert session.run(read, {name: path}) == b"a\0b"
    assert session.run(tf.io.read_file([path, path])).tolist() == [b"a\0b"] * 2
    session.run(write, {name: path + "2", text: ""})
    assert session.run(tf.matching_files(f"{tmp_path}/folder/f*")).tolist() == [path.encode(), (path + "2").encode()]
    with pytest.raises(tf.errors.NotFoundError, match=r"ReadFile 'ReadFile' .*/none; No such file or directory"):
        session.run(read, {name: str(tmp_path / "none")})
    with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
        session.run(read, {name: str(tmp_path)})
    with pytest.raises(ValueError, match="one file takes one name"):
        tf.write_file(["a"], "b")
    assert sorted(os.listdir(tmp_path / "folder")) == ["file", "file2"]


def test_decode_raw(session):
    text = tf.placeholder(tf.string, [None])
    y = tf.decode_raw(text, tf.uint8)
    assert y.shape.as_list() == [None, None]
    np.testing.assert_array_equal(session.run(tf.cast(y, tf.float32) + 1, {text: ["ab", "cd"]}), [[98, 99], [100, 101]])
    assert session.run(y, {text: []}).shape == (0, 0)
    assert session.run(tf.decode_raw(b"\1\0\0\0\2\0\0\0", tf.int32)).tolist() == [1, 2]
    assert session.run(tf.decode_raw(b"\0\0\0\1", tf.int32, little_endian=False)).tolist() == [1]
    assert session.run(tf.io.decode_raw(np.float32([1.5, 2]).tobytes(), tf.float32)).tolist() == [1.5, 2]
    with pytest.raises(INVALID, match="has length 3 that is not a multiple of 4, the size of int32"):
        session.run(tf.decode_raw("abc", tf.int32))
    with pytest.raises(INVALID, match="input strings to all be the same size, but element 1 has size 4 != 2"):
        session.run(tf.decode_raw(["abcd", "ab"], tf.uint8))


CSV = [
    (["1,2.5,x", '3,,"a,b""c"'], [[0], [1.5], [""]], {}, [[1, 3], [2.5, 1.5], [b"x", b'a,b"c']]),
    ("1,2", [[0], [0]], {}, [1, 2]),
    (["1|NA"], [[0], [7]], {"field_delim": "|", "na_value": "NA"}, [[1], [7]]),
    (["1,2,3"], [[0], [0]], {"select_cols": [0, 2]}, [[1], [3]]),
    (["1,2"], [tf.int32, tf.float64], {}, [[1], [2]]),
    ([" 1 , 2.5"], [[0], [0.0]], {}, [[1], [2.5]]),
    (['1,"a'], [[0], [""]], {"use_quote_delim": False}, [[1], [b'"a']]),
    (["1,2\r\n"], [[0], [0]], {}, [[1], [2]]),
    (['"a\nb",é'], [[""], [""]], {}, [[b"a\nb"], ["é".encode()]]),
    (["9007199254740993"], [np.zeros(0, np.int64)], {}, [[9007199254740993]]),
]


@pytest.mark.parametrize(("lines", "defaults", "options", "wanted"), CSV, ids=range(len(CSV)))
def test_decode_csv(session, lines, defaults, options, wanted):
    columns = tf.decode_csv(lines, defaults, **options)
    assert [column.shape.as_list() for column in columns] == [list(np.shape(lines))] * len(columns)
    assert [np.asarray(value, object).tolist() for value in session.run(columns)] == wanted


@pytest.mark.parametrize(
    ("line", "defaults", "text"),
    [
        ("1,2,3", [[0], [0]], "Expect 2 fields but have 3 in record 0"),
        ("", [[0]], "Expect 1 fields but have 0 in record 0"),
        ("1,x", [[0], [0]], "Field 1 in record 0 is not a valid int32: x"),
        ("1,x", [[0], [0.0]], "Field 1 in record 0 is not a valid float: x"),
        (",1", [tf.int32, [0]], "Field 0 is required but missing in record 0!"),
        ('1,"a', [[0], [""]], "Quoted field has to end with quote followed by delim or end"),
        ('1,a"b', [[0], [""]], "Unquoted fields cannot have quotes/CRLFs inside"),
        ('1,"a"b', [[0], [""]], "Quote inside a string has to be escaped by another quote"),
    ],
)
def test_lines_that_are_refused(session, line, defaults, text):
    with pytest.raises(INVALID) as caught:
        session.run(tf.decode_csv([line], defaults))
    assert str(caught.value).endswith(text)


def test_mistakes_while_declaring():
    with pytest.raises(TypeError, match="a column cannot be of bool"):
        tf.decode_csv("1", [True])
    with pytest.raises(ValueError, match="field_delim should be only 1 char"):
        tf.decode_csv("1", [0], field_delim="--")
    with pytest.raises(ValueError, match="select_cols must be 1 rising numbers"):
        tf.decode_csv("1", [0], select_cols=[1, 0])
    with pytest.raises(ValueError, match="a default is one value or none"):
        tf.decode_csv("1", [[1, 2]])
