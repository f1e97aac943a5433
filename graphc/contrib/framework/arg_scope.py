"""Default arguments for a block of a program.

with slim.arg_scope([slim.conv2d], padding="SAME", activation_fn=tf.nn.elu) as defaults:
    net = slim.conv2d(images, 64, [3, 3])
with slim.arg_scope(defaults):      # the same ones again
    net = slim.conv2d(net, 64, [3, 3])
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Defaults = dict[Any, dict[str, Any]]
Function = TypeVar("Function", bound=Callable[..., Any])


class _Scopes(threading.local):
    """The nested defaults of one thread, the innermost last; each holds those around it too."""

    def __init__(self) -> None:
        self.items: list[Defaults] = [{}]


_scopes = _Scopes()


def add_arg_scope(func: Function) -> Function:
    """A function that takes the defaults of :func:`arg_scope` for arguments that a call does not give."""

    @wraps(func)
    def with_defaults(*args: Any, **kwargs: Any) -> Any:
        defaults = current_arg_scope().get(_key(func))
        return func(*args, **{**defaults, **kwargs}) if defaults else func(*args, **kwargs)

    with_defaults._key_op = _key(func)  # type: ignore[attr-defined]
    return with_defaults  # type: ignore[return-value]


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[Defaults]:
    """Functions called inside have ``kwargs`` as defaults; or, given what an earlier scope yielded, its defaults.

    ``ValueError`` for functions without :func:`add_arg_scope`, and for an earlier scope together with defaults;
    ``TypeError`` for anything else than a list or an earlier scope.
    """
    scope = _reused(list_ops_or_scope, kwargs) if isinstance(list_ops_or_scope, dict) else None
    _scopes.items.append(_extended(list_ops_or_scope, kwargs) if scope is None else scope)
    try:
        yield _scopes.items[-1]
    finally:
        _scopes.items.pop()


def _reused(scope: Defaults, more: dict[str, Any]) -> Defaults:
    if more:
        raise ValueError("When attempting to re-use a scope by supplying a dictionary, kwargs must be empty.")
    return dict(scope)


def _extended(functions: Any, defaults: dict[str, Any]) -> Defaults:
    if not isinstance(functions, (list, tuple)):
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    scope = dict(current_arg_scope())
    for function in functions:
        if not has_arg_scope(function):
            raise ValueError(f"{_path(function)} is not decorated with @add_arg_scope")
        key = _key(function)
        scope[key] = {**scope.get(key, {}), **defaults}
    return scope


def current_arg_scope() -> Defaults:
    """The defaults in force, by function."""
    return _scopes.items[-1]


def has_arg_scope(func: Any) -> bool:
    """Whether the function takes defaults from :func:`arg_scope`."""
    return hasattr(func, "_key_op")


def arg_scoped_arguments(func: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments that may have defaults; ``AssertionError`` for a function without :func:`add_arg_scope`."""
    if not has_arg_scope(func):
        raise AssertionError(f"{_path(func)} is not decorated with @add_arg_scope")
    parameters = inspect.signature(func).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.default is not parameter.empty)


def _key(function: Any) -> Any:
    """What stands for a function and for its decorated form."""
    return getattr(function, "_key_op", function)


def _path(function: Any) -> str:
    return f"({function.__module__!r}, {function.__name__!r})"
