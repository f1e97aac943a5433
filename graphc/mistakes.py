"""Functions whose mistakes name them and end with the user's line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from graphc.lines import tell_line
from graphc.nodes import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])


def telling_line(function: Function) -> Function:
    """A function of the public namespaces whose mistakes name it and end with the user's line."""

    name = "" if "." in function.__qualname__ else function.__name__  # methods speak of what they are called on

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError) as error:
            # What a pass declares stands for a node of the user's, which says its own line.
            if not any(isinstance(arg, Tensor) and arg.op.graph._standing_for for arg in (*args, *kwargs.values())):
                tell_line(error, name)
            raise

    return cast(Function, told)
