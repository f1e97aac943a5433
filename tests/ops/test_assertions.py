"""Checks that a step makes of its values: Assert, tf.assert_*, check_numerics; native, in one program."""

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.ops.assertions import element_text, summary
from tests.told import is_told

INVALID = tf.errors.InvalidArgumentError


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def after(node, x):
    with tf.control_dependencies([node]):
        return tf.identity(x)


def test_a_false_assertion_says_what_was_asked_and_what_came(session):
    x = tf.placeholder(tf.float32, [None])
    check = tf.Assert(tf.reduce_all(x > 0), ["not positive:", x, tf.constant([[1, 2], [3, 4]]), 7], name="positive")
    y = after(check, x) * 2
    for fetch in (y, check, [y, check]):
        session.run(fetch, {x: [1, 2]})
        with pytest.raises(INVALID) as caught:
            session.run(fetch, {x: [1, -2, 3, 4, 5]})
        assert str(caught.value).startswith("Assert 'positive' (declared at test_assertions.py:")
        assert str(caught.value).endswith(": assertion failed: [not positive:] [1 -2 3...] [[1 2][3...]...] [7]")
        assert caught.value.op is check
    with pytest.raises(INVALID, match=r"\[1 -2 3 4 5\]"):
        session.run(tf.Assert(tf.reduce_all(x > 0), [x], summarize=-1), {x: [1, -2, 3, 4, 5]})


def test_an_assertion_is_part_of_the_one_native_call(session):
    x = tf.placeholder(tf.float32, [3])
    y = after(tf.assert_positive(x), x)
    plan = session._plan(y, {x: None})
    assert plan.staged is None and plan.step.fetches == 1
    session.run(y, {x: [1, 2, 3]})
    ready = session._plan(y, {x: None}).ready
    assert ready is not None, "later runs take the short way"
    with pytest.raises(INVALID, match="Condition x > 0"):
        session.run(y, {x: np.array([1, 2, -3], np.float32)})


def test_variables_stay_where_an_assertion_fails(session):
    x = tf.placeholder(tf.float32, [None])
    w = tf.Variable([1.0, 2.0, 3.0])
    loss = tf.reduce_sum(tf.square(after(tf.assert_less(x, 10.0), w * x)))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    session.run(tf.global_variables_initializer())
    session.run(train, {x: [1, 1, 1]})
    before = session.run(w)
    with pytest.raises(
        INVALID, match=r"\[Condition x < y did not hold element-wise:\] \[x \(Placeholder:0\) = \] \[1 11"
    ):
        session.run(train, {x: [1, 11, 1]})
    np.testing.assert_array_equal(session.run(w), before)


def test_assertions_inside_branches_and_loops(session):
    x = tf.placeholder(tf.float32, [])

    def grow(i, v):
        return i + 1, after(tf.Assert(v < 100.0, ["too large"], name="bound"), v * 2)

    _, looped = tf.while_loop(lambda i, v: i < 5, grow, [0, x])
    chosen = tf.cond(x > 0, lambda: after(tf.assert_less(x, 3.0, name="small"), x), lambda: -x)
    nested = tf.cond(x > 0, lambda: tf.while_loop(lambda i, v: i < 5, grow, [0, x])[1], lambda: x)
    for fetch, good, value, bad in [(looped, 1.0, 32.0, 10.0), (chosen, 2.0, 2.0, 4.0), (nested, 1.0, 32.0, 10.0)]:
        assert session._plan(fetch, {x: None}).staged is None
        assert session.run(fetch, {x: good}) == value
        with pytest.raises(INVALID, match=r"assertion failed: \[(too large|Condition x < y did)"):
            session.run(fetch, {x: bad})
    assert session.run(chosen, {x: -5.0}) == 5, "the branch not taken checks nothing"
    assert session.run(tf.gradients(looped, x), {x: 1.0}) == [32]


def test_what_fails_inside_branches_and_loops_is_told_with_its_values(session):
    x = tf.placeholder(tf.float32, [None])
    most = tf.placeholder(tf.int32, [])

    def turn(i, v):
        check = tf.Assert(tf.reduce_max(v) < 40.0, ["v in iteration", i, "is", v], name="bound")
        return i + 1, after(check, tf.cond(i < 2, lambda: v * 2, lambda: v * v))

    _, looped = tf.while_loop(lambda i, v: i < most, turn, [0, x])
    read = tf.map_fn(lambda i: x[i] * 2 + tf.gather(x, i + 1, name="next"), tf.range(most), dtype=tf.float32)
    drawn = tf.while_loop(
        lambda i: i < most, lambda i: after(tf.Assert(i < 1, [i, tf.random_uniform([], seed=3)]), i + 1), [0]
    )
    alone = tf.random_uniform([], seed=3)
    with pytest.raises(INVALID) as caught:
        session.run(looped, {x: [1, 3], most: 5})
    assert str(caught.value).startswith("Assert 'while/bound' (declared at test_assertions.py:")
    assert str(caught.value).endswith(": assertion failed: [v in iteration] [3] [is] [16 144]")
    with pytest.raises(INVALID, match=r"'map/while/next' .*: map/while/add.* = 3$"):
        session.run(read, {x: [1, 2, 3], most: 3})
    with pytest.raises(INVALID, match=r"assertion failed: \[1\] \[0\.") as caught:
        session.run(drawn, {most: 3})
    session.run(alone)
    assert str(caught.value).endswith(f"[{element_text(session.run(alone))}]"), "the second number of its stream"


def test_what_takes_long_to_find_again_is_told_by_name(session):
    n = tf.placeholder(tf.int64, [])
    check = lambda i: tf.Assert(i < n - 1, [i], name="below")  # noqa: E731
    last = tf.while_loop(lambda i: i < n, lambda i: after(check(i), i + 1), [tf.constant(0, tf.int64)])
    with pytest.raises(INVALID, match=r"'while/below' .*\[9\]$"):
        session.run(last, {n: 10})
    with pytest.raises(INVALID, match=r"'while/below' .*\[Const\]$"):
        session.run(last, {n: 100_000})


def test_check_numerics_tells_what_was_found(session):
    x = tf.placeholder(tf.float32, [None])
    y = tf.check_numerics(tf.log(x), "log of x", name="finite")
    np.testing.assert_array_equal(session.run(y, {x: [1, 1]}), [0, 0])
    for value, found in [([1, -1], "NaN"), ([0, 1], "Inf"), ([0, -1], "Inf and NaN")]:
        with pytest.raises(INVALID, match=rf"CheckNumerics 'finite' .*: log of x : Tensor had {found} values$"):
            session.run(y * 2, {x: value})
        with pytest.raises(INVALID, match=f"log of x : Tensor had {found} values"):
            session.run(tf.group(y), {x: value})
    root = tf.check_numerics(tf.sqrt(x), "root")
    slope = tf.gradients(root, x, grad_ys=tf.constant([np.inf], tf.float32))[0]
    with pytest.raises(INVALID, match=r"\(Inf\) values detected in gradient\. root : Tensor had Inf values"):
        session.run(slope, {x: [1]})
    z = tf.verify_tensor_all_finite(x, "z is not finite")
    assert session.run(z, {x: [3]}) == 3
    with pytest.raises(INVALID, match="z is not finite : Tensor had NaN"):
        session.run(z, {x: [np.nan]})


def test_add_check_numerics_ops_finds_the_tensor(session):
    x = tf.placeholder(tf.float32, [])
    y = tf.add(tf.log(x, name="logarithm"), 1.0)
    checks = tf.add_check_numerics_ops()
    session.run([checks, y], {x: 1.0})
    with pytest.raises(INVALID, match="logarithm:0 : Tensor had NaN values"):
        session.run([checks, y], {x: -1.0})
    tf.cond(x > 0, lambda: x, lambda: -x)
    with pytest.raises(ValueError, match="not compatible with TensorFlow control flow"):
        tf.add_check_numerics_ops()


# (assertion of x = [-1, 2, 3, 4, 5], what TensorFlow 2.21 says of it in v1 mode)
DYNAMIC = [
    (lambda x: tf.assert_positive(x), "[Condition x > 0 did not hold element-wise:] [x (x:0) = ] [-1 2 3...]"),
    (lambda x: tf.assert_negative(x), "[Condition x < 0 did not hold element-wise:] [x (x:0) = ] [-1 2 3...]"),
    (lambda x: tf.assert_non_negative(x), "[Condition x >= 0 did not hold element-wise:] [x (x:0) = ]"),
    (lambda x: tf.assert_non_positive(x), "[Condition x <= 0 did not hold element-wise:] [x (x:0) = ] [-1 2 3...]"),
    (lambda x: tf.assert_equal(x, 2.0, message="hey"), "[hey] [Condition x == y did not hold element-wise:]"),
    (lambda x: tf.assert_none_equal(x, x), "element-wise:] [x (x:0) = ] [-1 2 3...] [y (x:0) = ] [-1 2 3...]"),
    (lambda x: tf.assert_less_equal(x, x - 1), "[Condition x <= y did not hold"),
    (lambda x: tf.assert_greater(x, x), "[Condition x > y did not hold"),
    (lambda x: tf.assert_greater_equal(x, x + 1), "[Condition x >= y did not hold"),
    (lambda x: tf.assert_near(x, x + 1), "[x (x:0) = ] [-1 2 3...] [y (add:0) = ] [0 3 4...]"),
    (lambda x: tf.assert_positive(x, data=["d", x], summarize=2), "assertion failed: [d] [-1 2...]"),
    (lambda x: tf.assert_rank(x, 2), "[Tensor x:0 must have rank] [2] [Received shape: ] [5]"),
    (lambda x: tf.assert_rank_at_least(x, 2), "[Tensor x:0 must have rank at least] [2] [Received shape: ] [5]"),
    (lambda x: tf.assert_rank_in(x, [2, 3]), "[Tensor x:0 must have rank in] [(2, 3)] [Received shape: ] [5]"),
    (lambda x: tf.debugging.assert_shapes([(x, ("N",)), (x * 2, (4,))]),
     "dimension 0 must have size] [4] [Received size] [5]"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "text"), DYNAMIC, ids=[text[:40] for _, text in DYNAMIC])
def test_assertions_that_fail_when_they_run(session, declare, text):
    x = tf.placeholder(tf.float32, name="x")
    check = declare(x)
    with pytest.raises(INVALID) as caught:
        session.run(check, {x: [-1, 2, 3, 4, 5]})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "declare",
    [
        lambda x: tf.assert_equal(x, [1.0, 2.0]),
        lambda x: tf.assert_near(x, x + 1e-7),
        lambda x: tf.assert_rank(x, 1),
        lambda x: tf.assert_rank_in(x, [1, 2]),
        lambda x: tf.assert_rank_at_least(x, 1),
        lambda x: tf.assert_less(x, 3.0),
        lambda x: tf.debugging.assert_shapes({x: ("N",), tf.zeros([2, 3]): ("N", 3)}),
        lambda x: tf.assert_integer(tf.constant(1)),
        lambda x: tf.assert_type(x, tf.float32),
    ],
)
def test_assertions_that_hold(session, declare):
    x = tf.placeholder(tf.float32)
    assert session.run(declare(x), {x: [1, 2]}) is None


def _constant(*values):
    return tf.constant(values, name="c")


@pytest.mark.parametrize(
    ("declare", "kind", "text"),
    [
        (lambda: tf.assert_positive(_constant(1.0, -1.0)), INVALID,
         "Condition x > 0 did not hold element-wise:\nx (c:0) = \n[ 1. -1.]"),
        (lambda: tf.assert_less(_constant(3), _constant(2), message="m"), INVALID,
         "m\nCondition x < y did not hold element-wise:\nx (c:0) = \n[3]\ny (c_1:0) = \n[2]"),
        (lambda: tf.assert_rank(_constant(1), 2, message="m"), ValueError,
         "m.  Tensor c:0 must have rank 2.  Received rank 1, shape (1,)"),
        (lambda: tf.assert_rank_at_least(_constant(1), 2), ValueError,
         "Tensor c:0 must have rank at least 2.  Received rank 1, shape (1,)"),
        (lambda: tf.assert_rank_in(_constant(1), [2, 3]), ValueError,
         "Tensor c:0 must have rank in (2, 3).  Received rank 1, shape (1,)"),
        (lambda: tf.assert_scalar(_constant(1)), ValueError, "Expected scalar shape for c:0, saw shape: (1,)."),
        (lambda: tf.assert_type(_constant(1.0), tf.int32), TypeError,
         "c:0 must be of type tf.int32; got tf.float32"),
        (lambda: tf.assert_integer(_constant(1.0)), TypeError,
         "Expected \"x\" to be integer type.  Found: c:0 of dtype <dtype: 'float32'>"),
        (lambda: tf.assert_same_float_dtype([_constant(1.0), _constant(1)]), ValueError,
         "c_1:0, type=<dtype: 'int32'>, must be of the same type (<dtype: 'float32'>) as c:0."),
        (lambda: tf.assert_proper_iterable("a"), TypeError,
         "Expected argument \"values\" to be a \"proper\" iterable.  Found: <class 'str'>"),
        (lambda: tf.assert_proper_iterable(3), TypeError,
         "Expected argument \"values\" to be iterable.  Found: <class 'int'>"),
        (lambda: tf.Assert(True, "text"), TypeError,
         "Assert: data must be a list of texts and tensors, not 'text', declared at LINE"),
        (lambda: tf.Assert(1, []), TypeError,
         "Assert: Expected bool, got 1 of type 'int' instead. Declared at LINE"),
        (lambda: tf.Assert(None, []), ValueError, "Assert: None values not supported. Declared at LINE"),
        (lambda: tf.Assert(True, [{}]), TypeError, "Assert: cannot make a tensor of {} (dict), declared at LINE"),
        (lambda: tf.Assert(True, ["x"], summarize="2"), TypeError,
         "Assert: summarize must be a whole number, not '2', declared at LINE"),
    ],
)  # fmt: skip
def test_what_shows_while_declaring_is_told_then(session, declare, kind, text):
    with pytest.raises(kind) as caught:
        declare()
    assert is_told(caught.value, text), str(caught.value)


def test_a_condition_is_one_bool(session):
    with pytest.raises(ValueError, match=r"the condition must be a scalar, not bool\[2\]; tf.reduce_all makes one"):
        tf.Assert(_constant(True, False), [])
    with pytest.raises((TypeError, ValueError), match="bool"):
        tf.Assert(_constant(1.0), [])


def test_small_questions(session):
    assert tf.is_numeric_tensor(_constant(1)) and not tf.is_numeric_tensor(_constant("a"))
    assert not tf.is_numeric_tensor(3) and not tf.is_numeric_tensor(_constant(True))
    x = tf.placeholder(tf.int32, [None])
    both = [tf.is_non_decreasing(x), tf.is_strictly_increasing(x)]
    for value, wanted in [([1, 2, 3], [1, 1]), ([1, 1, 3], [1, 0]), ([2, 1], [0, 0]), ([5], [1, 1]), ([], [1, 1])]:
        assert session.run(both, {x: np.array(value, np.int32)}) == [bool(w) for w in wanted]


def test_values_in_a_message_are_cut_as_in_tensorflow():
    assert summary(np.arange(8).reshape(2, 2, 2), 3) == "[[0 1][2...]]..."
    assert summary(np.float32([1e-8, 1.23456789, 1e20, 3]), 3) == "1e-08 1.23456788 1e+20..."
    assert summary(np.float64(1 / 3), 3) == "0.33333333333333331"
    assert summary(np.array([True, False]), -1) == "1 0"


def test_ahead_of_time_the_check_is_in_the_library(session, tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = after(tf.Assert(tf.reduce_all(x > 0), ["x must be positive", x]), x * 2)
    artifact = aot.compile(y, [x], tmp_path, name="checked")
    model = aot.load(artifact.library)
    np.testing.assert_array_equal(model.step(np.array([1, 2], np.float32)), [2, 4])
    with pytest.raises(Exception, match="x must be positive"):
        model.step(np.array([1, -2], np.float32))
