"""What branches and loops become: how many kernels, copies and bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import graphc as tf
from graphc.codegen.estimate import estimate
from graphc.codegen.program import Branch, Call, Copy, Grow, Loop, Program
from graphc.dims import DimLike, atoms, evaluate


def program_of(fetches: Any, feeds: dict[Any, Any]) -> Program:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.compiled(fetches, feeds)[0].program


def only(actions: Iterable[Any], kind: type) -> Any:
    (found,) = [action for action in actions if isinstance(action, kind)]
    return found


X = np.ones((8, 16), np.float32)


def test_an_iteration_of_an_elementwise_loop_is_one_kernel_in_place() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    y = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, tf.tanh(s) * 2.0 + 1.0), (0, x))[1]
    loop = only(program_of(y, {x: X}).actions, Loop)
    assert [type(action) for action in loop.body].count(Call) <= 2
    assert not [action for action in loop.body if isinstance(action, Copy) and action.bytes != 4]
    assert len(loop.condition) == 1 and not loop.saves


def test_a_loop_that_runs_a_known_number_of_times_asks_for_no_memory() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    y = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, tf.tanh(s) + x), (0, x))[1]
    program = program_of([y, *tf.gradients(y, x)], {x: X})
    assert [stack.bytes for stack in program.stacks] == [5 * X.nbytes]
    assert not program.grows


def test_a_map_over_a_batch_of_any_size_asks_for_no_memory() -> None:
    x = tf.placeholder(tf.float32, [None, 16])
    y = tf.map_fn(lambda row: tf.tanh(row) * row, x)
    with tf.Session() as session:
        for rows in (8, 4, 6):
            session.run(tf.gradients(y, x), {x: X[:rows]})
        assert not session.compiled(tf.gradients(y, x), {x: X})[0].program.grows


def test_saved_memory_grows_with_the_iterations_of_other_loops() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    n = tf.placeholder(tf.int32, [])
    y = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, tf.tanh(s) + x), (0, x))[1]
    program = program_of([y, *tf.gradients(y, x)], {x: X, n: 3})
    assert [stack.bytes for stack in program.stacks] == [None]
    assert program.grows and program.arena_bytes < 20 * X.nbytes


def test_what_stays_the_same_is_not_saved() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    w = tf.get_variable("w", [16, 16])
    y = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, tf.matmul(s, tf.square(w))), (0, x))[1]
    program = program_of([y, *tf.gradients(y, w)], {x: X})
    assert [stack.bytes for stack in program.stacks] == [5 * X.nbytes]


def test_a_gradient_by_the_start_of_a_linear_loop_saves_nothing() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    y = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s * 3.0), (0, x))[1]
    assert program_of(tf.gradients(y, x), {x: X}).stacks == []


def test_arrays_are_written_and_summed_in_place() -> None:
    x = tf.placeholder(tf.float32, [5, 8, 16])
    rows = tf.TensorArray(tf.float32, size=5)
    read = tf.TensorArray(tf.float32, size=5).unstack(x)
    _, rows = tf.while_loop(lambda i, _: i < 5, lambda i, a: (i + 1, a.write(i, tf.tanh(read.read(i)))), (0, rows))
    y = rows.stack()
    program = program_of([y, *tf.gradients(y, x)], {x: np.ones((5, 8, 16), np.float32)})
    loops = [action for action in program.actions if isinstance(action, Loop)]
    whole = 5 * X.nbytes
    assert len(loops) == 2
    assert not [a for loop in loops for a in loop.body if isinstance(a, Copy) and a.bytes == whole]


def moved_in_an_iteration(loop: Loop, rows: int) -> int:
    """The bytes that kernels and copies of a loop's body move where all sizes are so many rows."""

    def bytes_of(action: Any) -> DimLike:
        return estimate(action.kernel).moved if isinstance(action, Call) else action.bytes

    moved = [bytes_of(action) for action in loop.body if not isinstance(action, Grow)]
    return sum(evaluate(bytes, dict.fromkeys(atoms(bytes), rows)) for bytes in moved)


def test_a_row_behind_the_last_of_an_array_moves_no_other_rows() -> None:
    """Nor does its adjoint. Memory that the step takes as it grows gets room for half as much again."""
    x, n = tf.placeholder(tf.float32, [64]), tf.placeholder(tf.int32, [])
    array: Any = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    body = lambda i, a: (i + 1, a.write(i, tf.tanh(x)))  # noqa: E731
    array = tf.while_loop(lambda i, a: i < n, body, (0, array))[1]
    fetches = [array.stack(), *tf.gradients(array.stack(), x)]
    program = program_of(fetches, {x: np.ones(64), n: 3})
    forward, back = (action for action in program.actions if isinstance(action, Loop))
    assert len([action for action in forward.body if isinstance(action, Grow)]) == 1
    for loop in (forward, back):
        assert 64 * 4 <= moved_in_an_iteration(loop, 10_000) < 64 * 4 * 10


def test_a_known_predicate_leaves_one_branch() -> None:
    x = tf.placeholder(tf.float32, [None, 16])
    y = tf.cond(tf.shape(x)[0] > 3, lambda: tf.exp(x), lambda: tf.matmul(x, tf.ones([16, 16])))
    program = program_of(y, {x: X})
    assert [call.node.kind.attributes()["ops"] for call in program.calls] == ["Exp"]
    assert not [action for action in program.actions if isinstance(action, Branch)]


def test_what_nobody_needs_is_not_carried() -> None:
    x = tf.placeholder(tf.float32, [8, 16])
    w = tf.get_variable("w", [16, 16])
    y = tf.while_loop(lambda i, *_: i < 5, lambda i, a, b: (i + 1, tf.tanh(a), tf.matmul(b, w) + a), (0, x, x))[1]
    assert not any("Contract" in call.node.kind.attributes()["ops"] for call in program_of(y, {x: X}).calls)


def test_one_native_call_and_equal_kernels_once() -> None:
    x = tf.placeholder(tf.float32, [8, 16])

    def run(x: Any) -> Any:
        return tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, tf.tanh(s) + 1.0), (0, x))[1]

    program = program_of(run(run(x)), {x: X})
    loops = [action for action in program.actions if isinstance(action, Loop)]
    kernels = [[call.kernel for call in loop.body if isinstance(call, Call)] for loop in loops]
    assert kernels[0] == kernels[1]


def test_a_parameter_keeps_its_name_whatever_is_made_beside_it() -> None:
    # Simplifying makes a constant of equal numbers from a scalar, under a further name like that of the constant.
    same = tf.placeholder_with_default(np.full(3, 2, np.int32), [3], name="x")
    given = tf.placeholder(tf.int32, [3], name="x")
    assert given.op.name == "x_1"
    chosen = tf.placeholder(tf.bool, [])
    result = tf.cond(chosen, lambda: same * given, lambda: given - same)
    with tf.Session() as session:
        assert session.run(result, {given: [1, 2, 3], chosen: True}).tolist() == [2, 4, 6]
        assert session.run(result, {given: [1, 2, 3], chosen: False}).tolist() == [-1, 0, 1]


def test_a_constant_around_a_loop_is_known_in_it() -> None:
    x, one = tf.placeholder(tf.float32, [8, 16]), tf.constant(1.0)
    y = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, tf.tanh(s) * one), (0, x))[1]
    assert not [value for value in program_of(y, {x: X}).constants if value.dtype == np.float32]


def test_pieces_that_nobody_asks_for_are_not_computed() -> None:
    x, n = tf.placeholder(tf.float32, [None, 16]), tf.placeholder(tf.int32, [])

    def actions(infer_shape: bool) -> list[str]:
        array: Any = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=infer_shape)
        array = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, tf.tanh(x))), (0, array))[1]
        loop = only(program_of(array.stack(), {x: X, n: 3}).actions, Loop)
        return [type(action).__name__ for action in loop.body]

    assert actions(infer_shape=False) == actions(infer_shape=True)
