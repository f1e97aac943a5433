"""Under which name each variable stands in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.nodes import Operation
from graphc.ops.state import handle_of


def names_of_variables(var_list: Any) -> dict[str, Operation]:
    """The places of the variables by their names in a file, sorted.

    ``var_list`` is a dictionary from names to variables, or holds variables, which have their own names there.
    ``TypeError`` for what is no variable, ``ValueError`` where two have one name.
    """
    if isinstance(var_list, Mapping):
        found = {_text(name): place_of(item) for name, item in var_list.items()}
        return dict(sorted(found.items()))
    found = {}
    for item in var_list:
        place = place_of(item)
        if found.get(place.name, place) is not place:
            raise ValueError(f"At least two variables have the same name: {place.name}")
        found[place.name] = place
    return dict(sorted(found.items()))


def place_of(variable: Any) -> Operation:
    """The operation that is a variable's place; ``TypeError`` for what is no variable."""
    if isinstance(variable, (list, tuple)) and len(variable) == 1:
        variable = variable[0]  # a partitioned variable of one part
    try:
        return handle_of(variable).op
    except (TypeError, AttributeError):
        raise TypeError(f"Variable to save is not a Variable: {variable}") from None


def _text(name: Any) -> str:
    if isinstance(name, bytes):
        return name.decode()
    if not isinstance(name, str):
        raise TypeError(f"a name in a checkpoint must be a string, not {name!r}")
    return name
