"""``tensorflow.python.util``: decorators that mark functions, of which programs' own libraries make use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = [
    "contextmanager",
    "deprecated",
    "deprecated_arg_values",
    "deprecated_args",
    "deprecated_argument_lookup",
    "make_decorator",
    "silence",
    "tf_export",
    "unwrap",
]

Any_ = TypeVar("Any_")
Decorator = Callable[[Any_], Any_]


def _same(thing: Any_) -> Any_:
    return thing


def deprecated(date: Any, instructions: str, warn_once: bool = True) -> Decorator[Any]:
    """The function as it is."""
    return _same


def deprecated_args(date: Any, instructions: str, *names: Any, **options: Any) -> Decorator[Any]:
    """The function as it is."""
    return _same


def deprecated_arg_values(date: Any, instructions: str, warn_once: bool = True, **values: Any) -> Decorator[Any]:
    """The function as it is."""
    return _same


def tf_export(*names: str, **options: Any) -> Decorator[Any]:
    """The function as it is."""
    return _same


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value that was given, by the new or the old name; ``ValueError`` where both were."""
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value


@contextmanager
def silence() -> Iterator[None]:
    """Nothing to silence."""
    yield


def make_decorator(target: Any, decorator_func: Any, *_: Any, **__: Any) -> Any:
    """``decorator_func`` under the name and with the text of ``target``."""
    decorator_func.__name__ = getattr(target, "__name__", decorator_func.__name__)
    decorator_func.__doc__ = target.__doc__
    decorator_func.__wrapped__ = target
    return decorator_func


def unwrap(maybe_tf_decorator: Any) -> tuple[list[Any], Any]:
    """The decorators around a function, and the function inside."""
    decorators = []
    while hasattr(maybe_tf_decorator, "__wrapped__"):
        decorators.append(maybe_tf_decorator)
        maybe_tf_decorator = maybe_tf_decorator.__wrapped__
    return decorators, maybe_tf_decorator
