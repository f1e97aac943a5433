"""Parts of variables that are changed in place, and what comes of wrong indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
import graphc as tf

FIRST = np.arange(12.0, dtype=np.float32).reshape(4, 3)
ROWS = np.array([[1.0, 20, 3], [4, 5, 60], [7, 8, 9]], np.float32)
PLACES = np.array([2, 0, 2])
HOW: dict[str, Callable[[Any, Any], Any]] = {
    "scatter_update": lambda old, new: new,
    "scatter_add": np.add,
    "scatter_sub": np.subtract,
    "scatter_mul": np.multiply,
    "scatter_div": np.divide,
    "scatter_min": np.minimum,
    "scatter_max": np.maximum,
}


@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("name", HOW)
def test_rows_one_after_the_other(name: str, dtype: str) -> None:
    first, rows = FIRST.astype(dtype), ROWS.astype(dtype)
    variable = tf.Variable(first)
    changed = getattr(tf, name)(variable, PLACES, rows)
    with tf.Session() as session:
        session.run(variable.initializer)
        came = session.run(changed)
        np.testing.assert_array_equal(session.run(variable), came)
    wanted = first.copy()
    for place, row in zip(PLACES, rows, strict=True):
        wanted[place] = HOW[name](wanted[place], row).astype(dtype)
    assert came.dtype == dtype
    np.testing.assert_allclose(came, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["update", "add", "sub"])
def test_coordinates(name: str) -> None:
    variable = tf.Variable(FIRST)
    indices = tf.placeholder(tf.int64, [None, 2])
    changed = getattr(tf, f"scatter_nd_{name}")(variable, indices, [10.0, 100.0])
    with tf.Session() as session:
        session.run(variable.initializer)
        came = session.run(changed, {indices: [[0, 1], [3, 2]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"does not index into shape \[4,3\].*\[1,1\] = 3"):
            session.run(changed, {indices: [[0, 1], [1, 3]]})
        np.testing.assert_array_equal(session.run(variable), came)
    wanted = FIRST.copy()
    for place, value in (((0, 1), 10.0), ((3, 2), 100.0)):
        wanted[place] = HOW[f"scatter_{name}"](wanted[place], value)
    np.testing.assert_array_equal(came, wanted)


def test_a_number_for_all_rows_and_indices_of_any_shape() -> None:
    variable = tf.Variable(FIRST)
    with tf.control_dependencies([tf.scatter_update(variable, [[0], [3]], 7.0)]):
        after = tf.scatter_add(variable, 1, [1.0, 1.0, 1.0])
    with tf.Session() as session:
        session.run(variable.initializer)
        came = session.run(after)
    np.testing.assert_array_equal(came, [[7, 7, 7], [4, 5, 6], [6, 7, 8], [7, 7, 7]])


def test_methods_of_variables() -> None:
    variable = tf.Variable(FIRST)
    delta = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([1, 1]))
    with tf.Session() as session:
        session.run(variable.initializer)
        np.testing.assert_array_equal(session.run(variable.scatter_sub(delta))[1], FIRST[1] - 2)
        np.testing.assert_array_equal(session.run(variable.scatter_add(delta))[1], FIRST[1])
        np.testing.assert_array_equal(session.run(variable.scatter_update(delta))[1], [1, 1, 1])
        np.testing.assert_array_equal(session.run(variable.scatter_nd_update([[0, 0]], [5.0]))[0], [5, 1, 2])
        np.testing.assert_array_equal(session.run(variable.gather_nd([[0, 0], [2, 1]])), [5, 7])


def test_only_the_rows_are_touched() -> None:
    variable = tf.Variable(tf.zeros([100_000, 64]))
    places, rows = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None, 64])
    step = tf.scatter_add(variable, places, rows).op
    feeds = {places: np.arange(32), rows: np.ones((32, 64))}
    with tf.Session() as session:
        session.run(variable.initializer)
        moved = sum(row.bytes for row in graphc.profile.kernels(session, step, feeds, repeats=1))
        program = session.compiled(step, feeds)[0].program
    assert moved < 4 * 32 * 64 * 4
    assert len(program.calls) == len(program.actions)  # no copy


def test_what_does_not_fit_is_refused_while_declaring() -> None:
    variable = tf.Variable(FIRST)
    with pytest.raises(ValueError, match=r"updates f32\[2,4\] do not fit the indices i32\[2,1\] into f32\[4,3\]"):
        tf.scatter_add(variable, [0, 1], tf.ones([2, 4]))
    with pytest.raises(ValueError, match="name 3 axes"):
        tf.scatter_nd_update(variable, [[0, 1, 2]], [1.0])
    with pytest.raises(TypeError, match="indices has type"):
        tf.scatter_add(variable, [0.5], tf.ones([1, 3]))
    with pytest.raises(TypeError, match="only a variable can be assigned to"):
        tf.scatter_add(tf.ones([3]), [0], [1.0])
