"""Gradients of some rows: what they are, how they are clipped, and that optimizers touch those rows alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
import graphc as tf

TABLE = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
CONTEXT = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda train: train.GradientDescentOptimizer(0.5),
    "momentum": lambda train: train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda train: train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda train: train.AdagradOptimizer(0.3),
    "adadelta": lambda train: train.AdadeltaOptimizer(0.5),
    "rmsprop": lambda train: train.RMSPropOptimizer(0.05, momentum=0.5),
    "centered": lambda train: train.RMSPropOptimizer(0.05, centered=True),
    "ftrl": lambda train: train.FtrlOptimizer(
        0.2, l1_regularization_strength=0.01, l2_regularization_strength=0.01, l2_shrinkage_regularization_strength=0.01
    ),
    "adam": lambda train: train.AdamOptimizer(0.05),
}


def _words(tf: Any, optimizer: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    """Both tables after 20 steps of negative sampling, of which every batch names some rows more than once."""
    with tf.Graph().as_default():
        table, context = tf.Variable(TABLE, name="table"), tf.Variable(CONTEXT, name="context")
        word, others = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int64, [None, 3])
        rows = tf.expand_dims(tf.nn.embedding_lookup(table, word), 1)
        logits = tf.reduce_sum(rows * tf.nn.embedding_lookup(context, others), -1)
        labels = tf.constant([1.0, 0.0, 0.0]) + tf.zeros_like(logits)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
        train_op = optimizer(tf.train).minimize(loss)
        rng = np.random.default_rng(2)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(20):
                session.run(train_op, {word: rng.integers(0, 50, 12), others: rng.integers(0, 50, (12, 3))})
            return np.concatenate(session.run([table, context]))


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps_equal_tensorflow(name: str) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    np.testing.assert_allclose(_words(tf, OPTIMIZERS[name]), _words(peer, OPTIMIZERS[name]), rtol=1e-5, atol=1e-5)


def _step(optimizer: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    table = tf.Variable(tf.ones([100_000, 64]))
    ids = tf.placeholder(tf.int32, [None])
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
    return optimizer(tf.train).minimize(loss), ids, table


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adam"])
def test_a_step_touches_the_rows_of_the_batch_alone(name: str) -> None:
    train_op, ids, _ = _step(OPTIMIZERS[name])
    batch = {ids: np.arange(32) * 3000}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        rows = graphc.profile.kernels(session, train_op, batch, repeats=1)
        program = session.compiled(train_op, batch)[0].program
        memory = graphc.profile.memory(session, train_op, batch)
    row_bytes = 32 * 64 * 4
    # read and written: the rows looked up, their sums, and for the variable and each of up to three slots new values
    assert sum(row.bytes for row in rows) < 30 * row_bytes
    assert memory.arena < 6 * row_bytes  # up to five values of every row wait at once
    assert len(program.calls) == len(program.actions)  # no table is copied


def test_adam_moves_every_row_as_in_tensorflow() -> None:
    train_op, ids, table = _step(OPTIMIZERS["adam"])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train_op, {ids: [5, 5, 7]})
        first = session.run(table)
        session.run(train_op, {ids: [9]})
        second = session.run(table)
    assert (first[[5, 7]] != 1).all()
    assert (first[9] == 1).all()
    assert (second[[5, 7, 9]] != first[[5, 7, 9]]).all()


def test_momentum_leaves_rows_alone_that_no_gradient_names() -> None:
    table = tf.Variable(np.ones((4, 2), np.float32))
    ids = tf.placeholder(tf.int32, [None])
    optimizer = tf.train.MomentumOptimizer(0.5, 0.5)
    train_op = optimizer.minimize(tf.reduce_sum(tf.gather(table, ids)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train_op, {ids: [1, 1, 3]})
        session.run(train_op, {ids: [3]})
        values, slot = session.run([table, optimizer.get_slot(table, "momentum")])
        session.run(train_op, {ids: np.zeros(0)})
        np.testing.assert_array_equal(session.run(table), values)
    np.testing.assert_array_equal(slot[:, 0], [0, 2, 0, 1.5])
    np.testing.assert_array_equal(values[:, 0], [1, 0, 1, -0.25])


def test_an_index_outside_leaves_everything_as_it_was() -> None:
    table = tf.Variable(np.ones((4, 2), np.float32))
    ids = tf.placeholder(tf.int32, [None], name="ids")
    grad = tf.IndexedSlices(tf.ones([2, 2]), ids, tf.constant([4, 2]))
    train_op = tf.train.AdagradOptimizer(0.5).apply_gradients([(grad, table)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"an index in ids is not in \[0, 4\): ids\[1\] = 4"):
            session.run(train_op, {ids: [0, 4]})
        np.testing.assert_array_equal(session.run(table), np.ones((4, 2)))


def _sparse(tf: Any) -> Any:
    return tf.IndexedSlices(
        tf.constant([[3.0, 4.0], [0.6, 0.8], [1.0, 0.0]]), tf.constant([2, 0, 2]), tf.constant([4, 2])
    )


CLIPPED: dict[str, Callable[[Any], Any]] = {
    "by value": lambda tf: tf.clip_by_value(_sparse(tf), 0.5, 2.0),
    "by norm": lambda tf: tf.clip_by_norm(_sparse(tf), 2.0),
    "by norms of rows": lambda tf: tf.clip_by_norm(_sparse(tf), 2.0, axes=[1]),
    "global norm": lambda tf: tf.global_norm([_sparse(tf), None, tf.constant(2.0)]),
    "by global norm": lambda tf: tf.clip_by_global_norm([_sparse(tf), tf.constant(2.0)], 1.0)[0],
    "negative": lambda tf: -_sparse(tf),
    "scaled": lambda tf: tf.scalar_mul(2.0, _sparse(tf)),
    "multiplied": lambda tf: tf.multiply(_sparse(tf), 2.0),
    "sum": lambda tf: tf.add_n([_sparse(tf), _sparse(tf)]),
    "tuple": lambda tf: tf.tuple([_sparse(tf), tf.constant(1.0)]),
    "whole": lambda tf: tf.convert_to_tensor(_sparse(tf)),
    "twice": lambda tf: _twice(tf),
    "beside a whole": lambda tf: tf.convert_to_tensor(_beside(tf)),
}
FORMS = {
    "sum": "Tensor",
    "multiplied": "Tensor",
    "whole": "Tensor",
    "global norm": "Tensor",
    "beside a whole": "Tensor",
}


def _twice(tf: Any) -> Any:
    table = tf.constant(TABLE)
    first, second = tf.gather(table, [[1, 2], [2, 3]]), tf.gather(tf.identity(table), 4)
    return tf.gradients([first * first, 2 * second], table)[0]


def _beside(tf: Any) -> Any:
    table = tf.constant(TABLE)
    return tf.gradients([tf.gather(table, [1, 2]), table * 3.0], table)[0]


def _run(tf: Any, build: Callable[[Any], Any]) -> tuple[Any, Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        made = build(tf)
        return made, session.run(made)


@pytest.mark.parametrize("name", CLIPPED)
def test_slices_stay_slices_where_they_do_in_tensorflow(name: str) -> None:
    made, _ = _run(tf, CLIPPED[name])
    first = made[0] if isinstance(made, (list, tuple)) else made
    assert type(first).__name__ == FORMS.get(name, "IndexedSlices")


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", CLIPPED)
def test_slices_equal_those_of_tensorflow(name: str) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    ours, theirs = (_run(module, CLIPPED[name])[1] for module in (tf, peer))
    pairs = list(zip(_arrays(ours), _arrays(theirs), strict=True))
    assert pairs
    for came, wanted in pairs:
        np.testing.assert_allclose(came, wanted, rtol=1e-6)


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in _arrays(item)]
    return [value]


def test_a_rule_for_rows_gets_each_row_once() -> None:
    seen = []

    class Rule(tf.train.Optimizer):
        def _apply_sparse(self, grad: Any, var: Any) -> Any:
            seen.append(grad)
            return tf.scatter_sub(var, grad.indices, grad.values)

    table = tf.Variable(np.zeros((5, 2), np.float32))
    train_op = Rule(False, "Rule").minimize(tf.reduce_sum(tf.gather(table, [4, 1, 4])))
    with tf.Session() as session:
        session.run(table.initializer)
        values = session.run([train_op, seen[0].indices, seen[0].values])[1:]
        after = session.run(table)
    np.testing.assert_array_equal(values[0], [1, 4])
    np.testing.assert_array_equal(values[1], [[1, 1], [2, 2]])
    np.testing.assert_array_equal(after[:, 0], [0, -1, 0, 0, -2])


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_parts_of_a_table_get_the_rows_that_were_asked_for(strategy: str) -> None:
    parts = [tf.Variable(tf.ones([50_000, 64])) for _ in range(2)]
    ids = tf.placeholder(tf.int32, [None])
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(parts, ids, strategy)))
    grads = tf.gradients(loss, parts)
    assert all(isinstance(grad, tf.IndexedSlices) for grad in grads)
    train_op = tf.train.AdagradOptimizer(0.1).minimize(loss)
    batch = {ids: np.array([0, 99_999, 3, 0])}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        indices = session.run([grad.indices for grad in grads], batch)
        moved = sum(row.bytes for row in graphc.profile.kernels(session, train_op, batch, repeats=1))
        with pytest.raises(tf.errors.InvalidArgumentError, match="an index in"):
            session.run(loss, {ids: [100_000]})
    assert [part.tolist() for part in indices] == (
        [[0, 0], [49_999, 1]] if strategy == "mod" else [[0, 3, 0], [49_999]]
    )
    assert moved < 200 * 64 * 4


def test_slices_without_a_shape_do_not_become_a_tensor() -> None:
    with pytest.raises(ValueError, match="Tensor conversion requested for IndexedSlices without dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices(tf.ones([2, 3]), [0, 1]))


def test_second_derivatives_go_through_slices() -> None:
    table, ids = tf.constant(TABLE.astype(np.float64)), tf.constant([3, 1, 3])
    rows = tf.gather(table, ids)
    first = tf.gradients(rows**3, table)[0]
    second = tf.gradients(first.values * [[1.0], [2.0], [3.0]], table)[0]
    with tf.Session() as session:
        came = session.run(tf.convert_to_tensor(second))
    wanted = np.zeros_like(came)
    np.add.at(wanted, [3, 1, 3], 6 * TABLE[[3, 1, 3]].astype(np.float64) * np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_allclose(came, wanted, rtol=1e-12)


def test_a_sparse_variable_takes_no_constraint() -> None:
    table = tf.Variable(TABLE, constraint=tf.abs)
    loss = tf.reduce_sum(tf.gather(table, [1]))
    with pytest.raises(RuntimeError, match="Cannot use a constraint function on a sparse variable"):
        tf.train.GradientDescentOptimizer(0.1).minimize(loss)


# What looks up rows of a table, and whether its gradient is of those alone, as in TensorFlow.
LOOKUPS: dict[str, tuple[Callable[..., Any], bool]] = {
    "gather": (lambda tf, table, i: tf.gather(table, i), True),
    "identity": (lambda tf, table, i: tf.gather(tf.identity(table), i), True),
    "coordinates": (lambda tf, table, i: tf.gather_nd(table, tf.expand_dims(i, 1)), True),
    "two coordinates": (lambda tf, table, i: tf.gather_nd(table, tf.stack([i, i], 1)), False),
    "lookup of ids": (
        lambda tf, table, i: tf.nn.embedding_lookup_sparse(
            table, tf.SparseTensor(tf.stack([i, i], 1), i, [3, 3]), None, combiner="mean"
        ),
        True,
    ),
    "mask": (lambda tf, table, i: tf.boolean_mask(table, tf.equal(tf.range(4, dtype=tf.int64) * 0 + i[0], 1)), False),
    "segments": (lambda tf, table, i: tf.sparse_segment_sum(table, i, tf.zeros_like(i, tf.int32)), False),
    "product": (
        lambda tf, table, i: tf.sparse_tensor_dense_matmul(
            tf.SparseTensor(tf.stack([i, i], 1), tf.ones_like(i, tf.float32), [3, 4]), table
        ),
        False,
    ),
}


def _looked_up(tf: Any, name: str) -> tuple[np.ndarray[Any, Any], str]:
    """A table after four steps of momentum, each of another row, and the class of its gradient."""
    with tf.Graph().as_default(), tf.Session() as session:
        table, i = tf.Variable(TABLE[:4, :3]), tf.placeholder(tf.int64, [1])
        loss = tf.reduce_sum(LOOKUPS[name][0](tf, table, i) ** 2)
        train_op = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        (grad,) = tf.gradients(loss, table)
        session.run(tf.global_variables_initializer())
        for row in (0, 1, 1, 2):
            session.run(train_op, {i: [row]})
        return session.run(table), type(grad).__name__


@pytest.mark.parametrize("name", LOOKUPS)
def test_whose_gradients_are_rows(name: str) -> None:
    """A row that is not looked up goes on moving by its momentum where the gradient is the whole table."""
    assert _looked_up(tf, name)[1] == ("IndexedSlices" if LOOKUPS[name][1] else "Tensor")


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", LOOKUPS)
def test_whose_gradients_are_rows_in_tensorflow(name: str) -> None:
    import tensorflow.compat.v1 as peer

    peer.disable_v2_behavior()
    (found, kind), (wanted, peer_kind) = _looked_up(tf, name), _looked_up(peer, name)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert (kind == "IndexedSlices") == (peer_kind == "IndexedSlices")
