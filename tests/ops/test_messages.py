"""What a mistake in an op's arguments or values says, word by word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import errors
from graphc.graph import Graph
from graphc.interpret import evaluate
from tests.told import is_told

F = tf.float32


def _x(*shape: int | None, dtype: Any = F) -> Any:
    return tf.placeholder(dtype, shape, name="x")


DECLARED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tf.matmul(_x(32, 784), tf.zeros([512, 10]), name="logits"), ValueError,
     "MatMul 'logits': inner sizes differ: f32[32,784] @ f32[512,10] (784 and 512), declared at LINE"),
    (lambda: tf.matmul(_x(3, 4), tf.zeros([5, 4]), transpose_a=True), ValueError,
     "MatMul 'MatMul': inner sizes differ: f32[3,4]^T @ f32[5,4] (3 and 5), declared at LINE"),
    (lambda: tf.matmul(_x(4), tf.zeros([4, 2])), ValueError,
     "MatMul 'MatMul': needs matrices, not f32[4] @ f32[4,2], declared at LINE"),
    (lambda: tf.matmul(_x(3, 4), tf.zeros([4, 2], tf.float64)), TypeError,
     "MatMul 'MatMul': inputs have different dtypes: f32[3,4] and f64[4,2]; convert one with tf.cast, declared "
     "at LINE"),
    (lambda: tf.matmul(_x(3, 4), _x(3, 4), True, adjoint_a=True), ValueError,
     "Only one of transpose and adjoint can be True for an operand."),
    (lambda: tf.tensordot(_x(3, 4), _x(5, 2), 1), ValueError,
     "tensordot: axis 1 of f32[3,4] and axis 0 of f32[5,2] differ in size (4 and 5)"),
    (lambda: tf.concat([_x(2, 3), tf.zeros([4, 5])], 1), ValueError,
     "ConcatV2 'concat': inputs to concatenate along axis 1 differ elsewhere: f32[2,3], f32[4,5], declared at LINE"),
    (lambda: tf.concat([_x(2, 3)], 2), ValueError,
     "concat of Placeholder 'x' (declared at LINE): axis 2 is not in [-2, 2) for f32[2,3]"),
    (lambda: tf.concat([], 0), ValueError, "concat needs at least one tensor"),
    (lambda: tf.stack([_x(2, 3), tf.zeros([3, 2])]), ValueError,
     "Pack 'stack': inputs to stack differ in shape: f32[2,3], f32[3,2], declared at LINE"),
    (lambda: tf.unstack(_x(None, 3)), ValueError,
     "Cannot infer num from shape (?, 3): axis 0 of Placeholder 'x' (declared at LINE) has no known size"),
    (lambda: tf.unstack(_x(4, 3), 5), ValueError, "unstack of f32[4,3] along axis 0 gives 4 parts, not 5"),
    (lambda: tf.split(_x(4, 3), 2, 1), ValueError, "split: axis 1 of f32[4,3] has size 3, which 2 parts do not divide"),
    (lambda: tf.split(_x(4, 3), [1, 1], 1), ValueError, "split: the sizes [1, 1] do not add up to axis 1 of f32[4,3]"),
    (lambda: tf.tile(_x(4, 3), [2]), ValueError, "tile of f32[4,3] needs 2 multiples, not [2]"),
    (lambda: _x(4, 3)[5], ValueError, "slice index 5 of dimension 0 out of bounds: its size is 4"),
    (lambda: _x(4, 3)[0, 0, 0], ValueError,
     "3 indices are given for Placeholder 'x' (declared at LINE), whose type is f32[4,3]"),
    (lambda: _x(4, 3)[1.5], TypeError,
     "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tensors are valid indices, "
     "got 1.5"),
    (lambda: _x(4, 3)[tf.constant([0, 1])], TypeError,
     "an index must be a scalar, not i32[2]; tf.gather takes vectors of indices"),
    (lambda: _x(None, 3)[:, 7], ValueError,
     "StridedSlice 'strided_slice/StridedSlice': slice index 7 of dimension 1 out of bounds: its size is 3, "
     "declared at LINE"),
    (lambda: tf.expand_dims(_x(2, 3), 5), ValueError,
     "expand_dims of Placeholder 'x' (declared at LINE): axis 5 is not in [-3, 3) for f32[2,3]"),
    (lambda: tf.argmax(_x(2, 3), -4), ValueError,
     "ArgMax of Placeholder 'x' (declared at LINE): axis -4 is not in [-2, 2) for f32[2,3]"),
    (lambda: tf.add(_x(2), "abc", name="total"), TypeError,
     "Add 'total': Expected float32, got 'abc' of type 'str' instead."),
    (lambda: tf.constant([1.0, "abc"], name="rate"), TypeError,
     "constant 'rate': Expected string, got 1.0 of type 'float' instead."),
    (lambda: int(_x(None, 3).shape[0]), TypeError,
     "axis 0 of Placeholder 'x' (declared at LINE) is unknown while declaring and has no int value; "
     "tf.shape(x)[axis] is its size when the graph runs"),
    (lambda: [int(size) for size in _x(3, None).get_shape()], TypeError,
     "axis 1 of Placeholder 'x' (declared at LINE) is unknown while declaring and has no int value; "
     "tf.shape(x)[axis] is its size when the graph runs"),
    (lambda: int(tf.Dimension(None)), TypeError,
     "this Dimension is unknown while declaring and has no int value; tf.shape(x)[axis] is its size when the graph "
     "runs"),
    (lambda: _x(4, 3)[..., ...], ValueError, "Multiple ellipses not allowed"),
    (lambda: _x(4, 3)[::0], ValueError, "the step of a slice must be a whole number other than 0, not 0"),
    (lambda: tf.slice(_x(4, 3), [0, 1], [2, 3]), ValueError,
     "slice of Placeholder 'x' (declared at LINE): begin 1 and size 3 reach outside axis 1 of f32[4,3]"),
    (lambda: tf.slice(_x(4, 3), [0], [2]), ValueError,
     "slice needs a begin and a size for each axis of f32[4,3], not [0]"),
    (lambda: tf.pad(_x(4, 3), [[1, 1]]), ValueError, "pad of f32[4,3] needs 2 pairs of paddings, not 1"),
    (lambda: tf.pad(_x(4, 3), [[1, -1], [0, 0]]), ValueError, "paddings must be at least 0, not [[1, -1], [0, 0]]"),
    (lambda: tf.pad(_x(4, 3), [[4, 0], [0, 0]], "REFLECT"), ValueError,
     "a mirror of axis 0 of f32[4,3] has at most 3 cells, not 4"),
    (lambda: tf.pad(_x(4, 3), [[1, 0], [0, 0]], "WRAP"), ValueError, "Unknown padding mode: WRAP"),
    (lambda: tf.gather(_x(4, 3), tf.constant([0.5])), TypeError,
     "GatherV2 'GatherV2': indices has type f32[1]; wanted one of int32, int64, declared at LINE"),
    (lambda: tf.unsorted_segment_sum(_x(4, 3), [0, 1], 2), ValueError,
     "UnsortedSegmentSum 'UnsortedSegmentSum': the segment ids i32[2] do not fit the data f32[4,3] from axis 0 "
     "on, declared at LINE"),
    (lambda: tf.range(3, 9, 0), ValueError, "the step of a range must be a number other than 0, not 0"),
    (lambda: tf.linspace(0.0, 1.0, 0), ValueError,
     "linspace needs a number of values that is at least 1, not 0"),
    (lambda: tf.where(_x(3, dtype=tf.bool), 1.0), ValueError, "x and y must both be non-None or both be None."),
    (lambda: tf.nn.conv2d(_x(2, 8, 8, 3), tf.zeros([3, 3, 4, 5]), 1, "SAME"), ValueError,
     "Conv2D 'Conv2D': the images f32[2,8,8,3] have 3 channels, but the filter f32[3,3,4,5] takes 4, declared at LINE"),
    (lambda: tf.nn.conv2d(_x(2, 8, 3), tf.zeros([3, 3, 3, 5]), 1, "SAME"), ValueError,
     "Conv2D 'Conv2D': needs images with 4 axes, not f32[2,8,3], declared at LINE"),
    (lambda: tf.nn.conv2d(_x(2, 2, 8, 3), tf.zeros([5, 3, 3, 5]), 1, "VALID"), ValueError,
     "conv2d: a window that reaches over 5 does not fit in an axis of size 2, declared at LINE"),
    (lambda: tf.nn.conv2d(_x(2, 2, 8, 3), tf.zeros([3, 3, 3, 5]), 2, "VALID"), ValueError,
     "conv2d: a window that reaches over 3 does not fit in an axis of size 2, declared at LINE"),
    (lambda: tf.nn.max_pool(_x(2, 8, 2, 3), 3, 2, "VALID"), ValueError,
     "max_pool: a window that reaches over 3 does not fit in an axis of size 2, declared at LINE"),
    (lambda: tf.nn.conv2d(_x(2, 8, 8, 3), tf.zeros([3, 3, 3, 5]), [2, 1, 1, 1], "SAME"), ValueError,
     "strides must be 1 for batch and channels, not [2, 1, 1, 1]"),
    (lambda: tf.nn.max_pool(_x(2, 8, 8, 3), 2, 2, "FULL"), ValueError,
     "padding must be 'SAME', 'VALID' or a list of 4 pairs, not 'FULL'"),
    (lambda: tf.nn.max_pool(_x(2, 8, 8, 3), 0, 2, "SAME"), ValueError,
     "ksize must be 1, 2 or 4 whole numbers of at least 1, not 0"),
    (lambda: tf.nn.avg_pool(_x(2, 8, 8, 3), 2, 2, "SAME", data_format="NWHC"), ValueError,
     "data_format must be NHWC or NCHW, not 'NWHC'"),
    (lambda: _x(4, 3)[True], TypeError,
     "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tensors are valid indices, "
     "got True"),
    (lambda: tf.tile(_x(4, 3), [2, -1]), ValueError,
     "tile of f32[4,3] needs multiples of at least 0, not [2, -1]"),
    (lambda: tf.reverse(_x(4, 3), [0, -2]), ValueError, "reverse of f32[4,3]: an axis stands twice in [0, -2]"),
    (lambda: tf.one_hot(_x(3), 2), TypeError,
     "the input of one_hot has type f32[3]; wanted one of int32, int64, uint8, int8, int16, uint16, uint32, uint64"),
    (lambda: tf.one_hot([1, 2], -1), ValueError, "one_hot needs a depth of at least 0, not -1"),
    (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=_x(2, dtype=tf.uint8), logits=tf.zeros([2, 3])),
     TypeError,
     "sparse_softmax_cross_entropy_with_logits: labels are u8[2]; wanted int32 or int64, one number for each row"),
    (lambda: tf.one_hot(_x(3, dtype=tf.int32), tf.reduce_sum(_x(2, dtype=tf.int32)) * 0 + tf.constant([1, 2])),
     ValueError,
     "Range 'one_hot/range': range needs scalars, not i32[2], declared at LINE"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, text", DECLARED, ids=[text[:50] for _, _, text in DECLARED])
def test_mistakes_while_declaring(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with Graph().as_default(), pytest.raises(error) as caught:
        call()
    assert is_told(caught.value, text), str(caught.value)


def _gather() -> Any:
    return tf.gather(_x(4, 3), tf.placeholder(tf.int32, [2], name="i"), name="rows")


RUN: list[tuple[Callable[[], Any], dict[str, Any], str]] = [
    (_gather, {"x": np.zeros((4, 3)), "i": [0, 4]}, "indices[1] = 4 is not in [0, 4)"),
    (_gather, {"x": np.zeros((4, 3)), "i": [-1, 0]}, "indices[0] = -1 is not in [0, 4)"),
    (lambda: tf.unsorted_segment_sum(_x(2, 3), tf.placeholder(tf.int32, [2], name="i"), 3),
     {"x": np.zeros((2, 3)), "i": [0, 3]},
     "segment_ids[1] = 3 is not in [0, 3)"),
]  # fmt: skip


@pytest.mark.parametrize("build, feeds, text", RUN, ids=[text for _, _, text in RUN])
def test_mistakes_in_values(build: Callable[[], Any], feeds: dict[str, Any], text: str) -> None:
    with Graph().as_default() as graph:
        y = build()
    values = {graph.get_tensor_by_name(f"{name}:0"): np.asarray(value) for name, value in feeds.items()}
    with pytest.raises(errors.InvalidArgumentError) as caught:
        evaluate(graph, values, [y])
    assert str(caught.value) == text
    with tf.Session(graph=graph) as session, pytest.raises(errors.InvalidArgumentError):
        session.run(y, {tensor: value.astype(tensor.dtype.numpy) for tensor, value in values.items()})


def test_a_session_names_the_gather_that_failed() -> None:
    with Graph().as_default() as graph:
        y = _gather()
    with tf.Session(graph=graph) as session, pytest.raises(errors.InvalidArgumentError) as caught:
        session.run(y, {"x:0": np.zeros((4, 3)), "i:0": [0, 9]})
    text = re.sub(r"test_messages\.py:\d+", "LINE", str(caught.value))
    assert "'rows' (declared at LINE)" in text
    assert "an index in i is not in [0, 4), the positions of x f32[4,3]" in text
