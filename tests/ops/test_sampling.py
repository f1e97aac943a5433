"""Classes drawn by their probability, rows in another order, parts at random places: TensorFlow's own numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
import graphc as tf
from graphc import aot
from tests.interpreted import InterpretedSession

PARTS = ("classes", "expected of true", "expected of drawn")  # of what a sampler of classes gives
ROUNDED = ("normal", "truncated", "gamma", "expected")  # logarithms and sines differ in the last bit
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
        **_drawn(tf),
        **_classes_by_frequency(tf),
    }


def _drawn(tf: Any) -> dict[str, Any]:
    return {
        "gamma": tf.random_gamma([5], [0.05, 0.5, 1.0, 2.5, 100.0], seed=1),
        "gamma by beta": tf.random_gamma([2], [[2.5], [0.7]], [1.0, 3.0], dtype=tf.float64, seed=9),
        "gamma of float16": tf.random_gamma([4], [0.5, 1.0, 3.0], 2.0, dtype=tf.float16, seed=2),
        "gamma of one": tf.random_gamma([], 3.0, seed=4),
        "gamma of no parameter": tf.random_gamma([2], [np.nan, -1.0, -0.2, 0.0, np.inf, -np.inf], seed=4),
        "poisson": tf.random_poisson([0.0, 0.3, 9.9, 10.0, 14.0, 200.0, 1e6], [5], seed=2),
        "poisson of float64": tf.random_poisson(np.array([[0.1], [70.0]]), [3], tf.int64, seed=3),
        "poisson of int32": tf.random_poisson(25.0, [7], tf.int32, seed=4),
        "poisson of float16": tf.random_poisson([0.5, 30.0], [2, 2], tf.float16, seed=4),
        "poisson of no mean": tf.random_poisson([-1.0, np.inf, -np.inf], [2], seed=4),
        "halves": tf.random_uniform([9], dtype=tf.float16, seed=4),
        "halves of a range": tf.random_uniform([2, 3], -3, 5, dtype=tf.float16, seed=5),
        "bfloat16": tf.cast(tf.random_uniform([7], dtype=tf.bfloat16, seed=6), tf.float32),
    }


def _classes_by_frequency(tf: Any) -> dict[str, Any]:
    draw, true = tf.nn.fixed_unigram_candidate_sampler, tf.constant([[1, 2], [3, 2]], tf.int64)
    found = {
        "any": draw(true, 2, 6, False, 10, unigrams=list(range(1, 11)), seed=3),
        "different": draw(true, 2, 6, True, 10, unigrams=list(range(1, 11)), distortion=0.75, seed=4),
        "reserved": draw(true, 2, 5, True, 8, unigrams=[5.0, 1.0, 0.5, 9.0, 0.1, 3.0], num_reserved_ids=2, seed=5),
    }
    return {f"{part} {name}": value for name, sampled in found.items() for part, value in zip(PARTS, sampled)}


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
            if any(word in name for word in ROUNDED):
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
    gamma = [2.918024708583461e-13, 2.121464967727661, 0.658561110496521, 1.194190502166748, 103.5467300415039]
    np.testing.assert_allclose(first["gamma"][0], gamma, rtol=2e-6)
    later = [[1.013749838275329, 0.6863849994768618], [0.6701313748783384, 0.11104310634245926]]
    np.testing.assert_allclose(second["gamma by beta"][0], later, rtol=1e-13)
    assert first["poisson"][0].tolist() == [0, 1, 8, 12, 12, 216, 999395]
    assert second["poisson"][4].tolist() == [0, 0, 12, 8, 13, 205, 999910]
    assert first["halves"][:4].tolist() == [0.2265625, 0.126953125, 0.7900390625, 0.068359375]
    assert second["classes any"].tolist() == [5, 5, 7, 5, 4, 9]
    assert second["classes different"].tolist() == [5, 7, 6, 1, 8, 3]


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


def test_draws_of_what_is_no_parameter() -> None:
    given = np.array([3.0, np.nan, -1.0, np.inf, 40.0, 0.0, -np.inf, 1e308, 5e-324])
    fed = tf.placeholder(tf.float64, [None])
    fetches = [tf.random_poisson(fed, [50], tf.float64, seed=1), tf.random_gamma([50], fed, dtype=tf.float64, seed=1)]
    with tf.Session() as session, InterpretedSession() as other:
        poisson, gamma = session.run(fetches, {fed: given})
        np.testing.assert_allclose(other.run(fetches, {fed: given}), [poisson, gamma], rtol=1e-12)
    assert np.isnan(poisson[:, 1]).all()
    assert (poisson[:, [2, 5, 6, 8]] == 0).all()
    assert (poisson[:, 3] == np.inf).all()
    assert np.isnan(gamma[:, [1, 2, 6]]).all()
    assert (gamma[:, [5, 8]] == np.finfo(np.float64).tiny).all()
    assert (gamma[:, 3] == np.inf).all()
    for drawn in (poisson, gamma):
        assert (drawn[:, 0].mean() > 2, drawn[:, 4].mean() > 30) == (True, True)
        assert (drawn[:, 7] == 1e308).all()


def test_draws_of_sizes_that_are_fed() -> None:
    alpha, sizes = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int64, [2])
    fetches = [tf.random_gamma(sizes, alpha, seed=1), tf.random_poisson(10 * alpha, sizes, tf.int32, seed=2)]
    for shape, number in (([2, 3], 4), ([70, 5], 3), ([3, 0], 2), ([2, 2], 0)):
        given = np.linspace(0.3, 4, number, dtype=np.float32)
        known = [tf.random_gamma(shape, given, seed=1), tf.random_poisson(10 * given, shape, tf.int32, seed=2)]
        with tf.Session() as session:
            found = session.run([*fetches, *known], {alpha: given, sizes: shape})
        for one, other in zip(found[:2], found[2:], strict=True):
            assert one.shape == (*shape, number)
            np.testing.assert_array_equal(one, other)


def test_draws_without_seeds_and_in_loops_go_on() -> None:
    tf.set_random_seed(None)
    alone = [tf.random_gamma([4], 2.0), tf.random_poisson(50.0, [4]), tf.random_uniform([4], dtype=tf.float16)]
    turns = tf.while_loop(
        lambda i, _: i < 3,
        lambda i, rows: (i + 1, tf.concat([rows[1:], tf.random_gamma([1, 2], 2.0, seed=1)], 0)),
        [0, tf.zeros([3, 2])],
    )[1]
    with tf.Session() as session, InterpretedSession() as other:
        first, second = (session.run([*alone, turns]) for _ in range(2))
        assert all((one != two).any() for one, two in zip(first, second, strict=True))
        assert len(set(np.concatenate([first[3], second[3]]).reshape(-1))) == 12
        np.testing.assert_allclose(other.run(turns), first[3], rtol=2e-6)
        np.testing.assert_array_equal(first[3].reshape(-1), session.run(tf.random_gamma([6], 2.0, seed=1)))


def test_draws_ahead_of_time_go_on_as_those_of_a_session(tmp_path: Path) -> None:
    rate = tf.placeholder(tf.float32, [None], name="rate")
    fetches = [tf.random_gamma([3], rate, seed=1), tf.random_poisson(rate, [3], seed=2)]
    model = aot.compile(fetches, [rate], tmp_path, batch=2).load()
    given = np.array([0.5, 12.0], np.float32)
    with tf.Session() as session:
        for _ in range(2):
            for ahead, here in zip(model.step(given), session.run(fetches, {rate: given}), strict=True):
                np.testing.assert_array_equal(ahead, here)


def test_classes_by_the_frequencies_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("the,9\nof,2.5\nand,4\n")
    given = {"distortion": 0.5, "num_reserved_ids": 1, "seed": 3}
    of_file = tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 20, False, 4, vocab_file=str(path), **given)
    of_list = tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 20, False, 4, unigrams=[9, 2.5, 4], **given)
    with tf.Session() as session:
        for one, other in zip(*session.run([of_file, of_list]), strict=True):
            np.testing.assert_array_equal(one, other)


def test_classes_of_a_shard() -> None:
    given = {"unigrams": [3, 1, 4, 1, 5, 3, 2, 5], "num_shards": 2, "shard": 1, "seed": 3}
    of_shard = tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 20000, False, 8, **given)
    with tf.Session() as session:
        drawn = session.run(of_shard.sampled_candidates)
    # Three standard deviations of a share of 20000 draws are at most 0.011.
    wanted = np.array([0, 1, 0, 1, 0, 3, 0, 5]) / 10
    np.testing.assert_allclose(np.bincount(drawn, minlength=8) / 20000, wanted, atol=0.011)
