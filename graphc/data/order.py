"""Stages that change the order or the number of elements, and not the elements: they handle tokens alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from graphc import errors
from graphc.data.elements import Element, Elements, most_specific
from graphc.data.stage import Passing, Run, Stage, number
from graphc.nodes import Tensor

_AT_ONCE = 1024  # random positions drawn at once: a draw for each costs ten times as much


class Repeat(Passing):
    """The elements again and again, ``count`` times; for ever where that is negative."""

    def __init__(self, parent: Stage, count: Tensor):
        super().__init__(parent, count)

    def tokens(self, run: Run) -> Iterator[Any]:
        return chain.from_iterable(self._passes(run, number(run, self.own[0])))

    def _passes(self, run: Run, count: int) -> Iterator[Iterator[Any]]:
        while count:
            tokens = self.parent.tokens(run)
            try:
                first = next(tokens)
            except StopIteration:
                return  # repeating nothing for ever would never end
            yield chain((first,), tokens)
            count -= count > 0


class Take(Passing):
    """The first ``count`` elements; all where that is negative."""

    def __init__(self, parent: Stage, count: Tensor):
        super().__init__(parent, count)

    def tokens(self, run: Run) -> Iterator[Any]:
        count = number(run, self.own[0])
        return islice(self.parent.tokens(run), count if count >= 0 else None)


class Skip(Passing):
    """All but the first ``count`` elements; none where that is negative."""

    def __init__(self, parent: Stage, count: Tensor):
        super().__init__(parent, count)

    def tokens(self, run: Run) -> Iterator[Any]:
        count = number(run, self.own[0])
        return islice(self.parent.tokens(run), count, None) if count >= 0 else iter(())


class Shard(Passing):
    """Every ``count``-th element, beginning with the one numbered ``index``."""

    def __init__(self, parent: Stage, count: Tensor, index: Tensor):
        super().__init__(parent, count, index)

    def tokens(self, run: Run) -> Iterator[Any]:
        count, index = (number(run, tensor) for tensor in self.own)
        if count < 1 or not 0 <= index < count:
            raise errors.InvalidArgumentError(
                None, None, f"shard: index must be in [0, num_shards), but got index {index} of {count}"
            )
        return islice(self.parent.tokens(run), index, None, count)


class Shuffle(Passing):
    """The elements in another order: each next one is drawn from a buffer of ``size``, which is then filled up.

    The same seeds give the same order. ``again``: each pass over the elements has an order of its own.
    """

    def __init__(self, parent: Stage, size: Tensor, seeds: tuple[int, int] | None, again: bool):
        super().__init__(parent, size)
        self.seeds, self.again = seeds, again

    def tokens(self, run: Run) -> Iterator[Any]:
        size = number(run, self.own[0])
        if size < 1:
            raise errors.InvalidArgumentError(None, None, f"shuffle: buffer_size must be greater than zero, not {size}")
        return _shuffled(self.parent.tokens(run), size, self._generator(run))

    def _generator(self, run: Run) -> np.random.Generator:
        kept = run.memory.get(self)
        if kept is None:
            entropy = self.seeds or tuple(np.random.SeedSequence().generate_state(2).tolist())
            kept = run.memory[self] = (entropy, np.random.default_rng(entropy))
        entropy, generator = kept
        return generator if self.again else np.random.default_rng(entropy)


def _shuffled(tokens: Iterator[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    buffer = list(islice(tokens, size))
    ended = len(buffer) < size
    while not ended:
        for place in generator.integers(0, size, _AT_ONCE).tolist():
            try:
                new = next(tokens)
            except StopIteration:
                ended = True
                break
            yield buffer[place]
            buffer[place] = new
    yield from map(buffer.__getitem__, generator.permutation(len(buffer)).tolist())


class Cache(Passing):
    """The elements, kept in memory once all have been seen."""

    def tokens(self, run: Run) -> Iterator[Any]:
        kept = run.memory.get(self)
        return iter(kept) if kept is not None else self._keeping(run)

    def _keeping(self, run: Run) -> Iterator[Any]:
        seen = []
        for token in self.parent.tokens(run):
            seen.append(token)
            yield token
        run.memory[self] = seen


class Concatenate(Stage):
    """The elements of the first, then those of the second."""

    def __init__(self, first: Stage, second: Stage):
        self.parents = (first, second)
        self.elements = most_specific(first.elements, second.elements)

    def tokens(self, run: Run) -> Iterator[Any]:
        return chain.from_iterable(parent.iterate(run) for parent in self.parents)


class Zip(Stage):
    """Elements of several datasets side by side; it ends with the shortest."""

    def __init__(self, parents: Sequence[Stage], form: Any):
        self.parents = tuple(parents)
        self.elements = Elements(form, [leaf for parent in parents for leaf in parent.elements.leaves])

    def tokens(self, run: Run) -> Iterator[Any]:
        return zip(*(parent.tokens(run) for parent in self.parents))

    def element(self, run: Run, token: Any) -> Element:
        parts = (parent.element(run, one) for parent, one in zip(self.parents, token))
        return tuple(leaf for part in parts for leaf in part)

    def together(self, run: Run, tokens: Sequence[Any]) -> Element:
        columns = (parent.together(run, column) for parent, column in zip(self.parents, zip(*tokens)))
        return tuple(leaf for column in columns for leaf in column)


class Chosen(Stage):
    """Elements of several datasets, each from the one whose number comes next."""

    def __init__(self, parents: Sequence[Stage], choices: Stage):
        self.parents = (*parents, choices)
        elements = parents[0].elements
        for parent in parents[1:]:
            elements = most_specific(elements, parent.elements)
        self.elements = elements

    def tokens(self, run: Run) -> Iterator[Any]:
        *parents, choices = self.parents
        sources: list[Iterator[Any] | None] = [parent.iterate(run) for parent in parents]
        for (choice,) in choices.iterate(run):
            if not 0 <= choice < len(sources):
                raise errors.InvalidArgumentError(
                    None, None, f"Selector index out of range: {int(choice)} >= {len(sources)}"
                )
            source = sources[int(choice)]
            if source is None:
                continue
            try:
                yield next(source)
            except StopIteration:
                sources[int(choice)] = None
                if not any(sources):
                    return
