"""Losses over a few classes of many: as TensorFlow's for the same classes, drawn as often as they should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc
import graphc as tf

RANDOM = np.random.RandomState(0)
WEIGHTS, BIASES = RANDOM.standard_normal((11, 3)).astype(np.float32), RANDOM.standard_normal(11).astype(np.float32)
INPUTS = RANDOM.standard_normal((4, 3)).astype(np.float32)
LABELS = np.array([[1, 5], [0, 9], [7, 7], [3, 2]])
SAMPLED = np.array([5, 3, 10, 0, 8])
COUNTS = [RANDOM.rand(4, 2).astype(np.float32), RANDOM.rand(5).astype(np.float32)]


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """A graph for each test."""
    with tf.Graph().as_default() as graph:
        yield graph


def _losses(tf: Any) -> list[Any]:
    values = (tf.constant(SAMPLED), tf.constant(COUNTS[0]), tf.constant(COUNTS[1]))
    w, b, x = (tf.constant(value) for value in (WEIGHTS, BIASES, INPUTS))
    losses = [
        loss(w, b, LABELS, x, 5, 11, 2, sampled_values=values, remove_accidental_hits=hits)
        for loss in (tf.nn.nce_loss, tf.nn.sampled_softmax_loss) for hits in (False, True)
    ]  # fmt: skip
    slopes = [tf.convert_to_tensor(slope) for loss in losses for slope in tf.gradients(loss, [w, b, x])]
    return losses + slopes


@pytest.mark.peer("tensorflow")
def test_losses_are_tensorflows() -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    with v1.Graph().as_default(), v1.Session() as session:
        theirs = session.run(_losses(v1))
    with graphc.Session() as session:
        ours = session.run(_losses(graphc))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=2e-5, atol=1e-5)


def _draws(tf: Any) -> list[Any]:
    tf.set_random_seed(11)
    samplers = (tf.nn.uniform_candidate_sampler, tf.nn.log_uniform_candidate_sampler)
    found = [
        part
        for sampler in samplers for number, limit in ((3, 50), (12, 12), (40, 64)) for unique in (False, True)
        for part in sampler([[1, 2], [3, 4]], 2, number, unique, limit, seed=7)
    ]  # fmt: skip
    w, b, x = (tf.constant(value) for value in (WEIGHTS, BIASES, INPUTS))
    return [*found, tf.nn.sampled_softmax_loss(w, b, LABELS, x, 5, 11, 2, seed=3)]


@pytest.mark.peer("tensorflow")
def test_classes_are_those_that_tensorflow_draws() -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        draws = _draws(v1)
        theirs = [value for _ in range(3) for value in session.run(draws)]
    with graphc.Session() as session:
        draws = _draws(graphc)
        ours = [value for _ in range(3) for value in session.run(draws)]
    for our, their in zip(ours, theirs, strict=True):
        assert our.dtype == their.dtype
        np.testing.assert_allclose(our, their, rtol=1e-5)


def test_all_classes_drawn_make_the_plain_softmax() -> None:
    w, b, x = (tf.constant(value) for value in (WEIGHTS, BIASES, INPUTS))
    labels = LABELS[:, :1]
    every = tf.nn.all_candidate_sampler(labels, 1, 11, True)
    sampled = tf.nn.sampled_softmax_loss(w, b, labels, x, 11, 11, sampled_values=every)
    scores = tf.matmul(x, w, transpose_b=True) + b
    plain = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=LABELS[:, 0], logits=scores)
    with tf.Session() as session:
        np.testing.assert_allclose(*session.run([sampled, plain]), rtol=1e-5)


def test_word_vectors_train_with_nce() -> None:
    centre, context = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 1])
    table = tf.get_variable("table", [20, 8])
    out, bias = tf.get_variable("out", [20, 8]), tf.get_variable("bias", [20], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.nn.nce_loss(out, bias, context, tf.nn.embedding_lookup(table, centre), 5, 20))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    pairs = np.arange(20)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {centre: pairs, context: (pairs[:, None] + 1) % 20}
        losses = [session.run([loss, train], feeds)[0] for _ in range(300)]
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 2


SAMPLERS = {
    "uniform": (tf.nn.uniform_candidate_sampler, {}, np.full(10, 0.1)),
    "log_uniform": (tf.nn.log_uniform_candidate_sampler, {}, np.diff(np.log(np.arange(1, 12))) / np.log(11)),
    "fixed": (
        tf.nn.fixed_unigram_candidate_sampler,
        {"unigrams": list(range(1, 9)), "num_reserved_ids": 2, "distortion": 2.0},
        np.concatenate([[0, 0], np.arange(1, 9) ** 2 / 204]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLERS)
def test_classes_come_as_often_as_expected(name: str) -> None:
    sampler, settings, chances = SAMPLERS[name]
    found = sampler([[2, 3]], 2, 20000, False, 10, seed=3, **settings)
    with tf.Session() as session:
        classes, true, own = session.run(found)
    assert (classes.dtype, true.dtype) == (np.int64, np.float32)
    # Three standard deviations of a share of 20000 draws are at most 0.011.
    np.testing.assert_allclose(np.bincount(classes, minlength=10) / 20000, chances, atol=0.011)
    np.testing.assert_allclose(true, [20000 * chances[2:4]], rtol=1e-4)
    np.testing.assert_allclose(own, 20000 * chances[classes], rtol=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_different_classes(name: str) -> None:
    sampler, settings, chances = SAMPLERS[name]
    found = sampler([[2, 3]], 2, 4, True, 10, seed=3, **settings)
    with tf.Session() as session:
        runs = [session.run(found) for _ in range(600)]
    assert all(len(set(classes)) == 4 for classes, _, _ in runs)
    first = np.bincount([classes[0] for classes, _, _ in runs], minlength=10) / 600
    np.testing.assert_allclose(first, chances, atol=0.062)  # three standard deviations
    # How often a class is among those drawn is what is expected, on the average over the numbers of tries.
    there = np.mean([2 in classes for classes, _, _ in runs])
    np.testing.assert_allclose(there, np.mean([true[0, 0] for _, true, _ in runs]), atol=0.07)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="cannot draw 11 different classes"):
        tf.nn.uniform_candidate_sampler([[1]], 1, 11, True, 10)
    with pytest.raises(ValueError, match="either vocab_file or unigrams"):
        tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 2, True, 10)
    with pytest.raises(NotImplementedError, match="use fixed_unigram_candidate_sampler"):
        tf.nn.learned_unigram_candidate_sampler([[1]], 1, 2, True, 10)


def test_accidental_hits() -> None:
    hits = tf.nn.compute_accidental_hits(LABELS, SAMPLED, 2)
    with tf.Session() as session:
        examples, places, weights = session.run(hits)
    # 5 is true of example 0 and at place 0; 0 of example 1 at place 3; 3 of example 3 at place 1.
    assert (examples.tolist(), places.tolist()) == ([0, 1, 3], [0, 3, 1])
    assert (weights == np.finfo(np.float32).min).all()


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda: tf.nn.uniform_candidate_sampler([[1]], 1, 2, False, 0), "range_max must be at least 1, not 0"),
        (lambda: tf.nn.uniform_candidate_sampler([[1]], 1, 2, False, -3), "range_max must be at least 1, not -3"),
        (lambda: tf.nn.log_uniform_candidate_sampler([[1]], 1, 2, False, -3), "range_max must be at least 1, not -3"),
        (lambda: tf.nn.log_uniform_candidate_sampler([[1]], 1, 0, True, 3), "num_sampled must be at least 1, not 0"),
        (lambda: tf.nn.all_candidate_sampler([[]], 0, 2, True), "num_true must be at least 1, not 0"),
        (
            lambda: tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 1, False, 2, unigrams=[-1.0, 2.0]),
            "a frequency is at least 0 and finite, not -1.0",
        ),
        (
            lambda: tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 1, False, 2, unigrams=[1.0, 2.0], num_shards=0),
            "shard must be in [0, num_shards), not 0 of 0",
        ),
        (lambda: tf.multinomial(tf.zeros([2, 0]), 4), "there must be a class to draw, but logits are f32[2,0]"),
    ],
)
def test_numbers_that_samplers_refuse(draw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        draw()
