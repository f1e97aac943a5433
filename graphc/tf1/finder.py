"""What ``import tensorflow...`` finds: modules that hand out graphc's names.

A path is looked for in the table of :mod:`graphc.tf1.places`, then as the same path under graphc. A folder of
TensorFlow's own workings that graphc has nothing for can be imported, and what is taken from it raises
``NotImplementedError`` with its name when it is used: libraries import much that a program never reaches.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from graphc.left_out import LeftOut
from graphc.mistakes import user_line
from graphc.tf1.places import NOTHING_THERE, PLACES, in_part_of_contrib

ROOT = "tensorflow"
_NOTHING = object()  # None is a value: tf.newaxis


def install() -> None:
    """From now on ``import tensorflow`` in this process means graphc, whatever else is installed."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    loaded = sys.modules.get(ROOT)
    if loaded is not None and not isinstance(loaded, Alias):
        raise RuntimeError(f"tensorflow is imported already, from {loaded.__file__}; install graphc.tf1 before that")
    sys.meta_path.insert(0, Finder())


class Finder(MetaPathFinder, Loader):
    """Python's way to ask for a module."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A module for ``tensorflow`` and what is under it; None for others and for what does not exist."""
        root, _, inner = fullname.partition(".")
        if root != ROOT:
            return None
        if inner and _sources(inner) is None and not _may_be_missing(fullname):
            return None
        return ModuleSpec(fullname, self, origin="graphc", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that hands out graphc's names."""
        inner = spec.name.partition(".")[2]
        sources = [""] if inner in ("", "compat.v1") else _sources(inner)
        return Absent(spec.name) if sources is None else Alias(spec.name, sources)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _sources(inner: str) -> Sequence[str] | None:
    """Where the names of ``tensorflow.<inner>`` stand in graphc; None where it has nothing of that name."""
    if inner in NOTHING_THERE:
        return None
    if inner in PLACES:
        return PLACES[inner]
    try:
        if in_part_of_contrib(inner):
            part = ".".join(inner.split(".")[:2])
            return [inner, part] if _thing(part) else None
        thing = _thing(inner)
    except (AttributeError, ImportError, NotImplementedError):
        return None
    # A class such as GraphKeys is a namespace too: what Python asks for as a submodule after a failed look-up is not.
    return [inner] if isinstance(thing, ModuleType) else None


def _thing(path: str) -> Any:
    """What stands at ``path`` under graphc; graphc itself for an empty one."""
    found: Any = import_module("graphc")
    for part in filter(None, path.split(".")):
        try:
            found = getattr(found, part)
        except AttributeError:
            if not isinstance(found, ModuleType):
                raise
            found = import_module(f"{found.__name__}.{part}")
    return found


def _may_be_missing(fullname: str) -> bool:
    """Whether this may be a module of TensorFlow that graphc lacks, so that importing it is no mistake.

    Names of classes and private names are not: programs try those in several places, and catch the ImportError. Nor is
    what a module that graphc does have would hold.
    """
    folder, _, last = fullname.rpartition(".")
    if folder == ROOT:
        return last in ("contrib", "core", "estimator", "keras", "python", "tools")
    is_absent = isinstance(sys.modules.get(folder), Absent) or folder == f"{ROOT}.contrib"
    return is_absent and last.islower() and not last.startswith("_")


class Alias(ModuleType):
    """A module whose names are looked up in some of graphc's namespaces, one after the other."""

    def __init__(self, name: str, sources: Sequence[str]):
        super().__init__(name, f"{name}: names of graphc")
        self._sources = sources
        if name in (ROOT, f"{ROOT}.compat.v1"):
            graphc = import_module("graphc")
            self.__version__ = graphc.VERSION
            self.__file__ = graphc.__file__

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            # A star import must not put tf.print and the like over Python's own.
            return [name for name in dir(self) if not name.startswith("_") and not hasattr(builtins, name)]
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        for source in self._sources:
            found = _named(source, name)
            if isinstance(found, LeftOut):
                return LeftOut(f"{self.__name__}.{name}", user_line())
            if found is not _NOTHING:
                setattr(self, name, found)
                return found
        if f"{self.__name__}.{name}" in (f"{ROOT}.python", f"{ROOT}.core"):
            return import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"graphc has no {self.__name__}.{name}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        names: set[str] = set()
        for source in self._sources:
            place, _, one = source.partition(":")
            try:
                names |= {one} if one else {name for name in dir(_thing(place)) if not name.startswith("_")}
            except (AttributeError, ImportError):  # a namespace that this graphc does not have
                continue
        return sorted(names)


def _named(source: str, name: str) -> Any:
    """``name`` in a source: a namespace of graphc, or ``namespace:name`` for a single one."""
    place, _, one = source.partition(":")
    if one and one != name:
        return _NOTHING
    try:
        return getattr(_thing(place), name, _NOTHING)
    except (AttributeError, ImportError):
        return _NOTHING  # a namespace that this graphc does not have


class Absent(ModuleType):
    """A module of TensorFlow that graphc has nothing for."""

    def __init__(self, name: str):
        super().__init__(name, f"{name}: not part of graphc")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name.startswith("_"):
            raise AttributeError(f"graphc has no {self.__name__}.{name}")
        inner = f"{self.__name__}.{name}".partition(".")[2]
        if any(place == inner or place.startswith(f"{inner}.") for place in PLACES):
            return import_module(f"{self.__name__}.{name}")
        return LeftOut(f"{self.__name__}.{name}", user_line())
