"""Tensors as signatures name them."""

from __future__ import annotations

from typing import Any

from graphc.exchange.attributes import dtype_number, shape_message
from graphc.exchange.schema import message
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.scopes import get_default_graph


def build_tensor_info(tensor: Any) -> Any:
    """A TensorInfo: the name, the element type and the shape of a tensor or variable."""
    if isinstance(tensor, str) or not (isinstance(tensor, Tensor) or hasattr(tensor, "_as_tensor")):
        raise TypeError(f"a signature names tensors and variables, not {tensor!r}")
    found = convert_to_tensor(tensor)
    info = message("TensorInfo")(name=found.name, dtype=dtype_number(found.dtype))
    info.tensor_shape.CopyFrom(shape_message(found.type.shape))
    return info


def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Tensor:
    """The tensor of the graph that a TensorInfo names, in a scope where it was imported there."""
    name = f"{import_scope.rstrip('/')}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or get_default_graph()).get_tensor_by_name(name)
