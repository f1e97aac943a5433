"""``tf.CriticalSection``: parts of a step that run one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nest import map_leaves
from graphc.nodes import Operation
from graphc.ops.elementwise import identity
from graphc.scopes import control_dependencies, get_default_graph

__all__ = ["CriticalSection"]


class CriticalSection:
    """What it executes runs in the order in which it was declared, each wholly before the next; runs never mix."""

    def __init__(
        self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None,
        import_scope: str | None = None,
    ):  # fmt: skip
        self._name = shared_name or name or "critical_section"
        self._last: tuple[Operation, ...] = ()

    @property
    def name(self) -> str:
        """The section's name."""
        return self._name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """What ``fn()`` gives, run after what the section executed before; ``TypeError`` unless it is a function."""
        if not callable(fn):
            raise TypeError(f"fn must be callable, not {fn!r}")
        graph = get_default_graph().current
        with graph.name_scope(name or "critical_section_execute"):
            first = len(graph.nodes)
            with control_dependencies(self._last):
                results = fn()
            inside = tuple(graph.nodes[first:])
            with control_dependencies(inside):
                results = map_leaves(lambda x: x if isinstance(x, Operation) else identity(x), results)
        self._last = inside
        return results
