"""Runs after the first, which check only what can have changed: they take and refuse the same feeds."""

import warnings

import numpy as np
import pytest

import graphc as tf
from graphc import session as sessions


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def _unaligned(values: list[float]) -> np.ndarray:
    memory = np.zeros(4 * len(values) + 1, np.uint8)
    array = memory[1:].view(np.float32)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.array([1, 2, 3], np.float32), 2.0),
        (np.array([1, 2, 3], np.float64), np.float32(2)),
        (np.array([1, 9, 2, 9, 3], np.float32)[::2], np.float64(2)),
        (_unaligned([1, 2, 3]), 2),
        ([1, 2, 3], np.array(2.0, np.float32)),
        (np.array([1, 2, 3], ">f4"), np.int64(2)),
    ],
)
def test_later_runs_take_whatever_the_first_would(session, value, number):
    x, k = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [])
    scaled = session.make_callable(x * k, [x, k])
    np.testing.assert_array_equal(scaled(np.ones(3, "f"), 4.0), [4, 4, 4])
    np.testing.assert_array_equal(scaled(value, number), [2, 4, 6])
    np.testing.assert_array_equal(scaled(np.ones(5, "f"), 4.0), [4] * 5)
    np.testing.assert_array_equal(scaled(value, number), [2, 4, 6])


def test_a_later_run_with_plain_feeds_looks_at_none_of_them_twice(session, monkeypatch):
    x, k = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [])
    scaled = session.make_callable(x * k, [x, k])
    scaled(np.ones(3, "f"), 4.0)
    monkeypatch.setattr(sessions, "feed_value", None)
    for number in (5.0, 5, np.float32(5)):
        np.testing.assert_array_equal(scaled(np.ones(3, "f"), number), [5, 5, 5])


@pytest.mark.parametrize("number", [2**53 + 1, 1e300, float("inf"), float("nan")])
def test_a_later_run_rounds_numbers_as_the_first(session, number):
    k = tf.placeholder(tf.float32, [])
    first = session.run(k * 1.5, {k: number})
    session.run(k * 1.5, {k: 1.0})
    np.testing.assert_array_equal(session.run(k * 1.5, {k: number}), first)


def test_a_later_run_refuses_what_the_first_would(session):
    x, n = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int32, [])
    call = session.make_callable(x * tf.cast(n, tf.float32), [x, n])
    call(np.ones(2, "f"), 1)
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        call(np.ones(3, "f"), 1)
    with pytest.raises(TypeError, match=r"Cannot feed 1\.5 for Tensor .*: 1\.5 is not a whole number"):
        call(np.ones(2, "f"), 1.5)
    with pytest.raises(ValueError, match="this callable takes 2 values, not 1"):
        call(np.ones(2, "f"))


def test_large_fetches_begin_on_a_cache_line() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 33])
        y = tf.exp(x)
        for rows in (1000, 1001, 5):
            value = session.run(y, {x: np.zeros((rows, 33), np.float32)})
            assert value.shape == (rows, 33) and value.flags.c_contiguous and value.flags.writeable
            assert rows < 1000 or value.__array_interface__["data"][0] % 64 == 0
            assert (value == 1).all()


def test_a_later_run_overflows_float16_as_quietly_as_the_first(session):
    k = tf.placeholder(tf.float16, [])
    double = session.make_callable(k * 2, [k])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [double(value) for value in (1e5, 1.5, 1e5, -1e5, 65504, 100, 1e300)] == [
            np.inf, 3, np.inf, -np.inf, np.inf, 200, np.inf]  # fmt: skip
