"""The main job: learn handwritten digits, draw the training graph, and train the same step from C.

python samples/digits.py                   the 8x8 digits that ship with the samples
python samples/digits.py --data FOLDER     MNIST from its four IDX files
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ahead_of_time
import graphc as tf
import models
from data_sets import DataSet, load_digits, load_mnist
from graphc import visualize
from training import Classifier, History, declare, train


@dataclass(frozen=True)
class Job:
    """One model to train, and the share of the test pictures that it has to recognise."""

    title: str
    model: models.Model
    wanted: dict[str, float]


JOBS = {
    "mlp": Job("multilayer perceptron", models.multilayer_perceptron, {"digits": 0.97, "mnist": 0.98}),
    "cnn": Job("convolutional network", models.convolutional_network, {"digits": 0.985, "mnist": 0.99}),
}
EPOCHS = {"digits": 40, "mnist": 10}
BATCH_SIZE = {"digits": 32, "mnist": 64}
STEPS_IN_C = 400


def main(arguments: list[str] | None = None) -> int:
    """0 when every model reached its accuracy and C gave the Session's bits."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    data = load_mnist(options.data) if options.data else load_digits()
    epochs = 1 if options.quick else options.epochs or EPOCHS[data.name]
    print(f"{data.name}: {len(data.train.labels)} pictures to learn from, {len(data.test.labels)} to judge by")
    good = True
    for job in JOBS.values():
        good &= learn(job, data, epochs, options) or options.quick
    steps = 10 if options.quick else STEPS_IN_C
    graph, classifier = declare_job(JOBS["cnn"], data, epochs, options.seed)
    with graph.as_default():
        picture(classifier, options.out)
        good &= ahead_of_time.compare(classifier, data.train, BATCH_SIZE[data.name], steps, options.seed, options.out)
    return 0 if good else 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Learn handwritten digits, draw the training graph, train from C.")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the four MNIST files, .gz or not")
    parser.add_argument("--epochs", type=int, help="default: 40 for the shipped digits, 10 for MNIST")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and dropout")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="for what is written")
    parser.add_argument("--quick", action="store_true", help="one epoch and few steps in C, accuracy not judged")
    return parser.parse_args(arguments)


def declare_job(job: Job, data: DataSet, epochs: int, seed: int) -> tuple[tf.Graph, Classifier]:
    """A graph of its own with the job's training step."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        steps = epochs * (len(data.train.labels) // BATCH_SIZE[data.name])
        classifier = declare(job.model, data.train.images.shape[1:], steps)
    return graph, classifier


def learn(job: Job, data: DataSet, epochs: int, options: argparse.Namespace) -> bool:
    """Train one model from the beginning, and whether it recognises enough."""
    graph, classifier = declare_job(job, data, epochs, options.seed)
    with graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        batches = np.random.RandomState(options.seed)
        history = train(session, classifier, data, epochs, BATCH_SIZE[data.name], batches)
    print(f"{job.title}: {summary(history)}")
    wanted = job.wanted[data.name]
    reached = history.accuracies[-1] >= wanted
    print(f"  {wanted:.1%} wanted: {'reached' if reached else 'NOT reached'}")
    return reached


def summary(history: History) -> str:
    """The training in one line."""
    steps = len(history.losses) // len(history.accuracies)
    first, last = np.mean(history.losses[:steps]), np.mean(history.losses[-steps:])
    return (
        f"mean loss {first:.4f} in the first epoch, {last:.4f} in the last of {len(history.accuracies)}; "
        f"test accuracy {history.accuracies[-1]:.2%}; {np.median(history.seconds):.2f} s an epoch"
    )


def picture(classifier: Classifier, out: Path) -> None:
    """Draw the training graph, and say where the picture is."""
    path = visualize.draw([classifier.loss, classifier.train], out / "training_graph.svg")
    print(f"picture of the training graph: {path}")


if __name__ == "__main__":
    sys.exit(main())
