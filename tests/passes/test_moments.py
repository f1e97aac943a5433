"""Mean and variance in one sweep: what the pass finds, and values against float64, for data of every kind."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.passes.moments import moments
from graphc.passes.share import share
from graphc.passes.simplify import simplify
from tests.passes.printed import built, check_same_values, printed

SHAPE = (32, 32, 32, 16)  # 2 MB


def ready(build, **types):
    """A graph as the pass sees it."""
    return share(simplify(built(build, **types)))


def test_both_sums_are_made_of_distances_from_the_mean_of_a_sample():
    before = ready(lambda x: tf.nn.moments(x, [0]), x="float64 32768,16")
    after = moments(before)
    assert [line.replace("moments/mean/", "") for line in printed(after)] == [
        "Sum: f64[] = Const(value=0.)",
        "Sum_1: f64[2048,16] = Slice(x, begin=[0,0], size=[2048,16])",
        "Sum_2: f64[] = Const(value=2048.)",
        "Sum_3: f64[] = Const(value=32768.)",
        "Sum_4: f64[1,16] = Sum(Sum_1, axes=[0], keep_dims=True)",
        "Sum_5: f64[1,16] = RealDiv(Sum_4, Sum_2)",
        "Sum_6: bool[1,16] = IsFinite(Sum_5)",
        "Sum_7: f64[1,16] = Select(Sum_6, Sum_5, Sum)",
        "Sum_8: f64[32768,16] = Sub(x, Sum_7)",
        "Sum_9: f64[1,16] = Sum(Sum_8, axes=[0], keep_dims=True)",
        "Sum_10: f64[32768,16] = Square(Sum_8)",
        "Sum_11: f64[1,16] = Sum(Sum_10, axes=[0], keep_dims=True)",
        "Sum_12: f64[1,16] = Square(Sum_9)",
        "Sum_13: f64[1,16] = RealDiv(Sum_12, Sum_3)",
        "Sum_14: f64[1,16] = Sub(Sum_11, Sum_13)",
        "Sum_15: f64[1,16] = Mul(Sum_7, Sum_3)",
        "Sum_16: f64[1,16] = Add(Sum_9, Sum_15)",
        "Sum_17: f64[1,16] = Maximum(Sum_14, Sum)",
        "moments/mean: f64[] = Const(value=3.05175781e-05)",
        "moments/mean_1: f64[1,16] = Mul(Sum_16, moments/mean)",
        "moments/variance_1: f64[1,16] = Mul(Sum_17, moments/mean)",
        "moments/Squeeze: f64[16] = Squeeze(moments/mean_1, axes=[0])",
        "moments/Squeeze_1: f64[16] = Squeeze(moments/variance_1, axes=[0])",
        "return moments/Squeeze, moments/Squeeze_1",
    ]
    check_same_values(before, after)
    assert moments(after) is after


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: tf.nn.moments(x, [0]), "1024,16"),  # small
        (lambda x: tf.nn.moments(x, [1]), "1024,256"),  # each row is in the cache
        (lambda x: tf.reduce_sum(tf.square(x - tf.reduce_mean(x, 1, keepdims=True)), 0), "512,512"),  # another mean
        (lambda x: tf.reduce_sum(tf.square(x - tf.reduce_mean(x, 0)[:, None]), 0), "512,512"),  # along another axis
        (lambda x: tf.reduce_sum(tf.square(x - tf.reduce_sum(x, 0)), 0), "32768,16"),  # no mean
    ],
)
def test_other_sums_are_left_alone(build, shape):
    before = ready(build, x=f"float32 {shape}")
    assert moments(before) is before


def channels():
    """Data that makes a variance hard to find, a kind for each channel."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=SHAPE)
    x[..., 1] += 1e4
    x[..., 2] = x[..., 2] * 1e-3 + 7
    x[..., 3] += 1e4 * (np.arange(32) >= 2)[:, None, None]  # the sample is far from all others
    x[..., 4] += 1e3 * (np.arange(32) < 2)[:, None, None]
    x[..., 5] *= 1e15
    x[..., 6] = 0
    x[0, 0, 0, 6] = 100  # one in the sample, far away
    x[..., 7] = 0
    x[15, 31, 31, 7] = 100
    x[..., 8:] *= 10.0 ** np.arange(-4, 4)
    return x.astype(np.float32)


@pytest.mark.parametrize("counts", [(32,), (32, 20, 24)], ids=["fixed", "symbolic"])
def test_values_are_those_of_float64(counts):
    place = tf.placeholder(tf.float32, [counts[0] if len(counts) == 1 else None, *SHAPE[1:]])
    fetches = tf.nn.moments(place, [0, 1, 2])
    with tf.Session() as session:
        for count in counts:
            x = channels()[:count]
            mean, variance = session.run(fetches, {place: x})
            exact = x.astype(np.float64)
            truth, deviation = exact.mean((0, 1, 2)), exact.std((0, 1, 2))
            assert (np.abs(mean - truth) <= 1e-6 * (np.abs(truth) + deviation)).all()
            # The sample is of the first pictures, or where their number is not known, of the first rows of each.
            samples = exact[: max(count // 16, 1)].mean((0, 1, 2)), exact[:, :2].mean((0, 1, 2))
            condition = 1 + np.max([(sample - truth) ** 2 for sample in samples], 0) / deviation**2
            assert condition.max() < 21
            assert (condition[8:] < 1.02).all()  # usual data: the mean of 2048 numbers is a 45th of a deviation away
            allowed = 1e-5 * condition
            allowed[6] = x[..., 6].size * 2.0**-24  # whatever the formula, small squares are added to a large one
            assert (np.abs(variance / deviation**2 - 1) <= allowed).all()


def test_channels_of_one_number_have_no_variance_and_others_none_below_zero():
    x = np.full(SHAPE, 0.1, np.float32) * np.arange(-7, 9, dtype=np.float32)
    place = tf.placeholder(tf.float32, SHAPE)
    with tf.Session() as session:
        mean, variance = session.run(tf.nn.moments(place, [0, 1, 2]), {place: x})
    np.testing.assert_allclose(mean, x[0, 0, 0], rtol=1e-6)
    assert (variance >= 0).all() and (variance <= (1e-6 * x[0, 0, 0]) ** 2).all()


@pytest.mark.parametrize("picture", [0, 31])
def test_infinities_and_nan_give_what_two_sweeps_give(picture):
    x = np.zeros(SHAPE, np.float32)
    x[picture, 0, 0, :3] = np.inf, -np.inf, np.nan
    place = tf.placeholder(tf.float32, SHAPE)
    with tf.Session() as session:
        mean, variance = session.run(tf.nn.moments(place, [0, 1, 2]), {place: x})
    np.testing.assert_array_equal(mean, [np.inf, -np.inf, np.nan] + [0] * 13)
    np.testing.assert_array_equal(variance, [np.nan] * 3 + [0] * 13)


def test_second_derivatives_do_not_see_the_sample():
    """Adjoints are made before, of the plain formulas."""
    x = np.random.default_rng(1).normal(size=(20_000, 8))
    place = tf.placeholder(tf.float64, x.shape)
    _, variance = tf.nn.moments(place, [0])
    (first,) = tf.gradients(variance**2, place)
    (second,) = tf.gradients(first, place, grad_ys=tf.constant(x))
    with tf.Session() as session:
        found = session.run([first, second], {place: x})
    n, centred = len(x), x - x.mean(0)
    v, inner = (centred**2).mean(0), (centred * x).mean(0)
    np.testing.assert_allclose(found[0], 4 * v * centred / n, rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(found[1], 4 / n * (v * centred + 2 * inner * centred), rtol=1e-9, atol=1e-16)
