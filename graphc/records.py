"""Small frozen classes with fields, as ``dataclasses`` makes them, but made in microseconds.

``dataclasses`` writes and compiles source code for every class, a millisecond each; with a hundred ops that would be
half of the time that ``import graphc`` may take. Here the methods are closures over the names of the fields. Equality
and hash come from the type and all fields, unless ``eq=False`` leaves them to identity.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
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


def is_record(instance: Any) -> bool:
    """Whether this is an instance of a record."""
    return hasattr(type(instance), "_fields_and_defaults")


def replace(instance: Any, **changes: Any) -> Any:
    """A copy of a record with some fields changed."""
    values = {name: getattr(instance, name) for name in fields(instance)}
    return type(instance)(**(values | changes))


def _made(cls: Any, eq: bool) -> Any:
    declared = dict(getattr(cls, "_fields_and_defaults", {}))
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 (inspect takes long to load)
        if not str(annotation).startswith("ClassVar"):
            declared[name] = cls.__dict__.get(name, _MISSING)
    cls._fields_and_defaults = declared
    cls.__init__ = _constructor(declared, hasattr(cls, "__post_init__"))
    cls.__repr__ = _repr
    cls.__setattr__ = _refuse
    cls.__delattr__ = _refuse
    if eq:
        cls.__eq__, cls.__hash__ = _comparison(cls, tuple(declared))
    return cls


def _constructor(declared: dict[str, Any], has_check: bool) -> Callable[..., None]:
    names = tuple(declared)
    count = len(names)
    defaults = {name: default for name, default in declared.items() if default is not _MISSING}
    last = tuple(defaults.values()) if names[count - len(defaults) :] == tuple(defaults) else ()
    least = count - len(last)  # from so many values on, defaults are all that can be missing

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        state = self.__dict__
        given = len(values)
        if not named and least <= given <= count:
            state.update(zip(names, values if given == count else values + last[given - least :]))
        else:
            state.update(defaults, **named)
            state.update(zip(names, values))
            if len(state) != count or given > count or not named.keys() <= set(names[given:]):
                raise TypeError(_mismatch(self, names, values, named))
        if has_check:
            self.__post_init__()

    return __init__


def _mismatch(self: Any, names: tuple[str, ...], values: tuple[Any, ...], named: dict[str, Any]) -> str:
    kind = type(self).__name__
    if len(values) > len(names):
        return f"{kind} takes {len(names)} fields, not {len(values)}"
    for name in named:
        if name not in names or name in names[: len(values)]:
            return f"{kind} got field {name!r} twice, or has no such field"
    missing = next(name for name in names if name not in self.__dict__)
    return f"{kind} misses the field {missing!r}"


def _comparison(cls: type, names: tuple[str, ...]) -> tuple[Any, Any]:
    values_of: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values_of(self) == values_of(other)

    def __hash__(self: Any) -> int:
        return hash(values_of(self))

    return __eq__, __hash__


def _repr(self: Any) -> str:
    inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_and_defaults)
    return f"{type(self).__name__}({inner})"


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"cannot change field {name!r}: a {type(self).__name__} is frozen")
