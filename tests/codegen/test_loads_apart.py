"""Elements a few places apart, picked from whole vectors."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64"])
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_every_number_of_elements(step: int, dtype: str) -> None:
    """Whole vectors, and what is left under a mask, up to the last element of the array."""
    sizes = [1, 2, step, step + 1, 15 * step + 1, 16 * step + 1, 33 * step, 130 * step + 1]
    arrays = [np.arange(3 * size).reshape(3, size).astype(dtype) for size in sizes]
    with tf.Session() as session:
        for array in arrays:
            x = tf.constant(array)
            found = session.run([x[:, ::step] + x[:, :1], x[:, step - 1 :: step] + x[:, :1]])
            np.testing.assert_array_equal(found[0], array[:, ::step] + array[:, :1])
            np.testing.assert_array_equal(found[1], array[:, step - 1 :: step] + array[:, :1])
        x = tf.placeholder(dtype, [3, None])
        y = x[:, ::step] + x[:, :1]
        for array in arrays:
            np.testing.assert_array_equal(session.run(y, {x: array}), array[:, ::step] + array[:, :1])
