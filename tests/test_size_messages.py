"""Messages about sizes and positions that show only when a step runs: with numbers, in the user's words."""

import numpy as np
import pytest

import graphc as tf
from tests.told import is_told


@pytest.mark.parametrize(
    "build, text",
    [
        (lambda x, i: tf.gather(x, i), "an index in i is not in [0, 5), the positions of x f32[5,2]: i[4] = 5"),
        (lambda x, i: tf.unsorted_segment_sum(x, i, tf.shape(x)[0]),
         "a segment id in i is not below 5, the number of segments: i[4] = 5"),
        (lambda x, i: tf.unsorted_segment_max(x, i, tf.shape(x)[0]),
         "an id in i is not below 5, the number of segments: i[4] = 5"),
        (lambda x, i: tf.segment_sum(x, -i, name="s"),
         "Neg must be at least 0 and must not decrease, and does: Neg[4] = -5"),
        (lambda x, i: tf.dynamic_stitch([-i], [x]), "an index in Neg is not in [0, 1): DynamicStitch/concat[4] = -5"),
        (lambda x, i: tf.reverse_sequence(x, i + 1, 1, 0),
         "a length in add is not in [0, 2], the steps of x f32[?,2]: add[4] = 6"),
    ],
)  # fmt: skip
def test_a_size_of_any_number_is_told_as_the_number_that_it_had(build, text):
    """The third size is the first that shares a program with others."""
    x, i = tf.placeholder(tf.float32, [None, 2], name="x"), tf.placeholder(tf.int32, [None], name="i")
    y = build(x, i)
    with tf.Session() as session:
        for rows in (3, 4, 5):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(y, {x: np.ones((rows, 2)), i: [0] * (rows - 1) + [rows]})
    assert str(caught.value).endswith(f"): {text}")


@pytest.mark.parametrize("reduce", [tf.unsorted_segment_sum, tf.unsorted_segment_max, tf.unsorted_segment_mean])
def test_a_number_of_segments_that_cannot_be(reduce):
    number = tf.placeholder(tf.int64, [])
    segments = reduce(tf.ones([2]), [0, 0], number)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(segments, {number: -1})
    assert str(caught.value).endswith("): sizes must be at least 0, not [-1]")
    with pytest.raises(ValueError) as told:
        reduce(tf.ones([2]), [0, 0], -1)
    assert is_told(told.value, "sizes must be at least 0, not [-1]")


def test_a_number_of_segments_is_not_cut_to_32_bits():
    number = tf.placeholder(tf.int64, [])
    segments = tf.unsorted_segment_max(tf.ones([2]), [0, 0], number)
    with tf.Session() as session, pytest.raises(tf.errors.ResourceExhaustedError):
        session.run(segments, {number: 2**60 + 2})


def test_ops_on_segments_keep_their_kind_whatever_their_name():
    for reduce, kind in ((tf.segment_max, "SegmentMax"), (tf.segment_min, "SegmentMin")):
        result = reduce(tf.ones([2]), [0, 0], name=f"a/{kind}_of_mine")
        kinds = {node.type for node in result.graph.get_operations() if node.name.startswith("a/")}
        assert kind in kinds and f"{kind}_of_mine" not in kinds


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_mean_of_more_small_whole_numbers_than_their_dtype_counts(dtype):
    """TensorFlow's wraps here: its sum and its count are of the dtype."""
    mean = tf.segment_mean(tf.constant(np.full(300, 7), dtype), np.zeros(300, np.int32))
    with tf.Session() as session:
        assert session.run(mean).tolist() == [7]


def test_means_that_take_no_whole_numbers_say_whose_data_it_is():
    with pytest.raises(TypeError, match="the data of UnsortedSegmentSqrtN has type i32"):
        tf.unsorted_segment_sqrt_n([1, 2], [0, 0], 1)
    with pytest.raises(TypeError, match="the data of SparseSegmentMean has type i32"):
        tf.sparse_segment_mean([1, 2], [0, 1], [0, 0])


@pytest.mark.parametrize("index, count", [(-1, 0), (-3, 0)])
def test_a_fed_index_before_the_first_of_a_growing_array(index, count):
    i = tf.placeholder(tf.int32, [], name="i")
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[])
    said = f"): an index in i is not in [0, {count}), the places of a TensorArray: i = {index}"
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(array.write(i, 1.0).stack(), {i: index})
        assert str(caught.value).endswith(said)
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(array.write(index, 1.0).stack())
        assert str(caught.value).endswith(f"): an index of a TensorArray is at least 0, not {index}")


def test_bincount_says_what_it_wants():
    numbers = tf.placeholder(tf.int32, [None])
    with tf.Session() as session:
        for asked, came, said in (
            (tf.bincount(numbers), [2, -1, -7], "bincount takes no negative numbers, such as -7"),
        ):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(asked, {numbers: came})
            assert str(caught.value).endswith(f"): {said}")
        assert session.run(tf.bincount(numbers), {numbers: []}).tolist() == []
        assert session.run(tf.bincount(numbers, maxlength=2), {numbers: [1, 1, 9]}).tolist() == [0, 2]


def test_arrays_that_have_no_elements_yet():
    array = tf.TensorArray(tf.float32, 3, name="rows")
    for ask in (lambda: array.read(1), lambda: array.gather([0]), array.stack):
        with pytest.raises(ValueError) as caught:
            ask()
        assert str(caught.value) == "TensorArray 'rows': nothing was written to it, and it has no element_shape"
    with pytest.raises(ValueError) as caught:
        tf.TensorArray(tf.float32, -3)
    assert str(caught.value) == "a TensorArray has a size of at least 0, not -3"
    size = tf.placeholder(tf.int32, [])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(tf.TensorArray(tf.float32, size, element_shape=[]).stack(), {size: -3})
    assert str(caught.value).endswith("): sizes must be at least 0, not [-3]")


@pytest.mark.parametrize("grows", [False, True])
def test_elements_of_different_shapes_that_a_loop_writes(grows):
    array = tf.TensorArray(tf.float32, 3, dynamic_size=grows, infer_shape=False)
    written = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a.write(i, tf.ones([i + 1]))), (0, array))[1]
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(written.stack())
    assert "all its elements have one shape" in str(caught.value)
