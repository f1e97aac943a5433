"""Kernels that mix what is wanted outside with what is only used inside: compiled values against NumPy."""

import numpy as np
import pytest

import graphc as tf
from graphc.interpret import evaluate


def _wanted_and_padded(x, w):
    y = tf.nn.relu(x)
    return [y, tf.pad(y, [[1, 1], [2, 0]])]


def _wanted_and_broadcast(x, w):
    row = tf.exp(x[0])
    return [row, x * row]


def _batch_normalised(x, w):
    mean, variance = tf.nn.moments(x, [0])
    return [(x - mean) * tf.rsqrt(variance + 1e-3), mean, variance]


def _layer_normalised_with_gradient(x, w):
    centred = x - tf.reduce_mean(x, 1, keepdims=True)
    y = centred / tf.sqrt(tf.reduce_mean(tf.square(centred), 1, keepdims=True) + 1e-5)
    return [y, *tf.gradients(y, x, grad_ys=tf.sin(x))]


def _softmax_of_a_product_twice_differentiated(x, w):
    y = tf.nn.softmax(tf.matmul(x, w))
    first = tf.gradients(y * y, [x, w])
    return [y, *first, *tf.gradients(first[0] * first[0], w)]


def _transposes(x, w):
    return [tf.transpose(tf.matmul(x, w)) + 1.0, tf.transpose(tf.exp(x)), tf.matmul(x, x, transpose_b=True)]


def _blocks(x, w):
    both = tf.concat([x, tf.exp(x)], 1)
    return [both, both[:, ::2], both[1:3, ::-1], tf.reverse(both, [0])]


def _positions(x, w):
    best = tf.argmax(x, 1)
    return [best, tf.one_hot(best, 6), tf.cumsum(x, 1), tf.reduce_all(x > 0, 1), tf.gather(x, best % 4)]


def _shapes(x, w):
    return [tf.reshape(tf.transpose(x), [3, 8]) * 2.0, tf.tile(x, [2, 3]), tf.stack([x, x + 1]), tf.reduce_prod(x)]


def _heads_beside_each_other(x, w):
    parts = [tf.transpose(tf.reshape(tf.tile(x * n, [4, 8]), [4, -1, 3, 16]), [0, 2, 1, 3]) for n in (1.0, 2.0)]
    return [tf.concat([tf.reshape(tf.transpose(tf.exp(p), [0, 2, 1, 3]), [-1, 48]) for p in parts], 1), *parts]


def _padded_where_computed(x, w):
    whole = tf.cast(x * 4.0, tf.int32)
    return [
        tf.pad(tf.nn.relu(x * 2.0 - 1.0), [[1, 0], [0, 1]], constant_values=3.0),
        tf.pad(tf.log(tf.abs(x) + 0.5), [[0, 0], [1, 1]]),
        tf.pad(tf.gather(w, tf.clip_by_value(whole[0], 0, 5)), [[1, 0], [0, 1]]),
        tf.pad(tf.floordiv(whole, tf.abs(whole) + 1), [[0, 1], [0, 0]], constant_values=9),
        tf.pad(tf.exp(x), [[0, 0], [20, 20]]),
    ]


def _parts_beside_each_other(x, w):
    row = tf.nn.softmax(x) + tf.exp(x)
    product = tf.matmul(x, w)
    return [
        tf.concat([tf.sin(x), row], 1),
        tf.reduce_sum(row),
        tf.nn.crelu(product),
        tf.stack([product, tf.tanh(product)]),
        tf.concat([row[:, :1], tf.reduce_max(x, 1, keepdims=True)], 1),
    ]


CASES = [
    _wanted_and_padded, _wanted_and_broadcast, _batch_normalised, _layer_normalised_with_gradient,
    _softmax_of_a_product_twice_differentiated, _transposes, _blocks, _positions, _shapes,
    _heads_beside_each_other, _padded_where_computed, _parts_beside_each_other,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.__name__[1:] for case in CASES])
@pytest.mark.parametrize("rows", [4, None], ids=["fixed", "any"])
def test_compiled_is_what_numpy_says(case, rows):
    rng = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as session:
        x, w = tf.placeholder(tf.float32, [rows, 6]), tf.placeholder(tf.float32, [6, 5])
        fetches = case(x, w)
        for size in (4,) if rows else (4, 9, 7):
            if case is _shapes and size != 4:
                continue
            feeds = {x: rng.randn(size, 6).astype(np.float32), w: rng.randn(6, 5).astype(np.float32)}
            found = session.run(fetches, feeds)
            for value, expected in zip(found, evaluate(x.graph, feeds, fetches), strict=True):
                np.testing.assert_allclose(value, expected, rtol=3e-5, atol=2e-6)
