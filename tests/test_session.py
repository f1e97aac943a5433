"""What a Session does: fetches, feeds, the order of effects, versions for shapes, and the cost of a run."""

import collections
import os
import signal
import threading
import time
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest

import graphc as tf
from graphc import versions


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_fetches_keep_the_structure_they_were_asked_in(session):
    a = tf.constant([1.0, 2.0], name="a")
    pair = collections.namedtuple("pair", "left right")
    result = session.run({"list": [a, "a:0"], "tuple": (a * 2, tf.no_op()), "named": pair(a, 2.0 * a)})
    np.testing.assert_array_equal(result["list"], [[1, 2], [1, 2]])
    assert result["tuple"][1] is None
    np.testing.assert_array_equal(result["tuple"][0], [2, 4])
    np.testing.assert_array_equal(result["named"].right, [2, 4])


def test_a_scalar_comes_back_as_a_numpy_scalar(session):
    value = session.run(tf.constant(3.0) * 2)
    assert type(value) is np.float32
    assert value == 6


def test_nothing_asked_for_is_nothing_done(session):
    tf.constant(1.0)
    assert session.run([]) == []


def test_any_tensor_can_be_fed(session):
    x = tf.placeholder(tf.float32, [2])
    doubled = x * 2
    y = doubled + 1
    np.testing.assert_array_equal(session.run(y, {doubled: [5.0, 6.0]}), [6, 7])
    np.testing.assert_array_equal(session.run([doubled, y], {doubled: [5.0, 6.0]}), [[5, 6], [6, 7]])


def test_a_placeholder_with_a_default_can_be_left_out(session):
    x = tf.placeholder_with_default([1.0, 2.0], [None])
    np.testing.assert_array_equal(session.run(x * 2), [2, 4])
    np.testing.assert_array_equal(session.run(x * 2, {x: [1, 2, 3]}), [2, 4, 6])


def test_feeds_are_converted_where_nothing_is_lost(session):
    x = tf.placeholder(tf.float32, [None, 2])
    expected = [[2, 4]]
    for value in ([[1, 2]], np.array([[1, 2]]), np.array([[1.0, 2.0]]), np.array([[1], [2]], np.float32).T):
        np.testing.assert_array_equal(session.run(x * 2, {x: value}), expected)


def test_numbers_may_be_fed_as_they_stand_in_a_table_of_text(session):
    x, n = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [2])
    assert session.run(x * 2, {x: ["1.5", " 2e1"]}).tolist() == [3.0, 40.0]
    assert session.run(n * 2, {n: np.array([["7", "-8"]])[0]}).tolist() == [14, -16]
    with pytest.raises(ValueError, match="text that is no number"):
        session.run(x, {x: ["one"]})
    with pytest.raises(TypeError, match="outside the range of int32"):
        session.run(n, {n: [str(1 << 40), "1"]})


def test_a_traced_run_reports_nothing(session):
    told = tf.RunMetadata()
    session.run(tf.constant(1), options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=told)
    assert not told.step_stats.dev_stats and not told.partition_graphs


def test_whole_numbers_may_be_fed_as_floats_and_truth_as_whole_numbers(session):
    n = tf.placeholder(tf.int32, [3])
    for value in (np.array([1.0, -2.0, 2147483647.0]), [1.0, -2.0, 2147483647.0], np.array([1, -2, 2147483647])):
        np.testing.assert_array_equal(session.run(tf.identity(n), {n: value}), np.int32([1, -2, 2147483647]))
    flag = tf.placeholder(tf.bool, [])
    assert [session.run(tf.logical_not(flag), {flag: value}) for value in (0, 1, 1.0, np.int64(0))] == [1, 0, 0, 1]


@pytest.mark.parametrize("value", [[0.5], [np.nan], [np.inf], [2.0**31], [2**31], np.array([1e300])], ids=str)
def test_what_a_whole_number_cannot_hold_is_not_fed(session, value):
    n = tf.placeholder(tf.int32, [1])
    with pytest.raises(TypeError, match=r"at position \[0\] is (not a whole number|outside the range of int32)"):
        session.run(tf.identity(n), {n: value})


def test_a_truth_value_is_0_or_1(session):
    flag = tf.placeholder(tf.bool, [])
    with pytest.raises(TypeError, match="2 is outside the range of bool"):
        session.run(tf.logical_not(flag), {flag: 2})


def test_variables_keep_their_values_from_run_to_run(session):
    v = tf.Variable([1.0, 2.0], name="v")
    step = tf.assign_add(v, [1.0, 1.0])
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run(step), [2, 3])
    np.testing.assert_array_equal(session.run([step, v.initialized_value()])[0], [3, 4])
    np.testing.assert_array_equal(session.run(v), [3, 4])


def test_a_read_sees_the_value_from_before_the_run(session):
    v = tf.Variable(1.0)
    assign = tf.assign(v, 5.0)
    session.run(tf.global_variables_initializer())
    assert session.run([v, assign]) == [1.0, 5.0]
    assert session.run(v) == 5.0


def test_a_read_after_a_control_dependency_sees_the_new_value(session):
    v = tf.Variable(1.0)
    assign = tf.assign(v, 5.0)
    with tf.control_dependencies([assign]):
        after = v.read_value() * 2
    session.run(tf.global_variables_initializer())
    assert session.run(after) == 10.0


def test_assignments_in_one_run_follow_their_order(session):
    v = tf.Variable(2.0)
    first = tf.assign_add(v, 3.0)
    with tf.control_dependencies([first]):
        second = tf.assign(v, v.read_value() * 10)
    session.run(tf.global_variables_initializer())
    assert session.run(second) == 50.0
    assert session.run(v) == 50.0


def test_variables_can_swap_their_values(session):
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    swap = tf.group(tf.assign(a, b), tf.assign(b, a))
    session.run(tf.global_variables_initializer())
    session.run(swap)
    np.testing.assert_array_equal(session.run([a, b]), [[3, 4], [1, 2]])


def test_an_update_in_place_waits_for_those_who_read_the_old_value(session):
    w = tf.Variable(np.arange(6, dtype=np.float32).reshape(2, 3))
    product = tf.matmul(w, w, transpose_b=True)
    update = tf.assign(w, w * 0.5)
    session.run(tf.global_variables_initializer())
    before = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(session.run([product, update])[0], before @ before.T)
    np.testing.assert_allclose(session.run(w), before / 2)


def test_sessions_do_not_share_variables():
    with tf.Graph().as_default():
        v = tf.Variable(1.0)
        init = tf.global_variables_initializer()
        with tf.Session() as one, tf.Session() as two:
            one.run(init)
            two.run(init)
            one.run(tf.assign(v, 7.0))
            assert two.run(v) == 1.0
            assert one.run(v) == 7.0


def test_eval_and_run_use_the_default_session():
    with tf.Graph().as_default():
        v = tf.Variable(4.0)
        with tf.Session():
            tf.global_variables_initializer().run()
            assert v.eval() == 4.0
            assert (v * 2).eval() == 8.0


def test_an_interactive_session_is_the_default_until_closed():
    with tf.Graph().as_default():
        session = tf.InteractiveSession()
        assert (tf.constant(2.0) * 3).eval() == 6.0
        session.close()
        assert tf.get_default_session() is None


def test_sizes_are_compiled_once_as_numbers_and_once_as_symbols(session):
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    total = tf.reduce_sum(x * y, axis=1)
    for rows in (4, 7, 9, 30, 5):
        a, b = np.random.rand(2, rows, 3).astype(np.float32)
        np.testing.assert_allclose(session.run(total, {x: a, y: b}), (a * b).sum(1), rtol=1e-5)
    (plan,) = session._plans.values()
    assert plan.versions.compilations == 2


def test_memory_for_many_sizes_is_given_back(session, monkeypatch):
    monkeypatch.setattr(versions, "KEPT_BYTES", 200_000)
    x = tf.placeholder(tf.float32, [None, 64])
    y = tf.matmul(tf.matmul(x, x, transpose_b=True), x)
    for rows in (*range(100, 130), *range(100, 130)):
        a = np.random.rand(rows, 64).astype(np.float32)
        np.testing.assert_allclose(session.run(y, {x: a}), a @ a.T @ a, rtol=1e-4)
    (plan,) = session._plans.values()
    assert plan.versions.compilations == 2
    assert len(plan.versions.known) < 10


def test_sizes_of_one_and_zero_get_versions_of_their_own(session):
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    for rows, other in ((4, 4), (5, 5), (1, 6), (6, 1), (0, 0), (8, 8)):
        a, b = np.random.rand(rows, 3).astype("f"), np.random.rand(other, 3).astype("f")
        np.testing.assert_allclose(session.run(x + y, {x: a, y: b}), a + b)


def test_a_callable_runs_like_run(session):
    a, b = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [3])
    call = session.make_callable([a * b, a + b], [a, b])
    product, total = call(np.ones(3, "f"), [1, 2, 3])
    np.testing.assert_array_equal(product, [1, 2, 3])
    np.testing.assert_array_equal(total, [2, 3, 4])


def test_a_step_is_one_native_call_and_allocates_only_its_fetches(session, monkeypatch):
    x = tf.placeholder(tf.float32, [8, 5])
    w = tf.Variable(np.ones((5, 4), np.float32))
    scores = tf.matmul(x, w)
    loss = tf.reduce_mean(tf.tanh(scores))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    session.run(tf.global_variables_initializer())
    feed = np.ones((8, 5), np.float32)
    for _ in range(2):  # the door is made when a step runs again
        session.run([loss, scores, train], {x: feed})
    step, _ = session.compiled([loss, scores, train], {x: feed})
    calls, door = [], step._door
    monkeypatch.setattr(step, "_door", lambda *values: calls.append(values) or door(*values))
    monkeypatch.setattr(session, "_gate", None)  # which goes through the door, but not by that name
    session.run([loss, scores, train], {x: feed})
    assert len(calls) == 1
    tracemalloc.start()
    try:
        made = door(feed)
        arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    finally:
        tracemalloc.stop()
    assert [trace.size for trace in arrays.traces] == [made[1].nbytes] == [8 * 4 * 4]


def test_threads_may_run_one_session_together(session):
    v = tf.Variable(0)
    add = tf.assign_add(v, 1)
    session.run(tf.global_variables_initializer())
    workers = [threading.Thread(target=lambda: [session.run(add) for _ in range(50)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert session.run(v) == 200


def test_a_run_that_waited_while_its_session_was_closed_says_so():
    session = tf.Session()
    v = tf.Variable(0)
    session.run(tf.global_variables_initializer())
    session.run(v)
    failures = []

    def run() -> None:
        try:
            session.run(v)
        except RuntimeError as error:
            failures.append(str(error))

    with session.lock:
        waiting = threading.Thread(target=run)
        waiting.start()
        time.sleep(0.1)
        session.close()
    waiting.join()
    assert failures == ["Attempted to use a closed Session."]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_while_another_thread_runs_can_run_too(session):
    v = tf.Variable(np.zeros(1000, np.float32))
    add = tf.assign_add(v, np.ones(1000, np.float32))
    session.run(tf.global_variables_initializer())
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            session.run(add.op)

    worker = threading.Thread(target=run)
    worker.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                signal.alarm(30)  # a child that hangs is ended by a signal
                os._exit(0 if np.ptp(session.run(add)) == 0 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        worker.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_a_run_that_runs_other_sessions(session):
    others = [tf.Session() for _ in range(10)]  # most of them are held before the first, whatever the order
    one = tf.constant(1)
    inside, waiting = threading.Event(), threading.Event()

    def run_others() -> np.int32:
        inside.set()
        waiting.wait(10)
        time.sleep(0.05)  # the fork has begun
        return np.int32(sum(other.run(one) for other in others))

    total = tf.py_func(run_others, [], tf.int32)
    worker = threading.Thread(target=session.run, args=(total,), daemon=True)
    worker.start()
    inside.wait(10)
    signal.alarm(30)  # a fork that never begins is ended by a signal
    waiting.set()
    child = os.fork()
    if child == 0:
        os._exit(0 if others[0].run(one) == 1 and session.run(one) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    signal.alarm(0)
    worker.join(10)
    assert not worker.is_alive()


def test_python_numbers_fed_for_float64_keep_all_their_digits(session):
    x = tf.placeholder(tf.float64, None)
    assert session.run(x, {x: 0.1}) == 0.1
    assert session.run(x, {x: 1e300}) == 1e300
    np.testing.assert_array_equal(session.run(x * 1, {x: [0.1, 1 / 3]}), [0.1, 1 / 3])


def test_ordered_dictionaries_come_back_as_such():
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(OrderedDict([("z", tf.constant(1)), ("a", [tf.constant(2)])]))
    assert type(found) is OrderedDict
    assert list(found.items()) == [("z", 1), ("a", [2])]


def test_what_a_session_cannot_be_made_with() -> None:
    with pytest.raises(NotImplementedError) as target:
        tf.Session("grpc://worker:2222")
    assert str(target.value) == (
        "Session(target='grpc://worker:2222'): graphc runs in this process; leave the target out"
    )
    with pytest.raises(TypeError) as config:
        tf.Session(config=3)
    assert str(config.value) == "config must be a tf.ConfigProto, but got <class 'int'>"


def test_concat_with_its_arguments_in_the_order_of_old_programs() -> None:
    with pytest.raises(TypeError) as caught:
        tf.concat(1, [tf.zeros([2, 3]), tf.zeros([2, 4])])
    message = (
        "concat takes the tensors first and the axis second: tf.concat(values, axis), declared at test_session.py:"
    )
    assert str(caught.value).startswith(message)


def test_a_key_of_feeds_may_be_a_tuple_of_tensors() -> None:
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(3), tf.nn.rnn_cell.GRUCell(2)])
    start = cell.zero_state(4, tf.float32)
    doubled = tf.nn.rnn_cell.LSTMStateTuple(start[0].c * 2, start[0].h * 2), start[1] * 2
    session, ones = tf.Session(), np.ones((4, 3), np.float32)
    first = session.run(doubled, {start: ((ones, ones * 3), np.ones((4, 2)))})
    second = session.run(doubled, {start: first})
    assert (second[0].c == 4).all() and (second[0].h == 12).all() and (second[1] == 4).all()


def test_an_empty_graph_is_told_what_was_fetched_from_another_one() -> None:
    with tf.Graph().as_default():
        y = tf.square(2.0, name="y")
    with pytest.raises(RuntimeError, match=r"The Session graph is empty\.") as caught:
        tf.Session(graph=tf.Graph()).run([y])
    assert "Fetch argument <tf.Tensor 'y:0'" in str(caught.value)
    assert "Square 'y' (declared at test_session.py:" in str(caught.value)
