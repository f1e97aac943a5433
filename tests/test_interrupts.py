"""Signal handlers, interrupts and finalizers in the middle of a run: no wrong values, no crash, no lock left held."""

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import graphc as tf
from graphc.executable import Executable

ONES, THREES = np.ones(1000, np.float32), np.full(1000, 3, np.float32)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


@contextmanager
def _every(seconds: float, handler: Callable[[], object]) -> Iterator[None]:
    """Calls the handler again and again, wherever it finds this thread, but not within itself."""

    is_over = False

    def handle(*_: object) -> None:
        if not is_over:
            handler()
            signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_free(lock: threading.RLock) -> bool:
    """Whether another thread gets the lock."""
    found: list[bool] = []

    def ask() -> None:
        found.append(lock.acquire(timeout=1))
        if found[0]:
            lock.release()

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    return found[0]


def _steps() -> dict[str, Callable]:
    return {
        "door": lambda x, k: x * k,
        "measured": lambda x, k: tf.boolean_mask(x, x > -1) * k,
        "stages": lambda x, k: tf.py_func(lambda value: value, [x * k], tf.float32),
    }


@pytest.mark.parametrize("name", _steps())
def test_a_handler_that_runs_the_step_it_interrupts_is_refused(session, name):
    x, k = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [])
    call = session.make_callable(_steps()[name](x, k), [x, k])
    for _ in range(2):  # so that the gate knows it
        call(ONES, 1.0)
    refused, values = [], []

    def handler() -> None:
        try:
            values.append(call(THREES, 7.0))
        except RuntimeError as error:
            refused.append(str(error))

    with _every(2e-4, handler):
        for _ in range(20000):
            assert (call(ONES, 2.0) == 2).all()
            if len(refused) > 20:
                break
    # Nothing interrupts the gate, which runs a step by its door.
    assert refused or (name == "door" and values)
    assert all("cannot run a step from within its own run" in text for text in refused)
    assert all((value == 21).all() for value in values)


def test_a_finalizer_that_runs_the_step_it_interrupts_is_refused(session):
    x, k = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [])
    call = session.make_callable([x * k, x + k], [x, k])
    for _ in range(2):  # so that the gate knows it
        call(ONES, 1.0)
    refused, values = [], []

    class Last:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            try:
                values.append(call(THREES, 7.0)[0])
            except RuntimeError as error:
                refused.append(str(error))

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Last()
            assert (call(ONES, 2.0)[0] == 2).all()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(refused) + len(values) == 300 and all((value == 21).all() for value in values)
    assert all("cannot run a step from within its own run" in text for text in refused)


def test_a_step_refuses_to_run_within_its_first_run(session, monkeypatch):
    x = tf.placeholder(tf.float32, [None])
    call = session.make_callable(x + 1, [x])
    compiled = session.check_initialised

    def interrupted(step: object) -> None:
        monkeypatch.undo()
        with pytest.raises(RuntimeError, match="from within its own run"):
            call(THREES)
        compiled(step)

    monkeypatch.setattr(session, "check_initialised", interrupted)
    assert (call(ONES) == 2).all() and (call(THREES) == 4).all()


def test_a_handler_may_run_other_steps_read_variables_and_move_them(session):
    x = tf.placeholder(tf.float32, [None])
    variable = tf.get_variable("v", initializer=np.zeros(1000, np.float32), validate_shape=False)
    assign, other = tf.assign(variable, x, validate_shape=False), x * 2
    session.run(variable.initializer)
    product = session.make_callable(variable * 0.0 + 3.0)
    sizes = [1000, 70000]
    doubled: list[np.ndarray] = []

    def handler() -> None:
        sizes.reverse()
        doubled.append(session.run(other, {x: ONES}))
        session.run(assign.op, {x: np.ones(sizes[0], np.float32)})

    with _every(2e-4, handler):
        for _ in range(20000):
            value = product()
            assert len(value) in sizes and (value == 3).all()
            if len(doubled) > 100:
                break
    assert doubled and all((value == 2).all() for value in doubled)


def test_an_interrupt_leaves_no_lock_held(session):
    x = tf.placeholder(tf.float32, [4])
    call = session.make_callable(x * 2, [x])
    value, interrupts = np.ones(4, np.float32), 0
    call(value)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    for n in range(200):
        try:
            signal.setitimer(signal.ITIMER_REAL, 1e-4 + n * 1e-6)
            for _ in range(3000):
                call(value)
        except KeyboardInterrupt:
            interrupts += 1
    signal.signal(signal.SIGALRM, before)
    assert interrupts > 20 and _is_free(session.lock)
    assert (call(value) == 2).all()


def test_closing_within_a_run_leaves_the_run_its_variables(session, monkeypatch):
    variable = tf.get_variable("v", initializer=np.full(100000, 5, np.float32))
    session.run(variable.initializer)
    total = session.make_callable(variable + 1.0)
    total()

    def closing(executable: Executable, values: object) -> object:
        monkeypatch.undo()
        session.close()
        return executable.run_plain(values)

    monkeypatch.setattr(Executable, "run_plain", closing)
    assert (total() == 6).all() and session.closed
    with pytest.raises(RuntimeError, match="closed"):
        total()


def test_what_an_interrupted_run_noted_is_forgotten(session):
    places = tf.placeholder(tf.int32, [4])
    picked, inside = tf.gather(tf.constant([1.0, 2.0, 3.0]), places), [0, 1, 2, 1]
    session.run(picked, {places: inside})
    executable, _ = session.compiled(picked, {places: inside})
    executable._errors[:] = 1  # as an interrupt leaves them that comes between the native call and the error
    for _ in range(2):
        np.testing.assert_array_equal(session.run(picked, {places: inside}), [1, 2, 3, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="index"):
        session.run(picked, {places: [0, 1, 2, 3]})
