"""What a call costs where there is nothing to compute: a * b + 1 of two scalars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import seconds_of
from workloads import Kind, Round

TITLE = "one call of a*b+1, both handed in"
NEEDS = "overhead"
ROUNDS = 10
KIND = Kind.TURNS
TIMEOUT = 60.0
CALLS = 2000


def prepare(peer: Any) -> Callable[[], Round]:
    """Through each way of calling that the peer has."""
    calls = peer.overhead()

    def one_round() -> Round:
        seconds = {label: seconds_of(call, CALLS) for label, call in calls.items()}
        return Round(seconds, [float(call()) for call in calls.values()][:1])

    return one_round
