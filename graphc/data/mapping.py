"""Stages that call a function for each element."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.data.elements import DatasetType, Element, Elements, Nested
from graphc.data.functions import Traced
from graphc.data.stage import Passing, Run, Stage, number
from graphc.nodes import Tensor
from graphc.ops.host import running_in


class Map(Stage):
    """``function`` of each element; with ``workers``, of so many at a time, in order."""

    def __init__(self, parent: Stage, function: Traced, workers: Tensor | None = None):
        self.parents = (parent,)
        self.function = function
        self.elements = function.elements
        self.own = (*function.outside, *(() if workers is None else (workers,)))
        self.workers = workers

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.function.bound(run)
        elements = self.parents[0].iterate(run)
        count = 1 if self.workers is None else number(run, self.workers)
        # Native code holds the session's lock while it runs: only Python's waiting can overlap.
        if count > 1 and self.function.waits:
            return _InParallel(call, elements, count, run)
        return map(call, elements)


class _InParallel(Iterator[Any]):
    """``call`` of elements, some at a time, each result in its place; an error stands in the place of its element."""

    def __init__(self, call: Callable[[Any], Any], elements: Iterator[Any], count: int, run: Run):
        self._call, self._elements, self._count, self._run = call, elements, count, run
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="graphc-map")
        self._waiting: deque[Future[Any]] = deque()
        pool = self._pool
        run.ends.append(lambda: pool.shutdown(wait=False, cancel_futures=True))

    def __next__(self) -> Any:
        while len(self._waiting) < self._count:
            try:
                element = next(self._elements)
            except StopIteration:
                break
            self._waiting.append(self._pool.submit(self._in_session, element))
        if not self._waiting:
            self._pool.shutdown(wait=False)
            raise StopIteration
        return self._waiting.popleft().result()

    def _in_session(self, element: Any) -> Any:
        with running_in(self._run.resources):
            return self._call(element)


class Filter(Passing):
    """The elements for which ``predicate`` is true."""

    def __init__(self, parent: Stage, predicate: Traced):
        super().__init__(parent, *predicate.outside)
        self.predicate = predicate

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.predicate.bound(run)
        parent = self.parent
        return filter(lambda token: bool(call(parent.element(run, token))[0]), parent.tokens(run))


class TakeWhile(Filter):
    """The elements before the first for which ``predicate`` is false."""

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.predicate.bound(run)
        for token in self.parent.tokens(run):
            if not call(self.parent.element(run, token))[0]:
                return
            yield token


class Scan(Stage):
    """``state, y = function(state, x)`` for each element x: the values y."""

    def __init__(self, parent: Stage, initial: list[Tensor], function: Traced, elements: Elements):
        self.parents = (parent,)
        self.function, self.initial, self.elements = function, initial, elements
        self.own = (*initial, *function.outside)

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.function.bound(run)
        state = tuple(run.value(tensor) for tensor in self.initial)
        for element in self.parents[0].iterate(run):
            result = call((*state, *element))
            state = result[: len(state)]
            yield result[len(state) :]


class Reduced(Stage):
    """One element: what ``function(state, x)`` makes of all elements, beginning with the initial state."""

    def __init__(self, parent: Stage, initial: list[Tensor], function: Traced):
        self.parents = (parent,)
        self.function, self.initial, self.elements = function, initial, function.elements
        self.own = (*initial, *function.outside)

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.function.bound(run)
        state = tuple(run.value(tensor) for tensor in self.initial)
        for element in self.parents[0].iterate(run):
            state = call((*state, *element))
        yield state


def inner_elements(function: Traced, what: str) -> Elements:
    """The elements of the dataset that the function gives; ``TypeError`` where it gives none."""
    if not function.is_dataset:
        raise TypeError(f"the function of {what} must return a `Dataset` object, but it gives {function.elements}")
    (leaf,) = function.elements.leaves
    assert isinstance(leaf, DatasetType)
    return leaf.elements


class FlatMap(Stage):
    """The elements of the dataset of the first element, then those of the second, and so on."""

    def __init__(self, parent: Stage, function: Traced):
        self.parents = (parent,)
        self.function, self.own = function, tuple(function.outside)
        self.elements = inner_elements(function, "flat_map")

    def tokens(self, run: Run) -> Iterator[Any]:
        call = self.function.bound(run)
        for element in self.parents[0].iterate(run):
            (nested,) = call(element)
            yield from nested.elements()


class Interleave(Stage):
    """By turns ``block`` elements of each of ``cycle`` datasets; one that is at its end makes room for the next."""

    def __init__(self, parent: Stage, function: Traced, cycle: Tensor, block: Tensor):
        self.parents = (parent,)
        self.function = function
        self.own = (*function.outside, cycle, block)
        self.cycle, self.block = cycle, block
        self.elements = inner_elements(function, "interleave")

    def tokens(self, run: Run) -> Iterator[Any]:
        cycle, block = number(run, self.cycle), number(run, self.block)
        if cycle < 1 or block < 1:
            raise errors.InvalidArgumentError(
                None, None, f"interleave: cycle_length and block_length must be greater than zero, not {cycle}, {block}"
            )
        sources = map(self.function.bound(run), self.parents[0].iterate(run))
        return _in_turns(sources, cycle, block)


def _in_turns(sources: Iterator[Element], cycle: int, block: int) -> Iterator[Element]:
    """Elements of ``cycle`` of the sources by turns."""
    open_ones: list[Iterator[Element] | None] = [None] * cycle
    ended, place = False, 0
    while not ended or any(source is not None for source in open_ones):
        given = 0
        while given < block:
            source = open_ones[place]
            if source is None:
                found: Nested | None = None if ended else next((nested for (nested,) in sources), None)
                if found is None:
                    ended = True
                    break
                source = open_ones[place] = found.elements()
            element = next(source, None)
            if element is None:
                open_ones[place] = None
                break
            yield element
            given += 1
        place = (place + 1) % cycle


class IgnoreErrors(Passing):
    """The elements that can be computed; those that fail are left out."""

    def tokens(self, run: Run) -> Iterator[Any]:
        tokens = self.parent.tokens(run)
        while True:
            try:
                token = next(tokens)
            except StopIteration:
                return
            except errors.OpError:
                continue
            yield token


class Numbered(Stage):
    """The whole numbers from ``start`` by ``step`` up to ``stop``, which is left out; for ever without one."""

    def __init__(self, start: Tensor, stop: Tensor | None, step: Tensor, elements: Elements):
        self.start, self.stop, self.step, self.elements = start, stop, step, elements
        self.own = (start, step, *(() if stop is None else (stop,)))

    def tokens(self, run: Run) -> Iterator[Any]:
        start, step = number(run, self.start), number(run, self.step)
        if step == 0:
            raise errors.InvalidArgumentError(None, None, "step must be a non-zero integer.")
        if self.stop is not None:
            return iter(range(start, number(run, self.stop), step))
        return _counting(start, step)

    def element(self, run: Run, token: Any) -> Element:
        return (np.int64(token).astype(self.elements.tensors[0].dtype.numpy),)

    def together(self, run: Run, tokens: Any) -> Element:
        return (np.array(tokens, self.elements.tensors[0].dtype.numpy),)


def _counting(start: int, step: int) -> Iterator[int]:
    while True:
        yield start
        start += step


def check_predicate(function: Traced, what: str) -> Traced:
    """The function; ``ValueError`` unless it gives one truth value."""
    leaves = function.elements.leaves
    if len(leaves) != 1 or isinstance(leaves[0], DatasetType) or leaves[0].dtype is not dtypes.bool:
        raise ValueError(f"the function of {what} must return a scalar boolean tensor, not {function.elements}")
    if leaves[0].rank not in (None, 0):
        raise ValueError(f"the function of {what} must return a scalar boolean tensor, not {leaves[0]}")
    return function
