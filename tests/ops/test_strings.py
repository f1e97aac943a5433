"""tf.string values, the operations on them, and the array operations that take any dtype."""

import numpy as np
import pytest

import graphc as tf
from graphc.ops.string_split import levenshtein

INVALID = tf.errors.InvalidArgumentError


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_text_is_declared_fed_and_fetched_as_bytes(session):
    x = tf.placeholder(tf.string, [None])
    assert x.dtype is tf.string and tf.as_dtype(str) is tf.string and tf.as_dtype(np.object_) is tf.string
    assert tf.constant("é").dtype is tf.string and tf.constant(["a", "b"]).shape.as_list() == [2]
    for fed in (["a", b"b\0"], np.array(["a", b"b\0"], object), ("a", b"b\0")):
        value = session.run(x, {x: fed})
        assert value.dtype == object and value.tolist() == [b"a", b"b\0"]
    assert session.run(tf.constant("é")) == b"\xc3\xa9"
    assert session.run([tf.constant([b"a\0"]), tf.constant("k", shape=[2])])[1].tolist() == [b"k", b"k"]
    with pytest.raises(TypeError, match="Expected string, got 3 of type 'int' instead"):
        session.run(x, {x: [3]})
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        session.run(x, {x: "scalar"})
    with pytest.raises(NotImplementedError, match="variables hold numbers"):
        tf.Variable("text")
    with pytest.raises(TypeError, match=r"Mul 'mul': .*string"):
        x * "a"


# (what is declared of v = [x yy z], p = [[a b] [c d] [e f]] and u = [[q]] of unknown rank, its value in TensorFlow)
ARRAYS = [
    (lambda v, p, u: tf.gather(v, [2, 0]), ["z", "x"]),
    (lambda v, p, u: tf.reshape(p, [-1]), list("abcdef")),
    (lambda v, p, u: tf.stack([v, v], 1), [["x", "x"], ["yy", "yy"], ["z", "z"]]),
    (lambda v, p, u: tf.concat([p, p], 0)[4], ["c", "d"]),
    (lambda v, p, u: p[1:, 0], ["c", "e"]),
    (lambda v, p, u: v[::-1], ["z", "yy", "x"]),
    (lambda v, p, u: tf.tile(v, [2])[3:], ["x", "yy", "z"]),
    (lambda v, p, u: tf.expand_dims(v, 0), [["x", "yy", "z"]]),
    (lambda v, p, u: tf.squeeze(u), "q"),
    (lambda v, p, u: tf.split(p, 2, 1)[1], [["b"], ["d"], ["f"]]),
    (lambda v, p, u: tf.where(tf.equal(v, "x"), v, v + "!"), ["x", "yy!", "z!"]),
    (lambda v, p, u: tf.transpose(p), [["a", "c", "e"], ["b", "d", "f"]]),
    (lambda v, p, u: tf.unstack(p, axis=1)[0], ["a", "c", "e"]),
    (lambda v, p, u: tf.boolean_mask(v, [True, False, True]), ["x", "z"]),
    (lambda v, p, u: tf.gather_nd(p, [[0, 1]]), ["b"]),
    (lambda v, p, u: tf.zeros_like(v), ["", "", ""]),
    (lambda v, p, u: tf.pad(v, [[1, 1]]), ["", "x", "yy", "z", ""]),
    (lambda v, p, u: tf.fill([2], "k"), ["k", "k"]),
    (lambda v, p, u: tf.placeholder_with_default("d", []), "d"),
    (lambda v, p, u: tf.convert_to_tensor([v[0], "lit"]), ["x", "lit"]),
    (lambda v, p, u: tf.map_fn(lambda x: tf.string_join([x, "!"]), v), ["x!", "yy!", "z!"]),
    (lambda v, p, u: tf.cond(tf.equal(v[0], "x"), lambda: tf.constant("A"), lambda: v[1]), "A"),
]


@pytest.mark.parametrize(("declare", "wanted"), ARRAYS, ids=range(len(ARRAYS)))
def test_array_operations_take_strings(session, declare, wanted):
    v, p, u = tf.placeholder(tf.string, [None]), tf.placeholder(tf.string, [None, 2]), tf.placeholder(tf.string)
    feeds = {v: ["x", "yy", "z"], p: [["a", "b"], ["c", "d"], ["e", "f"]], u: [["q"]]}
    y = declare(v, p, u)
    value = session.run(y, feeds)
    assert y.dtype is tf.string
    assert np.array_equal(np.array(value, object), np.vectorize(str.encode, otypes=[object])(np.array(wanted, object)))


def test_numbers_that_follow_from_strings(session):
    v = tf.placeholder(tf.string, [None])
    feeds = {v: ["x", "yy", "z"]}
    np.testing.assert_array_equal(session.run(tf.not_equal(v, "yy"), feeds), [True, False, True])
    assert session.run([tf.shape(v)[0], tf.size(v), tf.rank(v)], feeds) == [3, 3, 1]
    np.testing.assert_array_equal(session.run(tf.cast(tf.equal(v, "z"), tf.float32) * 2, feeds), [0, 0, 2])
    table = tf.string_to_number(tf.sparse_tensor_to_dense(tf.string_split(["1 2", "3"]), default_value="0"))
    np.testing.assert_array_equal(session.run(table * 2), [[2, 4], [6, 0]])


def text(*values):
    return [value.encode() for value in values]


# Values recorded from TensorFlow 2.21 in v1 mode.
STRINGS = [
    (lambda: tf.as_string([1, 2]), text("1", "2")),
    (lambda: tf.as_string([1.5, 2e10, 1 / 3]), text("1.500000", "20000000000.000000", "0.333333")),
    (lambda: tf.as_string([True]), text("true")),
    (lambda: tf.as_string([1.5], precision=2), text("1.50")),
    (lambda: tf.as_string([1.5], scientific=True), text("1.500000e+00")),
    (lambda: tf.as_string([1.5], shortest=True), text("1.5")),
    (lambda: tf.as_string([3], width=5, fill="0"), text("00003")),
    (lambda: tf.as_string([3.25], width=9, fill="-"), text("3.250000 ")),
    (lambda: tf.string_join(["a", ["x", "y"]], separator="-"), text("a-x", "a-y")),
    (lambda: tf.substr(["hello", "wo"], [0, -1], [2, 1]), text("he", "o")),
    (lambda: tf.substr(["hello", "wo"], 1, 3), text("ell", "o")),
    (lambda: tf.strings.substr(["héllo"], 1, 2, unit="UTF8_CHAR"), text("él")),
    (lambda: tf.regex_replace(["abc abc", "x"], "(b)c", r"<\1\0>"), text("a<bbc> a<bbc>", "x")),
    (lambda: tf.strings.regex_replace(["abc abc"], "b", "_", replace_global=False), text("a_c abc")),
    (lambda: tf.reduce_join([["a", "b"], ["c", "d"]]), b"abcd"),
    (lambda: tf.reduce_join([["a", "b"], ["c", "d"]], 0), text("ac", "bd")),
    (lambda: tf.reduce_join([["a", "b"], ["c", "d"]], [0, 1], separator="-"), b"a-c-b-d"),
    (lambda: tf.reduce_join([["a", "b"], ["c", "d"]], [1, 0]), b"abcd"),
    (lambda: tf.strings.reduce_join([["a", "b"], ["c", "d"]], 1, keepdims=True), [text("ab"), text("cd")]),
    (lambda: tf.encode_base64(["a", b"\xc3\xbf\xc3\xbe?>", ""]), text("YQ", "w7_Dvj8-", "")),
    (lambda: tf.encode_base64("a", pad=True), b"YQ=="),
    (lambda: tf.decode_base64(["YQ", "YQ=="]), text("a", "a")),
    (lambda: tf.strings.lower(["AbC"]), text("abc")),
    (lambda: tf.strings.upper(["aBc"]), text("ABC")),
    (lambda: tf.strings.strip([" a \n"]), text("a")),
    (lambda: tf.strings.format("x {} y {}", (tf.constant([1, 2]), tf.constant("s"))), b'x [1 2] y "s"'),
    (lambda: tf.strings.length(["abc", "é"]), [3, 2]),
    (lambda: tf.strings.length("é", unit="UTF8_CHAR"), 1),
    (lambda: tf.strings.regex_full_match(["abc", "ab"], "a.c"), [True, False]),
    (lambda: tf.string_to_number(["1", "-2.5e3", " 3 ", "0x10", "inf"]), [1, -2500, 3, 16, np.inf]),
    (lambda: tf.strings.to_number(["12", "-7"], tf.int64), [12, -7]),
    (lambda: tf.string_to_hash_bucket_fast(
        ["", "a", "abcd", "hello wo", "hello world 12345", "x" * 40, "y" * 64, "z" * 65, "w" * 200, "q" * 128], 2**62),
     [1936946117179621455, 3694432073954588131, 1897425971756105985, 3616420679985843595, 87573249954529727,
      3168538174772821140, 4471793200125962424, 3688229565335330613, 526236191678461824, 3049490681071257226]),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "wanted"), STRINGS, ids=range(len(STRINGS)))
def test_string_operations(session, declare, wanted):
    y = declare()
    value = session.run(y)
    assert np.asarray(value, object if y.dtype is tf.string else None).tolist() == wanted
    assert y.shape.as_list() == list(np.shape(value))


# (split, rows of pieces), by TensorFlow 2.21.
SPLITS = [
    (lambda: tf.string_split(["a b  c", "", "d,e f"]), [["a", "b", "c"], [], ["d,e", "f"]]),
    (lambda: tf.string_split(["a b,c", "x"], ", "), [["a", "b", "c"], ["x"]]),
    (lambda: tf.string_split(["abc", ""], ""), [["a", "b", "c"], []]),
    (lambda: tf.string_split(["a  b"], skip_empty=False), [["a", "", "b"]]),
    (lambda: tf.string_split(["a-b"], delimiter="-"), [["a", "b"]]),
    (lambda: tf.strings.split(["a  b c "]), [["a", "b", "c"]]),
    (lambda: tf.strings.split(["a--b-c--"], sep="--"), [["a", "b-c", ""]]),
    (lambda: tf.strings.split(["a b c"], maxsplit=1), [["a", "b c"]]),
]


@pytest.mark.parametrize(("declare", "rows"), SPLITS, ids=range(len(SPLITS)))
def test_splitting_gives_a_sparse_matrix(session, declare, rows):
    value = session.run(declare())
    assert value.indices.tolist() == [[r, n] for r, row in enumerate(rows) for n in range(len(row))]
    assert value.values.tolist() == [piece.encode() for row in rows for piece in row]
    assert value.dense_shape.tolist() == [len(rows), max(map(len, rows))]


@pytest.mark.parametrize(
    ("declare", "wanted"),
    [
        (lambda: tf.string_to_number(["x"]), "StringToNumberOp could not correctly convert string: x"),
        (lambda: tf.string_to_number(["1.5"], tf.int32), "could not correctly convert string: 1.5"),
        (lambda: tf.string_to_number(["99999999999"], tf.int32), "could not correctly convert string: 99999999999"),
        (lambda: tf.substr(["hello", "wo"], 3, 1), "pos 3 out of range for string b'wo' at index 1"),
        (lambda: tf.regex_replace(["a"], "(", "b"), r"Invalid pattern: \(, error: missing \)"),
        (lambda: tf.decode_base64("!!"), "Invalid character found in base64"),
    ],
)
def test_strings_that_an_operation_cannot_take(session, declare, wanted):
    with pytest.raises(INVALID, match=wanted) as caught:
        session.run(declare())
    assert "(declared at test_strings.py:" in str(caught.value)


def test_mistakes_while_declaring():
    with pytest.raises(TypeError, match=r"string_to_number gives float32, float64, int32 or int64, not bool"):
        tf.string_to_number("1", tf.bool)
    with pytest.raises(ValueError, match="Fill string must be one or fewer characters"):
        tf.as_string(1, fill="ab")
    with pytest.raises(NotImplementedError, match="there are no ragged tensors"):
        tf.strings.split(["a"], result_type="RaggedTensor")
    with pytest.raises(ValueError, match=r"2 placeholder.* does not match 1 tensor"):
        tf.strings.format("{} {}", tf.constant(1))
    with pytest.raises(TypeError, match="Truth must be a SparseTensor"):
        tf.edit_distance(tf.string_split(["a"]), ["a"])


def test_edit_distance(session):
    hypothesis, truth = tf.string_split(["a b c", "x", ""]), tf.string_split(["a x", "x", "y"])
    np.testing.assert_array_equal(session.run(tf.edit_distance(hypothesis, truth)), [1, 0, 1])
    np.testing.assert_array_equal(session.run(tf.edit_distance(hypothesis, truth, normalize=False)), [2, 0, 1])
    np.testing.assert_array_equal(session.run(tf.edit_distance(truth, hypothesis)), [np.float32(2 / 3), 0, np.inf])
    ids = [tf.SparseTensor([[0, 0], [0, 1]], [5, values], [1, 2]) for values in (6, 7)]
    assert session.run(tf.edit_distance(*ids)) == [0.5]
    with pytest.raises(TypeError, match="the sequences have different dtypes"):
        tf.edit_distance(ids[0], truth)


def test_levenshtein_is_the_least_number_of_changes():
    assert [levenshtein(list(a), b) for a, b in [("kitten", "sitting"), ("", "abc"), ("flaw", "lawn")]] == [3, 3, 2]
