"""Nodes that were read from a file and that graphc cannot compute: they stand in the graph, and running one says so."""

from __future__ import annotations

from typing import Any

from graphc import dtypes, errors
from graphc.nodes import Tensor
from graphc.ops.host import HostOp
from graphc.records import record
from graphc.shapes import TensorType


class Unreadable(ValueError):
    """A node that graphc does not read; it is no error until it is run."""


@record(eq=False)
class Foreign(HostOp):
    """A node of TensorFlow's that graphc has not, or one that depends on such a node: ``reason`` says which."""

    called: str
    reason: str
    definition: bytes  # the NodeDef, to be written again as it was
    outputs: int = 1

    @property
    def type(self) -> str:
        return self.called

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(dtypes.float32, None),) * self.outputs

    def evaluate(self, *inputs: Any) -> Any:
        raise errors.UnimplementedError(None, None, self.reason)

    def attributes(self) -> dict[str, Any]:
        return {"reason": self.reason}


def readable(value: Any) -> Any:
    """The value, unless it is of a node that graphc cannot compute: :class:`Unreadable` then."""
    if isinstance(value, Tensor) and isinstance(value.op.kind, Foreign):
        raise Unreadable(value.op.kind.reason)
    return value
