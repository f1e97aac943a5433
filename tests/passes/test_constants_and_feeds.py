"""A value means the same whether it is written into the program or fed: wrapping, failing and all."""

import itertools

import numpy as np
import pytest

import graphc as tf
from graphc import errors
from graphc.ops.base import apply
from graphc.ops.elementwise import RECORDS, Cast, Elementwise

WHOLE = {
    tf.int32: np.array([-(2**31), -7, -1, 0, 1, 3, 2**31 - 1], np.int32),
    tf.int64: np.array([-(2**63), -7, -1, 0, 1, 3, 2**63 - 1], np.int64),
    tf.uint8: np.array([0, 1, 2, 7, 127, 128, 255], np.uint8),
}
REALS = np.array([-np.inf, -2.5, -1.0, -0.0, 0.0, 1e-40, 0.5, 1.0, 88.8, 3e38, np.inf, np.nan], np.float32)


def outcome(tensor, feeds):
    """The value, or the class of the error."""
    with tf.Session(graph=tensor.graph) as session:
        try:
            return session.run(tensor, feeds)
        except errors.OpError as error:
            return type(error)


def both_ways(kind, arrays):
    """What a kind gives of constants, and of fed values."""
    with tf.Graph().as_default():
        constant = outcome(apply(kind, *map(tf.constant, arrays)), {})
    with tf.Graph().as_default():
        inputs = [tf.placeholder(array.dtype, array.shape) for array in arrays]
        return constant, outcome(apply(kind, *inputs), dict(zip(inputs, arrays, strict=True)))


def pairs(values):
    """Every value beside every other."""
    left, right = zip(*itertools.product(values, values), strict=True)
    return [np.array(left, values.dtype), np.array(right, values.dtype)]


def names_of(dtype):
    """The elementwise ops of a dtype; select stands apart, since it takes a condition."""
    return sorted(name for name, record in RECORDS.items() if dtype in record.dtypes and name != "Select")


@pytest.mark.parametrize(("name", "dtype"), [(name, dtype) for dtype in WHOLE for name in names_of(dtype)])
def test_whole_numbers_wrap_and_fail_alike(name, dtype):
    operands = [WHOLE[dtype]] if len(RECORDS[name].adjoints or (0, 0)) == 1 else pairs(WHOLE[dtype])
    constant, fed = both_ways(Elementwise(name), operands)
    np.testing.assert_array_equal(constant, fed)


@pytest.mark.parametrize("name", names_of(tf.float32))
def test_special_numbers_are_treated_alike(name):
    operands = [REALS] if len(RECORDS[name].adjoints or (0, 0)) == 1 else pairs(REALS)
    constant, fed = both_ways(Elementwise(name), operands)
    assert constant.dtype == fed.dtype
    np.testing.assert_array_max_ulp(np.float32(constant), np.float32(fed), maxulp=4)


@pytest.mark.parametrize("to", [tf.uint8, tf.int32, tf.int64, tf.float32, tf.bool], ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("dtype", WHOLE, ids=lambda dtype: dtype.name)
def test_casts_of_whole_numbers_are_alike(dtype, to):
    constant, fed = both_ways(Cast(to), [WHOLE[dtype]])
    np.testing.assert_array_equal(constant, fed)


@pytest.mark.parametrize("divide", [tf.floordiv, tf.truncatediv, tf.floormod, tf.truncatemod, tf.div])
def test_a_division_by_a_written_zero_fails_when_it_runs(divide):
    with tf.Graph().as_default():
        assert outcome(divide(tf.constant(3), tf.constant(0)), {}) is errors.InvalidArgumentError


def test_singular_values_of_a_written_nan_are_nan_as_those_of_a_fed_one():
    with tf.Graph().as_default():
        values = outcome(tf.svd([[np.nan, 1.0], [1.0, 2.0]], compute_uv=False), {})
    assert np.isnan(values).all()


@pytest.mark.filterwarnings("error")
def test_written_infinities_are_computed_without_a_word():
    with tf.Graph().as_default():
        assert np.isnan(outcome(tf.constant([np.inf, 1.0]) - np.inf, {})[0])


def test_numbers_that_follow_from_shapes_wrap_as_fed_ones():
    with tf.Graph().as_default(), tf.Session() as session:
        x, n = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [])
        by_shape, by_value = (((size * 1000000) * 1000) // 1000 for size in (tf.shape(x)[0], n))
        assert session.run(by_shape, {x: np.ones(5)}) == session.run(by_value, {n: 5}) == 705032
