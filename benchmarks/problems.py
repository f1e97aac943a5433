"""The numbers that every system starts from: weights, batches and shapes of the two networks."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

BATCH = 64
CLASSES = 10
MLP_SIZES = (784, 128, CLASSES)
CNN_CHANNELS = (1, 16, 32)
CNN_PICTURE = 28
CNN_HIDDEN = 128
RATE = 0.01
MOMENTUM = 0.9


class Batch(NamedTuple):
    """Inputs in float32 and the right classes in int64."""

    inputs: np.ndarray
    labels: np.ndarray


def mlp_weights() -> list[np.ndarray]:
    """Kernel [inputs, outputs] and bias [outputs] of each dense layer."""
    random = np.random.RandomState(0)
    weights = []
    for inputs, outputs in pairwise(MLP_SIZES):
        weights += dense_weights(random, inputs, outputs)
    return weights


def cnn_weights() -> list[np.ndarray]:
    """Kernel [3, 3, inputs, outputs] and bias of two convolutions, then two dense layers."""
    random = np.random.RandomState(0)
    weights = []
    for inputs, outputs in pairwise(CNN_CHANNELS):
        scale = (2 / (9 * inputs)) ** 0.5
        weights += [draw(random, scale, 3, 3, inputs, outputs), np.zeros(outputs, np.float32)]
    features = (CNN_PICTURE // 4) ** 2 * CNN_CHANNELS[-1]
    return weights + dense_weights(random, features, CNN_HIDDEN) + dense_weights(random, CNN_HIDDEN, CLASSES)


def dense_weights(random: np.random.RandomState, inputs: int, outputs: int) -> list[np.ndarray]:
    """A kernel with the variance that keeps rectified units alive, and a zero bias."""
    return [draw(random, (2 / inputs) ** 0.5, inputs, outputs), np.zeros(outputs, np.float32)]


def draw(random: np.random.RandomState, scale: float, *shape: int) -> np.ndarray:
    """Normal numbers in float32."""
    return (random.normal(size=shape) * scale).astype(np.float32)


def batches(count: int, shape: tuple[int, ...]) -> list[Batch]:
    """Inputs that carry a little of their label, so that there is something to learn."""
    random = np.random.RandomState(1)
    centres = random.uniform(size=(CLASSES, *shape))
    made = []
    for _ in range(count):
        labels = random.randint(CLASSES, size=BATCH)
        inputs = 0.5 * centres[labels] + 0.5 * random.uniform(size=(BATCH, *shape))
        made.append(Batch(inputs.astype(np.float32), labels.astype(np.int64)))
    return made


def mlp_batches(count: int) -> list[Batch]:
    """Batches of flat pictures, [64, 784]."""
    return batches(count, (MLP_SIZES[0],))


def cnn_batches(count: int) -> list[Batch]:
    """Batches of pictures, [64, 28, 28, 1]."""
    return batches(count, (CNN_PICTURE, CNN_PICTURE, 1))
