"""Reading a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from graphc.checkpoints.reader import checkpoint_exists
from graphc.exchange.files import read_message
from graphc.exchange.meta_graph import import_meta_graph
from graphc.saved_model import constants

_INIT_SIGNATURE = "__saved_model_init_op"  # where later versions name the operation to be run


def maybe_saved_model_directory(export_dir: str) -> bool:
    """Whether the folder holds the file that a SavedModel is described by."""
    return _description(export_dir) is not None


def contains_saved_model(export_dir: str) -> bool:
    """Whether the folder holds the file that a SavedModel is described by."""
    return maybe_saved_model_directory(export_dir)


def _description(folder: str) -> str | None:
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    found = (os.path.join(os.fspath(folder), name) for name in names)
    return next((path for path in found if os.path.isfile(path)), None)


def load(sess: Any, tags: Iterable[str], export_dir: str, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
    """Adds the graph of these tags to the session's graph and gives its variables their values; its MetaGraphDef.

    ``OSError`` where the folder holds no SavedModel, ``RuntimeError`` where it has no graph of exactly these tags.
    """
    found = _of_tags(os.fspath(export_dir), {tags} if isinstance(tags, str) else set(tags))
    with sess.graph.as_default():
        saver = import_meta_graph(found, import_scope=import_scope, **saver_kwargs)
        path = os.path.join(export_dir, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
        if saver is not None and checkpoint_exists(path):
            saver.restore(sess, path)
        for name in _first_operations(found):
            sess.run(sess.graph.get_operation_by_name(f"{import_scope}/{name}" if import_scope else name))
    return found


def _of_tags(folder: str, tags: set[str]) -> Any:
    path = _description(folder)
    if path is None:
        raise OSError(
            f"SavedModel file does not exist at: {folder}/"
            f"{{{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}}}"
        )
    model = read_message("SavedModel", path)
    for found in model.meta_graphs:
        if set(found.meta_info_def.tags) == tags:
            return found
    there = [sorted(found.meta_info_def.tags) for found in model.meta_graphs]
    raise RuntimeError(
        f"MetaGraphDef associated with tags {sorted(tags)} could not be found in SavedModel {folder}, which has {there}"
    )


def _first_operations(found: Any) -> list[str]:
    """The operations that are run after variables are restored."""
    names = []
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in found.collection_def:
            names += list(found.collection_def[key].node_list.value)
    if not names and _INIT_SIGNATURE in found.signature_def:
        names = [info.name for info in found.signature_def[_INIT_SIGNATURE].outputs.values()]
    return [name.split(":")[0] for name in names]
