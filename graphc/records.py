"""Small frozen classes with fields, as ``dataclasses`` makes them, but made in microseconds.

``dataclasses`` writes and compiles source code for every class, a millisecond each; with a hundred ops that would be
half of the time that ``import graphc`` may take. Equality and hash come from the type and all fields, unless
``eq=False`` leaves them to identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, overload

Class = TypeVar("Class", bound=type)
_MISSING = object()


@overload
def record(cls: Class) -> Class: ...


@overload
def record(*, eq: bool = True) -> Callable[[Class], Class]: ...


@dataclass_transform(frozen_default=True)
def record(cls: Any = None, *, eq: bool = True) -> Any:
    """Makes a frozen class with a field for each annotation, those of its bases first."""
    if cls is None:
        return lambda cls: _made(cls, eq)
    return _made(cls, eq)


def fields(instance: Any) -> dict[str, Any]:
    """The fields of a record and their defaults (a private marker where there is none); empty for other things."""
    return getattr(type(instance), "_fields_and_defaults", {})


def replace(instance: Any, **changes: Any) -> Any:
    """A copy of a record with some fields changed."""
    values = {name: getattr(instance, name) for name in fields(instance)}
    return type(instance)(**(values | changes))


def _made(cls: Any, eq: bool) -> Any:
    inherited = dict(getattr(cls, "_fields_and_defaults", {}))
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():
        if not str(annotation).startswith("ClassVar"):
            inherited[name] = cls.__dict__.get(name, _MISSING)
    cls._fields_and_defaults = inherited
    cls.__init__ = _init
    cls.__repr__ = _repr
    cls.__setattr__ = _refuse
    cls.__delattr__ = _refuse
    if eq:
        cls.__eq__ = _equal
        cls.__hash__ = _hash
    return cls


def _init(self: Any, *values: Any, **named: Any) -> None:
    declared = self._fields_and_defaults
    if len(values) > len(declared):
        raise TypeError(f"{type(self).__name__} takes {len(declared)} fields, not {len(values)}")
    given = dict(zip(declared, values, strict=False))
    for name, value in named.items():
        if name not in declared or name in given:
            raise TypeError(f"{type(self).__name__} got field {name!r} twice, or has no such field")
        given[name] = value
    if len(given) < len(declared):
        for name, default in declared.items():
            if name not in given:
                if default is _MISSING:
                    raise TypeError(f"{type(self).__name__} misses the field {name!r}")
                given[name] = default
    self.__dict__.update(given)
    check = getattr(self, "__post_init__", None)
    if check is not None:
        check()


def _repr(self: Any) -> str:
    inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_and_defaults)
    return f"{type(self).__name__}({inner})"


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"cannot change field {name!r}: a {type(self).__name__} is frozen")


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in self._fields_and_defaults)


def _hash(self: Any) -> int:
    return hash((type(self), *(getattr(self, name) for name in self._fields_and_defaults)))
