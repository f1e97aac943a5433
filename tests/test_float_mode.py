"""Denormal numbers count as zero inside a step, whatever mode the caller is in, and the caller's mode comes back."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform

import numpy as np
import pytest

import graphc as tf
from graphc import aot, errors

SMALL = np.float32(1e-40)  # below 2^-126, the smallest normal number
LARGE = 1 << 20  # elements, so that the loop goes to the pool
UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}  # FE_UPWARD of <fenv.h>

runs_here = pytest.mark.skipif(platform.machine() not in UPWARD, reason="this processor has no such mode")


def keeps_denormals() -> bool:
    """Whether this thread computes with denormal numbers."""
    return bool(np.array([SMALL]) * np.float32(1) > 0)


@runs_here
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_denormal_operands_and_results_are_zero(dtype):
    tiny = np.finfo(dtype).tiny
    x = tf.placeholder(dtype, [4])
    value = np.array([tiny / 4, tiny, -tiny / 2, 1], dtype)
    with tf.Session() as session:
        kept, doubled, halved = session.run([tf.identity(x), x * 2, x / 2], {x: value})
    np.testing.assert_array_equal(kept, value)  # moved, not computed with
    np.testing.assert_array_equal(doubled, np.array([0, 2 * tiny, 0, 2], dtype))
    np.testing.assert_array_equal(halved, np.array([0, 0, 0, 0.5], dtype))
    assert keeps_denormals()


@runs_here
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_workers_have_the_same_mode(threads):
    x = tf.placeholder(tf.float32, [LARGE])
    with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
        result = session.run(x * 3, {x: np.full(LARGE, SMALL)})
    assert not result.any()


@runs_here
def test_the_mode_comes_back_after_a_step_that_fails():
    x, at = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int32, [])
    with tf.Session() as session, pytest.raises(errors.InvalidArgumentError):
        session.run(tf.gather(x, at) * 2, {x: [1, 2], at: 7})
    assert keeps_denormals()


@runs_here
def test_results_do_not_depend_on_the_callers_rounding():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    x = tf.placeholder(tf.float32, [1000])
    value = np.linspace(0.1, 0.9, 1000, dtype=np.float32)
    with tf.Session() as session:
        step = session.make_callable(x * 0.3 + tf.exp(x), [x])
        expected = step(value)
        before = libm.fegetround()
        libm.fesetround(UPWARD[platform.machine()])
        try:
            found = step(value)
            assert libm.fegetround() == UPWARD[platform.machine()]
        finally:
            libm.fesetround(before)
    np.testing.assert_array_equal(found, expected)


@runs_here
def test_a_step_ahead_of_time_has_the_mode_too(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    built = aot.compile([tf.multiply(x, 2, name="y")], [x], tmp_path / "double")
    double = built.load()
    np.testing.assert_array_equal(double.step(x=np.array([SMALL, 1], np.float32)), [0, 2])
    assert keeps_denormals()


@runs_here
def test_units_that_died_do_not_slow_a_step_by_what_is_left_of_their_speeds():
    """A speed that shrinks by a tenth each step ends at zero; denormal, 0.9 of the smallest number rounds to itself."""
    weight, gradient = tf.Variable([1.0]), tf.placeholder(tf.float32, [1])
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    train = optimizer.apply_gradients([(gradient, weight)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {gradient: [1e-30]})
        for _ in range(400):
            session.run(train, {gradient: [0.0]})
        assert session.run(optimizer.get_slot(weight, "momentum")) == 0


def test_halves_below_the_smallest_normal_one_are_numbers():
    x = tf.placeholder(tf.float16, [3])
    value = np.array([2**-24, 3 * 2**-24, -(2**-15)], np.float16)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x * 2, {x: value}), value * 2)
        np.testing.assert_array_equal(session.run(tf.cast(x, tf.float32), {x: value}), value.astype(np.float32))


@runs_here
@pytest.mark.parametrize("shape", [[], [3]], ids=["literal", "array"])
def test_constants_count_as_feeds_do(shape):
    one, tiny = tf.constant(0.5, shape=shape), tf.constant(1.5e-38, shape=shape)
    x = tf.placeholder(tf.float32, shape)
    with tf.Session() as session:
        assert not np.any(session.run(one * tiny))
        assert np.all(session.run(tf.reshape(tf.constant(SMALL, shape=shape), [-1])) == SMALL)
        assert not np.any(session.run(x * tiny, {x: np.full(shape, 0.5)}))
