"""How a worker takes times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from problems import Batch
from workloads import Round

COMPARED = 20
_import_seconds: dict[str, float] = {}


def seconds_of(call: Callable[[], Any], times: int) -> list[float]:
    """The seconds of each of some calls, after one that is not counted."""
    call()
    clock = time.perf_counter
    seconds = []
    for _ in range(times):
        start = clock()
        call()
        seconds.append(clock() - start)
    return seconds


def timed_steps(step: Callable[..., float], batches: Sequence[Batch]) -> Callable[[], Round]:
    """Rounds of training steps; the first losses are what systems must agree on."""

    def one_round() -> Round:
        seconds, losses = [], []
        for batch in batches:
            start = time.perf_counter()
            losses.append(step(*batch))
            seconds.append(time.perf_counter() - start)
        return Round({"": seconds}, losses[:COMPARED])

    return one_round


def note_import(name: str, seconds: float) -> None:
    """Remember what importing a peer's module cost."""
    _import_seconds[name] = seconds


def import_seconds(peer: Any) -> float:
    """What importing the peer's module cost."""
    return _import_seconds[peer.__name__]
