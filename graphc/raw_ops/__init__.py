"""``tf.raw_ops``: operations by TensorFlow's own names, with keyword arguments, as ``tf.raw_ops.MatMul(a=a, b=b)``.

Each one is a public function with its arguments under other names (``rows``), or is made of others in a module of this
package. Nothing is here that the public functions could not say: programs that name operations run unchanged.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from graphc.raw_ops.rows import OWN, ROWS


def __getattr__(name: str) -> Any:
    if name in ROWS:
        found = _from_row(name, ROWS[name])
    elif name in OWN:
        module, _, function = OWN[name].partition(":")
        found = _by_keywords(name, getattr(import_module(module), function))
    else:
        raise AttributeError(f"tf.raw_ops has no {name!r}; dir(tf.raw_ops) lists what it has of TensorFlow 1")
    setattr(sys.modules[__name__], name, found)
    return found


def __dir__() -> list[str]:
    return sorted([*ROWS, *OWN])


def _from_row(name: str, row: str) -> Callable[..., Any]:
    """The public function of a row ``place argument other=public ...``, its arguments called as TensorFlow does."""
    place, *arguments = row.split()
    public = dict((argument.split("=") * 2)[:2] for argument in arguments)
    module, _, thing = place.partition(":")
    function = getattr(import_module(module), thing)
    known = inspect.signature(function).parameters
    parameters = [known[other].replace(name=own, kind=_KEYWORD) for own, other in public.items()]
    parameters.append(inspect.Parameter("name", _KEYWORD, default=None))

    def call(**given: Any) -> Any:
        label = given.pop("name", None)
        if label is not None and "name" in known:
            given_name = {"name": label}
        else:
            given_name = {}
        return function(**{public[own]: value for own, value in given.items()}, **given_name)

    return _by_keywords(name, call, parameters, inspect.getdoc(function))


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _by_keywords(
    name: str, function: Callable[..., Any], parameters: list[inspect.Parameter] | None = None, doc: str | None = None
) -> Callable[..., Any]:
    """The function under this name; ``TypeError`` for what is not given by a keyword that it has."""
    if parameters is None:
        parameters = [p.replace(kind=_KEYWORD) for p in inspect.signature(function).parameters.values()]
    signature = inspect.Signature(parameters)

    def raw_op(*positional: Any, **given: Any) -> Any:
        if positional:
            raise TypeError(f"tf.raw_ops.{name} takes keyword arguments only: {', '.join(signature.parameters)}")
        unknown = [argument for argument in given if argument not in signature.parameters]
        if unknown:
            wanted = ", ".join(signature.parameters)
            raise TypeError(f"tf.raw_ops.{name} has no argument {unknown[0]!r}; it takes {wanted}")
        return function(**given)

    raw_op.__name__ = raw_op.__qualname__ = name
    raw_op.__doc__ = doc or function.__doc__
    raw_op.__signature__ = signature  # type: ignore[attr-defined]
    return raw_op
