"""What TensorFlow refuses, graphc refuses at the same time and with the same class, and what it takes it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc

Fed = Callable[[Any], Any]  # a tensor of what is given, whose value is not known while declaring
NAN = np.full((3, 3), np.nan, np.float32)

# Each is called with a namespace and ``fed``.
PROGRAMS: dict[str, Callable[[Any, Fed], Any]] = {
    "a permutation with a number twice": lambda tf, fed: tf.invert_permutation([0, 0, 1]),
    "a fed permutation with a number twice": lambda tf, fed: tf.invert_permutation(fed([2, 1, 2])),
    "a permutation with a number beyond": lambda tf, fed: tf.invert_permutation([0, 3, 1]),
    "a permutation with a negative number": lambda tf, fed: tf.invert_permutation(fed([0, -1, 1])),
    "a permutation of nothing": lambda tf, fed: tf.invert_permutation(np.zeros(0, np.int32)),
    "eigenvalues of NaN": lambda tf, fed: tf.self_adjoint_eigvals(NAN),
    "eigenvalues of a fed NaN": lambda tf, fed: tf.self_adjoint_eig(fed(NAN)),
    "a range to a negative number": lambda tf, fed: tf.range(-1),
    "a range to a fed negative number": lambda tf, fed: tf.range(fed(-1)),
    "a range back": lambda tf, fed: tf.range(5, 3),
    "a range back of data": lambda tf, fed: tf.range(tf.reduce_sum(fed([3, 2])), 3, fed(9)),
    "a range of fractions of data back": lambda tf, fed: tf.range(tf.reduce_sum(fed([3.0, 2.0])), 3.0, 9.0),
    "a range up by a negative step": lambda tf, fed: tf.range(3.0, 5.0, -1.0),
    "a range of nothing": lambda tf, fed: tf.range(fed(3), fed(3), -1),
    "a range down": lambda tf, fed: tf.range(tf.reduce_sum(fed([3, 2])), tf.reduce_max(fed([3, 2])), -1),
    "eye of a negative size": lambda tf, fed: tf.eye(-1),
    "eye of a fed negative size": lambda tf, fed: tf.eye(fed(-1)),
    "eye of a negative number of columns": lambda tf, fed: tf.eye(2, -1),
    "a mask of a negative length": lambda tf, fed: tf.sequence_mask([1, 2], maxlen=-1),
    "a mask of a fed negative length": lambda tf, fed: tf.sequence_mask([1, 2], maxlen=fed(-1)),
    "a mask of negative lengths": lambda tf, fed: tf.sequence_mask(fed([-1, -2])),
    "bins that do not ascend": lambda tf, fed: tf.raw_ops.Bucketize(input=[1.0, 5.0], boundaries=[3.0, 1.0]),
    "bins of truths": lambda tf, fed: tf.raw_ops.Bucketize(input=[True], boundaries=[3.0]),
}


def _outcome(tf: Any, program: Callable[[Any, Fed], Any]) -> Any:
    """The values, or when it was refused and with which class."""

    def fed(value: Any) -> Any:
        array = np.asarray(value)
        array = array.astype({"f": np.float32, "i": np.int32}[array.dtype.kind])
        x = tf.placeholder(array.dtype, [None] * array.ndim)
        feeds[x] = array
        return x

    feeds: dict[Any, Any] = {}
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            y = program(tf, fed)
        except (ValueError, TypeError) as error:
            return "declared", type(error).__name__
        try:
            return "value", [np.asarray(part).tolist() for part in session.run([y], feeds)]
        except tf.errors.OpError as error:
            return "run", type(error).__name__


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_tensorflow_refuses_the_same(name: str) -> None:
    import tensorflow

    assert _outcome(graphc, PROGRAMS[name]) == _outcome(tensorflow.compat.v1, PROGRAMS[name])


def test_what_is_said() -> None:
    said = {
        "a fed permutation with a number twice": r"InvertPermutation '.*: 2 is duplicated in the input\.$",
        "bins that do not ascend": r"Bucketize '.*: Expected sorted boundaries, not \[3\.0, 1\.0\]$",
        "eye of a fed negative size": r"Range 'eye/range' .*: Requires start <= limit when delta > 0: 0/-1$",
    }
    for name, text in said.items():
        with graphc.Graph().as_default(), graphc.Session() as session:
            y = PROGRAMS[name](graphc, lambda value: graphc.placeholder_with_default(value, np.shape(value)))
            with pytest.raises(graphc.errors.InvalidArgumentError, match=text):
                session.run(y)
    with pytest.raises(ValueError, match=r"^range: Requires start <= limit when delta > 0: 0/-1, declared at"):
        graphc.eye(-1)
