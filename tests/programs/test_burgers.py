"""A network that solves Burgers' equation u_t + u u_x = v u_xx, by L-BFGS: SciPy's steps on TensorFlow's numbers.

The loss is that of physics-informed networks (Raissi, Perdikaris, Karniadakis, 2019). TensorFlow's own bridge to SciPy
was in contrib, which later versions lack: the test calls SciPy for it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc

RNG = np.random.default_rng(1)
BORDER = np.concatenate([
    np.stack([RNG.uniform(-1, 1, 40), np.zeros(40)], 1),  # x at the time 0
    np.stack([np.sign(RNG.uniform(-1, 1, 20)), RNG.uniform(0, 1, 20)], 1),  # the two ends
])  # fmt: skip
VALUES = np.where(BORDER[:, 1:] == 0, -np.sin(np.pi * BORDER[:, :1]), 0.0)
INSIDE = np.stack([RNG.uniform(-1, 1, 120), RNG.uniform(0, 1, 120)], 1)
STEPS = 100
# The losses begin alike to 1e-16; the line searches of L-BFGS make that 1e-8 to 1e-3 in 100 evaluations, by the start.
SEED = 1
OPTIONS = {"maxiter": STEPS, "maxfun": 10 * STEPS, "maxcor": 20, "ftol": 0.0, "gtol": 0.0}


class Equation(NamedTuple):
    """The loss, and what to feed."""

    loss: Any
    feed: dict[Any, Any]


def burgers(tf: Any) -> Equation:
    """The squared error at the border and of the equation inside; float64, as L-BFGS makes much of little."""
    layers = [2, 12, 12, 1]
    parts = [
        (tf.get_variable(f"w{n}", [a, b], tf.float64, tf.random_normal_initializer(stddev=(2 / (a + b)) ** 0.5)),
         tf.get_variable(f"b{n}", [b], tf.float64, tf.zeros_initializer()))
        for n, (a, b) in enumerate(pairwise(layers))
    ]  # fmt: skip

    def network(x: Any, t: Any) -> Any:
        h = tf.concat([x, t], 1)
        for w, b in parts[:-1]:
            h = tf.tanh(tf.matmul(h, w) + b)
        return tf.matmul(h, parts[-1][0]) + parts[-1][1]

    x, t, x0, t0, u0 = (tf.placeholder(tf.float64, [None, 1]) for _ in range(5))
    u = network(x, t)
    u_x, u_t = tf.gradients(u, [x, t])
    u_xx = tf.gradients(u_x, x)[0]
    residual = u_t + u * u_x - 0.01 / np.pi * u_xx
    loss = tf.reduce_mean(tf.square(u0 - network(x0, t0))) + tf.reduce_mean(tf.square(residual))
    columns = (INSIDE[:, :1], INSIDE[:, 1:], BORDER[:, :1], BORDER[:, 1:], VALUES)
    return Equation(loss, dict(zip((x, t, x0, t0, u0), columns)))


def with_tensorflow() -> tuple[list[float], list[np.ndarray]]:
    """The loss of every evaluation, and the weights before the first."""
    import scipy.optimize
    import tensorflow

    tf = tensorflow.compat.v1
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(SEED)
        equation = burgers(tf)
        variables = tf.trainable_variables()
        slope = tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(equation.loss, variables)], 0)
        session.run(tf.global_variables_initializer())
        first = session.run(variables)
        cuts = np.cumsum([value.size for value in first])[:-1]
        losses = []

        def evaluate(packed: np.ndarray) -> tuple[float, np.ndarray]:
            for variable, value, old in zip(variables, np.split(packed, cuts), first):
                variable.load(value.reshape(old.shape), session)
            loss, gradient = session.run([equation.loss, slope], equation.feed)
            losses.append(loss)
            return loss, gradient

        start = np.concatenate([value.reshape(-1) for value in first])
        scipy.optimize.minimize(evaluate, start, jac=True, method="L-BFGS-B", options=OPTIONS)
    return losses, first


def with_graphc(first: list[np.ndarray]) -> list[float]:
    """The loss of every evaluation, from these weights."""
    tf = graphc
    losses: list[float] = []
    with tf.Graph().as_default(), tf.Session() as session:
        equation = burgers(tf)
        optimizer = tf.contrib.opt.ScipyOptimizerInterface(equation.loss, method="L-BFGS-B", options=OPTIONS)
        session.run(tf.global_variables_initializer())
        for variable, value in zip(tf.trainable_variables(), first, strict=True):
            variable.load(value, session)
        optimizer.minimize(session, feed_dict=equation.feed, fetches=[equation.loss], loss_callback=losses.append)
    return losses


@pytest.mark.peer("tensorflow", "scipy")
@pytest.mark.filterwarnings("ignore")
def test_losses_are_those_of_tensorflow() -> None:
    losses, first = with_tensorflow()
    wanted, came = np.array(losses[:STEPS]), np.array(with_graphc(first)[:STEPS])
    assert wanted.shape == came.shape == (STEPS,)
    assert wanted[-1] < 0.5 * wanted[0]
    np.testing.assert_allclose(came, wanted, rtol=1e-4)
