# ruff: noqa: E501
"""What wrong uses of common functions get: the class and the whole text, with the line of the user's file.

In an expected text, ``{line}`` stands for the line of the case that ends in ``# here``.
"""

import inspect

import pytest

import graphc as tf


def running_sum_along_several_axes():
    tf.cumsum(tf.zeros([2, 3]), [0])


def max_pool_over_places_and_channels():
    tf.nn.max_pool(tf.zeros([1, 2, 2, 6]), [1, 2, 1, 3], [1, 1, 1, 3], "SAME")


def max_pool_over_too_many_channels():
    tf.nn.max_pool(tf.zeros([1, 2, 2, 6], name="x"), [1, 1, 1, 4], [1, 1, 1, 4], "SAME")  # here


def bits_of_text():
    tf.bitcast(tf.constant("a"), tf.int32, name="bits")  # here


def bits_that_are_too_many():
    tf.bitcast(tf.zeros([2, 3], tf.uint8, name="x"), tf.float32)  # here


def shapes_that_do_not_broadcast():
    p = tf.placeholder(tf.int32, [3])
    tf.Session().run(tf.broadcast_dynamic_shape(p, [4, 5]), {p: [2, 3, 5]})  # here


CASES = [
    (running_sum_along_several_axes, tf.errors.InvalidDeclaration, "cumsum: axis must be a scalar, not [0]"),
    (
        max_pool_over_places_and_channels,
        ValueError,
        "max_pool goes over places, or over groups of channels with a stride of their size: wanted ksize and strides [1, 1, 1, 3], not [1, 2, 1, 3] and [1, 1, 1, 3]",
    ),
    (
        max_pool_over_too_many_channels,
        ValueError,
        "max_pool: the depth window 4 must evenly divide the input depth 6: BroadcastTo 'x' (declared at {line}) has f32[1,2,2,6]",
    ),
    (
        bits_of_text,
        TypeError,
        "Bitcast 'bits': cannot take the bits of string[] as int32; wanted float32, float64 or whole numbers, declared at {line}",
    ),
    (
        bits_that_are_too_many,
        ValueError,
        "bitcast: the last axis of BroadcastTo 'x' (declared at {line}) must hold 4 numbers, for one of 4 bytes; it has u8[2,3]",
    ),
    (
        shapes_that_do_not_broadcast,
        tf.errors.InvalidArgumentError,
        "Assert 'BroadcastArgs/Assert' (declared at {line}): assertion failed: [Incompatible shapes:] [2 3 5] [and] [1 4 5]",
    ),
]


@pytest.mark.parametrize(("case", "kind", "text"), CASES, ids=[case.__name__ for case, _, _ in CASES])
def test_the_whole_text(case, kind, text):
    lines, first = inspect.getsourcelines(case)
    line = next((first + n for n, code in enumerate(lines) if code.rstrip().endswith("# here")), None)
    with tf.Graph().as_default(), pytest.raises(kind) as caught:
        case()
    assert type(caught.value) is kind
    assert str(caught.value) == text.replace("{line}", f"test_wrong_uses.py:{line}")
