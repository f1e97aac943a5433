"""Marks of functions that are to go away: they change nothing. And which of several functions a known value chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.contrib.layers.utils import constant_value
from graphc.ops.branches import case
from graphc.scopes import get_default_graph

__all__ = ["deprecated", "deprecated_arg_values", "deprecated_args", "get_name_scope", "smart_case"]

Decorator = Callable[[Any], Any]


def _same(thing: Any) -> Any:
    return thing


def deprecated(date: Any, instructions: str, warn_once: bool = True) -> Decorator:
    """The function as it is."""
    return _same


def deprecated_args(date: Any, instructions: str, *names: Any, **options: Any) -> Decorator:
    """The function as it is."""
    return _same


def deprecated_arg_values(date: Any, instructions: str, warn_once: bool = True, **values: Any) -> Decorator:
    """The function as it is."""
    return _same


def get_name_scope() -> str:
    """The current name scope of the default graph."""
    return get_default_graph().current.get_name_scope()


def smart_case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, name: str = "smart_case") -> Any:
    """What the function of the first condition that holds gives: only that one is declared where all are known."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    known = [constant_value(condition) for condition, _ in pairs]
    if any(value is None for value in known):
        return case(pairs, default, exclusive, name=name)
    return next((function for value, (_, function) in zip(known, pairs) if value), default)()
