"""The least cut of a small network: the cheapest edges without which no way leads from its source to its sink.

No pass: the algorithm by which :mod:`recompute` finds the cheapest plan.
"""

from __future__ import annotations

from functools import lru_cache

UNCUT = 1 << 60  # the capacity of an edge that must not be cut
SOURCE, SINK = 0, 1


class Network:
    """Nodes, which are numbers, joined by edges with capacities."""

    def __init__(self) -> None:
        self._ends: list[int] = []  # start and end of each edge, one after the other
        self._capacities: list[int] = []

    def add(self, start: int, end: int, capacity: int = UNCUT) -> None:
        """An edge from ``start`` to ``end``; edges side by side add up."""
        self._ends += (start, end)
        self._capacities.append(capacity)

    def behind_cut(self) -> frozenset[int] | None:
        """The nodes on the sink's side of a least cut, as few as there can be; None where every cut costs too much."""
        return _behind_cut(tuple(self._ends), tuple(self._capacities))


@lru_cache(maxsize=1024)  # the repeated blocks of a graph make equal networks
def _behind_cut(ends: tuple[int, ...], capacities: tuple[int, ...]) -> frozenset[int] | None:
    return _Flow(ends, capacities).behind_cut()


class _Flow:
    """The greatest flow from source to sink: when no way is left for more, the full edges are a cut.

    Flow is sent along shortest ways while there is one left, all of one length before longer ones (Dinic, Soviet
    Mathematics Doklady 11, 1970).
    """

    def __init__(self, ends: tuple[int, ...], capacities: tuple[int, ...]):
        self._end: list[int] = []  # of each edge; the one with the last bit changed leads back
        self._left: list[int] = []  # capacity that no flow uses yet
        self._edges: list[list[int]] = [[] for _ in range(max((SINK, *ends)) + 1)]  # that leave each node
        for start, end, capacity in zip(ends[::2], ends[1::2], capacities, strict=True):
            self._edges[start].append(len(self._end))
            self._edges[end].append(len(self._end) + 1)
            self._end += (end, start)
            self._left += (capacity, 0)

    def behind_cut(self) -> frozenset[int] | None:
        while distances := self._distances():
            tried = [0] * len(self._edges)  # of the edges of each node: the others lead nowhere
            while way := self._way(distances, tried):
                amount = min(self._left[edge] for edge in way)
                if amount >= UNCUT // 2:
                    return None
                for edge in way:
                    self._left[edge] -= amount
                    self._left[edge ^ 1] += amount
        return self._before_sink()

    def _distances(self) -> list[int]:
        """How many edges each node is away from the source; nothing where the sink is out of reach."""
        distances = [-1] * len(self._edges)
        distances[SOURCE] = 0
        reached = [SOURCE]
        for place in reached:  # grows on the way
            for edge in self._edges[place]:
                end = self._end[edge]
                if distances[end] < 0 and self._left[edge]:
                    distances[end] = distances[place] + 1
                    reached.append(end)
        return distances if distances[SINK] > 0 else []

    def _way(self, distances: list[int], tried: list[int]) -> list[int]:
        """The edges of a shortest way from the source to the sink, where there is one left."""
        ends, left, all_edges = self._end, self._left, self._edges
        way: list[int] = []
        place = SOURCE
        while place != SINK:
            wanted = distances[place] + 1
            for number in range(tried[place], len(all_edges[place])):
                edge = all_edges[place][number]
                if left[edge] and distances[ends[edge]] == wanted:
                    tried[place] = number
                    way.append(edge)
                    place = ends[edge]
                    break
            else:
                tried[place] = len(all_edges[place])
                if not way:
                    return []
                place = ends[way.pop() ^ 1]
                tried[place] += 1
        return way

    def _before_sink(self) -> frozenset[int]:
        """The nodes from which flow could still reach the sink."""
        found = {SINK}
        waiting = [SINK]
        while waiting:
            for edge in self._edges[waiting.pop()]:
                start = self._end[edge]
                if start not in found and self._left[edge ^ 1]:
                    found.add(start)
                    waiting.append(start)
        return frozenset(found)
