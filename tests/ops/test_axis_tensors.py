"""Axes given as constant tensors, and what is said of axes that cannot be used."""

import numpy as np
import pytest

import graphc as tf
from tests.told import is_told

DATA = np.random.default_rng(2).normal(size=(2, 3, 4)).astype(np.float32)
DECLARED = {
    "expand_dims": (tf.expand_dims, DATA[:, None]),
    "argmax": (tf.argmax, DATA.argmax(1)),
    "argmin": (tf.argmin, DATA.argmin(1)),
    "reduce_sum": (tf.reduce_sum, DATA.sum(1)),
    "cumsum": (tf.cumsum, DATA.cumsum(1)),
    "softmax": (tf.nn.softmax, np.exp(DATA) / np.exp(DATA).sum(1, keepdims=True)),
    "gather": (lambda x, axis: tf.gather(x, [2, 0], axis=axis), DATA[:, [2, 0]]),
    "concat": (lambda x, axis: tf.concat([x, x], axis), np.concatenate([DATA, DATA], 1)),
    "split": (lambda x, axis: tf.split(x, 3, axis)[1], DATA[:, 1:2]),
    "squeeze": (lambda x, axis: tf.squeeze(x[:, 1:2], axis), DATA[:, 1]),
}


@pytest.mark.parametrize("declare, expected", DECLARED.values(), ids=DECLARED)
@pytest.mark.parametrize("made", [tf.constant, np.array, np.int64], ids=["tensor", "array", "number"])
def test_an_axis_may_be_a_constant(declare, expected, made):
    with tf.Graph().as_default(), tf.Session() as session:
        value = session.run(declare(tf.constant(DATA), made(1)))
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "declare, message",
    [
        (lambda x: tf.expand_dims(x), "expand_dims needs an axis that is known while declaring, not None"),
        (lambda x: tf.concat([x[0, 0, 0], x[0, 0, 1]], 0), "Can't concatenate scalars (use tf.stack instead)"),
    ],
    ids=["missing", "scalars"],
)
def test_an_axis_that_cannot_be_used_is_named(declare, message):
    with tf.Graph().as_default(), pytest.raises(ValueError) as caught:
        declare(tf.constant(DATA))
    assert is_told(caught.value, message)
