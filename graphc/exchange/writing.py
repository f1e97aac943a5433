"""Graph to GraphDef: each node as the node of TensorFlow that means the same, by the table in ``rows``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
from typing import Any

import numpy as np

from graphc.dtypes import DType, as_dtype
from graphc.exchange.attributes import Sized, set_attribute
from graphc.exchange.functions import INPUTS
from graphc.exchange.own import KEY, NotWritten, kind_text
from graphc.exchange.row import NotInTensorFlow
from graphc.exchange.rows import row_for
from graphc.exchange.schema import message
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.state import Assign, IsVariableInitialized, ReadVariable, VariableV2

HELPER = "_graphc_helper"  # marks a node that only TensorFlow needs
CONTROLS = "_graphc_controls"  # the control inputs that graphc has, where TensorFlow needs more
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

    def __init__(self, graph: Graph, add_shapes: bool = False, strict: bool = False, in_function: Writer | None = None):
        self.found = message("GraphDef")()
        self.found.versions.producer = PRODUCER
        self._graph, self._add_shapes, self._strict = graph, add_shapes, strict
        self.is_inside = in_function is not None  # of a function: what an adjoint wants besides, its caller has noted
        self.library: Any = self.found.library if in_function is None else in_function.library
        self._names = {node.name for node in graph.nodes}
        self._node: Operation
        self._uses: dict[Operation, list[Operation]] | None = None

    def add(self, node: Operation) -> None:
        """Adds one node, and what it needs beside it."""
        self._node = node
        inputs = [reference(tensor) for tensor in node.inputs]
        before = len(self.found.node), len(self.library.function)
        try:
            last = row_for(node.kind)(self, node, inputs)
        except NotInTensorFlow as error:
            if self.is_inside:
                raise NotInTensorFlow(f"{node.describe()} in it cannot be: {error}") from None
            del self.found.node[before[0] :]
            del self.library.function[before[1] :]
            if self._strict:
                raise ValueError(
                    f"{node.describe()} cannot be written for TensorFlow: {error}. Fetch or freeze a part of the graph "
                    "without it; training steps hold such nodes, predictions seldom do"
                ) from None
            last = self._own(node, inputs)
        own = [control.name for control in node.control_inputs]
        readers = self._readers(node) if isinstance(node.kind, Assign) else []
        added = [name for name in readers if name not in own]
        last.input.extend(f"^{name}" for name in [*own, *added])
        if added:
            set_attribute(last, CONTROLS, own)
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

    def _readers(self, node: Operation) -> list[str]:
        """What must come before an assignment in TensorFlow, where a read may see a write that nothing puts after it.

        A variable's readers lend its memory, so that those who use what was read count. All that is declared before the
        assignment cannot wait for it; of what comes later, this is not known.
        """
        if self._uses is None:
            self._uses = _uses_of_variables(self._graph)
        inputs = {tensor.op.name for tensor in node.inputs}
        users = self._uses.get(node.inputs[0].op, ())
        return [user.name for user in users if user.number < node.number and user.name not in inputs]

    # -- what rows call ------------------------------------------------------------------------------------

    def put(self, op: str, inputs: Iterable[str], **attributes: Any) -> Any:
        """Adds the node itself, as a node of TensorFlow's type ``op``."""
        return self._put(op, self._node.name, inputs, attributes)

    def helper(self, op: str, part: str, inputs: Iterable[str], **attributes: Any) -> str:
        """Adds a node before the node itself, called ``name/part``, that graphc does not need; its first output."""
        return self._before(op, part, inputs, {**attributes, HELPER: True})

    def beside(self, op: str, part: str, inputs: Iterable[str], **attributes: Any) -> str:
        """The same for one that graphc reads."""
        return self._before(op, part, inputs, attributes)

    def _before(self, op: str, part: str, inputs: Iterable[str], attributes: dict[str, Any]) -> str:
        return str(self._put(op, self._free(f"{self._node.name}/{part}"), inputs, attributes).name)

    def const(self, part: str, value: Any, dtype: Any = np.int32) -> str:
        """Adds a constant before the node itself."""
        array = np.asarray(value, dtype)
        return self.helper("Const", part, (), dtype=_type_of(array), value=array)

    def exact(self, made: Any, node: Operation, inputs: list[str]) -> Any:
        """Notes beside a node of TensorFlow's what graphc's own is, which several nodes or a lesser one stand for."""
        try:
            set_attribute(made, KEY, kind_text(node.kind))
            set_attribute(made, INPUTS, list(inputs))
        except NotWritten:
            made.attr.pop(KEY, None)
        return made

    def free_function(self, name: str) -> str:
        """A name that no function of the library has."""
        taken = {function.signature.name for function in self.library.function}
        return next(free for free in chain([name], (f"{name}_{n}" for n in count(1))) if free not in taken)

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


def _uses_of_variables(graph: Graph) -> dict[Operation, list[Operation]]:
    """Which nodes take the value of each variable, from its place or from one of its readers."""
    found: dict[Operation, list[Operation]] = {}
    for node in graph.nodes:
        if isinstance(node.kind, (Assign, IsVariableInitialized)):
            continue
        for tensor in node.inputs:
            source = tensor.op.inputs[0].op if isinstance(tensor.op.kind, ReadVariable) else tensor.op
            if isinstance(source.kind, VariableV2):
                found.setdefault(source, []).append(node)
    return found


def reference(tensor: Tensor) -> str:
    """How a NodeDef names an input: without the number for the first output."""
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def _type_of(array: np.ndarray[Any, Any]) -> DType:
    return as_dtype(array.dtype)
