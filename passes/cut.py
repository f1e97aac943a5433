"""The least cut of a small network: the cheapest edges without which no way leads from its source to its sink."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

UNCUT = 1 << 60  # the capacity of an edge that must not be cut


class Network:
    """Nodes joined by edges with capacities."""

    def __init__(self, source: Hashable, sink: Hashable):
        self.source, self.sink = source, sink
        self._left: dict[Hashable, dict[Hashable, int]] = {source: {}, sink: {}}  # capacity that no flow uses yet

    def add(self, start: Hashable, end: Hashable, capacity: int = UNCUT) -> None:
        """An edge from ``start`` to ``end``; edges side by side add up."""
        ends = self._left.setdefault(start, {})
        ends[end] = min(ends.get(end, 0) + capacity, UNCUT)
        self._left.setdefault(end, {}).setdefault(start, 0)

    def behind_cut(self) -> set[Hashable] | None:
        """The nodes on the sink's side of a least cut, as few as there can be; None where every cut costs too much.

        Flow is sent along shortest ways while there is one left, then the full edges are a cut
        (Edmonds and Karp, Journal of the ACM 19, 1972).
        """
        while True:
            way = self._way()
            if not way:
                return self._before_sink()
            amount = min(self._left[start][end] for start, end in way)
            if amount >= UNCUT // 2:
                return None
            for start, end in way:
                self._left[start][end] -= amount
                self._left[end][start] += amount

    def _way(self) -> list[tuple[Hashable, Hashable]]:
        """The edges of a shortest way from the source to the sink."""
        came: dict[Hashable, Hashable] = {self.source: self.source}
        waiting = deque([self.source])
        while waiting:
            start = waiting.popleft()
            for end, left in self._left[start].items():
                if left and end not in came:
                    came[end] = start
                    waiting.append(end)
            if self.sink in came:
                break
        else:
            return []
        way, end = [], self.sink
        while end != self.source:
            way.append((came[end], end))
            end = came[end]
        return way

    def _before_sink(self) -> set[Hashable]:
        """The nodes from which flow could still reach the sink."""
        found = {self.sink}
        waiting = [self.sink]
        while waiting:
            end = waiting.pop()
            for start in self._left[end]:  # every edge is noted at both of its ends
                if start not in found and self._left[start][end]:
                    found.add(start)
                    waiting.append(start)
        return found
