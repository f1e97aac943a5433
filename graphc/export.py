"""The graph for other tools: as a networkx graph, operations as nodes and tensors as edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """The graph as a ``networkx.MultiDiGraph`` whose nodes are the names of operations.

    A node has ``type``, ``role`` (forward, adjoint or update), ``origin`` (``file:line``, or None), ``attributes`` (a
    dictionary) and ``outputs`` (the types as printed). An edge is a tensor that one operation reads from another, with
    its ``tensor`` name, ``dtype``, ``shape`` (a tuple with None for unknown sizes; None for an unknown rank), ``input``
    (which input of the reader it is) and ``control`` (False); or, with ``control`` True and the others None, a control
    dependency. An operation that reads a tensor twice has two edges.

    Example::

        longest = networkx.dag_longest_path(tf.get_default_graph().to_networkx())
    """
    import networkx  # loads only when a graph is asked for in this form

    result = networkx.MultiDiGraph()
    for node in graph.nodes:
        result.add_node(node.name, **_node_attributes(node))
    for node in graph.nodes:
        for place, tensor in enumerate(node.inputs):
            result.add_edge(tensor.op.name, node.name, **_edge_attributes(tensor, place))
        for before in node.control_inputs:
            result.add_edge(before.name, node.name, tensor=None, dtype=None, shape=None, input=None, control=True)
    return result


def _node_attributes(node: Operation) -> dict[str, Any]:
    return {
        "type": node.type,
        "role": node.role,
        "origin": f"{node.origin.file}:{node.origin.line}" if node.origin else None,
        "attributes": node.kind.attributes(),
        "outputs": [str(tensor.type) for tensor in node.outputs],
    }


def _edge_attributes(tensor: Tensor, place: int) -> dict[str, Any]:
    return {
        "tensor": tensor.name,
        "dtype": tensor.dtype.name,
        "shape": tensor.type.shape,
        "input": place,
        "control": False,
    }
