"""Functions of sparse tensors, fed with any number of entries, against dense NumPy and against TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc

MATRIX = np.array([[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, -1, 0]], np.float32)
OTHER = np.array([[1, -2, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]], np.float32)
DENSE = np.arange(8, dtype=np.float32).reshape(4, 2) - 3
TABLE = np.arange(15, dtype=np.float32).reshape(5, 3) / 4
IDS = (np.array([[0, 0], [0, 2], [2, 1]]), np.array([3, 1, 4]), np.array([3, 3]))
BAD = (np.array([[0, 0], [0, 2], [2, 1]]), np.array([3, 1, -1]), np.array([4, 3]))
WEIGHTS = np.array([0.5, 2.0, 1.5], np.float32)

Build = Callable[..., Any]


def _sparse(matrix: Any) -> tuple[Any, Any, Any]:
    places = np.argwhere(matrix)
    return places, matrix[tuple(places.T)], np.array(matrix.shape)


# each: what is fed (sparse as triples), and the program
PROGRAMS: dict[str, tuple[list[Any], Build]] = {
    "to_dense": ([_sparse(MATRIX)], lambda tf, a: tf.sparse_tensor_to_dense(a, 7.0)),
    "matmul": ([_sparse(MATRIX), DENSE], lambda tf, a, b: tf.sparse_tensor_dense_matmul(a, b)),
    "matmul of transposes": (
        [_sparse(MATRIX), DENSE[:3].T.copy()],
        lambda tf, a, b: tf.sparse_tensor_dense_matmul(a, b, adjoint_a=True, adjoint_b=True)),
    "add": ([_sparse(MATRIX), _sparse(OTHER)], lambda tf, a, b: tf.sparse_add(a, b)),
    "add and drop": ([_sparse(MATRIX), _sparse(OTHER)], lambda tf, a, b: tf.sparse_add(a, b, 1.5)),
    "add a dense one": ([_sparse(MATRIX), OTHER], lambda tf, a, b: tf.sparse_add(a, b)),
    "reshape": ([_sparse(MATRIX)], lambda tf, a: tf.sparse_reshape(a, [2, -1])),
    "reduce_sum": (
        [_sparse(MATRIX)],
        lambda tf, a: [tf.sparse_reduce_sum(a), tf.sparse_reduce_sum(a, 1), tf.sparse_reduce_sum(a, [0], True)]),
    "retain": ([_sparse(MATRIX)], lambda tf, a: tf.sparse_retain(a, tf.greater(a.values, 0.0))),
    "softmax": ([_sparse(MATRIX)], lambda tf, a: tf.sparse_softmax(a)),
    "reorder": (
        [tuple(part[::-1].copy() if n < 2 else part for n, part in enumerate(_sparse(MATRIX)))],
        lambda tf, a: tf.sparse_reorder(a)),
    "transpose": ([_sparse(MATRIX)], lambda tf, a: tf.sparse_transpose(a)),
    "concat": (
        [_sparse(MATRIX), _sparse(OTHER)],
        lambda tf, a, b: [tf.stop_gradient(tf.sparse_tensor_to_dense(tf.sparse_concat(n, [a, b]))) for n in (0, 1)]),
    "fill_empty_rows": ([_sparse(MATRIX)], lambda tf, a: list(tf.sparse_fill_empty_rows(a, 9.0))),
    "expand_dims": ([_sparse(MATRIX)], lambda tf, a: tf.sparse.expand_dims(a, 1)),
    "times and over": ([_sparse(MATRIX), OTHER + 3], lambda tf, a, b: [a * b, a / b]),
    **{
        f"embedding {combiner}": (
            [IDS, WEIGHTS, TABLE],
            lambda tf, ids, w, table, combiner=combiner: tf.nn.embedding_lookup_sparse(
                table, ids, tf.SparseTensor(ids.indices, w, ids.dense_shape), combiner=combiner))
        for combiner in ("sum", "mean", "sqrtn")
    },
    "embedding without weights": (
        [IDS, TABLE], lambda tf, ids, table: tf.nn.embedding_lookup_sparse(table, ids, None, combiner="mean")),
    "safe embedding": (
        [BAD, TABLE],
        lambda tf, ids, table: [tf.nn.safe_embedding_lookup_sparse(table, ids),
                                tf.nn.safe_embedding_lookup_sparse(table, ids, default_id=2)]),
}  # fmt: skip


def _run(tf: Any, name: str) -> list[Any]:
    """The values, and the gradients by all floats that are fed."""
    arrays, program = PROGRAMS[name]
    with tf.Graph().as_default():
        inputs = []
        for array in arrays:
            if isinstance(array, tuple):
                inputs.append(tf.sparse_placeholder(array[1].dtype, [None, None]))
            else:
                inputs.append(tf.placeholder(array.dtype, array.shape))
        results = program(tf, *inputs)
        results = results if isinstance(results, list) else [results]
        tensors = [getattr(y, "values", y) for y in results]
        ys = [tf.square(y) * (1.0 + tf.cast(tf.reshape(tf.range(tf.size(y)), tf.shape(y)), y.dtype))
              for y in tensors if y.dtype.is_floating]  # fmt: skip
        xs = [getattr(x, "values", x) for x in inputs]
        xs = [x for x in xs if x.dtype.is_floating]
        grads = [tf.convert_to_tensor(g) for g in tf.gradients(ys, xs) if g is not None]
        with tf.Session() as session:
            return _arrays(session.run([*results, *grads], dict(zip(inputs, arrays, strict=True))))


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in _arrays(item)]
    return [value]


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_tensorflow_gives_the_same(name: str) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    came, wanted = _run(graphc, name), _run(peer, name)
    assert len(came) == len(wanted)
    for ours, theirs in zip(came, wanted, strict=True):
        assert ours.dtype == theirs.dtype
        scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))  # terms of this size may cancel
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale)


WANTED: dict[str, Any] = {
    "matmul": MATRIX @ DENSE,
    "add a dense one": MATRIX + OTHER,
    "to_dense": np.where(MATRIX == 0, 7, MATRIX),
    "embedding without weights": [(TABLE[3] + TABLE[1]) / 2, 0 * TABLE[0], TABLE[4]],
}


@pytest.mark.parametrize("name", WANTED)
def test_numpy_gives_the_same(name: str) -> None:
    came = _run(graphc, name)[0]
    np.testing.assert_allclose(came, WANTED[name], rtol=1e-6)


def test_small_sums_are_dropped() -> None:
    a, b = (graphc.SparseTensor(*_sparse(np.array([row]))) for row in ([1.0, 0.5], [-0.8, 2.0]))
    total = graphc.sparse_add(a, b, 1.5)
    with graphc.Session() as session:
        np.testing.assert_array_equal(session.run(graphc.sparse_tensor_to_dense(total)), [[0.0, 2.5]])


def test_sparse_of_dense_and_back() -> None:
    x = graphc.placeholder(graphc.float32, [None, 4])
    sparse = graphc.sparse.from_dense(x)
    total = graphc.sparse_add(sparse, sparse)
    with graphc.Session() as session:
        for matrix in (MATRIX, OTHER, MATRIX[:1] * 0):
            came, doubled = session.run([sparse, graphc.sparse.to_dense(total)], {x: matrix})
            np.testing.assert_array_equal(came.indices, np.argwhere(matrix))
            np.testing.assert_array_equal(doubled, 2 * matrix)


def test_what_is_not_sparse_is_refused() -> None:
    with pytest.raises(TypeError, match="sparse_reorder needs a SparseTensor, not Tensor"):
        graphc.sparse_reorder(graphc.zeros([2, 2]))
    with pytest.raises(TypeError, match=r"do you mean to use tf\.add"):
        graphc.sparse_add(graphc.zeros([2]), graphc.zeros([2]))
    ids = graphc.SparseTensor(*IDS)
    with pytest.raises(ValueError, match="combiner must be one of 'mean', 'sqrtn' or 'sum'"):
        graphc.nn.embedding_lookup_sparse(TABLE, ids, None, combiner="max")
