"""Ops along an axis counted from the end, declared before the rank is known."""

import numpy as np
import pytest

import graphc as tf

DATA = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
DECLARED = {
    "gather": (lambda x: tf.gather(x, [[1, 0], [2, 2]], axis=-1), np.take(DATA, [[1, 0], [2, 2]], axis=-1)),
    "gather_scalar": (lambda x: tf.gather(x, 1, axis=-2), DATA[:, 1]),
    "argmax": (lambda x: tf.argmax(x, -1), DATA.argmax(-1)),
    "argmin": (lambda x: tf.argmin(x, -2, output_type=tf.int32), DATA.argmin(-2).astype(np.int32)),
    "cumsum": (lambda x: tf.cumsum(x, -1), np.cumsum(DATA, -1)),
    "exclusive": (lambda x: tf.cumsum(x, -2, exclusive=True), np.cumsum(DATA, -2) - DATA),
}


@pytest.mark.parametrize("declare, expected", DECLARED.values(), ids=DECLARED)
def test_the_axis_is_counted_from_the_end_of_what_is_fed(declare, expected):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        value = session.run(declare(x), {x: DATA})
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)
