"""LeNet and ResNet-20."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import dense_weights, kernel, labelled, ones, zeros
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Function, Momentum, Training, Workload

BATCHES = 8
STAGES = (16, 32, 64)  # channels; three blocks each


def lenet_weights() -> list[np.ndarray]:
    """Two convolutions 5x5 and three dense layers (LeCun, Bottou, Bengio, Haffner, 1998)."""
    random = np.random.RandomState(0)
    convolutions = [kernel(random, 5, 5, 1, 6), zeros(6), kernel(random, 5, 5, 6, 16), zeros(16)]
    return convolutions + dense_weights(random, (5 * 5 * 16, 120, 84, 10))


def lenet_scores(v: Vocabulary, weights: list[Any], x: Any) -> Any:
    """With relu and maxima, as it is written today."""
    kernel1, bias1, kernel2, bias2, *dense = weights
    maps = v.max_pool(v.relu(v.conv2d(v.pictures(x), kernel1, padding=2) + v.channels(bias1)))
    maps = v.max_pool(v.relu(v.conv2d(maps, kernel2) + v.channels(bias2)))
    x = v.relu(v.dense(v.flatten(maps), *dense[:2]))
    return v.dense(v.relu(v.dense(x, *dense[2:4])), *dense[4:])


def lenet(v: Vocabulary, weights: list[Any], x: Any, labels: Any) -> Any:
    """Mean cross-entropy."""
    return v.cross_entropy(lenet_scores(v, weights, x), labels)


def lenet_probabilities(v: Vocabulary, weights: list[Any], x: Any) -> Any:
    """What a trained network is asked for."""
    return v.softmax(lenet_scores(v, weights, x))


def resnet_weights() -> list[np.ndarray]:
    """In the order in which ``resnet`` takes them."""
    random = np.random.RandomState(0)

    def convolution(size: int, inputs: int, outputs: int) -> list[np.ndarray]:
        return [kernel(random, size, size, inputs, outputs), ones(outputs), zeros(outputs)]

    weights = convolution(3, 3, STAGES[0])
    inputs = STAGES[0]
    for outputs in STAGES:
        for _ in range(3):
            weights += convolution(3, inputs, outputs) + convolution(3, outputs, outputs)
            if inputs != outputs:
                weights += convolution(1, inputs, outputs)
            inputs = outputs
    return weights + dense_weights(random, (STAGES[-1], 10))


def resnet(v: Vocabulary, weights: list[Any], x: Any, labels: Any) -> Any:
    """He, Zhang, Ren, Sun, 2016, section 4.2, with 1x1 convolutions where a block changes the size."""
    left = iter(weights)
    maps = v.relu(normalised(v, left, v.pictures(x)))
    for stage in range(len(STAGES)):
        for block in range(3):
            maps = residual(v, left, maps, shrinks=stage > 0 and block == 0)
    return v.cross_entropy(v.dense(v.mean_of_pictures(maps), next(left), next(left)), labels)


def residual(v: Vocabulary, left: Iterator[Any], maps: Any, shrinks: bool) -> Any:
    """relu(two convolutions + the way past them)"""
    stride = 2 if shrinks else 1
    inner = v.relu(normalised(v, left, maps, stride=stride))
    inner = normalised(v, left, inner)
    past = normalised(v, left, maps, stride=stride, padding=0) if shrinks else maps
    return v.relu(inner + past)


def normalised(v: Vocabulary, left: Iterator[Any], maps: Any, stride: int = 1, padding: int = 1) -> Any:
    """A convolution without bias, then batch norm by the batch's own mean and variance."""
    return v.batch_norm(v.conv2d(maps, next(left), stride=stride, padding=padding), next(left), next(left))


def inference(batch: int) -> Workload:
    """LeNet's probabilities."""
    case = Function(lenet_probabilities, lambda: labelled(1, batch, (28, 28, 1))[0][:1], lenet_weights)
    return Workload.single(f"infer_lenet_{batch}", f"inference, LeNet, batch {batch}", case)


WORKLOADS = (
    Workload.single(
        "lenet",
        "LeNet 28x28, batch 64, Adam",
        Training(lenet, lenet_weights, partial(labelled, BATCHES, 64, (28, 28, 1)), Adam()),
    ),
    Workload.single(
        "resnet20",
        "ResNet-20 32x32x3 with batch norm, batch 32, Momentum",
        Training(resnet, resnet_weights, partial(labelled, BATCHES, 32, (32, 32, 3)), Momentum()),
    ),
    inference(1),
    inference(32),
)
