"""The session of shells and notebooks, which few programs make."""

from __future__ import annotations

from typing import Any

from graphc.graph import Graph
from graphc.session import BaseSession


class InteractiveSession(BaseSession):
    """A session that is the default one from its making until it is closed: for shells and notebooks."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        self._scope = self.as_default()
        self._scope.__enter__()
        self._graph_scope = None if graph is None else graph.as_default()
        if self._graph_scope is not None:
            self._graph_scope.__enter__()

    def close(self) -> None:
        """Ends being the default session, and frees everything."""
        if not self.closed:
            super().close()
            if self._graph_scope is not None:
                self._graph_scope.__exit__(None, None, None)
            self._scope.__exit__(None, None, None)
