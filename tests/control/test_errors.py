"""What mistakes with branches and loops are told, as whole texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf


def nothing() -> None:
    """What a branch must not give."""


def one() -> tf.Tensor:
    return tf.constant(1.0)


def less(i: Any) -> Any:
    return i < 3


def more(i: Any) -> Any:
    return i + 1


def small(s: Any) -> Any:
    return s[0, 0] < 1.0


def twice(s: Any) -> Any:
    return tf.concat([s, s], 0)


def told(kind: type[Exception], run: Callable[[], Any]) -> str:
    """The text of the error without the line at its end; other lines of this file left out."""
    with pytest.raises(kind) as caught:
        run()
    text = re.sub(r"test_errors.py:\d+", "LINE", str(caught.value))
    return re.sub(r"(, declared at| Declared at) LINE$", "", text) if "LINE" not in text[:-4] else text


def flag() -> tf.Tensor:
    return tf.placeholder(tf.bool, [], name="p")


def test_cond_is_given_something_else() -> None:
    p = flag()
    assert told(TypeError, lambda: tf.cond(True, one, one)) == "pred must not be a Python bool"
    assert told(TypeError, lambda: tf.cond(p, 1, one)) == "true_fn must be callable."
    assert told(TypeError, lambda: tf.cond(p, one, 1)) == "false_fn must be callable."
    assert told(TypeError, lambda: tf.cond(p, one)) == "cond(): false_fn argument required"
    text = "cond(): 'fn1' is the older name of 'true_fn'; give one of them"
    assert told(TypeError, lambda: tf.cond(p, one, one, fn1=one)) == text
    assert told(ValueError, lambda: tf.cond(p, nothing, one)) == "true_fn must have a return value."
    text = "cond: pred must be a bool, but Placeholder 'n' (declared at LINE) has type i32[]"
    assert told(TypeError, lambda: tf.cond(tf.placeholder(tf.int32, [], name="n"), one, one)) == text
    text = "cond: pred must be a scalar, but Placeholder 'v' (declared at LINE) has type bool[2]"
    assert told(ValueError, lambda: tf.cond(tf.placeholder(tf.bool, [2], name="v"), one, one)) == text


def test_branches_differ() -> None:
    p = flag()
    text = "Outputs of true_fn and false_fn must have the same type: int32, float32"
    assert told(ValueError, lambda: tf.cond(p, lambda: 1, lambda: 1.0)) == text
    text = "Incompatible return values of true_fn and false_fn: structures . and (., .)"
    assert told(TypeError, lambda: tf.cond(p, lambda: 1.0, lambda: (1.0, 2.0))) == text


def test_branches_of_different_ranks_fail_when_they_are_compiled() -> None:
    p, x = flag(), tf.placeholder(tf.float32, None, name="x")
    y = tf.cond(p, lambda: x, lambda: tf.reduce_sum(x))
    with tf.Session() as session:
        text = told(tf.errors.InvalidArgumentError, lambda: session.run(y, {p: True, x: np.ones(3, np.float32)}))
    assert text == (
        "If 'cond' (declared at LINE): its branches give f32[3] and f32[]; one program needs as many axes of both"
    )


def test_case_is_given_something_else() -> None:
    p = flag()
    assert told(TypeError, lambda: tf.case(1)) == "case: pred_fn_pairs must be a list, tuple, or dict"
    assert told(TypeError, lambda: tf.case([1])) == "case: Each entry in pred_fn_pairs must be a 2-tuple"
    assert told(TypeError, lambda: tf.case([(1, one)])) == "case: pred must be Tensor of type bool: 1"
    assert told(TypeError, lambda: tf.case([(p, 1)])) == "case: fn for pred p:0 must be callable."
    assert told(TypeError, lambda: tf.case([(p, one)], default=1)) == "case: default must be callable."


def test_while_loop_is_given_something_else() -> None:
    assert told(TypeError, lambda: tf.while_loop(1, more, [0])) == "cond must be callable."
    assert told(TypeError, lambda: tf.while_loop(less, 1, [0])) == "body must be callable."
    assert told(ValueError, lambda: tf.while_loop(less, more, [])) == "No loop variables provided"
    text = "parallel_iterations must be a positive integer."
    assert told(TypeError, lambda: tf.while_loop(less, more, [0], parallel_iterations=0)) == text
    text = "maximum_iterations must be a scalar, saw shape: [2]"
    assert told(ValueError, lambda: tf.while_loop(less, more, [0], maximum_iterations=[1, 2])) == text
    text = "the condition of a loop must give a bool scalar, but it gave i32[]"
    assert told(TypeError, lambda: tf.while_loop(more, more, [0])) == text
    text = "The two structures don't have the same nested structure: the loop variables are [.], the body gives [., .]"
    assert told(ValueError, lambda: tf.while_loop(less, lambda i: (i, i), [0])) == text


def test_a_loop_variable_changes() -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    text = (
        "Loop variable 'x:0' has type f32[2,3] and the body gives f64[2,3] for it: a loop variable keeps its type; "
        "convert it with tf.cast"
    )
    assert told(TypeError, lambda: tf.while_loop(small, lambda s: tf.cast(s, tf.float64), [x])) == text
    text = (
        "Input tensor 'x:0' enters the loop with shape [2,3], but has shape [4,3] after one iteration. To allow the "
        "shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop to specify a "
        "less-specific shape."
    )
    assert told(ValueError, lambda: tf.while_loop(small, twice, [x])) == text
    other = tf.placeholder(tf.float32, [None, 3], name="other")
    changed = tf.while_loop(small, lambda s: other + s[0], [x])
    with tf.Session() as session:
        feeds = {x: np.ones((2, 3), np.float32), other: np.ones((4, 3), np.float32)}
        text = told(tf.errors.InvalidArgumentError, lambda: session.run(changed, feeds))
    assert text == (
        "While 'while_2' (declared at LINE): loop variable 'x:0' begins as f32[2,3] and is f32[4,3] after an "
        "iteration; give `shape_invariants` with None for the sizes that change"
    )


def test_a_value_is_used_outside_of_the_body_that_has_it() -> None:
    inner: list[tf.Tensor] = []
    tf.while_loop(lambda i: i < 3, lambda i: inner.append(i * 2) or i + 1, [0])
    end = "has a value only inside the body of while_loop 'while'; make it one of its results"
    assert told(ValueError, lambda: inner[0] + 1) == f"Add: input 'while/mul:0' {end} (declared at LINE)"
    with tf.Session() as session:
        tensor = 'Tensor("while/mul:0", shape=(), dtype=int32)'
        text = told(ValueError, lambda: session.run(inner[0]))
        assert text == f"Fetch argument {inner[0]!r} cannot be interpreted as a Tensor. ({tensor} {end})"
        text = told(TypeError, lambda: session.run(tf.constant(1), {inner[0]: 1}))
        assert text == f"Cannot interpret feed_dict key as Tensor: {tensor} {end}"


def test_arrays() -> None:
    text = "Either an explicit size, or a flow must be provided to TensorArray"
    assert told(ValueError, lambda: tf.TensorArray(tf.float32)) == text
    array = tf.TensorArray(tf.float32, size=3)
    text = "a TensorArray of float32 cannot hold Const 'Const_1' (declared at LINE) i32[]"
    assert told(ValueError, lambda: array.write(0, tf.constant(1))) == text
    text = "a TensorArray of 3 elements cannot take a value of shape [2,5]"
    assert told(ValueError, lambda: array.unstack(tf.zeros([2, 5]))) == text
    written = array.write(0, tf.zeros([2]))
    text = (
        "TensorArrayWriteV3 'TensorArrayWriteV3_1': rows f32[3] do not fit the TensorArray f32[3,2]: all its elements "
        "have one shape"
    )
    assert told(ValueError, lambda: written.write(1, tf.zeros([3]))) == text
    i = tf.placeholder(tf.int32, [], name="i")
    with tf.Session() as session:
        text = told(tf.errors.InvalidArgumentError, lambda: session.run(written.write(i, [1.0, 2.0]).stack(), {i: 3}))
    assert text == (
        "TensorArrayWriteV3 'TensorArrayWriteV3_2' (declared at LINE): an index in i is not in [0, 3), the places of a "
        "TensorArray: i = 3"
    )


def test_functions_over_elements() -> None:
    assert told(TypeError, lambda: tf.map_fn(1, tf.zeros([3]))) == "map_fn: fn must be callable."
    text = (
        "map_fn: elems must be at least 1+ dimensional Tensors, not scalars: "
        'Tensor("map/elem:0", shape=(), dtype=float32)'
    )
    assert told(ValueError, lambda: tf.map_fn(lambda x: x, 1.0)) == text
    text = "map_fn: elems have different numbers of elements: [2, 3]"
    assert told(ValueError, lambda: tf.map_fn(lambda x: x, (tf.zeros([2]), tf.zeros([3])))) == text


def test_rows_that_are_told_after_an_array_was_passed_on() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        array = tf.TensorArray(tf.float32, 2).identity().write(0, [1.0, 2.0])
        assert session.run(array.stack()).tolist() == [[1.0, 2.0], [0.0, 0.0]]
        with pytest.raises(ValueError, match="do not fit the TensorArray"):
            array.write(1, [1.0])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([1, 2, 4], "the lengths of a TensorArray's pieces must add up"), ([2, 4], "size is not equal to the number")],
)
def test_the_pieces_of_a_split_are_all_of_it(lengths: list[int], message: str) -> None:
    array = tf.TensorArray(tf.float32, 3, infer_shape=False).split(tf.ones([6, 2]), lengths)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(array.concat())


def test_as_many_elements_as_declared() -> None:
    for infer_shape in (True, False):
        with pytest.raises(ValueError, match=r"a TensorArray of 3 elements cannot take a value of shape \[2,2,2\]"):
            tf.TensorArray(tf.float32, 3, infer_shape=infer_shape).split(tf.ones([4, 2]), [2, 2])


def test_unequal_elements_are_asked_for() -> None:
    with pytest.raises(
        ValueError, match=r"for elements of one shape cannot be split by \(1, 2, 3\); infer_shape=False"
    ):
        tf.TensorArray(tf.float32, 3).split(tf.ones([6, 2]), [1, 2, 3])
    array = tf.TensorArray(tf.float32, 2, infer_shape=False).write(0, tf.ones([1, 2])).write(1, tf.ones([2, 2]))
    with tf.Session() as session:
        text = told(tf.errors.InvalidArgumentError, lambda: session.run(array.write(0, tf.ones([3, 2])).concat()))
    end = "an element was written again: now [3 2] rows stand there, and 6 were written"
    assert text == f"TensorArray 'Assert' (declared at LINE): {end}"
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        session.run(array.stack())
