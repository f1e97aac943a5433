"""The least cut of a small network: the cheapest edges without which no way leads from its source to its sink."""

from __future__ import annotations

from collections.abc import Hashable

UNCUT = 1 << 60  # the capacity of an edge that must not be cut
_SOURCE, _SINK = 0, 1


class Network:
    """Nodes joined by edges with capacities; nodes and edges are numbered as they come, and so are found fast."""

    def __init__(self, source: Hashable, sink: Hashable):
        self._names: list[Hashable] = [source, sink]
        self._numbers: dict[Hashable, int] = {source: _SOURCE, sink: _SINK}
        self._edges: list[list[int]] = [[], []]  # that leave each node
        self._end: list[int] = []  # of each edge; the one with the last bit changed leads back
        self._left: list[int] = []  # capacity that no flow uses yet

    def add(self, start: Hashable, end: Hashable, capacity: int = UNCUT) -> None:
        """An edge from ``start`` to ``end``; edges side by side add up."""
        first, second = self._number(start), self._number(end)
        for place, other, left in ((first, second, capacity), (second, first, 0)):
            self._edges[place].append(len(self._end))
            self._end.append(other)
            self._left.append(left)

    def _number(self, name: Hashable) -> int:
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self._edges.append([])
        return number

    def behind_cut(self) -> set[Hashable] | None:
        """The nodes on the sink's side of a least cut, as few as there can be; None where every cut costs too much.

        Flow is sent along shortest ways while there is one left, all of one length before longer ones; then the full
        edges are a cut (Dinic, Soviet Mathematics Doklady 11, 1970).
        """
        while distances := self._distances():
            tried = [0] * len(self._names)  # of the edges of each node: the others lead nowhere
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
        distances = [-1] * len(self._names)
        distances[_SOURCE] = 0
        reached = [_SOURCE]
        for place in reached:  # grows on the way
            for edge in self._edges[place]:
                end = self._end[edge]
                if distances[end] < 0 and self._left[edge]:
                    distances[end] = distances[place] + 1
                    reached.append(end)
        return distances if distances[_SINK] > 0 else []

    def _way(self, distances: list[int], tried: list[int]) -> list[int]:
        """The edges of a shortest way from the source to the sink, where there is one left."""
        ends, left, all_edges = self._end, self._left, self._edges
        way: list[int] = []
        place = _SOURCE
        while place != _SINK:
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

    def _before_sink(self) -> set[Hashable]:
        """The nodes from which flow could still reach the sink."""
        found = {_SINK}
        waiting = [_SINK]
        while waiting:
            for edge in self._edges[waiting.pop()]:
                start = self._end[edge]
                if start not in found and self._left[edge ^ 1]:
                    found.add(start)
                    waiting.append(start)
        return {self._names[number] for number in found}
