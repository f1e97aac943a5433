"""A TensorFlow 1 program trained in TensorFlow and in graphc, from the same weights, by the same batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import graphc

STEPS = 100


class Training(NamedTuple):
    """What a program declares: what to watch, what to run, and what to feed in a step."""

    losses: list[Any]
    trains: list[Any]  # run one after the other in a step, each with the losses that are watched there
    feed: Callable[[int], dict[Any, Any]]


Program = Callable[[Any], Training]


def largest_difference(program: Program) -> float:
    """Of all losses of all steps, the largest difference between the two, relative to TensorFlow's loss."""
    import tensorflow

    wanted, weights = train(tensorflow.compat.v1, program)
    came, _ = train(graphc, program, weights)
    assert wanted.shape == came.shape == (STEPS, wanted.shape[1])
    assert np.isfinite(wanted).all() and not np.array_equal(wanted[0], wanted[-1])
    return float(np.max(np.abs(came - wanted) / np.abs(wanted)))


def train(tf: Any, program: Program, weights: list[np.ndarray] | None = None) -> tuple[np.ndarray, list[np.ndarray]]:
    """The losses of all steps [steps, losses], and the weights before the first."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(7)
        training = program(tf)
        variables = tf.trainable_variables()
        session.run(tf.global_variables_initializer())
        if weights is not None:
            for variable, value in zip(variables, weights, strict=True):
                variable.load(value, session)
        first = session.run(variables)
        found = [one_step(session, training, step) for step in range(STEPS)]
    return np.array(found), first


def one_step(session: Any, training: Training, step: int) -> list[float]:
    """The losses of a step, each as it was before its update."""
    feed = training.feed(step)
    return [session.run([loss, train], feed)[0] for loss, train in zip(training.losses, training.trains, strict=True)]
