"""How the elements of a dataset come to be: a chain of stages, each of which draws from those before it.

A stage gives *tokens*, which stand for elements: what only changes the order or the number of elements (shuffle,
repeat, take) handles tokens and never looks at arrays. The tokens of ``from_tensor_slices`` are row numbers, so that a
batch of shuffled rows is one NumPy take::

    slices   0 1 2 3 ...            element(run, 2)           the rows numbered 2
    shuffle  7 0 3 ...              together(run, [7, 0, 3])  rows 7, 0 and 3 as one array
    batch    [7, 0, 3] ...

Where something is computed (map, a generator), the token is the element itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.data.elements import Element, Elements, stacked
from graphc.nodes import Tensor
from graphc.ops.base import Const, convert_to_tensor


class Run:
    """One start of a chain of stages: the values of the tensors it uses, and what it keeps until it ends."""

    def __init__(self, values: Mapping[Any, Any], resources: dict[Any, Any]):
        self.values = dict(values)
        self.resources = resources  # of the session
        self.memory: dict[Any, Any] = {}  # what stages keep from one pass over their elements to the next
        self.ends: list[Any] = []  # functions that stop what runs beside it
        self.ended = False

    def value(self, tensor: Any) -> Any:
        """The value of a tensor that a stage has captured."""
        if tensor in self.values:
            return self.values[tensor]
        return tensor.op.kind.value

    def inner(self, values: Mapping[Any, Any]) -> Run:
        """A run inside this one: of the dataset that a function gives for an element."""
        run = Run(values, self.resources)
        run.ends = self.ends
        return run

    def end(self) -> None:
        """Stops what runs beside it."""
        self.ended = True
        while self.ends:
            self.ends.pop()()


class Stage:
    """One transformation; subclasses give tokens, and say what they stand for unless they are the elements."""

    elements: Elements
    parents: tuple[Stage, ...] = ()
    own: tuple[Tensor, ...] = ()  # tensors of the graph that it uses

    def tokens(self, run: Run) -> Iterator[Any]:
        """The tokens, from the first."""
        raise NotImplementedError(type(self).__name__)

    def element(self, run: Run, token: Any) -> Element:
        """The leaves of the element for which a token stands."""
        return token

    def together(self, run: Run, tokens: Sequence[Any]) -> Element:
        """The leaves of several elements, stacked."""
        rows = [self.element(run, token) for token in tokens]
        types = self.elements.tensors
        return tuple(
            stacked(column, type, number) for number, (column, type) in enumerate(zip(zip(*rows), types, strict=True))
        )

    def iterate(self, run: Run) -> Iterator[Element]:
        """The elements; it goes on after an error in one of them where the stages do."""
        return map(partial(self.element, run), self.tokens(run))

    def needed(self) -> list[Tensor]:
        """All tensors that this stage and those before it use."""
        found = dict.fromkeys(self.own)
        for parent in self.parents:
            found.update(dict.fromkeys(parent.needed()))
        return list(found)


class Passing(Stage):
    """A stage that passes on some tokens of the one before it, in some order."""

    def __init__(self, parent: Stage, *own: Tensor):
        self.parent = parent
        self.parents = (parent,)
        self.elements = parent.elements
        self.own = own

    def element(self, run: Run, token: Any) -> Element:
        return self.parent.element(run, token)

    def together(self, run: Run, tokens: Sequence[Any]) -> Element:
        return self.parent.together(run, tokens)


def whole_number(value: Any, what: str) -> Tensor:
    """A scalar int64 tensor; ``ValueError`` for another rank."""
    tensor = convert_to_tensor(value, None if isinstance(value, Tensor) else dtypes.int64, name=what)
    if tensor.type.rank not in (None, 0) or not tensor.dtype.is_integer:
        raise ValueError(f"{what} must be a whole number, not {tensor.type}")
    return tensor


def known_number(tensor: Tensor) -> int | None:
    """The value of a constant, or None."""
    return int(tensor.op.kind.value) if isinstance(tensor.op.kind, Const) else None


def number(run: Run, tensor: Tensor) -> int:
    """The value of such a tensor in a run."""
    return int(np.asarray(run.value(tensor)))


def merged_needs(stages: Iterable[Stage]) -> list[Tensor]:
    """All tensors that the stages use."""
    return list(dict.fromkeys(tensor for stage in stages for tensor in stage.needed()))
