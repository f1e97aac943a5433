"""Products of square float32 matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from timing import seconds_of
from workloads import Kind, Round

TITLE = "float32 product of square matrices"
NEEDS = "matmul"
ROUNDS = 10
KIND = Kind.TURNS
TIMEOUT = 120.0
SIZES = {512: 20, 1024: 4}


def prepare(peer: Any) -> Callable[[], Round]:
    """Each size a few times a round."""
    random = np.random.RandomState(0)
    calls = {}
    for size in SIZES:
        left, right = (random.uniform(-1, 1, (size, size)).astype(np.float32) for _ in range(2))
        calls[size] = peer.matmul(left, right)

    def one_round() -> Round:
        seconds = {f"{size}": seconds_of(call, SIZES[size]) for size, call in calls.items()}
        return Round(seconds, [float(np.abs(call()).mean()) for call in calls.values()])

    return one_round
