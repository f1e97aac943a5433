"""``tf.graph_util``: parts of GraphDefs, and variables frozen to constants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from graphc.exchange.attributes import set_attribute
from graphc.exchange.functions import INPUTS
from graphc.exchange.own import KEY
from graphc.exchange.schema import message
from graphc.shapes import TensorShape

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")
_READS = ("ReadVariableOp", "ResourceGather")


def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> Any:
    """The nodes that ``dest_nodes`` need, in their order; ``AssertionError`` where one is not there."""
    if not hasattr(graph_def, "node"):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {node.name: node for node in graph_def.node}
    waiting = [str(name) for name in dest_nodes]
    for name in waiting:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    needed = set(waiting)
    while waiting:
        for reference in nodes[waiting.pop()].input:
            name = _node_name(reference)
            if name not in needed and name in nodes:
                needed.add(name)
                waiting.append(name)
    return _with_nodes(graph_def, (node for node in graph_def.node if node.name in needed))


def _with_nodes(graph_def: Any, nodes: Iterable[Any]) -> Any:
    found = message("GraphDef")()
    found.node.extend(nodes)
    found.library.CopyFrom(graph_def.library)
    found.versions.CopyFrom(graph_def.versions)
    return found


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").split(":")[0]


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Sequence[str] | None = None,
    variable_names_blacklist: Sequence[str] | None = None,
) -> Any:
    """What ``output_node_names`` need, with the values that the session holds in place of variables: a frozen graph.

    The two lists say which variables are frozen, or are not. ``AssertionError`` where a node is not there,
    ``FailedPreconditionError`` where a variable has no value.
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    frozen = [node.name for node in part.node if node.op in _VARIABLES]
    if variable_names_whitelist is not None:
        frozen = [name for name in frozen if name in variable_names_whitelist]
    frozen = [name for name in frozen if name not in (variable_names_blacklist or ())]
    values = sess.variable_values([sess.graph.get_operation_by_name(name) for name in frozen])
    constants = dict(zip(frozen, values, strict=True))
    read = {reference for node in part.node for reference in node.input}
    return _with_nodes(part, [_frozen(node, constants, read) for node in part.node])


def _frozen(node: Any, constants: dict[str, Any], read: Collection[str]) -> Any:
    """The node without variables; ``read`` is all that nodes read."""
    found = message("NodeDef")()
    if node.name in constants:
        found.name, found.op = node.name, "Const"
        value = constants[node.name]
        set_attribute(found, "value", value)
        found.attr["dtype"].type = found.attr["value"].tensor.dtype
        return found
    found.CopyFrom(node)
    if KEY in node.attr and _calls_alone(node, read):
        for noted in (KEY, INPUTS):  # the bodies that graphc noted hold variables; those of the library do not
            del found.attr[noted]
    if node.op in _READS and node.input and _node_name(node.input[0]) in constants:
        if node.op == "ReadVariableOp":
            found.op = "Identity"
            found.attr["T"].CopyFrom(node.attr["dtype"])
            found.attr.pop("dtype", None)
        else:
            raise ValueError(
                f"node '{node.name}' of type {node.op} reads a variable that is to be frozen; use tf.gather"
            )
    return found


def _calls_alone(node: Any, read: Collection[str]) -> bool:
    """Whether all that is read of the node is what TensorFlow's gives too, and not what is saved for an adjoint."""
    op = node.op.removeprefix("Stateless")
    if op not in ("While", "If"):
        return False
    count = len(node.attr["T" if op == "While" else "Tout"].list.type)
    names = (reference.partition(":") for reference in read)
    return all(int(number or 0) < count for name, _, number in names if name == node.name)


def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """The graph without nodes that inference does without: ``Identity`` and ``CheckNumerics`` of one tensor.

    Those of ``protected_nodes`` stay, and those that wait for others or that others wait for.
    """
    kept = set(protected_nodes or ())
    for node in input_graph.node:
        controls = [_node_name(reference) for reference in node.input if reference.startswith("^")]
        kept.update(controls)
        if controls or KEY in node.attr:
            kept.add(node.name)
    gone = {
        node.name: node.input[0]
        for node in input_graph.node
        if node.op in ("Identity", "CheckNumerics") and node.name not in kept
    }
    return _with_nodes(input_graph, [_past(node, gone) for node in input_graph.node if node.name not in gone])


def _past(node: Any, gone: dict[str, str]) -> Any:
    """The node with inputs from before the nodes that are gone."""
    found = message("NodeDef")()
    found.CopyFrom(node)
    found.ClearField("input")
    found.input.extend(_source(reference, gone) for reference in node.input)
    if INPUTS in found.attr:
        listed = found.attr[INPUTS].list.s
        listed[:] = [_source(reference.decode(), gone).encode() for reference in listed]
    return found


def _source(reference: str, gone: dict[str, str]) -> str:
    while not reference.startswith("^") and reference.removesuffix(":0") in gone:
        reference = gone[reference.removesuffix(":0")]
    return reference


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> TensorShape:
    """The shape of a tensor by its name, with or without its number."""
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name).get_shape()
