"""MetaGraphs: a graph with its collections and its saver, written by ``export_meta_graph`` and read back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from graphc.exchange.files import read_message, write_message
from graphc.exchange.reading import import_graph_def
from graphc.exchange.saver_nodes import add_saver, restored_variables
from graphc.exchange.schema import message
from graphc.exchange.writing import graph_def_of
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.state import VariableV2
from graphc.scopes import get_default_graph
from graphc.train.saver import Saver
from graphc.variables import Variable, variable_of_nodes

_SKIPPED = ("cond_context", "while_context", "queue_runners")  # what only TensorFlow's own runtime understands
TENSORFLOW_VERSION = "1.15.0"  # the version whose graphs these are


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Any = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> Any:
    """A MetaGraphDef of the default graph or of ``graph``, also written to ``filename``.

    It holds the nodes, the collections (all, or those of ``collection_list``) and the saver ``saver_def``.
    """
    if kwargs:
        raise TypeError(f"export_meta_graph() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if export_scope is not None:
        raise NotImplementedError("export_scope: export the whole graph, or use tf.graph_util.extract_sub_graph")
    found = meta_graph_of(graph or get_default_graph(), graph_def, collection_list, meta_info_def)
    if saver_def is not None:
        found.saver_def.CopyFrom(saver_def)
    return _finished(found, filename, as_text, clear_devices)


def export_with_saver(
    saver: Saver, graph: Graph, filename: str | None = None, collection_list: Any = None, as_text: bool = False,
    clear_devices: bool = False,
) -> Any:  # fmt: skip
    """The same with this saver, and the nodes by which TensorFlow runs it."""
    found = meta_graph_of(graph, None, collection_list)
    found.saver_def.CopyFrom(add_saver(found.graph_def, saver))
    return _finished(found, filename, as_text, clear_devices)


def _finished(found: Any, filename: str | None, as_text: bool, clear_devices: bool) -> Any:
    if clear_devices:
        _clear_devices(found.graph_def)
    if filename:
        write_message(found, os.fspath(filename), as_text)
    return found


def _clear_devices(graph_def: Any) -> None:
    for node in graph_def.node:
        node.device = ""


def meta_graph_of(graph: Graph, graph_def: Any = None, collection_list: Any = None, meta_info_def: Any = None) -> Any:
    """The nodes and the collections of a graph."""
    found = message("MetaGraphDef")()
    if meta_info_def is not None:
        found.meta_info_def.CopyFrom(meta_info_def)
    found.meta_info_def.tensorflow_version = TENSORFLOW_VERSION
    found.graph_def.CopyFrom(graph_def_of(graph) if graph_def is None else graph_def)
    keys = graph.get_all_collection_keys() if collection_list is None else collection_list
    for key in keys:
        if isinstance(key, str):
            _write_collection(found, key, graph.get_collection(key))
    return found


def _write_collection(found: Any, key: str, items: list[Any]) -> None:
    """One collection; items that no file can hold are left out, and with them the collection."""
    if not items:
        return
    if all(isinstance(item, Variable) for item in items):
        found.collection_def[key].bytes_list.value.extend(_variable_def(item).SerializeToString() for item in items)
    elif all(isinstance(item, (Tensor, Operation, Variable)) for item in items):
        found.collection_def[key].node_list.value.extend(item.name for item in items)
    elif all(isinstance(item, int) and not isinstance(item, bool) for item in items):
        found.collection_def[key].int64_list.value.extend(items)
    elif all(isinstance(item, float) for item in items):
        found.collection_def[key].float_list.value.extend(items)
    elif all(isinstance(item, (str, bytes)) for item in items):
        data = [item.encode() if isinstance(item, str) else item for item in items]
        found.collection_def[key].bytes_list.value.extend(data)
    elif all(hasattr(item, "SerializeToString") for item in items):
        found.collection_def[key].bytes_list.value.extend(item.SerializeToString() for item in items)


def _variable_def(variable: Variable) -> Any:
    return message("VariableDef")(
        variable_name=variable.name,
        initializer_name=variable.initializer.name,
        snapshot_name=variable.value().name,
        initial_value_name=variable.initial_value.name,
        trainable=variable.trainable,
    )


# -- reading ---------------------------------------------------------------------------------------------------


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Saver | None:
    """Adds the graph of a MetaGraph (a message, or a file that Saver wrote) to the default graph, with its collections.

    Gives the saver that is in it, or one of all variables where there is none but there are variables; None else.
    ``OSError`` where the file is not there or is no MetaGraph.
    """
    found = read_meta_graph(meta_graph_or_file)
    if clear_devices:
        _clear_devices(found.graph_def)
    return_elements = kwargs.pop("return_elements", None)
    input_map = kwargs.pop("input_map", None)
    if return_elements is not None:
        raise NotImplementedError("return_elements: look them up by name with graph.get_tensor_by_name")
    scope = f"{import_scope}/" if import_scope and not import_scope.endswith("/") else import_scope or ""
    add_meta_graph(found, scope, input_map)
    if found.HasField("saver_def"):
        known = restored_variables(found.graph_def, found.saver_def, scope)
        if known:
            places = {name: tensor.op for name, tensor in known.items()}
            get_default_graph().extras.setdefault("savers", {})[found.saver_def.restore_op_name] = places
            return Saver(saver_def=found.saver_def, name=import_scope, **kwargs)
    if get_default_graph().get_collection("variables"):
        return Saver(name=import_scope, **kwargs)
    return None


def read_meta_graph(meta_graph_or_file: Any) -> Any:
    """The MetaGraphDef that is given, or that is in the file."""
    if hasattr(meta_graph_or_file, "graph_def"):
        return meta_graph_or_file
    path = os.fspath(meta_graph_or_file)
    if not os.path.isfile(path):
        raise OSError(f"File {path} does not exist.")
    return read_message("MetaGraphDef", path)


def add_meta_graph(found: Any, scope: str = "", input_map: Mapping[str, Any] | None = None) -> None:
    """Adds the nodes and the collections of a MetaGraphDef to the default graph, their names after ``scope``."""
    graph = get_default_graph()
    import_graph_def(found.graph_def, input_map, name=scope)
    variables: dict[str, Variable] = {}
    for key, collection in sorted(found.collection_def.items()):
        if key not in _SKIPPED:
            for item in _items(graph, collection, scope, variables):
                graph.add_to_collection(key, item)


def _items(graph: Graph, collection: Any, scope: str, variables: dict[str, Variable]) -> list[Any]:
    kind = collection.WhichOneof("kind")
    if kind is None:
        return []
    values = list(getattr(collection, kind).value)
    if kind == "node_list":
        names = [f"{scope}{name}" for name in values]
        return [graph.as_graph_element(name) for name in names if _is_there(graph, name)]
    if kind != "bytes_list":
        return values
    return [_variable_or_bytes(graph, data, scope, variables) for data in values]


def _is_there(graph: Graph, name: str) -> bool:
    try:
        graph.as_graph_element(name)
    except (KeyError, ValueError):
        return False
    return True


def _variable_or_bytes(graph: Graph, data: bytes, scope: str, variables: dict[str, Variable]) -> Any:
    from google.protobuf.message import DecodeError  # an extra

    try:
        described = message("VariableDef").FromString(data)
    except DecodeError:
        return data
    name = f"{scope}{described.variable_name}"
    names = described.variable_name and described.initializer_name and described.snapshot_name
    if not names or not _is_there(graph, name):
        return data
    if name not in variables:
        place = graph.get_tensor_by_name(name)
        if not isinstance(place.op.kind, VariableV2):
            return data
        initializer = graph.get_operation_by_name(f"{scope}{described.initializer_name}")
        snapshot = graph.get_tensor_by_name(f"{scope}{described.snapshot_name}")
        variables[name] = variable_of_nodes(place, initializer, snapshot, described.trainable)
    return variables[name]
