"""Kernels that differ in where they begin are one, and each reads and writes where it should."""

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.dump import loops_text
from graphc.codegen.loops import Buffer, For, Kernel, Load, LoadedIndex, Store, Symbol
from graphc.codegen.target import host
from graphc.codegen.windows import windowed
from graphc.compiler import build_program, capture
from graphc.dims import atom, symbol
from tests.codegen.plain_kernels import apply

N = symbol("n")
X, Y, PLACES = Buffer("x", "f32", N * 40), Buffer("y", "f32", 8), Buffer("places", "i32", 40)
INDEX, AT = Symbol("i", 8), symbol("i", 8)


def kernel_of(*loads: Load, to: int = 0) -> Kernel:
    value = loads[0]
    for load in loads[1:]:
        value = apply("add", value, load)
    return Kernel("kernel", (X, PLACES, Y), (For(INDEX, (Store(Y, AT + to, value),)),))


@pytest.mark.parametrize(
    ("offsets", "start"),
    [
        ((AT + 16,), 16),
        ((AT + 16, AT + 8), 8),
        ((-AT + 16,), 16),
        ((AT + N * 8,), N * 8),
        ((AT + N * 8 + 5, AT * N + N * 8), N * 8),
        ((AT + 16, AT), 0),
        ((AT + N * 8, AT + 9), 0),  # nobody knows which is first
        ((AT - 1, AT + 16), 0),
    ],
)
def test_a_kernel_begins_at_its_first_access(offsets, start):
    moved, starts = windowed(kernel_of(*(Load(X, offset) for offset in offsets)))
    plain = kernel_of(*(Load(X, offset - start) for offset in offsets))
    assert starts == ({X: start} if start else {})
    assert moved.text == plain.text


def test_positions_that_are_read_are_moved_where_they_stand():
    looked_up = Load(
        X, atom(LoadedIndex(Load(PLACES, AT + 3))) + 4, where=apply("lt", Load(PLACES, AT + 3), Load(PLACES, AT + 5))
    )
    moved, starts = windowed(kernel_of(looked_up, to=2))
    assert starts == {X: 4, PLACES: 3, Y: 2}
    wanted = Load(X, atom(LoadedIndex(Load(PLACES, AT))), where=apply("lt", Load(PLACES, AT), Load(PLACES, AT + 2)))
    assert moved.text == kernel_of(wanted).text


def steps(x, count):
    """Some steps of a recurrence, each with its part of ``x``, one of them with two."""
    state = tf.zeros_like(x[:, 0])
    weights = tf.constant(np.linspace(-1, 1, 25, dtype="f4").reshape(5, 5))
    for step in range(1, count):
        state = tf.tanh(state @ weights + x[:, step] * x[:, step - 1])
    return state


def expected(data):
    state, weights = np.zeros_like(data[:, 0]), np.linspace(-1, 1, 25, dtype="f4").reshape(5, 5)
    for step in range(1, data.shape[1]):
        state = np.tanh(state @ weights + data[:, step] * data[:, step - 1])
    return state


def distinct_kernels(target, x, sizes):
    """How many kernels of different code the target becomes, and how many are called."""
    step = capture([target], [], [x])
    _, program = build_program(step, {step.feeds[x]: sizes}, host())
    return len({call.kernel.text for call in program.calls}), len(program.calls)


@pytest.mark.parametrize("batch", [3, N])
def test_the_steps_of_an_unrolled_loop_are_one_kernel(batch):
    x = tf.placeholder(tf.float32, [None, 12, 5])
    result = steps(x, 12)
    distinct, called = distinct_kernels(result, x, (batch, 12, 5))
    assert distinct <= 4 < 11 <= called  # no state before the first; the second has it; the last gives the result
    data = np.random.default_rng(3).standard_normal((3, 12, 5)).astype("f4")
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(result, {x: data}), expected(data), rtol=1e-5, atol=1e-6)


def test_the_dump_says_where_the_first_of_equal_kernels_begins():
    x = tf.placeholder(tf.float32, [3, 12, 5])
    _, program = build_program(capture([steps(x, 12)], [], [x]), {}, host())
    text = loops_text(program, host())
    assert "==== matmul_1, matmul_2, matmul_3 and 7 more\n" in text
    assert "\n-- in2 begins at 5\n" in text
    assert "-- split" not in text


@pytest.mark.parametrize("batch", [3, N])
def test_steps_that_come_first_in_an_array_begin_at_sizes(batch):
    x = tf.placeholder(tf.float32, [6, None, 5])
    result = steps(tf.transpose(x, [1, 0, 2]), 6)
    distinct, called = distinct_kernels(result, x, (6, batch, 5))
    assert distinct <= 4 < 5 <= called
    data = np.random.default_rng(3).standard_normal((6, 3, 5)).astype("f4")
    with tf.Session() as session:
        found = session.run(result, {x: data})
    np.testing.assert_allclose(found, expected(data.transpose(1, 0, 2)), rtol=1e-5, atol=1e-6)


def test_a_variable_is_not_overwritten_by_what_is_read_elsewhere_in_it():
    """Element ``i`` of the new value is written where another element still is to be read."""
    v = tf.Variable(np.arange(40, dtype="f4"))
    turned = tf.assign(v, tf.concat([v[20:], v[:20] * 2], axis=0))
    with tf.Session() as session:
        session.run(v.initializer)
        session.run(turned)
        assert session.run(v).tolist() == [*range(20, 40), *range(0, 40, 2)]


def test_rows_are_written_in_place_wherever_they_begin():
    v = tf.Variable(np.zeros((6, 40), "f4"))
    with tf.Session() as session:
        session.run(v.initializer)
        updates = [tf.scatter_update(v, [4], tf.ones([1, 40])), tf.assign(v, tf.concat([v[:3] + 1, v[3:]], 0))]
        for update in updates:
            session.run(update)
        assert session.run(v)[:, 0].tolist() == [1, 1, 1, 0, 1, 0]


def test_bodies_of_loops_begin_within_their_own_places():
    x = tf.constant(np.arange(60, dtype="f4").reshape(3, 20))

    def body(count, state):
        return count + 1, state * x[:, 5:10] + x[:, 10:15]

    _, state = tf.while_loop(lambda count, _: count < 3, body, (0, tf.ones([3, 5])))
    data, wanted = np.arange(60, dtype="f4").reshape(3, 20), np.ones((3, 5), "f4")
    for _ in range(3):
        wanted = wanted * data[:, 5:10] + data[:, 10:15]
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(state), wanted, rtol=1e-6)
