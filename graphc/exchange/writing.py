"""Graph to GraphDef: each node as the node of TensorFlow that means the same, by the table in ``rows``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.exchange.attributes import Sized, set_attribute
from graphc.exchange.own import KEY, NotWritten, kind_text
from graphc.exchange.rows import NotInTensorFlow, row_for
from graphc.exchange.schema import message
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor

HELPER = "_graphc_helper"  # marks a node that only TensorFlow needs
PREFIX = "graphc."  # before the kinds of nodes that TensorFlow has not
PRODUCER = 134  # the version of TensorFlow 1.15's graphs (TF_GRAPH_DEF_VERSION)


def graph_def_of(graph: Graph, from_version: int | None = None, add_shapes: bool = False, strict: bool = False) -> Any:
    """The graph as a GraphDef; nodes that TensorFlow has not are of types ``graphc.X``, which graphc alone reads.

    With ``strict`` such a node is an error, a ``ValueError`` that names it.
    """
    writer = Writer(graph, add_shapes, strict)
    for node in graph.nodes[from_version or 0 :]:
        writer.add(node)
    return writer.found


class Writer:
    """A GraphDef that grows by one node of graphc after the other."""

    def __init__(self, graph: Graph, add_shapes: bool = False, strict: bool = False):
        self.found = message("GraphDef")()
        self.found.versions.producer = PRODUCER
        self._graph, self._add_shapes, self._strict = graph, add_shapes, strict
        self._names = {node.name for node in graph.nodes}
        self._node: Operation

    def add(self, node: Operation) -> None:
        """Adds one node, and what it needs beside it."""
        self._node = node
        inputs = [reference(tensor) for tensor in node.inputs]
        before = len(self.found.node)
        try:
            last = row_for(node.kind)(self, node, inputs)
        except NotInTensorFlow as error:
            del self.found.node[before:]
            if self._strict:
                raise ValueError(
                    f"{node.describe()} cannot be written for TensorFlow: {error}. Fetch or freeze a part of the graph "
                    "without it; training steps hold such nodes, predictions seldom do"
                ) from None
            last = self._own(node, inputs)
        last.input.extend(f"^{control.name}" for control in node.control_inputs)
        if node.device:
            last.device = node.device
        if self._add_shapes:
            shapes = [tensor.type.shape for tensor in node.outputs]
            set_attribute(last, "_output_shapes", [Sized(shape) for shape in shapes])

    def _own(self, node: Operation, inputs: list[str]) -> Any:
        """A node that graphc alone reads; where even graphc cannot, reading says so."""
        last = self.put(f"{PREFIX}{type(node.kind).__name__}", inputs)
        try:
            set_attribute(last, KEY, kind_text(node.kind))
        except NotWritten as error:
            set_attribute(last, "_graphc_error", str(error))
        return last

    # -- what rows call ------------------------------------------------------------------------------------

    def put(self, op: str, inputs: Iterable[str], **attributes: Any) -> Any:
        """Adds the node itself, as a node of TensorFlow's type ``op``."""
        return self._put(op, self._node.name, inputs, attributes)

    def helper(self, op: str, part: str, inputs: Iterable[str], **attributes: Any) -> str:
        """Adds a node before the node itself, called ``name/part``; its first output."""
        made = self._put(op, self._free(f"{self._node.name}/{part}"), inputs, attributes)
        set_attribute(made, HELPER, True)
        return made.name

    def const(self, part: str, value: Any, dtype: Any = np.int32) -> str:
        """Adds a constant before the node itself."""
        array = np.asarray(value, dtype)
        return self.helper("Const", part, (), dtype=_type_of(array), value=array)

    def exact(self, made: Any, node: Operation, inputs: list[str]) -> Any:
        """Notes beside a node of TensorFlow's what graphc's own is, which several nodes or a lesser one stand for."""
        try:
            set_attribute(made, KEY, kind_text(node.kind))
            set_attribute(made, "_graphc_inputs", list(inputs))
        except NotWritten:
            made.attr.pop(KEY, None)
        return made

    def _put(self, op: str, name: str, inputs: Iterable[str], attributes: dict[str, Any]) -> Any:
        made = self.found.node.add(name=name, op=op, input=list(inputs))
        for key, value in attributes.items():
            if value is not None:
                set_attribute(made, key, value)
        return made

    def _free(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate


def reference(tensor: Tensor) -> str:
    """How a NodeDef names an input: without the number for the first output."""
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def _type_of(array: np.ndarray[Any, Any]) -> DType:
    from graphc import dtypes  # a function of the same name stands in attributes

    return dtypes.as_dtype(array.dtype)
