"""What is measured. A module says how often it repeats, and how a peer is prepared for its rounds:

TITLE                  one line for the table
KIND                   what a round is: see Kind
NEEDS                  the peer's function that is called
ROUNDS                 how often every system takes its turn
TIMEOUT                seconds after which a system is "not done"
prepare(peer)          -> round() -> Round
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    """Whether systems stay up between their rounds, and from when times count."""

    TURNS = auto()  # every system's process stays up; each takes one round after the other
    FRESH = auto()  # every round is a process of its own
    COLD_START = auto()  # as FRESH, with an empty cache, and times count from the start of the process
    WARM_START = auto()  # as COLD_START, with the cache that an earlier process left


class Round(NamedTuple):
    """What one turn gave: seconds of each call by label, and numbers that must agree between systems."""

    seconds: dict[str, list[float]]
    values: list[float]
