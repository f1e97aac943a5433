"""``tensorflow.python.util``: decorators that mark functions, of which programs' own libraries make use."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from graphc.contrib.framework.marks import deprecated, deprecated_arg_values, deprecated_args

__all__ = [
    "DeprecationWrapper",
    "contextmanager",
    "deprecated",
    "deprecated_arg_values",
    "deprecated_args",
    "deprecated_argument_lookup",
    "fn_args",
    "get_func_code",
    "get_func_name",
    "has_kwargs",
    "make_decorator",
    "silence",
    "tf_export",
    "unwrap",
]

Any_ = TypeVar("Any_")
Decorator = Callable[[Any_], Any_]


def _same(thing: Any_) -> Any_:
    return thing


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


def DeprecationWrapper(wrapped: Any, module_name: str = "", **_: Any) -> Any:
    """The module as it is: no name of it warns."""
    return wrapped


def fn_args(fn: Any) -> tuple[str, ...]:
    """The names of a function's arguments, without ``self`` of a method; of a partial the rest."""
    if isinstance(fn, functools.partial):
        return tuple(name for name in fn_args(fn.func)[len(fn.args) :] if name not in fn.keywords)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(name for name, one in inspect.signature(fn).parameters.items() if one.kind in kinds)


def has_kwargs(fn: Any) -> bool:
    """Whether a function takes ``**kwargs``; ``TypeError`` for what cannot be called."""
    if not callable(fn):
        raise TypeError(f"fn should be a function-like object, but is of type {type(fn)}.")
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in inspect.signature(fn).parameters.values())


def get_func_name(func: Any) -> str:
    """The name of a function, of what a partial calls, or of an object's class."""
    if isinstance(func, functools.partial):
        return get_func_name(func.func)
    return getattr(func, "__name__", None) or str(type(func))


def get_func_code(func: Any) -> Any:
    """The code of a function, None where it has none in Python."""
    if isinstance(func, functools.partial):
        return get_func_code(func.func)
    return getattr(func, "__code__", None)
