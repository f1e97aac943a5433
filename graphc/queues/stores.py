"""What a queue holds in a session: elements that some threads put in and others take out.

Every store is first in, first out unless it says otherwise. Who finds no room, or too few elements, waits; closing it
and closing the session let the waiting go.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from graphc import errors

Element = tuple[Any, ...]


class Store:
    """Up to ``capacity`` elements, in the order in which they came; no limit for -1."""

    def __init__(self, label: str, capacity: int):
        self.label, self.capacity = label, capacity
        self.items: Any = deque()
        self.closed = self.cancelled = False
        self._changed = threading.Condition()
        self._takers = threading.Lock()  # who takes several waits for them alone
        self._waiting_puts = 0

    # -- the order: what other stores change -----------------------------------------------------------------

    def add(self, item: Element) -> None:
        """Takes one element in."""
        self.items.append(item)

    def remove(self) -> Element:
        """Gives one element out."""
        return self.items.popleft()

    def restore(self, items: Sequence[Element]) -> None:
        """Takes back what was given out last."""
        self.items.extendleft(reversed(items))

    def available(self) -> int:
        """How many elements may be taken now."""
        return len(self.items)

    # -- what operations do ----------------------------------------------------------------------------------

    def put(self, elements: Sequence[Element]) -> None:
        """Adds elements, waiting for room; ``CancelledError`` where the queue is closed."""
        with self._changed:
            self._check_open_to_puts()
            self._waiting_puts += 1
            try:
                for element in elements:
                    while 0 <= self.capacity <= len(self.items) and not self.cancelled:
                        self._changed.wait()
                    if self.cancelled:
                        raise errors.CancelledError(None, None, f"{self.label}: the enqueue operation was cancelled")
                    self.add(element)
                    self._changed.notify_all()
            finally:
                self._waiting_puts -= 1
                self._changed.notify_all()

    def _check_open_to_puts(self) -> None:
        if self.closed or self.cancelled:
            raise errors.CancelledError(None, None, f"{self.label} is closed.")

    def take(self, number: int, fewer: bool = False) -> list[Element]:
        """``number`` elements, once they are there.

        When the queue is closed and holds too few: those that are left where ``fewer`` allows it and there is one,
        ``OutOfRangeError`` elsewhere.
        """
        if number < 0:
            raise errors.InvalidArgumentError(None, None, f"DequeueManyOp requested {number} < 0 elements")
        with self._takers, self._changed:
            taken: list[Element] = []
            while len(taken) < number:
                if self.cancelled_by_end:
                    self.restore(taken)
                    raise errors.CancelledError(None, None, f"{self.label}: its session is closed")
                if self.available():
                    taken.append(self.remove())
                    self._changed.notify_all()
                elif self.closed and not self._waiting_puts:
                    if fewer and taken:
                        break
                    self.restore(taken)
                    raise errors.OutOfRangeError(
                        None,
                        None,
                        f"{self.label} is closed and has insufficient elements "
                        f"(requested {number}, current size {len(self.items)})",
                    )
                else:
                    self._changed.wait()
            return taken

    cancelled_by_end = False

    def close(self, cancel: bool) -> None:
        """No more elements come; ``cancel`` also refuses those that wait for room."""
        with self._changed:
            self.closed = True
            self.cancelled |= cancel
            self._changed.notify_all()

    def end(self) -> None:
        """The session is closed: nobody waits any more."""
        with self._changed:
            self.closed = self.cancelled = self.cancelled_by_end = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self.items)


class RandomStore(Store):
    """Elements in random order, of which ``least`` stay behind to choose from until the queue is closed."""

    def __init__(self, label: str, capacity: int, least: int, seed: Any):
        super().__init__(label, capacity)
        self.items = []
        self.least = least
        self._random = random.Random(seed)

    def remove(self) -> Element:
        place = self._random.randrange(len(self.items))
        self.items[place], self.items[-1] = self.items[-1], self.items[place]
        return self.items.pop()

    def restore(self, items: Sequence[Element]) -> None:
        self.items.extend(items)

    def available(self) -> int:
        return len(self.items) if self.closed else max(0, len(self.items) - self.least)


class PriorityStore(Store):
    """The element with the least first component comes first."""

    def __init__(self, label: str, capacity: int):
        super().__init__(label, capacity)
        self.items = []
        self._order = count()

    def add(self, item: Element) -> None:
        heapq.heappush(self.items, (int(item[0]), next(self._order), item))

    def remove(self) -> Element:
        return heapq.heappop(self.items)[2]

    def restore(self, items: Sequence[Element]) -> None:
        for item in items:
            self.add(item)


def filled_up(arrays: Sequence[Any], sizes: Sequence[Any], value: Any, dtype: Any) -> Any:
    """The arrays side by side, each filled up to ``sizes`` with ``value`` at the end of its axes."""
    batch: Any = np.full((len(arrays), *sizes), value, dtype)
    for number, array in enumerate(arrays):
        # The dots make a view: without them, the array of a single string would itself become an element.
        batch[(number, *map(slice, array.shape), ...)] = array
    return batch
