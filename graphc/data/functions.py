"""The functions of map, filter and their kin: traced once into a graph of their own, compiled once for each session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from graphc.body import Body, Taken
from graphc.data.elements import (
    DATASET,
    DatasetType,
    Element,
    Elements,
    LeafType,
    Nested,
    taken_apart,
)
from graphc.data.stage import Run, Stage
from graphc.nodes import Tensor
from graphc.ops.base import Const
from graphc.ops.host import runs_on_host
from graphc.scopes import get_default_graph
from graphc.session import BaseSession


class GivenStage(Stage):
    """The dataset that is an argument of a function: the run of the function tells its elements."""

    def __init__(self, elements: Elements):
        self.elements = elements

    def tokens(self, run: Run) -> Iterator[Any]:
        nested: Nested = run.value(self)
        return nested.elements()


class TracedBody(Body):
    """The graph of a function over elements; its names are its own."""

    def __init__(self, what: str):
        super().__init__(get_default_graph(), what, Taken())
        self._names_used = {}

    def _take_scopes(self) -> None:
        super()._take_scopes()
        self._scope = ""


class Traced:
    """A user's function of elements as a graph: ``results`` are the leaves of what it gives, in ``form``.

    ``wrap`` makes of a stage what users call a dataset. Tensors of the graph around are captured: their values are
    those of the iterator's start. ``NotImplementedError`` where it assigns a variable, which is the session's.
    """

    def __init__(self, function: Callable[..., Any], elements: Elements, what: str, wrap: Callable[[Stage], Any]):
        self.what = what
        self.body = TracedBody(f"the function of {what}")
        with self.body.declaring():
            self.arguments = [self._argument(type, number) for number, type in enumerate(elements.leaves)]
            given = elements.packed([wrap(x) if isinstance(x, Stage) else x for x in self.arguments])
            result = function(*given) if type(given) is tuple else function(given)
            if isinstance(result, list):  # of tensors that need not have one shape, as py_func gives
                result = tuple(result)
            self.form, leaves = taken_apart(result)
            self.results = [leaf.stage if hasattr(leaf, "stage") else self.body.own(leaf) for leaf in leaves]
            stages = [x for x in self.results if isinstance(x, Stage)]
            needed = [tensor for stage in stages for tensor in stage.needed()]
            self._inner = {tensor: self.body.own(tensor) for tensor in needed if not isinstance(tensor.op.kind, Const)}
        self.outside = list(self.body.taken.captures)
        self._check_captures()
        self._places = {x: number for number, x in enumerate(self.arguments)}
        wanted = [x for x in (*self.results, *self._inner.values()) if isinstance(x, Tensor)]
        self.computed = [x for x in dict.fromkeys(wanted) if x not in self._places and not isinstance(x.op.kind, Const)]
        self._feeds = [x for x in self.arguments if isinstance(x, Tensor)]
        self._captured = [self.body.own(tensor) for tensor in self.outside]

    def _argument(self, type: LeafType, number: int) -> Any:
        if isinstance(type, DatasetType):
            return GivenStage(type.elements)
        return self.body.argument(type, f"arg{number}")

    def _check_captures(self) -> None:
        for tensor in self.outside:
            if tensor.op.type == "VariableV2":
                raise NotImplementedError(
                    f"the function of {self.what} assigns variable '{tensor.op.name}', which belongs to the steps of a "
                    "session; assign it after get_next()"
                )

    @property
    def elements(self) -> Elements:
        """The types of what the function gives."""
        types = [DatasetType(x.elements) if isinstance(x, Stage) else x.type for x in self.results]
        return Elements(self.form, types)

    @property
    def is_dataset(self) -> bool:
        """Whether the function gives a dataset."""
        return bool(self.form == DATASET)

    @property
    def waits(self) -> bool:
        """Whether something in it runs in Python, and so may wait or let others run."""
        return any(runs_on_host(node) for node in self.body.nodes)

    def bound(self, run: Run) -> Callable[[Element], Element]:
        """The function from the leaves of an element to those of its result, in the session of a run."""
        compute = self._computing(run)
        captured = [run.value(tensor) for tensor in self.outside]
        feeds = [number for number, x in enumerate(self.arguments) if isinstance(x, Tensor)]
        stages = [(number, x) for number, x in enumerate(self.arguments) if isinstance(x, Stage)]

        def call(element: Element) -> Element:
            values: dict[Any, Any] = dict(zip(self.arguments, element))
            if self.computed:
                results = compute(*[_as_fed(element[number]) for number in feeds], *captured)
                values.update(zip(self.computed, results, strict=True))
            inner: Run | None = None
            leaves = []
            for result in self.results:
                if isinstance(result, Stage):
                    inner = inner or run.inner(self._inner_values(values, stages, element))
                    leaves.append(_nested(result, inner))
                else:
                    leaves.append(values[result] if result in values else _constant(result))
            return tuple(leaves)

        return call

    def _inner_values(self, values: dict[Any, Any], stages: Sequence[tuple[int, Any]], element: Element) -> Any:
        """What the datasets that the function gives use: by the tensors that they know."""
        known = {x: values[place] if place in values else _constant(place) for x, place in self._inner.items()}
        known.update((stage, element[number]) for number, stage in stages)
        return known

    def _computing(self, run: Run) -> Any:
        """What computes all of it at once: one native program where nothing in it runs in Python."""
        if not self.computed:
            return None
        found = run.resources.get(self)
        if found is None:
            session = BaseSession(graph=self.body)
            session.resources = run.resources  # tables and counters are those of the session around
            found = run.resources[self] = session.make_callable(self.computed, [*self._feeds, *self._captured])
        return found


def _nested(stage: Stage, run: Run) -> Nested:
    return Nested(lambda: stage.iterate(run))


def _as_fed(value: Any) -> Any:
    """A scalar as an array, which a program takes as it is."""
    return np.asarray(value) if isinstance(value, (np.number, np.bool_)) else value


def _constant(tensor: Tensor) -> Any:
    assert isinstance(tensor.op.kind, Const)
    return tensor.op.kind.value
