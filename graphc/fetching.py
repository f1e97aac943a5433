"""What ``Session.run`` is asked for: nested structures of tensors, operations, variables and names.

A fetch is taken apart once into the tensors and operations to run, and a function that puts the results together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.tensor_groups import TensorGroup

Rebuild = Callable[[Sequence[Any]], Any]


class Fetches:
    """The tensors and operations of a fetch, each once, and how results become what the caller asked for."""

    def __init__(self, graph: Graph, structure: Any):
        self.graph = graph
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self.rebuild = self._take_apart(structure)

    def places(self, structure: Any) -> tuple[int | list[int], type] | None:
        """Where what was asked for is among the tensors, -1 for operations, and what it is put into: list or tuple.

        None where that is not all, as of lists in lists, of dictionaries and of sparse tensors.
        """
        several = type(structure) in (list, tuple)
        if not all(map(_is_single, structure if several else [structure])):
            return None
        if not several:
            return self._place(structure), list
        return [self._place(item) for item in structure], type(structure)

    def _place(self, item: Any) -> int:
        element = self._element(item)
        return self.tensors.index(element) if isinstance(element, Tensor) else -1

    def _take_apart(self, item: Any) -> Rebuild:
        if isinstance(item, (list, tuple)):
            return self._sequence(item)
        if isinstance(item, Mapping):
            return self._mapping(item)
        if isinstance(item, TensorGroup):
            parts = self._sequence(item.parts)
            return lambda values: item.value_of(parts(values))
        return self._leaf(item)

    def _sequence(self, items: Sequence[Any]) -> Rebuild:
        parts = [self._take_apart(item) for item in items]
        kind: Any = type(items)
        if kind is list:
            return lambda values: [part(values) for part in parts]
        if hasattr(items, "_fields"):
            return lambda values: kind(*(part(values) for part in parts))
        return lambda values: kind(part(values) for part in parts)

    def _mapping(self, items: Mapping[Any, Any]) -> Rebuild:
        parts = {key: self._take_apart(item) for key, item in items.items()}
        if isinstance(items, OrderedDict):
            return lambda values: OrderedDict((key, part(values)) for key, part in parts.items())
        return lambda values: {key: part(values) for key, part in parts.items()}

    def _leaf(self, item: Any) -> Rebuild:
        element = self._element(item)
        if isinstance(element, Operation):
            if element not in self.operations:
                self.operations.append(element)
            return lambda values: None
        if element not in self.tensors:
            self.tensors.append(element)
        return itemgetter(self.tensors.index(element))

    def _element(self, item: Any) -> Tensor | Operation:
        if item is None:
            raise TypeError(
                "Fetch argument None has invalid type <class 'NoneType'>; wanted a Tensor, Operation or name. "
                "(tf.gradients gives None for what its ys do not depend on.)"
            )
        try:
            return self.graph.as_graph_element(item)
        except TypeError:
            raise TypeError(
                f"Fetch argument {item!r} has invalid type {type(item)}, must be a string or Tensor. "
                f"(Can not convert a {type(item).__name__} into a Tensor or Operation.)"
            ) from None
        except KeyError as error:
            raise ValueError(f"Fetch argument {item!r} cannot be interpreted as a Tensor. ({error.args[0]})") from None
        except ValueError as error:
            raise ValueError(f"Fetch argument {item!r} cannot be interpreted as a Tensor. ({error})") from None


def _is_single(item: Any) -> bool:
    return not isinstance(item, (list, tuple, Mapping, TensorGroup))


def key_of(structure: Any) -> Any:
    """A hashable key that is the same for the same structure of the same things."""
    if isinstance(structure, (list, tuple)):
        return (type(structure), *map(key_of, structure))
    if isinstance(structure, (Tensor, Operation)):  # first: whether something is a Mapping takes long to find out
        return structure
    if isinstance(structure, Mapping):
        return (type(structure), *((key, key_of(item)) for key, item in structure.items()))
    return structure
