"""As start, but with what an earlier process left in the on-disk cache."""

from __future__ import annotations

from workloads import Kind
from workloads.start import NEEDS, ROUNDS, TIMEOUT, prepare

__all__ = ["KIND", "NEEDS", "ROUNDS", "TIMEOUT", "TITLE", "prepare"]

TITLE = "process start to the first trained MLP step, warm cache"
KIND = Kind.WARM_START
