"""Tables from keys to values, filled by operations and kept by the session."""

import numpy as np
import pytest

import graphc as tf

lookup = tf.contrib.lookup


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_words_to_ids_and_back(session):
    words = tf.placeholder(tf.string, [None])
    table = lookup.index_table_from_tensor(["the", "cat", "sat"])
    back = lookup.index_to_string_table_from_tensor(["the", "cat", "sat"], default_value="?")
    ids = table.lookup(words)
    texts = back.lookup(ids)
    assert (ids.dtype, ids.shape.as_list(), texts.dtype) == (tf.int64, [None], tf.string)
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"LookupTableFindV2 .*Table not initialized"):
        session.run(ids, {words: ["cat"]})
    session.run(tf.tables_initializer())
    value = session.run([ids, texts], {words: ["sat", "the", "dog"]})
    assert value[0].tolist() == [2, 0, -1] and value[1].tolist() == [b"sat", b"the", b"?"]
    rows = tf.nn.embedding_lookup(tf.constant([[1.0], [2.0], [3.0]]), tf.maximum(ids, 0))
    assert session.run(rows, {words: ["cat", "sat"]}).tolist() == [[2], [3]]
    assert session.run(table.size()) == 3
    with tf.Session() as other, pytest.raises(tf.errors.FailedPreconditionError):
        other.run(ids, {words: ["cat"]})


def test_words_outside_the_vocabulary(session):
    table = lookup.index_table_from_tensor(["a", "b"], num_oov_buckets=10)
    session.run(tf.tables_initializer())
    # 2 + 3: FarmHash's fingerprint of "" is 3 modulo 10 (tests/ops/test_strings.py)
    assert session.run(table.lookup(tf.constant(["b", ""]))).tolist() == [1, 5]
    assert session.run(table.size()) == 12
    sparse = table.lookup(tf.string_split(["a b", "b"]))
    dense = tf.sparse_tensor_to_dense(sparse, default_value=-7)
    assert session.run(dense).tolist() == [[0, 1], [1, -7]]


def test_tables_from_files(session, tmp_path):
    path = tmp_path / "vocabulary"
    path.write_text("x\ny\nz\n")
    table = lookup.index_table_from_file(str(path))
    back = lookup.index_to_string_table_from_file(str(path), vocab_size=2)
    columns = tmp_path / "columns"
    columns.write_text("a,1\nb,2\n")
    pairs = lookup.HashTable(lookup.TextFileInitializer(str(columns), tf.string, 0, tf.int64, 1, delimiter=","), -1)
    session.run(tf.tables_initializer())
    assert session.run(table.lookup(tf.constant(["z", "q"]))).tolist() == [2, -1]
    assert session.run(back.lookup(tf.constant([1, 2], tf.int64))).tolist() == [b"y", b"UNK"]
    assert session.run(pairs.lookup(tf.constant([["b", "a"]]))).tolist() == [[2, 1]]
    missing = lookup.index_table_from_file(str(tmp_path / "none"))
    with pytest.raises(tf.errors.NotFoundError, match="none"):
        session.run(missing.initializer)
    short = lookup.index_table_from_file(str(path), vocab_size=9)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected 9 but got 3"):
        session.run(short.initializer)


def test_static_tables_of_numbers(session):
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1, 5], [0.5, 2.5]), 9.0)
    session.run(table.init)
    np.testing.assert_array_equal(session.run(table.lookup(tf.constant([5, 1, 7])) * 2), [5, 1, 18])
    with pytest.raises(TypeError, match=r"Keys must be dtype <dtype: 'int32'>, got <dtype: 'int64'>"):
        table.lookup(tf.constant([1], tf.int64))
    twice = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [0, 1]), -1)
    with pytest.raises(tf.errors.FailedPreconditionError, match="Key a has 0 and trying to add value 1"):
        session.run(twice.init)


def test_a_table_that_grows(session):
    key, value = tf.placeholder(tf.string, [None]), tf.placeholder(tf.float32, [None])
    table = lookup.MutableHashTable(tf.string, tf.float32, -1.0)
    insert, found = table.insert(key, value), table.lookup(key)
    assert session.run(found, {key: ["a"]}).tolist() == [-1]
    session.run(insert, {key: ["a", "b"], value: [1, 2]})
    with tf.control_dependencies([insert]):
        after = table.lookup(key)
    assert session.run(after, {key: ["b", "a"], value: [5, 6]}).tolist() == [5, 6]
    keys, values = session.run(table.export())
    assert dict(zip(keys.tolist(), values.tolist(), strict=True)) == {b"a": 6, b"b": 5}
    assert session.run(table.size()) == 2
