"""Logistic regression by Newton's method: the Hessian, and the system solved with it, are part of one native step."""

from __future__ import annotations

import argparse

import numpy as np

import graphc as tf


def main(arguments: list[str] | None = None) -> None:
    """Print the loss and the gradient's length step by step: each time about twice as many digits are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few points")
    count = 200 if parser.parse_args(arguments).quick else 20_000
    random = np.random.RandomState(0)
    points = random.normal(size=[count, 5])
    labels = (points @ [1.0, -2.0, 0.5, 0.0, 3.0] + random.logistic(size=count) > 0).astype(np.float64)

    x = tf.placeholder(tf.float64, [None, 5], name="x")
    y = tf.placeholder(tf.float64, [None], name="y")
    weights = tf.get_variable("weights", [5], tf.float64, tf.zeros_initializer())
    scores = tf.linalg.matvec(x, weights)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=scores), name="loss")
    (grad,) = tf.gradients(loss, weights)
    (hessian,) = tf.hessians(loss, weights)
    move = tf.squeeze(tf.matrix_solve(hessian, tf.expand_dims(grad, 1)), 1)
    step = tf.assign_sub(weights, move, name="step")

    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for number in range(8):
            value, slope, _ = session.run([loss, tf.norm(grad), step], {x: points, y: labels})
            print(f"step {number}: loss {value:.6f}, gradient {slope:.1e}")
        print("weights", np.round(session.run(weights), 2))


if __name__ == "__main__":
    main()
