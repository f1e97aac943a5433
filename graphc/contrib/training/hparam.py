"""``HParams``: hyperparameters with names and types, changed by text such as ``"rate=0.1,units=[128,64]"``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

# A name, perhaps an index, then = and a list in brackets or a value up to the next comma.
_ASSIGNMENT = re.compile(
    r"\s*(?P<name>[a-zA-Z][\w.]*)\s*(?:\[\s*(?P<index>\d+)\s*\])?\s*=\s*"
    r"(?:\[(?P<list>[^\]]*)\]|(?P<value>[^,\[]*))\s*(?:,|$)"
)
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class HParams:
    """Hyperparameters as attributes: ``HParams(rate=0.1, units=[128])``; types stay those of the first values."""

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any):
        if hparam_def is not None:
            raise NotImplementedError("HParams(hparam_def=...): give the values by name, or use parse_json")
        self._types: dict[str, tuple[type, bool]] = {}  # of each value, and whether it is a list
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """A further hyperparameter; ``ValueError`` where the name is taken or a list is empty."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, (list, tuple)):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._types[name] = type(value[0]), True
        else:
            self._types[name] = type(value), False
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Another value of the same type; ``KeyError`` for an unknown name, ``ValueError`` for another type."""
        kind, many = self._types[name]
        if isinstance(value, (list, tuple)):
            if not many:
                raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
            setattr(self, name, [_cast(name, kind, item) for item in value])
        else:
            if many:
                raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
            setattr(self, name, _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Forgets a hyperparameter."""
        if name in self._types:
            delattr(self, name)
            del self._types[name]

    def parse(self, values: str) -> HParams:
        """Takes values from ``"name=value,other=[1,2],third[0]=5"``; ``ValueError`` for what does not fit."""
        kinds = {name: kind for name, (kind, _) in self._types.items()}
        return self.override_from_dict(parse_values(values, kinds))

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> HParams:
        """Takes values by name; a dictionary for a name sets single places of its list."""
        for name, value in values_dict.items():
            if isinstance(value, Mapping) and self._types[name][1]:
                items = list(getattr(self, name))
                for index, item in value.items():
                    items[index] = item
                value = items
            self.set_hparam(name, value)
        return self

    set_from_map = override_from_dict

    def parse_json(self, values_json: str) -> HParams:
        """Takes values from a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
        """The values as a JSON object; functions are left out."""
        values = {name: value for name, value in self.values().items() if not callable(value)}
        return json.dumps(values, indent=indent, separators=separators, sort_keys=sort_keys)

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in self._types}

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or ``default`` where there is no such name; ``ValueError`` where that is of another type."""
        if key not in self._types:
            return default
        if default is not None:
            kind, many = self._types[key]
            try:
                items = default if isinstance(default, (list, tuple)) else [default]
                fits = many == isinstance(default, (list, tuple))
                for item in items:
                    _cast(key, kind, item)
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(f"HParam of type '{kind.__name__}' and default {default!r} do not fit: {key}")
        return getattr(self, key)

    def get_model_structure(self) -> Any:
        """What was given as ``model_structure``."""
        return self._model_structure

    def set_model_structure(self, model_structure: Any) -> None:
        """Keeps a description of the model."""
        self._model_structure = model_structure

    def __contains__(self, key: str) -> bool:
        return key in self._types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


def _cast(name: str, kind: type, value: Any) -> Any:
    """``value`` as ``kind`` where nothing is lost; ``ValueError`` otherwise."""
    if value is None or kind is type(None) or isinstance(value, kind):
        return value
    problem = ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    if kind in (int, float):
        number = not isinstance(value, (bool, str, bytes)) and hasattr(value, "__float__")
        if not number or (kind is int and not hasattr(value, "__index__")):
            raise problem
        return kind(value)
    if issubclass(kind, str) != isinstance(value, str) or kind is bool:
        raise problem
    return kind(value)


def parse_values(values: str, type_map: Mapping[str, type], ignore_unknown: bool = False) -> dict[str, Any]:
    """``"a=1,b=[x,y],c[2]=5"`` -> values by name, of the types in ``type_map``; a dictionary for single places.

    ``ValueError`` for unknown names (unless they are to be ignored), twice the same, and text that does not fit.
    """
    found: dict[str, Any] = {}
    place = 0
    while place < len(values):
        match = _ASSIGNMENT.match(values, place)
        if match is None:
            raise ValueError(f"Malformed hyperparameter value: {values[place:]}")
        place = match.end()
        name = match["name"]
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter: {name}")
        _put(found, match, _reader(type_map[name], name, values))
    return found


def _put(found: dict[str, Any], match: re.Match[str], read: Callable[[str], Any]) -> None:
    name, index, many = match["name"], match["index"], match["list"]
    if index is not None:
        if many is not None:
            raise ValueError(f"Assignment of a list to a list index: {match[0]}")
        places = found.setdefault(name, {})
        if not isinstance(places, dict) or int(index) in places:
            raise ValueError(f"Multiple assignments to variable '{name}'")
        places[int(index)] = read(match["value"])
        return
    if name in found:
        raise ValueError(f"Multiple assignments to variable '{name}'")
    if many is None:
        found[name] = read(match["value"])
    else:
        found[name] = [read(item) for item in re.split(r"[ \t]*,[ \t]*", many.strip())] if many.strip() else []


def _reader(kind: type, name: str, values: str) -> Callable[[str], Any]:
    """How the text of one value is read."""

    def read(text: str) -> Any:
        text = text.strip()
        try:
            if kind is bool:
                return _WORDS[text.lower()]
            return text if kind is type(None) else kind(text)
        except (ValueError, KeyError):
            raise ValueError(
                f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}' in {values}"
            ) from None

    return read
