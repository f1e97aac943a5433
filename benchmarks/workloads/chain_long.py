"""As chain, ten times as long: what grows faster than linearly shows here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workloads import Round, chain
from workloads.chain import KIND, NEEDS, TIMEOUT

__all__ = ["KIND", "NEEDS", "ROUNDS", "TIMEOUT", "TITLE", "prepare"]

TITLE = "chain of 10,000 tanh(h*c+x) with gradient: declare, compile, first run"
ROUNDS = 1


def prepare(peer: Any) -> Callable[[], Round]:
    """Timed as the shorter chain."""
    return chain.prepare(peer, length=10_000)
