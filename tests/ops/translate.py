"""The builder of a row as it reads with another namespace in graphc's place: the same code, other names in it."""

from __future__ import annotations

from functools import cache, partial
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import graphc

PUBLIC = ("", "math", "nn", "linalg", "bitwise", "image", "strings", "losses")


class NoCounterpart(Exception):
    """The code names something that programs cannot name."""


def translated(value: Any, namespace: Any) -> Any:
    """``value`` with ``namespace`` for ``graphc``, and with what it calls by the same name for graphc's functions."""
    return _Translator(namespace).of(value)


class _Translator:
    def __init__(self, namespace: Any) -> None:
        self.namespace = namespace
        self.done: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """Functions of tests with other names in them, what graphc offers by its public name, all else as it is."""
        if value is graphc:
            return self.namespace
        if isinstance(value, ModuleType) and _is_ours(value.__name__):
            return _Module(value, self)
        home = getattr(value, "__module__", None) or ""
        if callable(value) and _is_ours(home):
            return self.named(value)
        if type(value) in (list, tuple):
            return type(value)(map(self.of, value))
        if isinstance(value, partial):
            return partial(self.of(value.func), *value.args, **value.keywords)
        if isinstance(value, FunctionType) and home.startswith("tests."):
            return self.function(value)
        return value

    def named(self, value: Any) -> Any:
        """What the other namespace has under the public name of ``value``."""
        for path in _paths().get(id(value), ()):
            try:
                return _at(self.namespace, path)
            except AttributeError:
                continue
        raise NoCounterpart(f"{value.__module__}.{getattr(value, '__qualname__', value)}")

    def function(self, source: FunctionType) -> FunctionType:
        """The same code over translated globals, defaults and captured values."""
        if id(source) in self.done:
            return self.done[id(source)]  # type: ignore[no-any-return]
        names: dict[str, Any] = {"__builtins__": __builtins__}
        cells = tuple(CellType() for _ in source.__closure__ or ())
        made = FunctionType(source.__code__, names, source.__name__, None, cells)
        self.done[id(source)] = made  # before what it holds: a function may name itself
        for name in _names(source.__code__) & source.__globals__.keys():
            names[name] = self.of(source.__globals__[name])
        for new, old in zip(cells, source.__closure__ or (), strict=True):
            new.cell_contents = self.of(old.cell_contents)
        made.__defaults__ = source.__defaults__ and tuple(map(self.of, source.__defaults__))
        made.__kwdefaults__ = source.__kwdefaults__
        return made


class _Module:
    """A module of graphc, whose functions are looked up by their public names."""

    def __init__(self, module: ModuleType, translator: _Translator) -> None:
        self._module, self._translator = module, translator

    def __getattr__(self, name: str) -> Any:
        return self._translator.of(getattr(self._module, name))


def _is_ours(name: str) -> bool:
    return name == "graphc" or name.startswith("graphc.")


def _at(namespace: Any, path: str) -> Any:
    for name in path.split("."):
        namespace = getattr(namespace, name)
    return namespace


def _names(code: CodeType) -> set[str]:
    """The names in a function's code and in that of the functions written in it."""
    inner = (_names(part) for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*inner)


@cache
def _paths() -> dict[int, list[str]]:
    """The public names of each function of graphc, those with its own name first."""
    found: dict[int, list[str]] = {}
    for part in PUBLIC:
        place = _at(graphc, part) if part else graphc
        for name in dir(place):
            value = getattr(place, name)
            if callable(value):
                found.setdefault(id(value), []).append(f"{part}.{name}".lstrip("."))
                found[id(value)].sort(key=lambda path: path.split(".")[-1] != getattr(value, "__name__", ""))
    return found
