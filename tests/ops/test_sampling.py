"""Classes drawn by their probability, rows in another order, parts at random places: TensorFlow's own numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc
import graphc as tf
from tests.interpreted import InterpretedSession

LOGITS = (np.random.RandomState(0).standard_normal((4, 7)) * 2).astype(np.float32)


def _programs(tf: Any) -> dict[str, Any]:
    tf.set_random_seed(5)
    odd = np.array([[0, np.inf, 1, -np.inf], [np.nan, 0, 0, 0]], np.float32)
    return {
        "classes": tf.multinomial(LOGITS, 9, seed=3),
        "categorical": tf.random.categorical(LOGITS.astype(np.float64), 4, seed=3, dtype=tf.int32),
        "not finite": tf.multinomial(odd, 6, seed=1),
        "rows": tf.random_shuffle(np.arange(20).reshape(10, 2), seed=4),
        "numbers": tf.random.shuffle(np.arange(13, dtype=np.float32), seed=4),
        "more": tf.random_shuffle(np.arange(100), seed=7),
        "stateless": tf.random.stateless_uniform([5], [3, -4], 1.0, 3.0),
        "stateless normal": tf.random.stateless_normal([2, 3], [2**40, 7]),
        "stateless truncated": tf.random.stateless_truncated_normal([40], [1, 2], dtype=tf.float64),
        "stateless whole": tf.random.stateless_uniform([7], [3, 5], -4, 2**40, dtype=tf.int64),
        "stateless classes": tf.random.stateless_multinomial(LOGITS, 5, [9, -2], output_dtype=tf.int32),
        "stateless of a tensor": tf.random.stateless_uniform([4, 3], tf.constant([-(2**40), 7], tf.int64)),
        "stateless of int32": tf.random.stateless_uniform([5], tf.constant([-5, 7]), -3, 9, dtype=tf.int32),
        "part": tf.random_crop(np.arange(60).reshape(6, 10), [2, 3], seed=8),
    }


def _runs(tf: Any, session: Any) -> list[dict[str, Any]]:
    with tf.Graph().as_default():
        programs = _programs(tf)
        with session() as sess:
            return [sess.run(programs) for _ in range(3)]


@pytest.mark.peer("tensorflow")
def test_the_numbers_are_tensorflows_run_after_run() -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    for our, their in zip(_runs(graphc, graphc.Session), _runs(v1, v1.Session), strict=True):
        for name, values in their.items():
            if "normal" in name or "truncated" in name:  # logarithms and sines differ in the last bit
                np.testing.assert_allclose(our[name], values, rtol=2e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(our[name], values, err_msg=name)
            assert our[name].dtype == values.dtype


def test_recorded_from_tensorflow() -> None:
    first, second, _ = _runs(tf, tf.Session)
    assert first["classes"][:2].tolist() == [[3, 3, 4, 4, 4, 4, 3, 3, 3], [4, 4, 5, 4, 4, 5, 4, 1, 4]]
    assert second["classes"][1].tolist() == [4, 5, 3, 6, 2, 2, 4, 5, 5]
    assert first["numbers"].tolist() == [3, 0, 8, 11, 4, 7, 9, 2, 10, 1, 12, 6, 5]
    assert second["numbers"].tolist() == [11, 12, 1, 0, 5, 10, 8, 3, 4, 6, 9, 7, 2]
    assert first["part"].tolist() == [[7, 8, 9], [17, 18, 19]]


def test_the_meaning_is_what_is_compiled() -> None:
    for one, other in zip(_runs(tf, tf.Session), _runs(tf, InterpretedSession), strict=True):
        for name, values in one.items():
            np.testing.assert_allclose(values, other[name], rtol=2e-6, err_msg=name)


def test_sizes_that_are_fed() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        logits, rows = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 2])
        drawn, mixed = tf.multinomial(logits, 5, seed=1), tf.random_shuffle(rows, seed=1)
        assert drawn.shape.as_list() == [None, 5]
        for number in (4, 9, 70000):
            given = np.arange(2 * number, dtype=np.float32).reshape(number, 2)
            classes, found = session.run([drawn, mixed], {logits: np.tile([0.0, -1e9, 0.0], (number, 1)), rows: given})
            assert set(classes.reshape(-1)) <= {0, 2}
            assert not np.array_equal(found, given)
            np.testing.assert_array_equal(np.sort(found, 0), given)


def test_frequencies_follow_the_probabilities() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = session.run(tf.multinomial(np.log([[0.1, 0.2, 0.7]]).astype(np.float32), 20000, seed=1))
        # Three standard deviations of a share of 20000 draws are at most 0.011.
        np.testing.assert_allclose(np.bincount(drawn[0]) / 20000, [0.1, 0.2, 0.7], atol=0.011)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="logits must be a matrix"):
        tf.multinomial([1.0, 2.0], 3)
    with pytest.raises(ValueError, match=r"Need value\.shape >= size"):
        tf.random_crop(tf.zeros([3, 4]), [4, 4])
    with pytest.raises(TypeError, match="gives int32 or int64"):
        tf.multinomial([[1.0, 2.0]], 3, output_dtype=tf.float32)


def test_stateless_numbers_stay_the_same() -> None:
    first, second, _ = _runs(tf, tf.Session)
    for name in [name for name in first if name.startswith("stateless")]:
        np.testing.assert_array_equal(first[name], second[name])
    with pytest.raises(ValueError, match=r"seed must have shape \[2\], not \[3\]"):
        tf.random.stateless_uniform([2], tf.constant([1, 2, 3]))
    with pytest.raises(ValueError, match=r"Must specify maxval for integer dtype int64"):
        tf.random.stateless_uniform([2], [1, 2], dtype=tf.int64)


def test_stateless_numbers_of_seeds_that_are_fed_are_those_of_seeds_that_are_known() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        seed, number = tf.placeholder(tf.int64, [2]), tf.placeholder(tf.int32, [])
        fed = tf.random.stateless_normal([number, 2], seed)
        for count, pair in ((3, [7, -9]), (5, [2**50, 1])):
            known = tf.random.stateless_normal([count, 2], pair)
            found, wanted = session.run([fed, known], {seed: pair, number: count})
            np.testing.assert_array_equal(found, wanted)
        in_loop = tf.while_loop(
            lambda i, _: i < 3, lambda i, a: (i + 1, a + tf.random.stateless_uniform([2], tf.stack([i, 5]))),
            [0, tf.zeros([2])],
        )[1]  # fmt: skip
        alone = sum(tf.random.stateless_uniform([2], [i, 5]) for i in range(3))
        np.testing.assert_allclose(*session.run([in_loop, alone]), rtol=1e-6)


def test_poisson_draws_have_the_moments() -> None:
    means = np.array([0.0, 0.01, 0.5, 4.0, 9.9, 10.0, 30.0, 900.0, 1e10])
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = session.run(tf.random_poisson(means, [4000], tf.float64, seed=5))
    assert (drawn.shape, drawn.dtype) == ((4000, 9), np.float64)
    assert (abs(drawn.mean(0) - means) <= 5 * np.sqrt(means / 4000)).all()
    # The variance of a variance is (m + 2 m^2) / n for a Poisson distribution of mean m.
    assert (abs(drawn.var(0) - means) <= 5 * np.sqrt((means + 2 * means**2) / 4000)).all()
    assert (drawn == np.round(drawn)).all()


def test_poisson_draws_have_the_probabilities() -> None:
    count = 40_000
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = session.run(tf.random_poisson([9.5, 10.0, 14.0], [count], tf.int32, seed=7))
    for mean, column in zip((9.5, 10.0, 14.0), drawn.T):
        share = np.array([math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(41)])
        found = np.bincount(column, minlength=41)[:41] / count
        np.testing.assert_array_less(abs(found - share), 5 * np.sqrt(share / count) + 1 / count)


def test_poisson_draws_of_what_is_no_mean_are_nan() -> None:
    mean = tf.placeholder(tf.float32, [None])
    with tf.Session() as session:
        drawn = session.run(tf.random_poisson(mean, [50], seed=1), {mean: [3.0, np.nan, -1.0, np.inf, 40.0, 0.0]})
    assert np.isnan(drawn[:, 1:4]).all()
    assert (drawn[:, 0].mean() > 2, drawn[:, 4].mean() > 30, drawn[:, 5].max()) == (True, True, 0)
