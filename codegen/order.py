"""The order of the kernels of a step: variables are updated where they stand, and few values wait in memory.

A kernel that writes the new value of a variable over the old one must come after all kernels that read the old one.
Where that is possible, it is asked for as one more dependency; where it is not, the new value waits in the arena.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import accumulate

from graphc.records import record


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

    def sorted(self, values: Sequence[Made] = ()) -> Sequence[int]:
        """All actions in an order that fits, and that keeps few bytes of ``values`` in memory at once.

        The order of their numbers is that of the user's program, and what follows in it finds its inputs in the cache.
        Another one must save something: one in which an action that frees more than it makes goes first among those
        that can go, or one in which the action goes first that frees most. Both are list schedules, as compilers make
        them for registers (Goodman and Hsu, Code Scheduling and Register Allocation in Large Basic Blocks, 1988).
        """
        best: list[int] = []
        least = 0
        for preference in PREFERENCES:
            order = _listed(self, values, preference)
            peak = peak_bytes(order, values)
            if not best or peak < least * (1 - WORTH):
                best, least = order, peak
            if least == 0:
                break
        return best


@record
class Made:
    """A value in memory: its bytes, who makes it, and who reads it; ``kept`` stays to the end."""

    bytes: int
    maker: int
    readers: Collection[int]
    kept: bool = False


WORTH = 1 / 16  # of the peak; for less, the program's own order stands

# Of the bytes that an action adds, and its number; the greatest goes first.
Preference = Callable[[int, int], tuple[int, ...]]
PREFERENCES: tuple[Preference, ...] = (
    lambda added, number: (-number,),
    lambda added, number: (added <= 0, -number),
    lambda added, number: (-added, -number),
)


def peak_bytes(order: Sequence[int], values: Iterable[Made]) -> int:
    """The most bytes in memory at once when the actions run in this order."""
    when = {action: place for place, action in enumerate(order)}
    change = [0] * (len(order) + 1)
    for value in values:
        change[when[value.maker]] += value.bytes
        last = len(order) - 1 if value.kept else max((when[reader] for reader in value.readers), default=0)
        change[max(last, when[value.maker]) + 1] -= value.bytes
    return max(accumulate(change), default=0)


def _added(actions: int, values: Sequence[Made]) -> list[int]:
    """The bytes that each action adds to memory before any has run: what it makes, less what it alone reads."""
    added = [0] * actions
    for value in values:
        readers = set(value.readers)
        added[value.maker] += value.bytes if readers or value.kept else 0
        if len(readers) == 1 and not value.kept:
            added[readers.pop()] -= value.bytes
    return added


def _listed(order: Order, values: Sequence[Made], preference: Preference) -> list[int]:
    """Again and again, of the actions whose turn may come, the one preferred."""
    waiting_readers = [set(value.readers) for value in values]
    inputs: list[list[int]] = [[] for _ in order.before]
    for number, readers in enumerate(waiting_readers):
        for reader in readers:
            inputs[reader].append(number)
    added = _added(len(order.before), values)
    missing = [len(before) for before in order.before]
    ready = sorted((preference(added[action], action), action) for action, count in enumerate(missing) if count == 0)
    done: set[int] = set()
    result = []
    while ready:
        key, action = ready.pop()
        if action in done or key != preference(added[action], action):
            continue  # it stands further up, since it frees more by now
        done.add(action)
        result.append(action)
        for number in inputs[action]:
            waiting_readers[number].discard(action)
            if len(waiting_readers[number]) == 1 and not values[number].kept:
                (reader,) = waiting_readers[number]
                added[reader] -= values[number].bytes
                if missing[reader] == 0:
                    insort(ready, (preference(added[reader], reader), reader))
        for later in order.after[action]:
            missing[later] -= 1
            if missing[later] == 0:
                insort(ready, (preference(added[later], later), later))
    return result
