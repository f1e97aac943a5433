"""What an artifact holds, for those who call it: entry points with feeds and fetches, and the fields of an instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.dims import DimLike, FloorDiv, is_bounded, measured_in, most
from graphc.dtypes import DType
from graphc.nodes import Operation
from graphc.shapes import TensorType, shape_text


@dataclass(frozen=True)
class Parameter:
    """A feed or a fetch: the name of its tensor, its name in C, and its exact type.

    A fetch may tell a size of others, which the step counts: then ``most`` is what it can be at most, where anything
    bounds it.
    """

    name: str
    identifier: str
    type: TensorType
    is_size: bool = False
    most: DimLike | None = None

    @property
    def is_given(self) -> bool:
        """Whether the step takes the memory, which the caller frees: of a fetch whose size nothing bounds."""
        return not is_bounded(self.type.elements)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.type.dtype

    def __str__(self) -> str:
        return f"{self.dtype.short}{shape_text(self.type.shape)}"


@dataclass(frozen=True)
class EntryPoint:
    """A function of the artifact: what it takes and gives, and the limits of the sizes that the caller chooses."""

    name: str
    feeds: tuple[Parameter, ...]
    fetches: tuple[Parameter, ...]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Field:
    """A part of the state: a variable, or the position of a random stream; ``offset`` counts bytes in the state."""

    operation: Operation
    name: str
    identifier: str
    type: TensorType
    offset: int

    @property
    def is_variable(self) -> bool:
        """Whether this is a variable, and not the position of a random stream."""
        return self.operation.type == "VariableV2"

    @property
    def count(self) -> int:
        """The number of elements."""
        count = self.type.elements
        assert isinstance(count, int)
        return count

    @property
    def bytes(self) -> int:
        """The size in memory."""
        return self.count * self.type.dtype.size


def state_layout(fields: Sequence[Field]) -> str:
    """The state as text; a state file fits where this is the same."""
    return json.dumps(
        [
            {
                "name": field.name,
                "identifier": field.identifier,
                "kind": "variable" if field.is_variable else "counter",
                "dtype": field.type.dtype.numpy.name,
                "shape": list(field.type.sizes),
                "offset": field.offset,
            }
            for field in fields
        ]
    )


def describe(facts: Mapping[str, Any], entries: Sequence[EntryPoint], layout: str) -> str:
    """All that the loader needs to know, as JSON; ``layout`` stands in it as it is."""
    described = [
        {
            "name": entry.name,
            "sizes": [{"name": name, "largest": largest} for name, largest in entry.sizes.items()],
            "feeds": [_parameter(parameter) for parameter in entry.feeds],
            "fetches": [_parameter(parameter) for parameter in entry.fetches],
        }
        for entry in entries
    ]
    text = json.dumps({**facts, "entries": described})
    return f'{text[:-1]}, "states": {layout}}}'


def _parameter(parameter: Parameter) -> dict[str, Any]:
    shape = [_size(size) for size in parameter.type.sizes]
    dtype = parameter.dtype.numpy.name
    described = {"name": parameter.name, "identifier": parameter.identifier, "dtype": dtype, "shape": shape}
    if parameter.is_size:
        return described | {"most": None if parameter.most is None else _size(parameter.most)}
    if parameter.is_given:
        return described | {"given": True}
    # not what the shape is where each count is the most: of 8 elements a count may leave fewer
    is_counted = any(map(measured_in, parameter.type.sizes))
    return described | {"room": _size(most(parameter.type.elements))} if is_counted else described


def _size(size: DimLike) -> Any:
    """A number, or a sum ``[[factor, atom...], ...]`` of which an atom is a name or ``{"floor": [over, under]}``."""
    if isinstance(size, int):
        return size
    return [[factor, *map(_atom, monomial)] for monomial, factor in size.terms.items()]


def _atom(thing: Any) -> Any:
    if isinstance(thing, FloorDiv):
        return {"floor": [_size(thing.numerator), _size(thing.denominator)]}
    return str(thing)
