"""Variables and random numbers in branches and loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf


def initialised() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def test_only_the_branch_taken_assigns() -> None:
    v = tf.Variable(1.0)
    n = tf.placeholder(tf.int32, [])
    y = tf.cond(n > 0, lambda: v.assign_add(2.0), lambda: tf.constant(7.0))
    session = initialised()
    assert [session.run(y, {n: 1}), session.run(v)] == [3.0, 3.0]
    assert [session.run(y, {n: 0}), session.run(v)] == [7.0, 3.0]


def test_both_branches_assign() -> None:
    v, w = tf.Variable(1.0), tf.Variable(10.0)
    n = tf.placeholder(tf.int32, [])
    y = tf.cond(n > 0, lambda: tf.group(v.assign(w), w.assign(v)), lambda: tf.group(v.assign_sub(1.0)))
    session = initialised()
    assert session.run(y, {n: 1})
    assert session.run([v, w]) == [10.0, 1.0]
    session.run(y, {n: 0})
    assert session.run([v, w]) == [9.0, 1.0]


def test_a_read_in_a_branch_comes_after_what_the_branch_waits_for() -> None:
    v = tf.Variable(1.0)
    n = tf.placeholder(tf.int32, [])
    with tf.control_dependencies([v.assign_add(1.0)]):
        y = tf.cond(n > 0, lambda: v.read_value() * 10.0, lambda: v + 0.5)
    session = initialised()
    assert [session.run(y, {n: 1}), session.run(y, {n: 0})] == [20.0, 3.5]


def test_an_operation_outside_can_be_waited_for_inside() -> None:
    v = tf.Variable(1.0)
    add = v.assign_add(1.0)

    def branch() -> tf.Tensor:
        with tf.control_dependencies([add]):
            return v.read_value() * 10.0

    y = tf.cond(tf.placeholder_with_default(True, []), branch, lambda: tf.constant(0.0))
    assert initialised().run(y) == 20.0


def test_a_loop_assigns_in_each_iteration() -> None:
    v = tf.Variable([0.0, 0.0])
    n = tf.placeholder(tf.int32, [])

    def body(i: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.control_dependencies([v.assign_add([1.0, 2.0])]):
            return i + 1, total + v.read_value()

    _, total = tf.while_loop(lambda i, _: i < n, body, (0, tf.zeros([2])))
    session = initialised()
    np.testing.assert_array_equal(session.run(total, {n: 3}), [6, 12])
    np.testing.assert_array_equal(session.run(v), [3, 6])
    np.testing.assert_array_equal(session.run(total, {n: 0}), [0, 0])
    np.testing.assert_array_equal(session.run(v), [3, 6])


def test_a_loop_in_a_branch_assigns() -> None:
    v = tf.Variable(0)
    n = tf.placeholder(tf.int32, [])

    def counted() -> tf.Tensor:
        def body(i: tf.Tensor) -> tf.Tensor:
            with tf.control_dependencies([v.assign_add(i)]):
                return i + 1

        return tf.while_loop(lambda i: i < n, body, [0])

    y = tf.cond(n > 2, counted, lambda: tf.constant(-1))
    session = initialised()
    assert [session.run(y, {n: 4}), session.run(v)] == [4, 6]
    assert [session.run(y, {n: 1}), session.run(v)] == [-1, 6]


def test_random_numbers_go_on_from_iteration_to_iteration_and_from_run_to_run() -> None:
    def drawn() -> tf.Tensor:
        return tf.random_uniform([2], seed=7)

    tf.set_random_seed(1)
    _, rows = tf.while_loop(
        lambda i, _: i < 3, lambda i, rows: (i + 1, rows.write(i, drawn())), (0, tf.TensorArray(tf.float32, size=3))
    )
    rows = rows.stack()
    with tf.Session() as session:
        first, second = session.run(rows), session.run(rows)
    assert len(np.unique(np.concatenate([first, second]))) == 12
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        one = drawn()
        np.testing.assert_array_equal(np.concatenate([first, second]), [session.run(one) for _ in range(6)])


def test_a_branch_not_taken_draws_no_numbers() -> None:
    tf.set_random_seed(1)
    n = tf.placeholder(tf.int32, [])
    y = tf.cond(n > 0, lambda: tf.random_uniform([], seed=3), lambda: tf.constant(-1.0))
    with tf.Session() as session:
        with_pause = [session.run(y, {n: k}) for k in (1, 0, 0, 1)]
    with tf.Session() as session:
        without = [session.run(y, {n: 1}) for _ in range(2)]
    assert with_pause == [without[0], -1, -1, without[1]]


def test_variables_made_inside_stand_outside() -> None:
    def body(i: tf.Tensor, s: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.variable_scope("cell", reuse=tf.AUTO_REUSE):
            return i + 1, s * tf.get_variable("w", [], initializer=tf.constant_initializer(2.0))

    _, y = tf.while_loop(lambda i, _: i < 3, body, (0, 1.0))
    (w,) = tf.trainable_variables()
    assert (w.name, w.graph is tf.get_default_graph()) == ("cell/w:0", True)
    session = initialised()
    assert session.run([y, *tf.gradients(y, w)]) == [8.0, 12.0]


def test_a_loop_trains() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.get_variable("w", [3, 3], initializer=tf.constant_initializer(0.3))
    y = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, tf.tanh(tf.matmul(s, w)) + x), (0, x))[1]
    loss = tf.reduce_sum(tf.square(y))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    session = initialised()
    losses = [session.run([loss, train], {x: np.eye(3, dtype=np.float32)})[0] for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_step_that_fails_in_a_loop_leaves_variables_as_they_were() -> None:
    v = tf.Variable([1.0, 2.0, 3.0])
    n = tf.placeholder(tf.int32, [])
    _, total = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + tf.gather(v, i)), (0, 0.0))
    step = v.assign_add([total, total, total])
    session = initialised()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"an index in .* is not in \[0, 3\)"):
        session.run(step, {n: 4})
    np.testing.assert_array_equal(session.run(v), [1, 2, 3])
    np.testing.assert_array_equal(session.run(step, {n: 3}), [7, 8, 9])


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    x = tf.placeholder(tf.float32, [64, 96])
    w = tf.placeholder(tf.float32, [96, 96])
    y = tf.while_loop(lambda i, s: i < 6, lambda i, s: (i + 1, tf.tanh(tf.matmul(s, w)) + x), (0, x))[1]
    fetches = [y, *tf.gradients(y, [x, w])]
    rng = np.random.default_rng(0)
    feeds = {x: rng.normal(size=(64, 96)), w: rng.normal(size=(96, 96)) / 10}
    results = []
    for threads in (1, 2, 5):
        with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
            results.append([array.tobytes() for array in session.run(fetches, feeds)])
    assert results[0] == results[1] == results[2]


def test_gradients_can_be_taken_inside() -> None:
    def newton(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        y = x * x - 2.0
        return i + 1, x - y / tf.gradients(y, x)[0]

    _, root = tf.while_loop(lambda i, _: i < 6, newton, (0, tf.constant(1.0, tf.float64)))
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(root), np.sqrt(2.0), rtol=1e-15)


def test_gradients_inside_by_what_stands_outside() -> None:
    w = tf.get_variable("w", [], tf.float64, initializer=tf.constant_initializer(3.0))
    c = tf.placeholder_with_default(tf.constant(3.0, tf.float64), [])

    def body(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return i + 1, x + tf.add_n(tf.gradients(x * w * w * c, [w, c]))

    _, x = tf.while_loop(lambda i, _: i < 1, body, (0, tf.constant(1.0, tf.float64)))
    assert initialised().run([x, *tf.gradients(x, w)]) == [28.0, 12.0]


@pytest.mark.parametrize(
    "optimizer",
    [
        tf.train.GradientDescentOptimizer(0.1),
        tf.train.MomentumOptimizer(0.1, 0.9),
        tf.train.AdamOptimizer(0.1),
        tf.train.RMSPropOptimizer(0.1),
        tf.train.AdadeltaOptimizer(0.1),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_a_branch_may_minimize(optimizer: Any) -> None:
    w = tf.get_variable("w", [3], initializer=tf.constant_initializer(3.0))
    p = tf.placeholder(tf.bool, [])
    loss = tf.reduce_sum(tf.square(w * [1.0, 2.0, 3.0] - 1.0))
    step = tf.cond(p, lambda: tf.group(optimizer.minimize(loss)), tf.no_op)
    session = initialised()
    before = session.run(loss)
    session.run(step, {p: False})
    assert session.run(loss) == before
    session.run(step, {p: True})
    assert session.run(loss) < before
