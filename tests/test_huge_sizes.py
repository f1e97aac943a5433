"""Sizes that no memory holds: an error that names node and line, whoever tells them; nothing wraps round."""

from typing import Any

import numpy as np
import pytest

import graphc as tf

HUGE = 2**62
X = np.ones((4, 3), np.float32)
FED: dict[str, tuple[Any, Any]] = {
    "zeros": (lambda n: tf.zeros(n), [HUGE]),
    "no array has such a shape": (lambda n: tf.fill(n, 2.0), [HUGE, 0]),
    "tile": (lambda n: tf.tile(X, n), [2**40, 2]),
    "range": (lambda n: tf.range(n[0]), [HUGE]),
    "pad": (lambda n: tf.pad(X, tf.stack([n, [0, 0]])), [HUGE, 0]),
    "concat": (lambda n: tf.concat([tf.zeros(n)] * 2, 0), [2**61]),
    "broadcast": (lambda n: tf.zeros(n[:1])[:, None] + tf.zeros(n[1:])[None], [2**32, 2**32]),
    "random_uniform": (lambda n: tf.random_uniform(n), [2**32, 2**32]),
    "random_gamma": (lambda n: tf.random_gamma(n, 1.0), [2**40]),
    "random_poisson": (lambda n: tf.random_poisson(1.0, n), [HUGE]),
    "unsorted_segment_sum": (lambda n: tf.unsorted_segment_sum([1.0, 2.0], [0, 1], n[0]), [HUGE]),
    "scatter_nd": (lambda n: tf.scatter_nd([[1]], [2.0], n), [HUGE]),
}


@pytest.mark.parametrize("declare, sizes", FED.values(), ids=FED)
def test_what_no_memory_holds_is_refused(declare: Any, sizes: list[int]) -> None:
    n = tf.placeholder(tf.int64, [len(sizes)])
    results = [declare(tf.constant(sizes, tf.int64)), declare(n)]
    with tf.Session() as session:
        for result in results:
            with pytest.raises(tf.errors.ResourceExhaustedError, match=r"cannot allocate \d+ bytes.*test_huge_sizes"):
                session.run(result, {n: sizes})


def test_sizes_that_data_tells() -> None:
    n = tf.placeholder(tf.int64, [2])
    results = [tf.tile(X, n), tf.zeros(n) + 1, tf.random_uniform(n)]
    with tf.Session() as session:
        for result in results:
            for k in range(1, 7):
                session.run(result, {n: [k, 2]})
            for sizes in ([HUGE + 1, 1], [2**33, 2**31 + 1]):
                with pytest.raises(tf.errors.ResourceExhaustedError, match=r"no memory .* test_huge_sizes.py"):
                    session.run(result, {n: sizes})


def test_shapes_whose_product_wraps_round() -> None:
    n = tf.placeholder(tf.int64, [2])
    y = tf.reshape(tf.range(12), n)
    with tf.Session() as session:
        for k in (1, 2, 3, 4, 6, 12):
            assert session.run(y, {n: [k, -1]}).shape == (k, 12 // k)
        for sizes in ([2**32, 2**32], [HUGE, 4]):
            with pytest.raises(tf.errors.InvalidArgumentError, match="Reshape 'Reshape'"):
                session.run(y, {n: sizes})


def test_sizes_beyond_the_dtype_that_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"more than int32 holds; ask for them with out_type=tf.int64"):
        tf.shape(tf.zeros([2**32]))
    assert tf.shape(tf.zeros([2**32]), out_type=tf.int64).shape == [1]
    with pytest.raises(ValueError, match=r"more than int32 holds.*test_huge_sizes.py"):
        tf.matrix_diag(tf.zeros([2**32]))
    n = tf.placeholder(tf.int64, [1])
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match=r"'Shape_1' .* int32 holds"),
    ):
        session.run(tf.shape(tf.zeros(n)), {n: [2**32]})


NEGATIVE = {
    "zeros": lambda n: tf.zeros(n),
    "fill": lambda n: tf.fill(n, 2.0),
    "broadcast_to": lambda n: tf.broadcast_to([1.0], n),
    "random_uniform": lambda n: tf.random_uniform(n),
    "random_normal": lambda n: tf.random_normal(n),
    "scatter_nd": lambda n: tf.scatter_nd([[0]], [1.0], n),
    "sparse_to_dense": lambda n: tf.sparse_to_dense([[0]], n, [1.0]),
}


@pytest.mark.parametrize("declare", NEGATIVE.values(), ids=NEGATIVE)
def test_negative_sizes(declare: Any) -> None:
    with pytest.raises(ValueError, match=r"at least 0, not .*-1.*declared at .*test_huge_sizes.py:\d+"):
        declare([-1])
    n = tf.placeholder(tf.int64, [1])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"test_huge_sizes.* not .*-1"):
        session.run(declare(n), {n: [-1]})


def test_negative_repeats_are_none_and_crops_stay_inside() -> None:
    """As in TensorFlow."""
    x = np.ones((4, 2, 2, 1), np.float32)
    with tf.Session() as session:
        assert session.run(tf.repeat(tf.constant([1.0, 2.0]), [-1, 2])).tolist() == [2.0, 2.0]
        assert session.run(tf.batch_to_space_nd(x, [2, 2], [[4, 0], [0, 0]])).shape == (1, 0, 4, 1)
    with pytest.raises(ValueError, match="cannot crop 5 and 0 of an axis of size 4, declared at"):
        tf.batch_to_space_nd(x, [2, 2], [[5, 0], [0, 0]])
