"""An LSTM that reads a picture row by row."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import dense_weights, draw, labelled, zeros
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Training, Workload

UNITS = 128
STEPS = FEATURES = 28


def weights() -> list[np.ndarray]:
    """Input kernel, recurrent kernel and bias for the four gates side by side; then the scores of the classes."""
    random = np.random.RandomState(0)
    scale = UNITS**-0.5
    gates = [draw(random, scale, FEATURES, 4 * UNITS), draw(random, scale, UNITS, 4 * UNITS), zeros(4 * UNITS)]
    return gates + dense_weights(random, (UNITS, 10), gain=1.0)


def lstm(v: Vocabulary, weights: list[Any], x: Any, labels: Any) -> Any:
    """Mean cross-entropy of the scores after the last row."""
    inward, recurrent, gate_bias, kernel, bias = weights
    last = v.lstm(x, inward, recurrent, gate_bias, STEPS, UNITS)
    return v.cross_entropy(v.dense(last, kernel, bias), labels)


WORKLOADS = (
    Workload.single(
        "lstm",
        "LSTM 28 steps, 128 units, batch 128, Adam",
        Training(lstm, weights, partial(labelled, 8, 128, (STEPS, FEATURES)), Adam()),
    ),
)
