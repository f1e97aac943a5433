"""The built-in function behind ``Session.run``: what it gives, what it leaves to others, and when its ways are void."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import session as session_module
from graphc.session import TURNS

ENOUGH = TURNS + 2  # runs, whatever other shapes have come before
Pair = namedtuple("Pair", "first second")


@pytest.fixture
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def passes(session: tf.Session, fetches: Any, feeds: dict[Any, Any] | None = None) -> Any:
    """What the gate gives for a run, after those that open it."""
    for _ in range(ENOUGH):
        session.run(fetches, feeds)
    assert session._gate is not None
    return session._gate.enter(fetches, feeds)


def test_results_have_the_form_that_was_asked_for(session: tf.Session) -> None:
    x = tf.placeholder(tf.float32, [2])
    double, total = x * 2, tf.reduce_sum(x)
    runs = tf.get_variable("runs", initializer=0)
    session.run(runs.initializer)
    count, feeds = tf.assign_add(runs, 1).op, {x: np.array([1, 2], np.float32)}
    np.testing.assert_array_equal(passes(session, double, feeds), [2, 4])
    alone = passes(session, total, feeds)
    assert alone == 3 and type(alone) is np.float32
    several = passes(session, [total, double, count, total], feeds)
    assert type(several) is list and several[2] is None and several[0] == several[3] == 3
    both = passes(session, (total, count), feeds)
    assert type(both) is tuple and both == (3, None)
    assert passes(session, [total], feeds) == [3] and passes(session, "Sum:0", feeds) == 3
    assert passes(session, count) is None
    assert session.run(runs) == 3 * (ENOUGH + 1) and passes(session, []) == []


@pytest.mark.parametrize(
    "form",
    [
        lambda x: [[x], x],
        lambda x: {"one": x},
        lambda x: Pair(x, x),
        lambda x: OrderedDict(one=x),
        lambda x: ([x],),
    ],
)
def test_other_forms_go_by_python(session: tf.Session, form: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    fetches, feeds = form(x + 1), {x: np.zeros(2, np.float32)}
    first = session.run(fetches, feeds)
    passes(session, x * 2, feeds)
    assert passes(session, fetches, feeds) is NotImplemented
    assert repr(session.run(fetches, feeds)) == repr(first)


def test_feeds_of_another_kind_are_looked_at(session: tf.Session) -> None:
    x = tf.placeholder(tf.float32, [None])
    double, plain = x * 2, np.ones(3, np.float32)
    passes(session, double, {x: plain})
    assert session._gate is not None
    for value in ([1, 2], plain[::2], plain.astype(np.float64), np.ones(5, np.float32)):
        assert session._gate.enter(double, {x: value}) is NotImplemented
        np.testing.assert_array_equal(session.run(double, {x: value}), 2 * np.asarray(value))
        np.testing.assert_array_equal(passes(session, double, {x: plain}), 2 * plain)
    assert session._gate.enter(double, OrderedDict({x: plain})) is NotImplemented
    assert session._gate.enter(double, None) is NotImplemented
    assert session._gate.enter(double, {}) is NotImplemented
    assert session._gate.enter([[]], {x: plain}) is NotImplemented
    for wrong, message in (("word", "Cannot feed"), (np.ones((3, 3), np.float32), "Cannot feed value of shape")):
        with pytest.raises((TypeError, ValueError), match=message):
            session.run(double, {x: wrong})
    with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value"):
        session.run(double)


def test_two_shapes_by_turns_both_run_without_care(session: tf.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.placeholder(tf.float32, [None])
    double = x * 2
    few, many, most = (np.arange(n, dtype=np.float32) for n in (3, 5, 7))
    looked_at: list[int] = []
    with_care = session_module._Plan._run_with_care

    def watched(plan: Any, values: Any) -> Any:
        looked_at.append(len(values[0]))
        return with_care(plan, values)

    monkeypatch.setattr(session_module._Plan, "_run_with_care", watched)
    served = set()
    for turn in range(3 * TURNS):
        for value in (few, many):
            np.testing.assert_array_equal(session.run(double, {x: value}), 2 * value)
            if turn > 2 and session._gate.enter(double, {x: value}) is not NotImplemented:
                served.add(len(value))
    assert looked_at == [3, 5, 3] and served == {3, 5}  # they change places
    np.testing.assert_array_equal(passes(session, double, {x: most}), 2 * most)
    assert session._gate.enter(double, {x: many}) is session._gate.enter(double, {x: few}) is NotImplemented
    assert looked_at == [3, 5, 3, 7]


def test_each_shape_tells_what_it_refuses(session: tf.Session) -> None:
    x, y = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None])
    quotient = x // y
    for _ in range(TURNS + 2):
        for size in (2, 3):
            ones = np.ones(size, np.int32)
            np.testing.assert_array_equal(session.run(quotient, {x: ones, y: ones}), ones)
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"is divided by zero: Placeholder_1\[0\] = 0"):
                session.run(quotient, {x: ones, y: 0 * ones})


def test_numbers_are_fed_as_they_are(session: tf.Session) -> None:
    for dtype in (tf.float32, tf.float64):
        k = tf.placeholder(dtype, [])
        scaled, kind = k * 3, dtype.as_numpy_dtype
        passes(session, scaled, {k: 1.0})
        for value in (0.1, 7, -(2**52), kind(0.3), np.float64(0.3), np.array(0.7, kind)):
            made = session._gate.enter(scaled, {k: value})
            assert type(made) is kind and made == kind(kind(value) * kind(3))
        for value in (True, 2**53, 1e300, 10**400, float("nan"), np.float16(1), np.int64(3)):
            assert session._gate.enter(scaled, {k: value}) is NotImplemented


def test_what_a_step_refuses_is_told_as_ever(session: tf.Session) -> None:
    x, y = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.int32, [2])
    quotient, ones = x // y, np.ones(2, np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError) as first:
        session.run(quotient, {x: ones, y: 0 * ones})
    for _ in range(3):
        np.testing.assert_array_equal(passes(session, quotient, {x: ones, y: ones}), ones)
        with pytest.raises(tf.errors.InvalidArgumentError) as later:
            session._gate.enter(quotient, {x: ones, y: 0 * ones})
        assert str(later.value) == str(first.value)
        with session.lock:
            pass
    other = threading.Thread(target=session.run, args=(quotient, {x: ones, y: ones}))
    other.start()
    other.join(10)
    assert not other.is_alive()  # the lock was given back


def test_ways_are_void_when_variables_move_and_when_the_session_is_closed(session: tf.Session) -> None:
    variable = tf.get_variable("v", initializer=np.ones(3, np.float32), validate_shape=False)
    session.run(variable.initializer)
    x = tf.placeholder(tf.float32, [4])
    double = x * 2
    feeds = {x: np.ones(4, np.float32)}
    passes(session, double, feeds)
    longer = tf.assign(variable, tf.ones([1000]), validate_shape=False)
    session.run(longer)
    enter = session._gate.enter
    assert enter(double, feeds) is NotImplemented
    np.testing.assert_array_equal(passes(session, double, feeds), [2] * 4)
    session.close()
    assert enter(double, feeds) is NotImplemented
    with pytest.raises(RuntimeError, match="closed"):
        session.run(double, feeds)


def test_the_way_of_a_callable_goes_with_it(session: tf.Session) -> None:
    x = tf.placeholder(tf.float32, [2])
    call = session.make_callable(x * 2, [x])
    for _ in range(3):
        call(np.ones(2, np.float32))
    ((*_, executable),) = session.state.ways.values()
    step = weakref.ref(executable)
    gc.disable()
    try:
        del call, executable, _
        assert not session.state.ways and step() is None  # its memory at once, not with the next garbage
    finally:
        gc.enable()


def test_references_are_given_back(session: tf.Session) -> None:
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    fetches, tensor = [x + y, tf.reduce_sum(x)], x * y
    values = np.ones(2, np.float32), np.zeros(2, np.float32)
    feeds = dict(zip((x, y), values))
    passes(session, fetches, feeds)
    passes(session, tensor, feeds)
    call = session.make_callable(fetches, [x, y])
    for _ in range(2):
        call(*values)
    things = [x, y, *values, feeds, fetches, tensor, NotImplemented, None, list, session.lock, np.dtype(np.float32)]

    def counts() -> list[int]:
        gc.collect()
        return [sys.getrefcount(thing) for thing in things]

    before = counts()
    for _ in range(1000):
        session.run(fetches, feeds)
        session.run(tensor, feeds)
        call(*values)
        session._gate.enter(fetches, {x: 1.0, y: 2.0})
        session._gate.enter([[]], feeds)
        session._gate.enter(fetches, {})
    assert np.abs(np.subtract(counts(), before)).max() < 100


def test_threads_pass_one_after_the_other(session: tf.Session) -> None:
    runs = tf.get_variable("runs", initializer=0)
    session.run(runs.initializer)
    count = tf.assign_add(runs, 1)
    passes(session, count)
    seen: list[int] = []

    def work() -> None:
        seen.extend(int(session.run(count)) for _ in range(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(min(seen), min(seen) + 2000))


def test_a_run_enters_two_functions(session: tf.Session) -> None:
    x = tf.placeholder(tf.float32, [2])
    double, feeds = x * 2, {x: np.ones(2, np.float32)}
    passes(session, double, feeds)
    events: list[str] = []
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        session.run(double, feeds)
    finally:
        sys.setprofile(None)
    assert [event for event in events if "call" in event] == ["call", "c_call", "c_call"]  # the last ends profiling
