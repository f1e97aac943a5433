"""The built-in function through which Python calls a step: what it takes, what it makes, and what it refuses."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.door import Door

Case = tuple[tf.Session, Callable[..., Any], Door]


@pytest.fixture
def counted() -> Iterator[Case]:
    """A step that adds a row to a matrix and counts its runs, as a callable, and its door."""
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [3])
        runs = tf.Variable(0)
        with tf.control_dependencies([tf.assign_add(runs, 1)]):
            total = tf.identity(x + y)
        session.run(tf.global_variables_initializer())
        call = session.make_callable([total, runs.read_value()], [x, y])
        zero = np.zeros((2, 3), np.float32), np.zeros(3, np.float32)
        call(*zero)
        call(*zero)  # the door is made when a step runs again
        (plan,) = [cell.cell_contents for cell in call.__closure__ or () if hasattr(cell.cell_contents, "ready")]
        assert plan.ready._door is not None
        yield session, call, plan.ready._door


def matrix() -> np.ndarray[Any, Any]:
    return np.arange(6, dtype=np.float32).reshape(2, 3)


def row() -> np.ndarray[Any, Any]:
    return np.array([10, 20, 30], np.float32)


def test_results_are_arrays_of_their_own(counted: Case) -> None:
    _, _, door = counted
    first, second = door(matrix(), row()), door(matrix(), row())
    assert type(first) is tuple and len(first) == 2
    np.testing.assert_array_equal(first[0], matrix() + row())
    assert second[1] == first[1] + 1
    assert first[0].flags.owndata and first[0].flags.writeable and first[0].dtype is np.dtype(np.float32)
    first[0][:] = 0
    np.testing.assert_array_equal(second[0], matrix() + row())


class _Special(np.ndarray[Any, Any]):
    """Not quite an array."""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (matrix(),),
        (matrix(), row(), row()),
        (matrix(), row().astype(np.float64)),
        (matrix(), row().astype(">f4")),
        (matrix().T, row()),
        (matrix()[:, :2], row()),
        (np.asfortranarray(matrix()), row()),
        (np.zeros((2, 6), np.float32)[:, ::2], row()),
        (matrix(), np.zeros(13, np.uint8)[1:].view(np.float32)),
        (matrix().view(_Special), row()),
        (matrix(), 1.0),
        (matrix(), [1.0, 2.0, 3.0]),
        (None, None),
    ],
)
def test_what_is_not_just_as_expected_is_left_to_others(counted: Case, arguments: tuple[Any, ...]) -> None:
    _, _, door = counted
    before = door(matrix(), row())[1]
    assert door(*arguments) is None
    assert door(matrix(), row())[1] == before + 1  # nothing has run


def test_references_are_given_back(counted: Case) -> None:
    _, _, door = counted
    x, y, kind = matrix(), row(), np.dtype(np.float32)

    def counts() -> list[int]:
        return [sys.getrefcount(thing) for thing in (x, y, kind, np.ndarray, np.dtype(np.uint8), np.dtype(np.int32))]

    door(x, y)
    before = counts()
    for _ in range(1000):
        door(x, y)
        door(x)
    assert np.abs(np.subtract(counts(), before)).max() < 100


def test_large_results_begin_on_cache_lines() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [100, 200])
        call = session.make_callable(x * 2, [x])
        value = np.ones((100, 200), np.float32)
        results = [call(value) for _ in range(20)]
        assert all(result.ctypes.data % 64 == 0 and result.flags.writeable for result in results)
        assert all((result == 2).all() and result.shape == (100, 200) for result in results)
        assert {type(result.base) for result in results} == {np.ndarray}  # which holds the memory


def test_a_step_that_fails_says_so_and_the_next_runs() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.placeholder(tf.int32, [4]), tf.placeholder(tf.int32, [4])
        call = session.make_callable(x // y, [x, y])
        ones = np.ones(4, np.int32)
        for _ in range(3):
            np.testing.assert_array_equal(call(ones, ones), ones)
            with pytest.raises(tf.errors.InvalidArgumentError, match="divided by zero"):
                call(ones, 0 * ones)


def test_numbers_and_arrays_are_fed_alike() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        rate, x = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [2])
        call = session.make_callable(rate * x, [rate, x])
        for value in (0.5, np.float32(0.5), np.array(0.5, np.float32), 0.5, 2, True):
            np.testing.assert_array_equal(call(value, np.ones(2, np.float32)), np.full(2, np.float32(value)))


def test_other_threads_run_while_a_step_does() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [512, 512])
        call = session.make_callable(tf.reduce_sum(x @ x @ x @ x), [x])
        ones = np.ones((512, 512), np.float32)
        call(ones)
        steps = [0]
        worker = threading.Thread(target=lambda: [call(ones) for _ in range(20)])
        worker.start()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(10)  # who holds Python's lock keeps it, unless it gives it away
        try:
            while worker.is_alive():
                steps[0] += 1
                worker.join(0.0001)
        finally:
            sys.setswitchinterval(interval)
        worker.join()
        assert steps[0] > 5


def test_a_run_is_few_calls() -> None:
    """Counted by Python's own profiler: functions entered, of Python and built in."""
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
        z, one = x * y, np.ones(2, np.float32)
        feeds = {x: one, y: one}
        call = session.make_callable(z, [x, y])
        for _ in range(2):
            session.run(z, feeds)
            session.run([z, {"z": z}], feeds)
            call(one, one)
        assert _calls(lambda: call(one, one)) <= 5
        assert _calls(lambda: session.run(z, feeds)) <= 5
        assert _calls(lambda: session.run([z, {"z": z}], feeds)) <= 60


def _calls(run: Callable[[], Any]) -> int:
    events: list[str] = []
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        run()
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in events)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_feeds_in_any_order_and_some_that_nobody_reads(order: list[int]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, y, unread = (tf.placeholder(tf.float32, shape) for shape in ([2], [2], []))
        given = [(x, np.array([8, 6], np.float32)), (y, np.array([4, 2], np.float32)), (unread, 0.5)]
        keys, values = zip(*(given[place] for place in order), strict=True)
        call = session.make_callable(x / y, keys)
        for _ in range(2):
            np.testing.assert_array_equal(call(*values), [2, 3])
        assert _calls(lambda: call(*values)) <= 20
        for wrong in ("a word", np.zeros(3, np.float32), None):
            with pytest.raises((TypeError, ValueError), match=r"Cannot feed|NoneType"):
                call(*(wrong if key is unread else value for key, value in zip(keys, values, strict=True)))
