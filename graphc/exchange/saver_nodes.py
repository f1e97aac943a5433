"""The nodes by which TensorFlow saves and restores: written beside a graph, and read to know what a saver keeps.

save/Const -> save/SaveV2(save/Const, names, slices, variables...) -> save/control_dependency
save/RestoreV2(save/Const, names, slices) -> save/Assign, save/Assign_1, ... -> save/restore_all
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import string
from graphc.exchange.attributes import make_ndarray, set_attribute
from graphc.exchange.schema import message
from graphc.nodes import Tensor
from graphc.scopes import get_default_graph

_V2 = 2
_PASSED_THROUGH = ("Identity", "Reshape", "Cast")


def add_saver(graph_def: Any, saver: Any) -> Any:
    """Adds the nodes of a saver to a GraphDef; the SaverDef that names them."""
    names = {node.name for node in graph_def.node}
    scope = saver.name
    number = 0
    while f"{scope}/Const" in names or f"{scope}/restore_all" in names:
        number += 1
        scope = f"{saver.name}_{number}"
    _add_nodes(graph_def, scope, saver)
    return saver_def(saver, scope)


def saver_def(saver: Any, scope: str) -> Any:
    """The SaverDef that names the nodes of a saver under ``scope``."""
    return message("SaverDef")(
        filename_tensor_name=f"{scope}/Const:0",
        save_tensor_name=f"{scope}/control_dependency:0",
        restore_op_name=f"{scope}/restore_all",
        max_to_keep=saver.max_to_keep,
        keep_checkpoint_every_n_hours=saver.keep_checkpoint_every_n_hours,
        version=_V2,
    )


def _add_nodes(graph_def: Any, scope: str, saver: Any) -> None:
    places = saver.variables
    types = [place.outputs[0].dtype for place in places.values()]

    def put(op: str, name: str, inputs: list[str], **attributes: Any) -> str:
        node = graph_def.node.add(op=op, name=f"{scope}/{name}", input=inputs)
        for key, value in attributes.items():
            set_attribute(node, key, value)
        return node.name

    def strings(name: str, values: list[str]) -> str:
        return put("Const", name, [], dtype=string, value=np.array([value.encode() for value in values], object))

    default = put("Const", "filename/input", [], dtype=string, value=np.array(saver.filename.encode(), object))
    filename = put("Identity", "Const", [default], T=string)
    tensor_names, slices = list(places), [""] * len(places)
    given = [filename, strings("SaveV2/tensor_names", tensor_names), strings("SaveV2/shape_and_slices", slices)]
    saved = put("SaveV2", "SaveV2", [*given, *(place.name for place in places.values())], dtypes=types)
    put("Identity", "control_dependency", [filename, f"^{saved}"], T=string)
    given = [filename, strings("RestoreV2/tensor_names", tensor_names), strings("RestoreV2/shape_and_slices", slices)]
    restored = put("RestoreV2", "RestoreV2", given, dtypes=types)
    assigned = []
    for number, (place, dtype) in enumerate(zip(places.values(), types, strict=True)):
        value = restored if number == 0 else f"{restored}:{number}"
        name = "Assign" if number == 0 else f"Assign_{number}"
        assigned.append(put("Assign", name, [place.name, value], T=dtype, use_locking=True, validate_shape=True))
    put("NoOp", "restore_all", [f"^{name}" for name in assigned])


def restored_variables(graph_def: Any, saver_def: Any, scope: str) -> dict[str, Tensor]:
    """The places of the variables that a saver restores, by their names in the file, once the graph has been read."""
    nodes = {node.name: node for node in graph_def.node}
    found: dict[str, Tensor] = {}
    waiting, seen = [saver_def.restore_op_name], set()
    while waiting:
        name = waiting.pop()
        node = nodes.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        waiting += [reference[1:] for reference in node.input if reference.startswith("^")]
        if node.op in ("Assign", "AssignVariableOp"):
            key = _key(nodes, node.input[1])
            if key is not None:
                found[key] = get_default_graph().get_tensor_by_name(f"{scope}{_plain(node.input[0])}:0")
    return found


def _key(nodes: dict[str, Any], reference: str) -> str | None:
    """The name in the file of the value that an assignment takes."""
    name, _, number = reference.partition(":")
    node = nodes.get(name)
    while node is not None and node.op in _PASSED_THROUGH:
        name, _, number = node.input[0].partition(":")
        node = nodes.get(name)
    if node is None or node.op not in ("RestoreV2", "Restore", "RestoreSlice"):
        return None
    names = nodes.get(_plain(node.input[1]))
    if names is None or names.op != "Const":
        return None
    return make_ndarray(names.attr["value"].tensor).reshape(-1)[int(number or 0)].decode()


def _plain(reference: str) -> str:
    return reference.split(":")[0]
