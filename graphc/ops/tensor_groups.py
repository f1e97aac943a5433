"""Things that stand for several tensors at once: they are fed and fetched as one named tuple of arrays."""

from __future__ import annotations

from typing import Any

from graphc.graph import Graph
from graphc.nodes import Tensor


class TensorGroup:
    """Several tensors of one graph, and the named tuple that their values make."""

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The tensors, in the order of the named tuple."""
        raise NotImplementedError

    def value_of(self, values: Any) -> Any:
        """The named tuple of these values."""
        raise NotImplementedError

    @property
    def graph(self) -> Graph:
        """The graph that holds the tensors."""
        return self.parts[0].graph

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> Any:
        """The value, run in ``session`` or the default session; ``ValueError`` where there is none."""
        return self.graph.session_for("evaluate tensor", "eval", session).run(self, feed_dict)
