"""Reshaping what has no elements: what -1 stands for, written down, fed and told by data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as tf

# What TensorFlow makes of them: of no elements, the sizes other than 0 tell what -1 stands for.
OF_NONE = [
    ((0,), [0, -1], (0, 1)),
    ((2, 0), [0, -1], (0, 2)),
    ((2, 0), [-1, 0], (2, 0)),
    ((0, 3), [-1, 3], (0, 3)),
    ((2, 0), [-1], (0,)),
    ((7, 0), [2, 0, -1], (2, 0, 3)),
]


@pytest.mark.parametrize("old, new, wanted", OF_NONE)
def test_what_remains_of_no_elements(old: Sequence[int], new: Sequence[int], wanted: tuple[int, ...]) -> None:
    x, sizes = tf.placeholder(tf.float32), tf.placeholder(tf.int32, [None])
    results = [tf.reshape(np.zeros(old, np.float32), new), tf.reshape(x, new), tf.reshape(x, sizes)]
    with tf.Session() as session:
        found = session.run(results, {x: np.zeros(old), sizes: new})
    assert [value.shape for value in found] == [wanted] * 3
    assert tf.reshape(tf.placeholder(tf.float32, old), new).shape.as_list() == list(wanted)


@pytest.mark.parametrize("wide, wanted", [(3, lambda k: (k + 1, -1)), (0, lambda k: (0, -1)), (0, lambda k: (-1, k))])
def test_what_remains_is_told_by_data(wide: int, wanted: Any) -> None:
    x, mask, n = (
        tf.placeholder(tf.float32, [None, wide]),
        tf.placeholder(tf.bool, [None]),
        tf.placeholder(tf.int32, [2]),
    )
    y = tf.reshape(tf.boolean_mask(x, mask), [tf.reduce_max(n[:1]), tf.reduce_min(n[1:])])
    with tf.Session() as session:
        for k in range(7):
            rows = k % 3 * (k + 1)
            shape = session.run(y, {x: np.zeros((24, wide)), mask: np.arange(24) < rows, n: wanted(k)}).shape
            left = [max(rows, 1), wide or 1] if 0 in wanted(k) else [rows, wide]
            given = [size for size in wanted(k) if size > 0]
            assert shape == tuple(np.prod(left) // np.prod(given) if size == -1 else size for size in wanted(k))


@pytest.mark.parametrize("shapes, wanted", [(((0, 3, 2), (2, 0)), (0, 3, 0)), (((0, 3, 0), (0, 4)), (0, 3, 4))])
def test_products_over_no_elements(shapes: Sequence[Sequence[int]], wanted: tuple[int, ...]) -> None:
    x, y = tf.placeholder(tf.float32, [None] * 3), tf.placeholder(tf.float32, [None, None])
    with tf.Session() as session:
        value = session.run(tf.tensordot(x, y, 1), {x: np.zeros(shapes[0]), y: np.zeros(shapes[1])})
    assert value.shape == wanted


def test_rows_of_flattened_images_keep_their_width_without_images() -> None:
    x = tf.placeholder(tf.float32, [None, None, 2])
    with tf.Session() as session:
        assert session.run(tf.layers.flatten(x), {x: np.zeros((0, 3, 2))}).shape == (0, 6)


def test_a_shape_is_a_vector() -> None:
    with pytest.raises(
        ValueError, match=r"Reshape 'table': a shape must be a vector, not i32\[\], declared at .*py:\d+"
    ):
        tf.reshape([1, 2], tf.placeholder(tf.int32, []), name="table")
    with pytest.raises(ValueError, match=r"cannot reshape \[\?,0\] with 0 elements to \[3\] with 3 elements"):
        tf.reshape(tf.placeholder(tf.float32, [None, 0]), [3])
