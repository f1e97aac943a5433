"""CPU seconds of the import, beyond those of importing NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import import_seconds
from workloads import Kind, Round

TITLE = "import beyond numpy, CPU seconds"
NEEDS = "overhead"  # that NumPy has none leaves it out here too
ROUNDS = 5
KIND = Kind.FRESH
TIMEOUT = 60.0


def prepare(peer: Any) -> Callable[[], Round]:
    """The worker took the time when it imported the peer."""
    return lambda: Round({"": [import_seconds(peer)]}, [])
