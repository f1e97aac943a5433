"""Writing a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from graphc.exchange.files import write_message
from graphc.exchange.meta_graph import export_with_saver
from graphc.exchange.schema import message
from graphc.saved_model import constants, signature_constants, tag_constants
from graphc.saved_model.signature_def_utils import predict_signature_def
from graphc.scopes import GraphKeys, get_default_graph
from graphc.train.saver import V2, Saver


class SavedModelBuilder:
    """Writes graphs with their variables to a new folder: one with variables, others that share them, and ``save``."""

    def __init__(self, export_dir: str):
        self._folder = os.fspath(export_dir)
        if os.path.isdir(self._folder) and os.listdir(self._folder):
            raise AssertionError(
                f"Export directory {self._folder} already exists, and isn't empty. Please choose a different export "
                "directory, or delete all the contents of the specified directory."
            )
        os.makedirs(self._folder, exist_ok=True)
        self._model = message("SavedModel")(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
        self._has_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Adds the default graph under ``tags``, and writes the values that the session holds."""
        if self._has_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke `add_meta_graph()` "
                "instead."
            )
        saver = saver or _saver()
        folder = os.path.join(self._folder, constants.VARIABLES_DIRECTORY)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, constants.VARIABLES_FILENAME)
        saver.save(sess, path, write_meta_graph=False, write_state=False)
        self._has_variables = True
        self.add_meta_graph(
            tags, signature_def_map, assets_collection, legacy_init_op, clear_devices, main_op, saver=saver
        )  # fmt: skip

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Adds the default graph under ``tags``, with the variables written before."""
        if not self._has_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )
        if assets_collection:
            raise NotImplementedError("assets_collection: keep such files beside the model and pass their names in")
        found = export_with_saver(saver or _saver(), get_default_graph(), clear_devices=clear_devices)
        found.meta_info_def.tags.extend([tags] if isinstance(tags, str) else list(tags))
        for key, signature in (signature_def_map or {}).items():
            _check_signature(key, signature)
            found.signature_def[key].CopyFrom(signature)
        first = main_op or legacy_init_op
        if first is not None:
            key = constants.MAIN_OP_KEY if main_op else constants.LEGACY_INIT_OP_KEY
            del found.collection_def[key].node_list.value[:]
            found.collection_def[key].node_list.value.append(first.name)
        self._model.meta_graphs.append(found)

    def save(self, as_text: bool = False) -> bytes:
        """Writes the file that describes the graphs; its path."""
        name = constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        path = os.path.join(self._folder, name)
        write_message(self._model, path, as_text)
        return path.encode()


def _saver() -> Saver:
    """One of all variables, in TensorFlow's format, which the folder of a SavedModel has."""
    graph = get_default_graph()
    variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
    variables += graph.get_collection(GraphKeys.SAVEABLE_OBJECTS)
    return Saver(variables, allow_empty=True, write_version=V2)


def _check_signature(key: str, signature: Any) -> None:
    for info in (*signature.inputs.values(), *signature.outputs.values()):
        if not info.name or not info.dtype:
            raise AssertionError(f"the signature '{key}' has a TensorInfo without a name or a type: {info}")


def simple_save(
    session: Any, export_dir: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], legacy_init_op: Any = None
) -> None:
    """Writes the default graph for serving, to be called with ``inputs`` for ``outputs``: tensors by name."""
    key = signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    signatures = {key: predict_signature_def(inputs, outputs)}
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session, [tag_constants.SERVING], signatures, main_op=legacy_init_op, clear_devices=True
    )
    builder.save()
