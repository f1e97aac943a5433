"""AND by one unit, XOR by a hidden layer: what a single layer cannot say, two can."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import graphc as tf

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
GATES = {"and": [0, 0, 0, 1], "xor": [0, 1, 1, 0]}


def main(arguments: list[str] | None = None) -> None:
    """Print the truth table that each pair of gate and network has learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps")
    steps = 50 if parser.parse_args(arguments).quick else 1000
    for gate, hidden in [("and", 0), ("xor", 0), ("xor", 8)]:
        answers = learn(np.array(GATES[gate], np.float32), hidden, steps)
        verdict = "learnt" if list(answers) == GATES[gate] else "not learnt"
        print(f"{gate} with {hidden} hidden units: {answers} - {verdict}")


def learn(targets: np.ndarray, hidden: int, steps: int) -> np.ndarray:
    """The answers of a small network to the four inputs, after training."""
    tf.reset_default_graph()
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [4, 2], name="x")
    y = tf.placeholder(tf.float32, [4], name="y")
    features = tf.tanh(layer(x, hidden, "hidden")) if hidden else x
    score = tf.squeeze(layer(features, 1, "output"), axis=1)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=score))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    answer = tf.cast(score > 0, tf.int32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(train, {x: INPUTS, y: targets})
        return session.run(answer, {x: INPUTS})


def layer(inputs: Any, units: int, name: str) -> Any:
    """inputs @ weights + bias."""
    with tf.variable_scope(name):
        weights = tf.get_variable("weights", [int(inputs.shape[1]), units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.matmul(inputs, weights) + bias


if __name__ == "__main__":
    main()
