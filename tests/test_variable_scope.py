"""Variable scopes: names, reuse, defaults and what they refuse."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

HERE = os.path.basename(__file__)


def test_names_follow_scopes() -> None:
    a = tf.get_variable("a", [2])
    with tf.variable_scope("outer"):
        b = tf.get_variable("b", [2])
        with tf.variable_scope("inner") as inner:
            c = tf.get_variable("c", [2])
            tensor = tf.add(c, 1.0, name="sum")
    assert [v.name for v in (a, b, c)] == ["a:0", "outer/b:0", "outer/inner/c:0"]
    assert tensor.name == "outer/inner/sum:0"
    assert (inner.name, inner.original_name_scope) == ("outer/inner", "outer/inner/")
    assert c.initial_value.op.name == "outer/inner/c/Initializer/random_uniform"


def test_name_scopes_do_not_name_variables_of_get_variable() -> None:
    with tf.name_scope("pictures"):
        w = tf.get_variable("w", [1])
        plain = tf.Variable(0.0, name="w")
    assert (w.name, plain.name) == ("w:0", "pictures/w:0")


def test_reuse_finds_the_same_variable() -> None:
    with tf.variable_scope("s"):
        first = tf.get_variable("w", [2, 3])
    with tf.variable_scope("s", reuse=True):
        again = tf.get_variable("w", [2, 3])
        without_shape = tf.get_variable("w")
    assert first is again is without_shape
    assert tf.global_variables() == [first]


def test_reuse_is_inherited_and_can_be_set_inside() -> None:
    def net() -> Any:
        with tf.variable_scope("deep"):
            return tf.get_variable("w", [1])

    with tf.variable_scope("s") as scope:
        first = net()
        scope.reuse_variables()
        assert net() is first
    with tf.variable_scope("s", reuse=True):
        assert tf.get_variable_scope().reuse is True
        assert net() is first


def test_auto_reuse_makes_then_finds() -> None:
    def net() -> Any:
        with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
            return tf.get_variable("w", [1])

    assert net() is net()


def test_default_names_count_up_in_their_scope() -> None:
    def layer() -> str:
        with tf.variable_scope(None, default_name="dense"):
            return tf.get_variable("kernel", [1]).op.name

    with tf.variable_scope("net"):
        names = [layer(), layer()]
    assert [*names, layer()] == ["net/dense/kernel", "net/dense_1/kernel", "dense/kernel"]


def test_default_names_begin_anew_when_a_scope_is_opened_again() -> None:
    def net() -> list[Any]:
        variables = []
        for _ in range(2):
            with tf.variable_scope(None, default_name="dense"):
                variables.append(tf.get_variable("kernel", [1]))
        return variables

    with tf.variable_scope("net"):
        first = net()
    with tf.variable_scope("net", reuse=True):
        assert net() == first


def test_a_scope_object_is_opened_wherever_it_stands() -> None:
    with tf.variable_scope("a") as scope:
        first = tf.get_variable("w", [1])
    with tf.variable_scope("b"), tf.variable_scope(scope, reuse=True) as again:
        assert tf.get_variable("w", [1]) is first
        assert again.name == "a"
        assert tf.constant(1.0, name="c").op.name == "b/a/c"
    assert tf.get_variable_scope().name == ""
    assert scope.reuse is False


def test_defaults_of_a_scope() -> None:
    clip = tf.abs
    with tf.variable_scope(
        "s", initializer=tf.constant_initializer(3.0), dtype=tf.float64, regularizer=tf.nn.l2_loss, constraint=clip
    ):
        w = tf.get_variable("w", [2])
        with tf.variable_scope("inner"):
            other = tf.get_variable("w", [1], initializer=tf.zeros_initializer(), regularizer=tf.no_regularizer)
    assert (w.dtype, other.dtype, w.constraint) == (tf.float64, tf.float64, clip)
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert loss.op.name == "s/w/Regularizer/L2Loss"
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([w, other, loss])
    np.testing.assert_array_equal(values[0], [3, 3])
    np.testing.assert_array_equal(values[1], [0])
    assert values[2] == 9.0


def test_default_initial_values() -> None:
    weights = tf.get_variable("weights", [20, 30])
    counts = tf.get_variable("counts", [3], dtype=tf.int32)
    flags = tf.get_variable("flags", [2], dtype=tf.bool)
    kind = weights.initial_value.op
    limit = np.sqrt(6 / 50)
    assert kind.type == "Add" and kind.inputs[1].op.kind.value == np.float32(-limit)
    with InterpretedSession() as session:
        session.run([counts.initializer, flags.initializer])
        np.testing.assert_array_equal(session.run(counts), [0, 0, 0])
        np.testing.assert_array_equal(session.run(flags), [False, False])


def test_initializers_that_are_values_classes_and_functions() -> None:
    value = tf.get_variable("value", initializer=tf.constant([1.0, 2.0]))
    array = tf.get_variable("array", initializer=np.arange(3))
    number = tf.get_variable("number", initializer=5)
    of_class = tf.get_variable("of_class", [2], initializer=tf.ones_initializer)
    function = tf.get_variable("function", [2], initializer=lambda shape, dtype: tf.fill(shape, 7.0))
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([value, array, number, of_class, function])
    for got, wanted in zip(values, [[1, 2], [0, 1, 2], 5, [1, 1], [7, 7]], strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert (array.dtype, number.dtype) == (tf.int64, tf.int32)


def test_custom_getters_stand_between() -> None:
    seen = []

    def outer(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(("outer", name))
        return getter(name, *args, **kwargs)

    def inner(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(("inner", name))
        return getter(name, *args, **kwargs) * 2

    with tf.variable_scope("a", custom_getter=outer), tf.variable_scope("b", custom_getter=inner):
        doubled = tf.get_variable("w", initializer=3.0)
    assert seen == [("inner", "a/b/w"), ("outer", "a/b/w")]
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(doubled) == 6.0


def test_collections_of_a_scope() -> None:
    tf.get_variable("w", [1])
    with tf.variable_scope("s") as scope:
        w = tf.get_variable("w", [1])
        step = tf.get_variable("step", [], trainable=False)
        local = tf.get_local_variable("local", [])
    assert scope.trainable_variables() == [w]
    assert scope.global_variables() == [w, step]
    assert scope.local_variables() == [local]


def test_control_dependencies_do_not_reach_initialisers() -> None:
    with tf.control_dependencies([tf.no_op()]):
        w = tf.get_variable("w", [2, 3])
    assert all(node.control_inputs == [] for node in tf.get_default_graph().nodes if node.name.startswith("w"))
    assert w.initializer.control_inputs == []


def test_duplicate_names_say_where_the_first_is() -> None:
    tf.get_variable("w", [2])
    line = _line() - 1
    with pytest.raises(ValueError) as caught:
        tf.get_variable("w", [2])
    assert str(caught.value) == (
        "Variable w already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope? "
        f"Originally defined at: {HERE}:{line}"
    )


def test_missing_with_reuse() -> None:
    with tf.variable_scope("s", reuse=True), pytest.raises(ValueError) as caught:
        tf.get_variable("w", [2])
    assert str(caught.value) == (
        "Variable s/w does not exist, or was not created with tf.get_variable(). "
        "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
    )


def test_sharing_with_another_shape_or_dtype() -> None:
    tf.get_variable("w", [2, 3])
    line = tf.get_default_graph().get_operation_by_name("w").origin.line
    place = f"Originally defined at: {HERE}:{line}"
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        with pytest.raises(ValueError) as caught:
            tf.get_variable("w", [3, 2])
        assert str(caught.value) == (
            f"Trying to share variable w, but specified shape (3, 2) and found shape (2, 3). {place}"
        )
        with pytest.raises(ValueError) as caught:
            tf.get_variable("w", [2, 3], dtype=tf.float64)
        assert str(caught.value) == (
            f"Trying to share variable w, but specified dtype float64 and found dtype float32. {place}"
        )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"shape": [2], "initializer": np.zeros(2)},
            "If initializer is a constant, do not specify shape. Variable w got both, with shape (2,).",
        ),
        ({"shape": [None, 2]}, "Shape of a new variable (w) must be fully defined, but instead was (?, 2)."),
        ({}, "Shape of a new variable (w) must be fully defined, but instead was <unknown>."),
    ],
)
def test_bad_shapes(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        tf.get_variable("w", **arguments)
    assert is_told(caught.value, text), str(caught.value)


def test_bad_scopes() -> None:
    with pytest.raises(TypeError) as caught, tf.variable_scope(3):
        pass
    assert is_told(caught.value, "VariableScope: name_or_scope must be a string or VariableScope.")
    with pytest.raises(TypeError) as caught, tf.variable_scope(None):
        pass
    assert is_told(caught.value, "If default_name is None then name_or_scope is required")
    with pytest.raises(ValueError) as caught, tf.variable_scope(None, default_name="d", reuse=True):
        pass
    assert is_told(caught.value, "reuse=True cannot be used without a name_or_scope")


def test_a_scope_is_left_when_its_body_fails() -> None:
    with pytest.raises(KeyError), tf.variable_scope("s"):
        raise KeyError("inside")
    assert tf.get_variable_scope().name == ""
    assert tf.get_default_graph().get_name_scope() == ""


def test_each_graph_has_its_own_variables() -> None:
    tf.get_variable("w", [1])
    with tf.Graph().as_default():
        assert tf.get_variable("w", [2]).shape.as_list() == [2]


def _line() -> int:
    import sys

    return sys._getframe(1).f_lineno


def test_reuse_of_scopes_is_a_bool() -> None:
    assert tf.get_variable_scope().reuse is False
    with tf.variable_scope("a") as outer:
        assert outer.reuse is False
        outer.reuse_variables()
        with tf.variable_scope("b") as inner:
            assert inner.reuse is True
