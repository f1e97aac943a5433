"""``tf.contrib.util``: what is known of a tensor while the graph is declared."""

from __future__ import annotations

from typing import Any

from graphc.lazily import when_named
from graphc.nodes import Tensor
from graphc.ops.base import Const, as_array
from graphc.ops.shape_values import static_sizes

__all__ = ["constant_value", "ops_used_by_graph_def"]


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """The value as an array where it follows from constants and known sizes, else None."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor is not a Tensor: {tensor!r}")
    if isinstance(tensor.op.kind, Const):
        return tensor.op.kind.value
    if tensor.dtype.is_integer and tensor.type.rank == 1:
        sizes = static_sizes(tensor)
        if sizes is not None and all(isinstance(size, int) for size in sizes):
            return as_array(list(sizes), tensor.dtype.numpy)
    return None


def ops_used_by_graph_def(graph_def: Any) -> list[str]:
    """The kinds of operations in a GraphDef, each once."""
    return sorted({node.op for node in graph_def.node})


_LATER = {
    "make_ndarray": "graphc.exchange.attributes:make_ndarray",
    "make_tensor_proto": "graphc.exchange.attributes:make_tensor_proto",
}

__getattr__ = when_named(__name__, "graphc.contrib.util", _LATER)
