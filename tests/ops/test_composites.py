"""Functions made of other ops, where a row of the op table cannot say it: refusals, ties, sizes that change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.graph import Graph
from tests.told import is_told


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as fresh:
        yield fresh


def test_the_greatest_of_equals_come_in_their_order() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    top = tf.nn.top_k(x, 4, name="best")
    assert top.values.name.startswith("best/")
    rows = [[1, 2, 2, 1], [-np.inf] * 4, [np.inf, 0, np.inf, -np.inf], [3, 3, 3, 3]]
    with tf.Session() as session:
        values, indices = session.run(top, {x: rows})
    np.testing.assert_array_equal(indices, [[1, 2, 0, 3], [0, 1, 2, 3], [0, 2, 1, 3], [0, 1, 2, 3]])
    np.testing.assert_array_equal(values, np.take_along_axis(np.array(rows, np.float32), indices, -1))


def test_the_adjoint_of_the_greatest_goes_where_they_were() -> None:
    x = tf.placeholder(tf.float64, [3, 4])
    (grad,) = tf.gradients(tf.nn.top_k(x, 2).values, x, grad_ys=tf.constant([[1.0, 10.0]] * 3, tf.float64))
    with tf.Session() as session:
        found = session.run(grad, {x: [[1, 2, 3, 4], [5, 5, 5, 5], [0, 9, 9, 0]]})
    np.testing.assert_array_equal(found, [[0, 0, 10, 1], [1, 10, 0, 0], [0, 1, 10, 0]])


def test_one_program_serves_attention_of_every_batch() -> None:
    queries, keys = (tf.placeholder(tf.float64, [None, None, 3], name) for name in ("queries", "keys"))
    scores = tf.einsum("bqd,bkd->bqk", queries, keys)
    assert scores.shape.as_list() == [None, None, None]
    programs = set()
    with tf.Session() as session:
        for batch, rows, cols in ((2, 4, 5), (3, 6, 7), (4, 8, 9), (5, 10, 11)):
            a, b = np.random.rand(batch, rows, 3), np.random.rand(batch, cols, 3)
            feeds = {queries: a, keys: b}
            np.testing.assert_allclose(session.run(scores, feeds), np.einsum("bqd,bkd->bqk", a, b), rtol=1e-12)
            programs.add(id(session.compiled(scores, feeds)[0].program))
    assert len(programs) == 2


def test_a_mask_that_is_known_takes_parts() -> None:
    x = tf.placeholder(tf.float32, [None, 3, 2])
    value = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    mask = np.array([[True, False], [False, False], [True, True]])
    second = tf.boolean_mask(x, mask, axis=1)
    third = tf.boolean_mask(tf.placeholder_with_default(value, [4, 3, 2]), [False, True], axis=2)
    assert second.shape.as_list() == [None, 3]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(second, {x: value}), value[:, mask])
        np.testing.assert_array_equal(session.run(third), value[..., 1:])


def test_parts_side_by_side() -> None:
    stacked = tf.parallel_stack([tf.zeros([2, 3]), tf.ones([2, 3])])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(stacked), [np.zeros((2, 3)), np.ones((2, 3))])


def test_the_tensors_of_a_tuple_wait_for_each_other() -> None:
    variable = tf.get_variable("v", initializer=1.0)
    added = variable.assign_add(5.0)
    first, nothing, second = tf.tuple([tf.constant(3.0), None, tf.constant(4.0)], control_inputs=[added])
    assert (first.name, nothing, second.name) == ("tuple/control_dependency:0", None, "tuple/control_dependency_1:0")
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(first) == 3.0
        assert session.run([second, variable]) == [4.0, 6.0]
    with pytest.raises(ValueError) as caught:
        tf.tuple([None])
    assert str(caught.value) == "Must have at least one Tensor: [None]"


def _x(*sizes: Any, dtype: Any = tf.float32) -> Any:
    return tf.placeholder(dtype, sizes, name="x")


X = "Placeholder 'x' (declared at LINE)"
MISTAKES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tf.einsum("ij,jk->ik", _x(2, 3)), ValueError,
     "einsum 'ij,jk->ik' names 2 inputs, but 1 are given"),
    (lambda: tf.einsum("ijk->k", _x(2, 3)), ValueError,
     f"einsum 'ijk->k': 'ijk' does not fit {X}, which is f32[2,3]"),
    (lambda: tf.einsum("ij,jk->ik", _x(2, 3), tf.zeros([4, 5])), ValueError,
     "einsum 'ij,jk->ik' of f32[2,3], f32[4,5]: 'j' has sizes 3 and 4"),
    (lambda: tf.einsum("ij->il", _x(2, 3)), ValueError,
     "einsum 'ij->il': the result's labels must be letters of the inputs, each once"),
    (lambda: tf.nn.top_k(_x(2, 3), 4), ValueError,
     f"top_k of {X}: input must have last dimension >= k = 4 but is f32[2,3]"),
    (lambda: tf.boolean_mask(_x(2, 3), [True, False, True]), ValueError,
     "Shapes (2, 3) and (3,) are incompatible: boolean_mask from axis 0 on"),
    (lambda: tf.boolean_mask(_x(2, 3), True), ValueError, "mask cannot be scalar."),
    (lambda: tf.cumprod(_x(2, 3), 2), tf.errors.InvalidDeclaration,
     f"cumprod of {X}: axis 2 is not in [-2, 2) for f32[2,3]: Expected scan axis in the range [-2, 2)"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, text", MISTAKES, ids=[text[:50] for _, _, text in MISTAKES])
def test_mistakes_while_declaring(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert is_told(caught.value, text)
