"""``tf.contrib.opt``: steps against formulas written out in NumPy, and SciPy's optimizers on losses of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import opt
from tests.interpreted import InterpretedSession

START = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]])
TARGET = np.array([[0.5, 1.0], [-1.0, 2.0], [0.0, 0.0]])
ADAM = np.array([0.05, 0.9, 0.999, 1e-8])  # as float64, which Python numbers would not be


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """A graph for each test."""
    with tf.Graph().as_default() as graph:
        yield graph


def nadam(w: Any, g: Any, s: dict[str, Any], t: int) -> Any:
    """Dozat's Adam, as TensorFlow has it: both means are corrected in the rate."""
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
    rate = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * (0.9 * s["m"] + 0.1 * g) / (np.sqrt(s["v"]) + 1e-8)


def adamax(w: Any, g: Any, s: dict[str, Any], t: int) -> Any:
    """Algorithm 2 of Kingma and Ba."""
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = np.maximum(0.999 * s.get("v", 0 * w), abs(g))
    return w - 0.05 / (1 - 0.9**t) * s["m"] / (s["v"] + 1e-8)


def adamw(w: Any, g: Any, s: dict[str, Any], t: int) -> Any:
    """The weights decay, then Adam's step with the gradient from before."""
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
    return 0.9 * w - 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["v"]) + 1e-8)


def lamb(w: Any, g: Any, s: dict[str, Any], t: int) -> Any:
    """Algorithm 2 of You et al."""
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
    u = s["m"] / (1 - 0.9**t) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8) + 0.1 * w
    return w - 0.05 * np.linalg.norm(w) / np.linalg.norm(u) * u


def momentumw(w: Any, g: Any, s: dict[str, Any], t: int) -> Any:
    """The weights decay, then a step with momentum."""
    s["m"] = 0.9 * s.get("m", 0) + g
    return 0.9 * w - 0.05 * s["m"]


STEPS: dict[str, tuple[Callable[[], Any], Callable[..., Any]]] = {
    "nadam": (lambda: opt.NadamOptimizer(*ADAM), nadam),
    "adamax": (lambda: opt.AdaMaxOptimizer(*ADAM), adamax),
    "adamw": (lambda: opt.AdamWOptimizer(np.float64(0.1), *ADAM), adamw),
    "lamb": (lambda: opt.LAMBOptimizer(ADAM[0], np.float64(0.1), *ADAM[1:]), lamb),
    "momentumw": (lambda: opt.MomentumWOptimizer(*np.float64([0.1, 0.05, 0.9])), momentumw),
    "extended": (
        lambda: opt.extend_with_decoupled_weight_decay(tf.train.GradientDescentOptimizer)(*np.float64([0.1, 0.05])),
        lambda w, g, s, t: 0.9 * w - 0.05 * g,
    ),
}


@pytest.mark.parametrize("session", [tf.Session, InterpretedSession])
@pytest.mark.parametrize("name", STEPS)
def test_steps_follow_the_formula(name: str, session: Any) -> None:
    make, formula = STEPS[name]
    w = tf.Variable(START)
    train = make().minimize(tf.reduce_sum(tf.square(w - TARGET) ** 2))
    wanted, kept = START, {}
    with session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1, 5):
            sess.run(train)
            wanted = formula(wanted, 4 * (wanted - TARGET) ** 3, kept, step)
            np.testing.assert_allclose(sess.run(w), wanted, rtol=1e-12)


def test_only_some_weights_decay() -> None:
    w, b = tf.Variable(2.0), tf.Variable(4.0)
    train = opt.MomentumWOptimizer(0.5, 1.0, 0.0).minimize(0 * w + 0 * b, decay_var_list=[w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert session.run([w, b]) == [1.0, 4.0]


def test_lamb_leaves_variables_out() -> None:
    names = ["kernel", "bias", "norm", "zero"]
    variables = [tf.Variable(0.0 if name == "zero" else 4.0, name=name) for name in names]
    optimizer = opt.LAMBOptimizer(0.5, 1.0, exclude_from_weight_decay=["bias", "norm"],
                                  exclude_from_layer_adaptation=["norm"])  # fmt: skip
    train = optimizer.minimize(tf.add_n(variables))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        # Adam's first direction is 1: those that are adapted move by half their length, the others by a half.
        np.testing.assert_allclose(session.run(variables), [2.0, 2.0, 3.5, -0.5], rtol=1e-5)


def two_loops(g: Any, pairs: list[Any]) -> Any:
    """Algorithm 7.4 of Nocedal and Wright."""
    q, shares = g, []
    for s, y in reversed(pairs):
        shares.append(s @ q / (y @ s))
        q = q - shares[-1] * y
    r = q * (pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1]) if pairs else min(1, 1 / abs(g).sum()))
    for (s, y), share in zip(pairs, reversed(shares), strict=True):
        r = r + s * (share - y @ r / (y @ s))
    return r


@pytest.mark.parametrize("session", [tf.Session, InterpretedSession])
def test_lbfgs_within_the_graph_follows_the_two_loops(session: Any) -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(6, 6))
    matrix, bend = root @ root.T + np.eye(6), random.normal(size=6)
    a, b = tf.Variable(START[:2]), tf.Variable(START[2])
    count = tf.Variable(0, trainable=False)
    w = tf.concat([tf.reshape(a, [-1]), b], 0)
    loss = tf.reduce_sum(w * tf.linalg.matvec(tf.constant(matrix), w)) / 2 + tf.reduce_sum(tf.log(tf.cosh(w - bend)))
    train = opt.LBFGSOptimizer(np.float64(0.9), history=3).minimize(loss, global_step=count)
    wanted = START.ravel()
    pairs: list[Any] = []
    with session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(8):
            sess.run(train)
            slope = matrix @ wanted + np.tanh(wanted - bend)
            if pairs:
                pairs[-1] = (wanted - pairs[-1][0], slope - pairs[-1][1])
            new = wanted - 0.9 * two_loops(slope, pairs[-3:])
            pairs.append((wanted, slope))
            wanted = new
            np.testing.assert_allclose(sess.run(w), wanted, rtol=1e-9, atol=1e-12)
        assert sess.run(count) == 8


def test_lbfgs_within_the_graph_finds_the_lowest_place_and_stays() -> None:
    w = tf.Variable(START)
    train = opt.LBFGSOptimizer(history=5).minimize(tf.reduce_sum(tf.square(w - TARGET) * [[1.0, 20.0]]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(30):
            session.run(train)
        np.testing.assert_allclose(session.run(w), TARGET, atol=1e-7)


def test_lbfgs_within_the_graph_says_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="history is 0, wanted a number of pairs"):
        opt.LBFGSOptimizer(history=0)
    loss = tf.Variable(1.0, name="one") + tf.cast(tf.Variable(1.0, dtype=tf.float64, name="two"), tf.float32)
    with pytest.raises(ValueError, match="two:0 is float64, one:0 float32"):
        opt.LBFGSOptimizer().minimize(loss)


def test_lazy_adam_leaves_other_rows_and_their_means_alone() -> None:
    table = tf.Variable(START)
    rows = tf.placeholder(tf.int32, [None])
    optimizer = opt.LazyAdamOptimizer(*ADAM)
    train = optimizer.minimize(tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, rows))))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {rows: [0, 2, 0]})
        m = session.run(optimizer.get_slot(table, "m"))
        session.run(train, {rows: [1]})
        values, after = session.run([table, optimizer.get_slot(table, "m")])
    np.testing.assert_allclose(m, 0.1 * 2 * START * [[2], [0], [1]], rtol=1e-12)
    np.testing.assert_array_equal(after[[0, 2]], m[[0, 2]])
    assert (values != START).all()


def test_averages_follow_each_step(tmp_path: Any) -> None:
    w = tf.Variable(4.0, name="w")
    optimizer = opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(1.0), average_decay=0.75)
    with pytest.raises(RuntimeError, match="before creating the swapping_saver"):
        optimizer.swapping_saver()
    train = optimizer.minimize(2.0 * w)
    saver = optimizer.swapping_saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        path = saver.save(session, str(tmp_path / "model"))
        plain = tf.train.Saver()
        plain.restore(session, path)
        # w went from 4 to 2, its average from 4 to 3.5; the file has them the other way round.
        assert session.run([w, *(v for v in tf.global_variables() if v is not w)]) == [3.5, 2.0]


# -- outside of the graph --------------------------------------------------------------------------------


def test_lbfgs_finds_the_valley_of_rosenbrock() -> None:
    pytest.importorskip("scipy")
    x, y = tf.Variable(-1.2, dtype=tf.float64), tf.Variable([[1.0]], dtype=tf.float64)
    scale = tf.placeholder(tf.float64, [])
    loss = tf.reduce_sum((1 - x) ** 2 + scale * (y - x * x) ** 2)
    seen: list[Any] = []
    steps: list[Any] = []
    optimizer = opt.ScipyOptimizerInterface(loss, options={"maxiter": 200, "gtol": 1e-10, "ftol": 1e-15})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        optimizer.minimize(session, {scale: 100.0}, fetches=[loss, x], loss_callback=lambda *v: seen.append(v),
                           step_callback=steps.append)  # fmt: skip
        np.testing.assert_allclose(np.ravel(session.run([x, y[0, 0]])), [1, 1], rtol=1e-6)
    assert seen[0] == (pytest.approx(24.2), -1.2)
    assert seen[-1][0] < 1e-12
    assert 5 < len(steps) <= len(seen)
    assert steps[0].shape == (2,)


def test_bounds_and_constraints() -> None:
    pytest.importorskip("scipy")
    vector = tf.Variable([7.0, 7.0], name="vector")
    other = tf.Variable(1.0)
    loss = tf.reduce_sum(tf.square(vector))
    optimizer = opt.ScipyOptimizerInterface(
        loss, equalities=[vector[1] - 2.0], inequalities=[vector[0] - 1.0], method="SLSQP"
    )
    bounded = opt.ScipyOptimizerInterface(loss, [vector], var_to_bounds={vector: ([3.0, -5.0], np.inf)})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        optimizer.minimize(session)
        np.testing.assert_allclose(session.run(vector), [1, 2], rtol=1e-5)
        with session.as_default():
            bounded.minimize()
        np.testing.assert_allclose(session.run(vector), [3, 0], atol=1e-5)
        assert session.run(other) == 1.0
    with pytest.raises(ValueError, match="'callback' is set automatically"), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        opt.ScipyOptimizerInterface(loss, callback=print).minimize(session)


def test_an_optimizer_of_ones_own() -> None:
    class Descent(opt.ExternalOptimizerInterface):
        """A hundred small steps."""

        def _minimize(self, initial_val: Any, loss_grad_func: Any, **_: Any) -> Any:
            x = initial_val
            for _number in range(100):
                x = x - 0.1 * loss_grad_func(x)[1]
            return x

    w = tf.Variable(START)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        Descent(tf.reduce_sum(tf.square(w - TARGET))).minimize(session)
        np.testing.assert_allclose(session.run(w), TARGET, atol=1e-8)
    with pytest.raises(NotImplementedError, match="subclass from it"), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        opt.ExternalOptimizerInterface(tf.reduce_sum(w)).minimize(session)
