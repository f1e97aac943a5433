"""Quotients of positions: divided where that is certain, and equal to Python's everywhere."""

from __future__ import annotations

import itertools
import random

from graphc.dims import Measured, atom, evaluate, floordiv, is_nonnegative, symbol


def test_a_small_remainder_does_not_hinder_a_coarser_division():
    i, j = symbol("i", 1024), symbol("j", 128)
    assert str(floordiv(128 * i + j, 8192)) == str(floordiv(i, 64))
    assert str(floordiv(128 * i + j, 32)) == str(4 * i + floordiv(j, 32))
    assert str(floordiv(100 * i + j, 8192)) == "((100*i+j)//(8192))"  # j may be 100 or more


def test_quotients_are_those_of_python():
    generator = random.Random(0)
    for _ in range(300):
        extents = [generator.randrange(1, 7) for _ in range(3)]
        positions = [symbol(name, extent) for name, extent in zip("ijk", extents, strict=True)]
        factors = [generator.choice([0, 1, 2, 3, 4, 6, 8, 12, 24]) for _ in range(3)]
        numerator = sum((f * p for f, p in zip(factors, positions, strict=True)), generator.randrange(4))
        denominator = generator.choice([2, 3, 4, 6, 12, 24, 48])
        found = floordiv(numerator, denominator)
        for values in itertools.product(*map(range, extents)):
            names = dict(zip("ijk", values, strict=True))
            wanted = evaluate(numerator, names) // denominator
            assert evaluate(found, names) == wanted, f"({numerator}) // {denominator} = {found} at {names}"


def test_what_is_counted_is_between_0_and_its_bound() -> None:
    n = symbol("n")
    few, many, as_many = (atom(Measured(f"m{k}", None, most)) for k, most in enumerate((3, None, n)))
    for size in (few, 3 - few, 2 * n + 4 - 2 * few, n - as_many, 2 * n - as_many - 1):
        assert is_nonnegative(size)
    for size in (few - 1, 2 - few, n - many, n - 1 - as_many, 3 - few * few):
        assert not is_nonnegative(size)
