"""Least cuts of small networks, against all cuts that there are."""

from __future__ import annotations

import itertools
import random

from graphc.passes.cut import SINK, SOURCE, Network


def value(edges, behind):
    """What the edges into ``behind`` cost together."""
    return sum(capacity for (start, end), capacity in edges.items() if start not in behind and end in behind)


NUMBERS = {"s": SOURCE, "t": SINK, "a": 2, "b": 3, "c": 4, "d": 5}


def cut(edges):
    network = Network()
    for (start, end), capacity in edges.items():
        network.add(NUMBERS[start], NUMBERS[end], capacity)
    behind = network.behind_cut()
    return {name for name, number in NUMBERS.items() if number in behind}


def test_the_cheaper_of_two_edges_is_cut():
    assert cut({("s", "a"): 2, ("a", "t"): 3}) == {"a", "t"}
    assert cut({("s", "a"): 3, ("a", "t"): 2}) == {"t"}


def test_of_equal_cuts_the_one_nearest_to_the_sink():
    assert cut({("s", "a"): 2, ("a", "b"): 2, ("b", "t"): 2}) == {"t"}


def test_what_must_not_be_cut():
    network = Network()
    network.add(SOURCE, SINK)
    assert network.behind_cut() is None


def test_no_cut_of_a_random_network_costs_less():
    generator = random.Random(0)
    for _ in range(200):
        nodes = ["s", "a", "b", "c", "d", "t"]
        edges = {
            (start, end): generator.randrange(1, 9)
            for start, end in itertools.permutations(nodes, 2)
            if start != "t" and end != "s" and generator.random() < 0.5
        }
        sides = [{"t", *some} for count in range(5) for some in itertools.combinations("abcd", count)]
        found = cut(edges)
        assert value(edges, found) == min(value(edges, side) for side in sides)
        assert len(found) == min(len(side) for side in sides if value(edges, side) == value(edges, found))
