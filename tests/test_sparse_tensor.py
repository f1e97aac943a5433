"""Sparse tensors: what they are made of, how they are fed and fetched, and what they are as dense tensors."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

VALUE = tf.SparseTensorValue(np.array([[0, 1], [2, 0]]), np.array([5.0, 7.0], np.float32), np.array([3, 2]))
DENSE = np.array([[0, 5], [0, 0], [7, 0]], np.float32)


def test_a_sparse_placeholder_is_fed_a_tuple_and_fetched_as_one() -> None:
    x = tf.sparse_placeholder(tf.float32, [None, 2], name="x")
    assert (x.values.name, x.indices.name, x.dense_shape.name) == ("x/values:0", "x/indices:0", "x/shape:0")
    assert x.shape.as_list() == [None, 2]
    assert x.indices.shape.as_list() == [None, 2]
    dense = tf.sparse_tensor_to_dense(x, default_value=-1)
    with tf.Session() as session:
        for value in (VALUE, tuple(VALUE), [VALUE.indices.tolist(), [5.0, 7.0], [3, 2]]):
            came, whole = session.run([x, dense], {x: value})
            assert isinstance(came, tf.SparseTensorValue)
            np.testing.assert_array_equal(came.indices, VALUE.indices)
            np.testing.assert_array_equal(came.values, VALUE.values)
            np.testing.assert_array_equal(came.dense_shape, VALUE.dense_shape)
            np.testing.assert_array_equal(whole, np.where(DENSE == 0, -1, DENSE))
        more = ([[0, 0], [1, 1], [3, 0]], [1.0, 2.0, 3.0], [4, 2])
        np.testing.assert_array_equal(dense.eval({x: more}), [[1, -1], [-1, 2], [-1, -1], [3, -1]])
        with pytest.raises(ValueError, match="takes 3 arrays; wanted a tuple of them"):
            session.run(dense, {x: DENSE})


def test_the_ends_of_a_sparse_tensor_must_fit() -> None:
    x = tf.SparseTensor([[0, 1]], [1], [3, 4])
    assert (x.dtype, x.shape.as_list(), x.values.dtype) == (tf.int32, [3, 4], tf.int32)
    assert tf.convert_to_tensor_or_sparse_tensor(VALUE).shape.as_list() == [3, 2]
    with pytest.raises(ValueError, match="has 2 indices, but 1 values"):
        tf.SparseTensor([[0, 1], [1, 1]], [1], [3, 4])
    with pytest.raises(ValueError, match="name 2 axes, but its shape has 3"):
        tf.SparseTensor([[0, 1]], [1], [3, 4, 5])
    with pytest.raises(ValueError, match=r"the values of a SparseTensor have type f32\[1,1\]; wanted 1 axes"):
        tf.SparseTensor([[0, 1]], [[1.0]], [3, 4])
    with pytest.raises(TypeError, match="Neither a SparseTensor nor SparseTensorValue"):
        tf.SparseTensor.from_value(3)


def test_an_entry_outside_names_itself() -> None:
    x = tf.sparse_placeholder(tf.float32, name="x")
    dense = tf.sparse_tensor_to_dense(x)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(dense, {x: ([[0, 1], [2, 2]], [1.0, 2.0], [3, 2])})
    assert "an index in x/indices does not index into shape [3,2]: x/indices[1,1] = 2" in str(caught.value)


@pytest.mark.parametrize("indices", [[[1, 0], [0, 1]], [[0, 1], [0, 1]]])
def test_entries_must_be_in_order_and_differ(indices: list[list[int]]) -> None:
    x = tf.sparse_placeholder(tf.float32, [3, 2], name="x")
    checked, unchecked = tf.sparse_tensor_to_dense(x), tf.sparse_tensor_to_dense(x, validate_indices=False)
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="indices must be in row-major order, each once"):
            session.run(checked, {x: (indices, [1.0, 2.0], [3, 2])})
        came = session.run(unchecked, {x: (indices, [1.0, 2.0], [3, 2])})
    assert came[tuple(indices[1])] == 2


def test_sparse_to_dense_takes_positions_of_a_vector() -> None:
    with tf.Session() as session:
        found = session.run([
            tf.sparse_to_dense([1, 3], [5], [2.0, 4.0]),
            tf.sparse_to_dense(2, [4], 1.0, -1.0),
            tf.sparse_to_dense([[0, 1], [1, 0]], [2, 2], 7),
        ])  # fmt: skip
    np.testing.assert_array_equal(found[0], [0, 2, 0, 4, 0])
    np.testing.assert_array_equal(found[1], [-1, -1, 1, -1])
    np.testing.assert_array_equal(found[2], [[0, 7], [7, 0]])


def test_gradients_reach_values_and_default() -> None:
    values, rest = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [])
    dense = tf.sparse_tensor_to_dense(tf.SparseTensor(VALUE.indices, values, VALUE.dense_shape), rest)
    weights = np.arange(1.0, 7.0, dtype=np.float32).reshape(3, 2)
    by_values, by_rest = tf.gradients(dense * weights, [values, rest])
    with tf.Session() as session:
        found = session.run([by_values, by_rest], {values: [1.0, 1.0], rest: 0.0})
    np.testing.assert_array_equal(found[0], [2, 5])
    assert found[1] == 1 + 3 + 4 + 6
