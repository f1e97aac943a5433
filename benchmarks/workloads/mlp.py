"""One training step of a multilayer perceptron, 784-128-10, batch 64, momentum SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problems import mlp_batches, mlp_weights
from timing import timed_steps
from workloads import Kind, Round

TITLE = "MLP 784-128-10, batch 64: one training step"
NEEDS = "mlp"
ROUNDS = 15
KIND = Kind.TURNS
TIMEOUT = 120.0
STEPS = 100


def prepare(peer: Any) -> Callable[[], Round]:
    """Steps on the same batches in the same order, from the same weights."""
    return timed_steps(peer.mlp(mlp_weights()), mlp_batches(STEPS))
