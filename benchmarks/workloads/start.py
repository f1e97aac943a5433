"""From the start of the process to the first trained step of the MLP, with nothing kept from earlier runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from problems import mlp_batches, mlp_weights
from workloads import Kind, Round

TITLE = "process start to the first trained MLP step, cold"
NEEDS = "mlp"
ROUNDS = 5
KIND = Kind.COLD_START
TIMEOUT = 60.0


def prepare(peer: Any) -> Callable[[], Round]:
    """One step; the time is that of the system clock, from which the parent takes the start."""

    def one_round() -> Round:
        (batch,) = mlp_batches(1)
        loss = peer.mlp(mlp_weights())(*batch)
        return Round({"": [time.monotonic()]}, [loss])

    return one_round
