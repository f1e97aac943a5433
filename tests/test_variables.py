"""Variables: their nodes, names, collections, values and what they refuse."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

HERE = os.path.basename(__file__)


def test_a_variable_is_four_nodes_under_its_name() -> None:
    tf.Variable([1.0, 2.0], name="w")
    lines = [str(node) for node in tf.get_default_graph().nodes]
    assert lines == [
        "w/initial_value: f32[2] = Const(value=[1.,2.])",
        "w: f32[2] = VariableV2()",
        "w/Assign: f32[2] = Assign(w, w/initial_value)",
        "w/read: f32[2] = ReadVariableOp(w)",
    ]


def test_properties() -> None:
    w = tf.Variable(np.zeros((2, 3)), name="w", constraint=tf.abs)
    assert (w.name, w.op.name, w.dtype, w.shape.as_list()) == ("w:0", "w", tf.float64, [2, 3])
    assert w.get_shape() == w.shape
    assert w.graph is tf.get_default_graph()
    assert w.initializer.name == "w/Assign"
    assert w.initial_value.name == "w/initial_value:0"
    assert w.initialized_value().shape == w.shape
    assert w.value().name == "w/read:0"
    assert w.constraint is tf.abs
    assert w.trainable
    assert repr(w) == "<tf.Variable 'w:0' shape=(2, 3) dtype=float64>"


def test_names_are_unique_and_inside_name_scopes() -> None:
    first, second = tf.Variable(0.0), tf.Variable(0.0)
    with tf.name_scope("layer"):
        third = tf.Variable(0.0, name="w")
    assert [v.name for v in (first, second, third)] == ["Variable:0", "Variable_1:0", "layer/w:0"]
    assert third.initializer.name == "layer/w/Assign"


def test_collections() -> None:
    w = tf.Variable(1.0, name="w")
    step = tf.Variable(0, trainable=False, name="step")
    counter = tf.Variable(0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], name="counter")
    assert tf.global_variables() == [w, step] == tf.all_variables()
    assert tf.trainable_variables() == [w]
    assert tf.local_variables() == [counter]
    assert tf.global_variables("s") == [step]


def test_initializer_assign_and_reads() -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    doubled = w * 2
    grown = w.assign_add([1.0, 1.0])
    with tf.control_dependencies([grown]):
        after = w.read_value()
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        before, new, ordered = session.run([doubled, grown, after])
        np.testing.assert_array_equal(before, [2, 4])
        np.testing.assert_array_equal(new, [2, 3])
        np.testing.assert_array_equal(ordered, [2, 3])
        session.run(w.assign([5.0, 5.0], read_value=False))
        session.run(w.assign_sub([1.0, 2.0]))
        np.testing.assert_array_equal(session.run(w), [4, 3])


def test_initial_value_may_be_a_function() -> None:
    w = tf.Variable(lambda: tf.fill([2], 3.0), name="w")
    assert w.initial_value.op.name.startswith("w/Initializer/")
    with InterpretedSession() as session:
        session.run(w.initializer)
        np.testing.assert_array_equal(session.run(w), [3, 3])


def test_variables_that_begin_with_others_are_initialised_in_one_run() -> None:
    w = tf.Variable(tf.constant([1.0, 2.0]) + 1, name="w")
    copy = tf.Variable(w, name="copy")
    twice = tf.Variable(w * 2 + copy, name="twice")
    same = tf.Variable(w.initialized_value(), name="same")
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([copy, twice, same])
    np.testing.assert_array_equal(values, [[2, 3], [6, 9], [2, 3]])


@pytest.mark.parametrize("make", [InterpretedSession, tf.Session])
def test_an_initialized_value_is_the_current_one_where_there_is_one(make: Any) -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    copy = tf.Variable(w.initialized_value() * 10.0, name="copy")
    with make() as session:
        session.run(copy.initializer)  # w has no value yet
        np.testing.assert_array_equal(session.run(copy), [10, 20])
        session.run(w.initializer)
        session.run(w.assign([3.0, 4.0]))
        np.testing.assert_array_equal(session.run(w.initialized_value()), [3, 4])
        np.testing.assert_array_equal(session.run(copy), [10, 20])
        session.run(copy.initializer)
        np.testing.assert_array_equal(session.run(copy), [30, 40])
        session.run(tf.global_variables_initializer())  # both anew, together
        np.testing.assert_array_equal(session.run([w, copy]), [[1, 2], [10, 20]])


def test_use_under_control_dependencies_reads_the_value_after_them() -> None:
    w = tf.Variable(1.0, name="w")
    with tf.control_dependencies([w.assign_add(10.0)]):
        doubled, again = w * 2, tf.square(w)
        with tf.control_dependencies([w.assign(100.0)]):
            last = tf.identity(w)
    before = w * 2
    with InterpretedSession() as session:
        session.run(w.initializer)
        assert session.run([doubled, again, before]) == [22, 121, 2]
        assert session.run(last) == 100
    reads = [node.name for node in tf.get_default_graph().nodes if node.type == "ReadVariableOp"]
    assert reads == ["w/read", "read", "read_1"]


def test_feeding_a_variable_stands_for_its_value() -> None:
    w = tf.Variable([1.0, 2.0])
    with InterpretedSession() as session:
        np.testing.assert_array_equal(session.run(w * 2, {w: [3.0, 4.0]}), [6, 8])


def test_operators_and_functions_take_variables() -> None:
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    outcomes = [
        w + 1,
        1 + w,
        -w,
        w * w,
        w[0],
        w @ w,
        w > 2.0,
        abs(w),
        tf.exp(w),
        2 / w,
        np.ones((2, 2), np.float32) + w,
    ]
    with InterpretedSession() as session:
        session.run(w.initializer)
        values = session.run(outcomes)
        a = session.run(w)
    wanted = [a + 1, 1 + a, -a, a * a, a[0], a @ a, a > 2, abs(a), np.exp(a), 2 / a, 1 + a]
    for value, right in zip(values, wanted, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-6)


def test_variables_are_dictionary_keys_and_compare_by_identity() -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    assert {a: 1, b: 2}[b] == 2
    assert a != b


def test_is_variable_initialized() -> None:
    w = tf.Variable(1.0)
    known = tf.is_variable_initialized(w)
    with InterpretedSession() as session:
        assert not session.run(known)
        session.run(w.initializer)
        assert session.run(known)


def test_local_variables_initializer_leaves_global_ones_alone() -> None:
    tf.Variable(1.0, name="w")
    counter = tf.Variable(7, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    with InterpretedSession() as session:
        session.run(tf.local_variables_initializer())
        assert session.run(counter) == 7
        assert [operation.name for operation in session.values] == [counter.op.name]


def test_control_dependencies_do_not_reach_the_variable() -> None:
    outside = tf.no_op()
    with tf.control_dependencies([outside]):
        w = tf.Variable(1.0)
        read = w.read_value()
    assert w.initializer.control_inputs == []
    assert read.op.control_inputs == [outside]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, "initial_value must be specified."),
        ({"initial_value": 1.0, "constraint": 3}, ValueError, "The `constraint` argument must be a callable."),
        (
            {"initial_value": 1.0, "collections": "x"},
            ValueError,
            "collections argument to Variable constructor must be a list, tuple, or set. Got x of type <class 'str'>",
        ),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        tf.Variable(**arguments)
    assert str(caught.value) == text


def test_initial_value_of_unknown_shape() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with pytest.raises(ValueError) as caught:
        tf.Variable(x)
    text = 'initial_value must have a shape specified: Tensor("x:0", shape=(?, 3), dtype=float32)'
    assert is_told(caught.value, text), str(caught.value)
    assert tf.Variable(x, validate_shape=False).shape.ndims is None


def test_assigning_what_does_not_fit() -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match=r"^cannot assign f32\[3\] to variable 'w' of type f32\[2\], declared at"):
        w.assign([1.0, 2.0, 3.0])
    text = (
        r"cannot assign i32\[2\] to variable 'w' of type f32\[2\]; convert it with tf.cast, declared at test_variables"
    )
    other = tf.constant([1, 2])
    for assign in (w.assign, w.assign_add, w.assign_sub, lambda value: tf.assign(w, value)):
        with pytest.raises(TypeError, match=text):  # as TensorFlow's variables, unless they are resources
            assign(other)


def test_iterating_and_truth() -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    with pytest.raises(TypeError) as caught:
        list(w)
    assert str(caught.value) == "Variable 'w:0' is not iterable; use tf.unstack to take it apart"
    with pytest.raises(TypeError, match=r"Using a `tf.Tensor` .* as a Python `bool` is not allowed"):
        bool(w)


def test_load_without_session() -> None:
    w = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError) as caught:
        w.load([3.0, 4.0])
    assert str(caught.value) == "Either session argument should be provided or default session should be established"


def test_load_sets_the_value() -> None:
    w = tf.Variable([1.0, 2.0])
    with InterpretedSession() as session:
        w.load([3.0, 4.0], session)
        np.testing.assert_array_equal(session.run(w), [3, 4])


@pytest.mark.parametrize("make", [InterpretedSession, tf.Session])
def test_parts_of_variables_are_assigned_as_numpy_does(make: Any) -> None:
    start = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    v = tf.Variable(start)
    keys: list[Any] = [
        slice(None), (slice(1, 2), slice(1, 2)), (slice(1, 2), 1), (1, 1), (slice(None), None), (..., 0),
        (None, None, 0, slice(0, 1)), (slice(None), slice(None, None, -2)), (slice(8, 10), 0),
    ]  # fmt: skip
    with make() as session:
        for key in keys:
            wanted = start.copy()
            wanted[key] = -1 - np.arange(wanted[key].size, dtype=np.float32).reshape(wanted[key].shape)
            for changed in (v[key].assign(wanted[key]), tf.assign(v[key], wanted[key])):
                session.run(v.initializer)
                np.testing.assert_array_equal(session.run(changed), wanted)
                np.testing.assert_array_equal(session.run(v), wanted)


def test_only_parts_of_variables_have_assign() -> None:
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    assert hasattr(v[0], "assign") and not hasattr(v + 1, "assign") and not hasattr(v[:2][0], "assign")
    with pytest.raises(
        ValueError, match=r"a part of variable 'v': wanted f32\[2\], Const 'Const.*' \(declared at .*\) has f32\[3\]$"
    ):
        v[:2].assign([1.0, 2.0, 3.0])


def test_nothing_is_uninitialized_where_there_is_no_variable() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.report_uninitialized_variables()).tolist() == []
        assert session.run(tf.constant([], tf.string)).dtype == object
        assert tf.get_variable("w", np.int64(2)).shape == [2]
