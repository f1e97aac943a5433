"""Handwritten digits by one matrix and a softmax, the way every TensorFlow 1 tutorial began."""

from __future__ import annotations

import argparse

import numpy as np

import graphc as tf
from data_sets import load_digits, shuffled_batches


def main(arguments: list[str] | None = None) -> None:
    """Print the loss now and then, and the test accuracy at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    epochs = 1 if parser.parse_args(arguments).quick else 30
    data = load_digits()

    x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
    y = tf.placeholder(tf.int64, [None], name="y")
    weights = tf.Variable(tf.zeros([64, 10]), name="weights")
    bias = tf.Variable(tf.zeros([10]), name="bias")
    scores = tf.matmul(tf.reshape(x, [-1, 64]), weights) + bias
    targets = tf.one_hot(y, 10)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=targets, logits=scores))
    train = tf.train.MomentumOptimizer(0.1, momentum=0.9).minimize(loss)
    correct = tf.equal(tf.argmax(scores, 1), y)
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

    batches = np.random.RandomState(0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for epoch in range(epochs):
            for images, labels in shuffled_batches(data.train, 32, batches):
                last, _ = session.run([loss, train], {x: images, y: labels})
            if epoch % 10 == 9:
                print(f"epoch {epoch + 1}: loss of the last batch {last:.4f}")
        print(f"test accuracy {session.run(accuracy, {x: data.test.images, y: data.test.labels}):.1%}")


if __name__ == "__main__":
    main()
