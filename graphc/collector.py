"""Python's cycle collector, made to wait while a graph grows."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]

# Objects that may become old without having been looked at, until the collector has looked at all that are.
MOST_AGED = 100_000
_aged: list[int] = [0, 0]  # full collections when last seen, and objects since


@contextmanager
def collector_paused() -> Iterator[None]:
    """The collector waits: a growing graph holds no garbage, and is walked again and again to find none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            _age()
            gc.enable()


def _age() -> None:
    """Young objects become old ones, in no time: what a compilation leaves is kept, and takes 8 ms to walk through.

    The collector does not hear of them when it decides whether to look at the old, so that they may not be too many.
    """
    full, young = gc.get_stats()[2]["collections"], gc.get_count()[0]
    if full != _aged[0]:
        _aged[:] = [full, 0]
    if _aged[1] + young <= MOST_AGED and not gc.get_freeze_count():
        _aged[1] += young
        gc.freeze()  # joins all generations to one that is never walked,
        gc.unfreeze()  # and that to the oldest
