"""A straight line through noisy points by gradient descent: the smallest whole program."""

from __future__ import annotations

import argparse

import numpy as np

import graphc as tf


def main(arguments: list[str] | None = None) -> None:
    """Print the slope and the offset that were learnt, beside those that the points were made with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps")
    steps = 20 if parser.parse_args(arguments).quick else 200
    slope, offset = 2.0, -1.0
    random = np.random.RandomState(0)
    xs = random.uniform(-1, 1, 100).astype(np.float32)
    ys = (slope * xs + offset + random.normal(0, 0.1, 100)).astype(np.float32)

    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.placeholder(tf.float32, [None], name="y")
    a = tf.Variable(0.0, name="slope")
    b = tf.Variable(0.0, name="offset")
    loss = tf.reduce_mean(tf.square(a * x + b - y), name="loss")
    train = tf.train.GradientDescentOptimizer(0.2).minimize(loss)

    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(train, {x: xs, y: ys})
        learnt = session.run([a, b])
        last = session.run(loss, {x: xs, y: ys})
    print(f"slope {learnt[0]:.3f} (made with {slope}), offset {learnt[1]:.3f} (made with {offset}), loss {last:.4f}")


if __name__ == "__main__":
    main()
