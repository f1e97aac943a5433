"""Steps with operations that run in Python: py_func, sources, strings; what stays native stays one call."""

import threading
from itertools import chain

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.ops.host import host_call, resources, source
from graphc.shapes import TensorType


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def plan_of(session, fetches, feeds=()):
    return session._plan(fetches, dict.fromkeys(feeds))


def test_py_func_gets_arrays_and_scalars_and_gives_tensors(session):
    got = []

    def function(number, text, matrix):
        got.extend([number, text, matrix])
        return np.float32(number * 2), matrix.T

    x = tf.placeholder(tf.float32, [None, 2])
    doubled, turned = tf.py_func(function, [3, "text", x], [tf.float32, tf.float32])
    assert (doubled.shape.ndims, turned.dtype) == (None, tf.float32)
    values = session.run([doubled, turned], {x: [[1, 2]]})
    assert values[0] == 6 and isinstance(values[0], np.float32)
    np.testing.assert_array_equal(values[1], [[1], [2]])
    assert isinstance(got[0], np.int32) and got[1] == b"text"


def test_native_parts_before_between_and_after(session):
    x = tf.placeholder(tf.float32, [None, 3])
    hidden = tf.exp(x)
    middle = tf.py_func(lambda h: h[h.sum(1) > 4], [hidden], tf.float32)
    middle.set_shape([None, 3])
    scaled = middle * tf.cast(tf.shape(hidden)[0], tf.float32)
    last = tf.py_func(lambda a, b: np.float64(a.sum() + b.sum()), [scaled, hidden], tf.float64)
    data = np.repeat(np.array([[0], [0.5], [1], [1.2], [0.3]], np.float32), 3, axis=1)
    for rows in (data, data[1:3], np.concatenate([data, data]), data[:4]):
        e = np.exp(rows)
        kept = e[e.sum(1) > 4] * len(rows)
        result = session.run([scaled, last, hidden], {x: rows})
        np.testing.assert_allclose(result[0], kept, rtol=1e-6)
        np.testing.assert_allclose(result[1], kept.sum() + e.sum(), rtol=1e-6)
        np.testing.assert_allclose(result[2], e, rtol=1e-6)
    natives = [native for _, native in plan_of(session, [scaled, last, hidden], [x]).staged.stages if native]
    assert [native.versions.compilations for native in natives] == [2, 2]


def test_a_step_without_host_operations_is_one_native_call(session):
    x = tf.placeholder(tf.float32, [2])
    y = tf.py_func(lambda a: a, [x], tf.float32)
    assert plan_of(session, x * 2, [x]).staged is None
    assert plan_of(session, y, [x]).staged is not None
    assert plan_of(session, y * 2, [y]).staged is None, "what is fed is not computed"


def test_host_operations_of_feeds_alone_run_before_the_one_native_call(session):
    x = tf.placeholder(tf.float32, [2])
    w = tf.Variable([1.0, 2.0])
    noisy = tf.py_func(lambda a: a + 1, [x], tf.float32)
    loss = tf.reduce_sum(w * noisy)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    session.run(tf.global_variables_initializer())
    assert session.run([loss, train], {x: [1, 1]})[0] == 6
    np.testing.assert_array_equal(session.run(w), [-1, 0])
    stages = plan_of(session, [loss, train], [x]).staged.stages
    assert [(len(hosts), native is not None) for hosts, native in stages] == [(1, True)]


@pytest.mark.parametrize("place", ["before", "after"])
def test_variables_stay_as_they_were_where_a_host_call_fails(session, place):
    w = tf.Variable(1.0)
    old = w.read_value()
    train = w.assign_add(1.0)
    calls = []

    def refuse(value):
        calls.append(float(value))
        raise ValueError("not today")

    result = tf.py_func(refuse, [old if place == "before" else train], tf.float32)
    session.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError, match="not today"):
        session.run([result, train])
    assert session.run(w) == 1 and calls == [1.0 if place == "before" else 2.0]


def test_random_numbers_cross_the_cut_and_the_stream_goes_on(session):
    tf.set_random_seed(3)
    noise = tf.random_uniform([4], seed=5)
    seen = tf.py_func(lambda a: a, [noise], tf.float32)
    first = session.run([noise, seen, seen - noise])
    second = session.run([noise, seen])
    np.testing.assert_array_equal(first[0], first[1])
    assert not first[2].any() and (first[0] != second[0]).all()
    np.testing.assert_array_equal(second[0], second[1])


def test_effects_follow_control_dependencies(session):
    order = []
    x = tf.placeholder(tf.float32, [])
    late = tf.py_func(lambda a: order.append("native input"), [tf.exp(x)], [])
    with tf.control_dependencies([late]):
        after = tf.py_func(lambda: order.append("after"), [], [])
    first = tf.py_func(lambda: order.append("first"), [], [])
    session.run([after, first], {x: 1.0})
    assert order == ["first", "native input", "after"]


def test_errors_take_tensorflows_classes_and_name_node_and_line(session):
    def run(function, dtype=tf.float32, name=None):
        session.run(tf.py_func(function, [], dtype, name=name))

    def divide():
        return 1 / 0

    with pytest.raises(tf.errors.UnknownError) as caught:
        run(divide, name="ratio")
    assert str(caught.value).startswith("PyFunc 'ratio' (declared at test_staging.py:")
    assert "ZeroDivisionError: division by zero" in str(caught.value) and "in divide" in str(caught.value)
    assert caught.value.op.name == "ratio"
    for error, wanted in [
        (TypeError, "InvalidArgumentError"),
        (StopIteration, "OutOfRangeError"),
        (NotImplementedError, "UnimplementedError"),
        (MemoryError, "ResourceExhaustedError"),
        (KeyError, "UnknownError"),
    ]:

        def fail(error=error):
            raise error("why")

        with pytest.raises(getattr(tf.errors, wanted), match="why"):
            run(fail)
    with pytest.raises(tf.errors.InvalidArgumentError, match="value 0 that the function returned is float64; Tout say"):
        run(lambda: 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="the function returned 1 values; Tout says 2"):
        run(lambda: np.float32(1), [tf.float32, tf.float32])
    with pytest.raises(ValueError, match="Expected func to be callable"):
        tf.py_func(3, [], tf.float32)


def test_a_result_of_another_shape_than_was_set_is_refused(session):
    y = tf.py_func(lambda: np.zeros((2, 3), "f"), [], tf.float32)
    y.set_shape([None, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"output 0 has shape \(2, 3\); declared was f32\[\?,4\]"):
        session.run(y)


def test_the_caller_and_the_function_own_their_arrays(session):
    x = tf.placeholder(tf.float32, [2])
    kept = np.zeros(2, np.float32)

    def function(a):
        a += 1
        return kept

    y = tf.py_func(function, [x], tf.float32)
    fed = np.zeros(2, np.float32)
    value, same = session.run([y, x], {x: fed})
    value[:] = 7
    assert not kept.any() and not fed.any() and not same.any()


def test_no_gradient_flows_through_py_func(session):
    x = tf.Variable(2.0)
    y = tf.py_func(np.square, [x], tf.float32)
    assert tf.gradients(y, x) == [None]
    assert tf.gradients(y * x, x)[0] is not None
    session.run(tf.global_variables_initializer())
    assert session.run(tf.gradients(y * x, x)) == [4.0]


def test_a_source_gives_new_values_each_run_and_ends(session):
    def following():
        numbers = resources().setdefault("numbers", iter([1, 2]))
        return next(numbers)

    (number,) = source(following, [TensorType(tf.int32, ())], name="numbers")
    assert session.run([number, number + 1]) == [1, 2]
    assert session.run(number) == 2
    with pytest.raises(tf.errors.OutOfRangeError) as caught:
        session.run(number * 2)
    assert caught.value.op.name == "numbers"
    with tf.Session() as other:
        assert other.run(number) == 1, "each session has its own resources"
    with pytest.raises(RuntimeError, match="no session is running"):
        following()


def test_small_sources(session):
    before, now = session.run([tf.timestamp(), tf.timestamp()])
    assert 1.7e9 < before <= now and session.run(tf.timestamp()) >= now
    w = tf.Variable(1.0)
    check = tf.assert_variables_initialized()
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value Variable"):
        session.run(check)
    session.run(w.initializer)
    session.run(check)
    with pytest.raises(NotImplementedError, match=r"tf\.py_func takes a function of NumPy arrays"):
        tf.py_function(lambda: 1, [], tf.float32)


def test_a_source_may_wait_for_another_run_of_the_same_session(session):
    ready = threading.Event()
    (waited,) = source(lambda: ready.wait(10), [TensorType(tf.bool, ())])
    signal = tf.py_func(lambda: ready.set(), [], [])
    value = []
    thread = threading.Thread(target=lambda: value.append(session.run(waited)))
    thread.start()
    session.run(signal)
    thread.join()
    assert value == [True]


def test_a_function_may_run_the_session(session):
    w = tf.Variable(3.0)
    session.run(tf.global_variables_initializer())
    y = tf.py_func(lambda: session.run(w), [], tf.float32)
    assert session.run(y * 2) == 6


def test_uninitialised_variables_are_told_before_anything_is_called(session):
    calls = []
    w = tf.Variable(3.0)
    y = tf.py_func(lambda: calls.append(1) or np.float32(1), [], tf.float32)
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value Variable"):
        session.run(y * w)
    assert not calls


def test_a_refused_value_is_named_after_a_cut(session):
    table = tf.constant([1.0, 2.0, 3.0])
    ids = tf.py_func(lambda: np.array([1, 9], np.int32), [], tf.int32, name="ids")
    ids.set_shape([2])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not in \[0, 3\).*: ids\[1\] = 9"):
        session.run(tf.gather(table, ids))


def test_sizes_may_follow_from_a_host_value(session):
    count = tf.py_func(lambda: np.int32(3), [], tf.int32)
    count.set_shape([])
    np.testing.assert_array_equal(session.run(tf.fill([count, 2], 1.0)), np.ones((3, 2)))


def test_branches_and_loops_with_host_operations_run(session):
    x = tf.placeholder(tf.float32, [])
    chosen = tf.cond(x > 0, lambda: tf.py_func(lambda a: a + 10, [x], tf.float32), lambda: x)
    assert session.run(chosen, {x: 1.0}) == 11 and session.run(chosen * 2, {x: -1.0}) == -2
    texts = tf.placeholder(tf.string, [None])
    lengths = tf.map_fn(lambda t: tf.py_func(lambda s: np.int64(len(s)), [t], tf.int64), texts, dtype=tf.int64)
    np.testing.assert_array_equal(session.run(lengths, {texts: ["a", "bcd", ""]}), [1, 3, 0])


def test_a_gradient_through_a_loop_that_runs_in_python(session):
    x = tf.Variable(2.0)

    def body(i, y):
        factor = tf.py_func(lambda: np.float32(3), [], tf.float32)
        factor.set_shape([])
        return i + 1, y * factor * x

    _, y = tf.while_loop(lambda i, y: i < 2, body, [0, x])
    session.run(tf.global_variables_initializer())
    assert session.run([y, tf.gradients(y, x)[0]]) == [72, 108]


def test_ahead_of_time_there_is_no_host(session, tmp_path):
    y = tf.py_func(lambda: np.float32(1), [], tf.float32, name="reader")
    with pytest.raises(tf.errors.UnimplementedError, match=r"PyFunc 'reader' .*runs in Python"):
        aot.compile(y * 2, [], tmp_path)


def test_host_call_is_what_the_others_stand_on(session):
    pair = host_call(
        lambda a: (a, [a]), [tf.constant(2)], [TensorType(tf.int32, ()), TensorType(tf.int32, None)], "Twice"
    )
    assert pair.type == "Twice" and session.run(pair.outputs[1]).tolist() == [2]
    wrong = host_call(lambda: (1, 2), [], [TensorType(tf.int32, ())], "Twice", name="wrong")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Twice 'wrong' .*2 values came for 1 outputs"):
        session.run(wrong)


@pytest.mark.parametrize("seed", range(8))
def test_random_graphs_with_cuts_give_what_they_give_without(seed):
    """The same random graph of values, shapes, random numbers and updates, with Python anywhere between, or nowhere."""

    def run(cuts):
        rng = np.random.default_rng(seed)
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(seed)
            x = tf.placeholder(tf.float32, [None, 3])
            variables = [tf.Variable(np.full((3,), n + 1.0, np.float32)) for n in range(2)]
            values = [x, tf.tanh(x), x * variables[0], x + tf.random_uniform([3], seed=1)]
            for _ in range(14):
                a, b = (values[n] for n in rng.integers(0, len(values), 2))
                kind = rng.integers(0, 6)
                made = [
                    lambda a=a, b=b: a * 0.5 + b,
                    lambda a=a, b=b: tf.sin(a) * b,
                    lambda a=a: a * tf.cast(tf.shape(a)[0], tf.float32) / 7,
                    lambda a=a, b=b: tf.maximum(a, b) + variables[1],
                    lambda a=a: tf.concat([a[1:], a[:1]], 0),
                    lambda a=a: tf.reshape(a, [tf.shape(a)[0], -1]) - tf.reduce_mean(a, 0),
                ][kind]()
                if rng.random() < 0.35 and cuts:
                    made = tf.py_func(lambda v: v, [made], tf.float32)
                made.set_shape([None, 3])
                values.append(made)
            update = variables[0].assign(tf.reduce_mean(values[-1], 0) * 0.1)
            with tf.control_dependencies([update] if rng.random() < 0.5 else []):
                late = tf.reduce_sum(values[-2] * variables[0].read_value())
            session.run(tf.global_variables_initializer())
            fetches = [values[-1], values[-5], late, update]
            data = rng.uniform(-1, 1, (9, 3)).astype(np.float32)
            results = [session.run(fetches, {x: data[:rows]}) for rows in (4, 6, 9)]
            return results, session.run(variables), session._plan(fetches, {x: None}).staged

    plain, kept, native = run(cuts=False)
    cut, kept_too, staged = run(cuts=True)
    assert native is None and staged is not None
    for ours, theirs in zip([*chain(*cut), *kept_too], [*chain(*plain), *kept], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)
