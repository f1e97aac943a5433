"""The numbers that every system starts from: weights and batches, drawn from fixed seeds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks.workload import Arrays

CLASSES = 10


def draw(random: np.random.RandomState, scale: float, *shape: int) -> np.ndarray:
    """Normal numbers in float32."""
    return (random.standard_normal(shape) * scale).astype(np.float32)


def zeros(*shape: int) -> np.ndarray:
    """A bias before training."""
    return np.zeros(shape, np.float32)


def ones(*shape: int) -> np.ndarray:
    """The gain of a normalisation before training."""
    return np.ones(shape, np.float32)


def dense_weights(random: np.random.RandomState, sizes: tuple[int, ...], gain: float = 2.0) -> list[np.ndarray]:
    """Kernel [inputs, outputs] and bias of each layer; variance gain / inputs keeps rectified units alive."""
    weights = []
    for inputs, outputs in pairwise(sizes):
        weights += [draw(random, (gain / inputs) ** 0.5, inputs, outputs), zeros(outputs)]
    return weights


def kernel(random: np.random.RandomState, *shape: int) -> np.ndarray:
    """A filter [height, width, channels in, channels out] for rectified units."""
    return draw(random, (2 / np.prod(shape[:-1])) ** 0.5, *shape)


def labelled(count: int, batch: int, shape: tuple[int, ...], classes: int = CLASSES) -> list[Arrays]:
    """Batches of inputs that carry a little of their label, so that there is something to learn."""
    random = np.random.RandomState(1)
    centres = random.uniform(size=(classes, *shape))
    made: list[Arrays] = []
    for _ in range(count):
        labels = random.randint(classes, size=batch)
        inputs = 0.5 * centres[labels] + 0.5 * random.uniform(size=(batch, *shape))
        made.append((inputs.astype(np.float32), labels.astype(np.int32)))
    return made


def unlabelled(count: int, batch: int, size: int) -> list[Arrays]:
    """Batches of inputs that lie near ten points of their space."""
    return [(inputs,) for inputs, _ in labelled(count, batch, (size,))]


def uniform(*shapes: tuple[int, ...], dtype: type = np.float32) -> Arrays:
    """Numbers between -1 and 1, an array for each shape."""
    random = np.random.RandomState(2)
    return tuple(random.uniform(-1, 1, shape).astype(dtype) for shape in shapes)
