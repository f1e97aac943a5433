"""One training step of a small convolutional network on 28x28 pictures, batch 64, momentum SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problems import cnn_batches, cnn_weights
from timing import timed_steps
from workloads import Kind, Round

TITLE = "CNN 16-32-128-10 on 28x28, batch 64: one training step"
NEEDS = "cnn"
ROUNDS = 8
KIND = Kind.TURNS
TIMEOUT = 120.0
STEPS = 20


def prepare(peer: Any) -> Callable[[], Round]:
    """Steps on the same batches in the same order, from the same weights."""
    return timed_steps(peer.cnn(cnn_weights()), cnn_batches(STEPS))
