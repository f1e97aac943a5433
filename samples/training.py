"""A classifier declared, trained with Adam and judged; the same for every model and every data set."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

import graphc as tf
from data_sets import DataSet, Examples, shuffled_batches
from models import Model

LEARNING_RATE = 0.002
TEST_ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Classifier:
    """The nodes that a program runs: two inputs, the training step with its loss, and the classes predicted."""

    images: Any
    labels: Any
    loss: Any
    train: Any
    predicted: Any


@dataclass
class History:
    """What the training did: the loss of each step, and the test accuracy and the seconds of each epoch."""

    losses: list[np.ndarray] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def declare(model: Model, image_shape: tuple[int, ...], steps: int) -> Classifier:
    """The model twice over the same variables, with and without dropout, and a step that lowers its loss.

    The learning rate falls linearly to zero over ``steps``.
    """
    images = tf.placeholder(tf.float32, [None, *image_shape], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    with tf.variable_scope("model"):
        scores = model(images, True)
    with tf.variable_scope("model", reuse=True):
        predicted = tf.argmax(model(images, False), axis=1, name="predicted")
    with tf.name_scope("loss"):
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        loss = tf.reduce_mean(losses, name="mean")
    step = tf.train.get_or_create_global_step()
    with tf.name_scope("learning_rate"):
        rate = LEARNING_RATE * (1.0 - tf.cast(step, tf.float32) / steps)
    train = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    return Classifier(images, labels, loss, train, predicted)


def train(
    session: Any, classifier: Classifier, data: DataSet, epochs: int, batch_size: int, batches: np.random.RandomState
) -> History:
    """Some epochs over shuffled batches, each closed with the accuracy on the test part."""
    history = History()
    steps = len(data.train.labels) // batch_size
    with tqdm(total=epochs * steps, unit="step", leave=False) as bar:
        for epoch in range(epochs):
            start = time.perf_counter()
            losses = []
            for batch in shuffled_batches(data.train, batch_size, batches):
                losses.append(train_step(session, classifier, batch))
                bar.update()
            history.losses += losses
            history.seconds.append(time.perf_counter() - start)
            history.accuracies.append(accuracy(session, classifier, data.test))
            report = f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, test accuracy {history.accuracies[-1]:.2%}"
            bar.set_description(report)
    return history


def train_step(session: Any, classifier: Classifier, batch: Examples) -> np.ndarray:
    """The loss of one batch, which the variables have learnt from by then."""
    feeds = {classifier.images: batch.images, classifier.labels: batch.labels}
    loss, _ = session.run([classifier.loss, classifier.train], feeds)
    return loss


def accuracy(session: Any, classifier: Classifier, examples: Examples) -> float:
    """The share of pictures whose digit is recognised."""
    right = 0
    for start in range(0, len(examples.labels), TEST_ROWS_AT_ONCE):
        rows = slice(start, start + TEST_ROWS_AT_ONCE)
        predicted = session.run(classifier.predicted, {classifier.images: examples.images[rows]})
        right += int(np.sum(predicted == examples.labels[rows]))
    return right / len(examples.labels)
