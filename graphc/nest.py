"""Nested lists, tuples, named tuples and dictionaries: taken apart into their leaves and put together again.

As in TensorFlow, the entries of a dictionary come in the order of its sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def is_nested(value: Any) -> bool:
    """Whether ``value`` has parts."""
    return isinstance(value, (list, tuple, Mapping))


def flatten(value: Any) -> list[Any]:
    """The leaves in order."""
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in flatten(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]


def pack_as(structure: Any, leaves: Sequence[Any]) -> Any:
    """The leaves in the places of those of ``structure``."""
    iterator = iter(leaves)
    result = _packed(structure, iterator)
    left = len(list(iterator))
    if left:
        raise ValueError(f"{len(leaves)} values do not fit a structure with {len(leaves) - left} leaves: {structure!r}")
    return result


def _packed(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, Mapping):
        found = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, found[key]) for key in structure)  # type: ignore[call-arg]
    if isinstance(structure, (list, tuple)):
        items = [_packed(item, leaves) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    return next(leaves)


def map_leaves(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """The structure with ``function`` of its leaves, and those of others of the same structure."""
    rows = zip(*(flatten(value) for value in (structure, *others)), strict=True)
    return pack_as(structure, [function(*row) for row in rows])


def skeleton(value: Any) -> str:
    """The structure without its leaves, as text: equal structures have equal text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {skeleton(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        name = type(value).__name__ if hasattr(value, "_fields") else ""
        inner = ", ".join(map(skeleton, value))
        return f"[{inner}]" if isinstance(value, list) else f"{name}({inner})"
    return "."
