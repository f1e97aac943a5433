"""``tf.nest``: nested lists, tuples, named tuples and dictionaries, taken apart into leaves and put together again.

As in TensorFlow, the entries of a dictionary come in the order of its sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def is_nested(seq: Any) -> bool:
    """Whether ``seq`` has parts."""
    return isinstance(seq, (list, tuple, Mapping))


is_sequence = is_nested


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order."""
    if isinstance(structure, Mapping):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


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


# -- the names of tf.nest and tf.contrib.framework.nest --------------------------------------------------


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """The values of a list in the places of the leaves of ``structure``; ``ValueError`` for another number of them."""
    if not is_nested(flat_sequence):
        raise TypeError(f"flat_sequence must be a sequence, not {flat_sequence!r}")
    leaves = list(flat_sequence)
    wanted = len(flatten(structure))
    if len(leaves) != wanted:
        raise ValueError(
            f"Could not pack sequence: structure had {wanted} elements, but flat_sequence had {len(leaves)}. "
            f"Structure: {structure!r}, flat_sequence: {flat_sequence!r}."
        )
    return pack_as(structure, leaves)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The structure with ``func`` of its leaves, and those of further structures, which must be of the same form."""
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func!r}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    kwargs.pop("expand_composites", None)
    if kwargs:
        raise ValueError(f"Only valid keyword arguments are `check_types` and `expand_composites`, not: {list(kwargs)}")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    return map_leaves(func, *structure)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """``ValueError`` where the parts do not correspond, ``TypeError`` where sequences are of different types."""
    if is_nested(nest1) != is_nested(nest2):
        raise _differ(nest1, nest2, "one has parts where the other has a leaf")
    if not is_nested(nest1):
        return
    if isinstance(nest1, Mapping) != isinstance(nest2, Mapping) or (check_types and not _alike(nest1, nest2)):
        raise TypeError(
            f"The two structures don't have the same sequence type. First structure has type {type(nest1)}, "
            f"while second structure has type {type(nest2)}"
        )
    if isinstance(nest1, Mapping) and set(nest1) != set(nest2):
        raise _differ(nest1, nest2, f"keys {sorted(nest1)} and {sorted(nest2)}")
    if len(nest1) != len(nest2):
        raise _differ(nest1, nest2, f"{len(nest1)} and {len(nest2)} parts")
    for first, second in zip(_parts(nest1), _parts(nest2)):
        assert_same_structure(first, second, check_types)


def _alike(first: Any, second: Any) -> bool:
    """Sequences of one type; all dictionaries are alike, and named tuples of the same name and fields."""
    if isinstance(first, Mapping):
        return True
    if hasattr(first, "_fields") and hasattr(second, "_fields"):
        return type(first).__name__ == type(second).__name__ and first._fields == second._fields
    return type(first) is type(second)


def _parts(value: Any) -> list[Any]:
    return [value[key] for key in sorted(value)] if isinstance(value, Mapping) else list(value)


def _differ(first: Any, second: Any, what: str) -> ValueError:
    return ValueError(
        f"The two structures don't have the same nested structure: {what}.\n"
        f"First structure: {first!r}\nSecond structure: {second!r}"
    )


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """``input_tree`` has the parts of ``shallow_tree``, and may go deeper where that has a leaf."""
    if not is_nested(shallow_tree):
        return
    if not is_nested(input_tree):
        raise TypeError(f"If shallow structure is a sequence, input must also be a sequence, not {type(input_tree)}")
    if check_types and not _alike(shallow_tree, input_tree):
        raise TypeError(f"shallow structure has type {type(shallow_tree)}, input structure {type(input_tree)}")
    if len(shallow_tree) != len(input_tree):
        raise ValueError(f"shallow structure has {len(shallow_tree)} parts, input structure {len(input_tree)}")
    if isinstance(shallow_tree, Mapping) and set(shallow_tree) != set(input_tree):
        raise ValueError(f"shallow structure has keys {sorted(shallow_tree)}, input structure {sorted(input_tree)}")
    for shallow, deep in zip(_parts(shallow_tree), _parts(input_tree)):
        assert_shallow_structure(shallow, deep, check_types)


def flatten_up_to(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> list[Any]:
    """The parts of ``input_tree`` that stand where ``shallow_tree`` has leaves."""
    assert_shallow_structure(shallow_tree, input_tree, check_types)
    return _up_to(shallow_tree, input_tree)


def _up_to(shallow_tree: Any, input_tree: Any) -> list[Any]:
    if not is_nested(shallow_tree):
        return [input_tree]
    pairs = zip(_parts(shallow_tree), _parts(input_tree))
    return [leaf for shallow, deep in pairs for leaf in _up_to(shallow, deep)]


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, check_types: bool = True) -> Any:
    """``shallow_tree`` with ``func`` of what stands in the inputs where it has leaves."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    rows = zip(*(flatten_up_to(shallow_tree, tree, check_types) for tree in inputs))
    return pack_as(shallow_tree, [func(*row) for row in rows])


def flatten_dict_items(dictionary: Mapping[Any, Any]) -> dict[Any, Any]:
    """A dictionary whose keys and values may be nested alike, with one entry for each leaf."""
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        assert_same_structure(key, value, check_types=False)
        for leaf, item in zip(flatten(key), flatten(value)):
            if leaf in flat:
                raise ValueError(f"Could not flatten dictionary: key {leaf!r} is not unique.")
            flat[leaf] = item
    return flat
