"""Default arguments for a block."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as tf
from graphc.contrib.framework import add_arg_scope, arg_scope, arg_scoped_arguments, has_arg_scope


@add_arg_scope
def first(x: Any, a: Any = 1, b: Any = None) -> tuple[Any, Any, Any]:
    """Its own arguments."""
    return x, a, b


@add_arg_scope
def second(x: Any, a: Any = 2) -> tuple[Any, Any]:
    """Its own arguments."""
    return x, a


def test_defaults_hold_inside_and_calls_have_the_last_word() -> None:
    with arg_scope([first, second], a=5):
        assert first(0) == (0, 5, None)
        assert first(0, a=7) == (0, 7, None)
        assert second(0) == (0, 5)
    assert first(0) == (0, 1, None)


def test_inner_defaults_come_before_outer_ones_which_stay_for_other_arguments() -> None:
    with arg_scope([first], a=5, b=6), arg_scope([first], a=8):
        assert first(0) == (0, 8, 6)
    assert second(0) == (0, 2)


def test_defaults_are_taken_up_again_elsewhere() -> None:
    with arg_scope([first], a=5):
        with arg_scope([second], a=9) as kept:
            pass
        assert second(0) == (0, 2)
    with arg_scope(kept):
        assert (first(0), second(0)) == ((0, 5, None), (0, 9))
    with pytest.raises(ValueError, match="kwargs must be empty"), arg_scope(kept, a=1):
        pass


def test_what_takes_no_defaults_is_refused() -> None:
    def plain(x: Any) -> Any:
        return x

    assert has_arg_scope(first)
    assert not has_arg_scope(plain)
    assert arg_scoped_arguments(first) == ("a", "b")
    with pytest.raises(ValueError, match="is not decorated with @add_arg_scope"), arg_scope([plain], a=1):
        pass
    with pytest.raises(TypeError, match="list/tuple or reused scope"), arg_scope(first, a=1):  # type: ignore[arg-type]
        pass


def test_make_template_shares_variables_between_calls() -> None:
    with tf.Graph().as_default():
        scale = tf.make_template("scale", lambda x, by: x * tf.get_variable("w", [by]), by=3)
        one, other = scale(tf.ones([3])), scale(tf.zeros([3]))
        assert [v.name for v in tf.global_variables()] == ["scale/w:0"]
        assert (scale.variable_scope_name, scale.trainable_variables) == ("scale", tf.trainable_variables())
        assert one.op.name.startswith("scale/")
        assert other.op.name.startswith("scale_1/")
        again = tf.make_template("scale", lambda x: x * tf.get_variable("w", [3]))
        again(one)
        assert again.variables[0].name == "scale_1/w:0"


def test_make_template_refuses_variables_of_a_later_call() -> None:
    with tf.Graph().as_default():
        bad = tf.make_template("bad", lambda: tf.Variable(1.0))
        bad()
        with pytest.raises(ValueError, match=r"perhaps you used tf\.Variable when you meant tf\.get_variable"):
            bad()
