"""Values and gradients kept within limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession


def run(*tensors: Any) -> list[Any]:
    return InterpretedSession().run(list(tensors))


def test_clip_by_value() -> None:
    x = tf.constant([-2.0, -1.0, 0.5, 3.0])
    y = tf.clip_by_value(x, -1.0, 1.0)
    assert y.name == "clip_by_value:0"
    value, slope = run(y, tf.gradients(y, x)[0])
    np.testing.assert_array_equal(value, [-1, -1, 0.5, 1])
    np.testing.assert_array_equal(slope, [0, 1, 1, 0])


def test_clip_by_norm() -> None:
    x = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    tensor = tf.constant(x)
    whole, rows = tf.clip_by_norm(tensor, 1.0), tf.clip_by_norm(tensor, 1.0, axes=[1])
    length = np.sqrt((x**2).sum())
    values = run(whole, rows, tf.gradients(rows, tensor)[0])
    np.testing.assert_allclose(values[0], x / length, rtol=1e-12)
    np.testing.assert_allclose(values[1], [[0.6, 0.8], [0.3, 0.4], [0, 0]], rtol=1e-12)
    assert np.isfinite(values[2]).all()


def test_clip_by_average_norm() -> None:
    (value,) = run(tf.clip_by_average_norm(tf.constant([3.0, 4.0]), 1.0))
    np.testing.assert_allclose(value, [1.2, 1.6], rtol=1e-6)


def test_clip_by_global_norm() -> None:
    a, b = tf.constant([3.0, 0.0]), tf.constant([[4.0]])
    clipped, norm = tf.clip_by_global_norm([a, None, b], 2.5)
    short, _ = tf.clip_by_global_norm([a, b], 10.0)
    given, _ = tf.clip_by_global_norm([a], 1.0, use_norm=tf.constant(2.0))
    assert clipped[1] is None
    values = run(norm, clipped[0], clipped[2], *short, given[0])
    for value, wanted in zip(values, [5, [1.5, 0], [[2]], [3, 0], [[4]], [1.5, 0]], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_a_length_that_is_not_finite_shows() -> None:
    clipped, norm = tf.clip_by_global_norm([tf.constant([1.0, np.inf]), tf.constant([2.0])], 1.0)
    first, second, length = run(*clipped, norm)
    assert np.isnan(first).all() and np.isnan(second).all() and length == np.inf


def test_global_norm_of_what_is_no_list() -> None:
    with pytest.raises(TypeError) as caught:
        tf.global_norm(tf.constant([1.0]))
    assert str(caught.value).startswith("global_norm: t_list should be a sequence, declared at test_clipping.py:")
    with pytest.raises(ValueError) as caught_value:
        tf.global_norm([None])
    text = "global_norm needs at least one tensor that is not None, declared at test_clipping.py:"
    assert str(caught_value.value).startswith(text)
