"""The order of the kernels of a step, such that variables can be updated where they stand.

A kernel that writes the new value of a variable over the old one must come after all kernels that read the old one.
Where that is possible, it is asked for as one more dependency; where it is not, the new value waits in the arena.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence


class Order:
    """Numbered actions, and which must come before which."""

    def __init__(self, count: int):
        self.after: list[set[int]] = [set() for _ in range(count)]
        self.before: list[set[int]] = [set() for _ in range(count)]

    def require(self, first: int, second: int) -> None:
        """``first`` comes before ``second``."""
        if first != second:
            self.after[first].add(second)
            self.before[second].add(first)

    def followers(self, action: int) -> set[int]:
        """All that must come after ``action``."""
        waiting, found = [action], set[int]()
        while waiting:
            fresh = self.after[waiting.pop()] - found
            found |= fresh
            waiting.extend(fresh)
        return found

    def put_last(self, action: int, others: Iterable[int]) -> bool:
        """Asks for ``action`` after all ``others``; False, and nothing changes, where one of them needs it first."""
        others = [other for other in others if other != action]
        if not self.followers(action).isdisjoint(others):
            return False
        for other in others:
            self.require(other, action)
        return True

    def sorted(self) -> Sequence[int]:
        """All actions in an order that fits, as near to their numbers as it can be."""
        missing = [len(before) for before in self.before]
        ready = [action for action, count in enumerate(missing) if count == 0]
        result = []
        while ready:
            action = heapq.heappop(ready)
            result.append(action)
            for later in self.after[action]:
                missing[later] -= 1
                if missing[later] == 0:
                    heapq.heappush(ready, later)
        return result
