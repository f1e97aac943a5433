"""Diagonals beside the main one, against NumPy's; sizes that only a run knows too."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

X = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


@pytest.mark.parametrize("k", [-2, -1, 1, 4])
def test_one_diagonal(k: int) -> None:
    x = tf.placeholder(tf.float32, [None, None])
    part = tf.matrix_diag_part(x, k=k)
    fetches = [part, tf.matrix_diag(part, k=k), tf.matrix_set_diag(x, part * 2, k=k)]
    with tf.Session() as session:
        found = session.run(fetches, {x: X})
    diagonal = np.diag(X, k)
    own = np.arange(5) - np.arange(3)[:, None] == k
    for came, wanted in zip(found, [diagonal, np.diag(diagonal, k), np.where(own, 2 * X, X)], strict=True):
        np.testing.assert_array_equal(came, wanted)


def test_a_band_comes_highest_first_and_is_filled_up() -> None:
    band = tf.matrix_diag_part(X, k=(-1, 1), padding_value=9)
    with tf.Session() as session:
        found, back = session.run([band, tf.matrix_diag(band, k=(-1, 1), num_rows=3, num_cols=5)])
    wanted = [[X[0, 1], X[1, 2], X[2, 3]], [X[0, 0], X[1, 1], X[2, 2]], [X[1, 0], X[2, 1], 9]]
    np.testing.assert_array_equal(found, np.array(wanted, np.float32))
    np.testing.assert_array_equal(back, np.triu(np.tril(X, 1), -1))


def test_a_band_that_is_none() -> None:
    with pytest.raises(ValueError) as caught:
        tf.matrix_diag_part(X, k=(1, -1))
    text = "matrix_diag_part needs k as a number or as a pair, the lower one first, not (1, -1)"
    assert str(caught.value) == text
