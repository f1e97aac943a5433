"""A thousand and ten thousand times tanh(h * c + x) with its gradient: declare, differentiate, compile, run once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from workloads import Kind, Round

TITLE = "chain of 1,000 tanh(h*c+x) with gradient: declare, compile, first run"
NEEDS = "chain"
ROUNDS = 2
KIND = Kind.FRESH
TIMEOUT = 60.0
LENGTH = 1000


def prepare(peer: Any, length: int = LENGTH) -> Callable[[], Round]:
    """Timed from the first declaration to the gradient's value."""
    chain = peer.chain

    def one_round() -> Round:
        start = time.perf_counter()
        value = chain(length)
        return Round({"": [time.perf_counter() - start]}, [value])

    return one_round
