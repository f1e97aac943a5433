"""``tensorflow.python.ops.resources``: what lives in a session beside its variables, as programs initialise it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.nodes import Operation, Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.state import group
from graphc.scopes import add_to_collection, get_collection

__all__ = [
    "initialize_resources",
    "local_resources",
    "register_resource",
    "report_uninitialized_resources",
    "shared_resources",
]

_SHARED, _LOCAL = "resources", "local_resources"


def register_resource(handle: Any, create_op: Any, is_initialized_op: Any, is_shared: bool = True) -> None:
    """Makes known what creates a resource, and what says whether that was done."""
    add_to_collection(_SHARED if is_shared else _LOCAL, (handle, create_op, is_initialized_op))


def shared_resources() -> list[Any]:
    """The registered resources that all sessions would share."""
    return get_collection(_SHARED)


def local_resources() -> list[Any]:
    """The registered resources of one session."""
    return get_collection(_LOCAL)


def report_uninitialized_resources(resource_list: Any = None, name: str = "report_uninitialized_resources") -> Tensor:
    """Strings: none, since tables and queues make themselves known by their initialisers."""
    return convert_to_tensor([], dtypes.string, name=name)


def initialize_resources(resource_list: Sequence[Any], name: str = "init") -> Operation:
    """The operation that creates the resources."""
    return group(*(create for _, create, _ in resource_list), name=name)
