"""Softmax regression, multilayer perceptrons, an autoencoder."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import dense_weights, labelled, unlabelled
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Function, Momentum, Training, Workload

BATCHES = 16
CODE = (784, 128, 32, 128, 784)


def scores(v: Vocabulary, weights: list[Any], x: Any) -> Any:
    """Dense layers with relu between them."""
    *hidden, (kernel, bias) = zip(weights[::2], weights[1::2])
    for inner_kernel, inner_bias in hidden:
        x = v.relu(v.dense(x, inner_kernel, inner_bias))
    return v.dense(x, kernel, bias)


def classifier(v: Vocabulary, weights: list[Any], x: Any, labels: Any) -> Any:
    """Mean cross-entropy of the right classes."""
    return v.cross_entropy(scores(v, weights, x), labels)


def autoencoder(v: Vocabulary, weights: list[Any], x: Any) -> Any:
    """Mean squared error of what comes back out of a narrow middle."""
    return v.mean(v.square(v.sigmoid(scores(v, weights, x)) - x))


def probabilities(v: Vocabulary, weights: list[Any], x: Any) -> Any:
    """What a trained classifier is asked for."""
    return v.softmax(scores(v, weights, x))


def start(*sizes: int) -> Any:
    """Makes the first weights."""
    return lambda: dense_weights(np.random.RandomState(0), sizes)


def mlp(sizes: tuple[int, ...], batch: int, optimizer: Momentum | Adam) -> Workload:
    """A perceptron's training step."""
    layers, kind = "-".join(map(str, sizes)), type(optimizer).__name__
    case = Training(classifier, start(*sizes), partial(labelled, BATCHES, batch, sizes[:1], sizes[-1]), optimizer)
    return Workload.single(f"mlp_{'_'.join(map(str, sizes))}", f"MLP {layers}, batch {batch}, {kind}", case)


def inference(batch: int) -> Workload:
    """A perceptron's probabilities."""
    case = Function(probabilities, lambda: labelled(1, batch, (784,))[0][:1], start(784, 128, 10))
    return Workload.single(f"infer_mlp_{batch}", f"inference, MLP 784-128-10, batch {batch}", case)


REGRESSION = Training(classifier, start(784, 10), partial(labelled, BATCHES, 64, (784,)), Momentum())
WORKLOADS = (
    Workload.single("softmax_regression", "softmax regression 784-10, batch 64, Momentum", REGRESSION),
    mlp((4, 16, 3), 8, Momentum()),
    mlp((64, 32, 10), 32, Momentum()),
    mlp((784, 128, 10), 64, Momentum()),
    mlp((784, 256, 256, 10), 128, Adam()),
    mlp((784, 1024, 1024, 10), 512, Momentum()),
    Workload.single(
        "autoencoder",
        "autoencoder 784-128-32-128-784, batch 128, Adam",
        Training(autoencoder, start(*CODE), lambda: unlabelled(BATCHES, 128, 784), Adam()),
    ),
    inference(1),
    inference(32),
)
