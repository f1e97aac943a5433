"""Reading checkpoints by name: ``tf.train.NewCheckpointReader`` and its relatives."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from graphc import errors
from graphc.checkpoints.bundle import INDEX, Bundle
from graphc.checkpoints.native import SUFFIX, NativeFile
from graphc.checkpoints.single_file import SingleFile, files_of
from graphc.checkpoints.state import latest_checkpoint
from graphc.checkpoints.values import Source
from graphc.checkpoints.wire import parse
from graphc.dtypes import DType

_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"


class CheckpointReader:
    """The tensors of one checkpoint, of graphc's or of TensorFlow's making, by name."""

    def __init__(self, path: str):
        self._path = path
        self._source = open_source(path)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape of each tensor."""
        return {name: list(kind.shape) for name, kind in self._source.kinds.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The element type of each tensor."""
        return {name: kind.dtype for name, kind in self._source.kinds.items()}

    def has_tensor(self, name: str) -> bool:
        """Whether there is a tensor ``name``."""
        return name in self._source.kinds

    def get_tensor(self, name: str) -> np.ndarray[Any, Any]:
        """The tensor ``name``; ``NotFoundError`` where there is none, ``DataLossError`` where its bytes are damaged."""
        if not self.has_tensor(name):
            raise errors.NotFoundError(None, None, f"Key {name} not found in checkpoint {self._path}")
        return self._source.read(name)

    def key_of(self, name: str) -> str:
        """Where the variable ``name`` stands: there, or where a checkpoint of TensorFlow 2's objects has put it."""
        if self.has_tensor(name) or not self.has_tensor(_OBJECTS):
            return name
        return keys_of_objects(self.get_tensor(_OBJECTS).item()).get(name, name)

    def debug_string(self) -> bytes:
        """One line a tensor: name, type, shape."""
        kinds = sorted(self._source.kinds.items())
        return "".join(f"{name} (DT_{k.dtype.name.upper()}) {list(k.shape)}\n" for name, k in kinds).encode()


def keys_of_objects(graph: bytes) -> dict[str, str]:
    """The keys of variables by their names, as a TrackableObjectGraph (trackable_object_graph.proto) has them."""
    found = {}
    for node in parse(graph).messages(1):
        for attribute in node.messages(2):
            found[attribute.bytes(2).decode()] = attribute.bytes(3).decode()
    return found


def open_source(path: str) -> Source:
    """The checkpoint that ``path`` names; ``NotFoundError`` where there is none."""
    path = os.fspath(path)
    if os.path.isfile(path + SUFFIX):
        return NativeFile(path + SUFFIX)
    if os.path.isfile(path + INDEX):
        return Bundle(path)
    if path.endswith(SUFFIX) and os.path.isfile(path):
        return NativeFile(path)
    is_part = path.endswith(INDEX) or ".data-" in os.path.basename(path)
    files = [] if is_part else files_of(path)
    if files:
        return SingleFile(files)
    if os.path.isfile(path):
        hint = "; name the checkpoint without the ending of one of its files" if is_part else ""
        raise errors.DataLossError(None, None, f"Unable to open table file {path}: it is no checkpoint{hint}")
    raise errors.NotFoundError(None, None, f"Failed to find any matching files for {path}")


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint of this name, as ``Saver.save`` returns it."""
    path = os.fspath(checkpoint_prefix)
    return any(os.path.isfile(path + suffix) for suffix in (SUFFIX, INDEX)) or bool(files_of(path))


def NewCheckpointReader(filepattern: str) -> CheckpointReader:
    """A reader of a checkpoint; ``NotFoundError`` where there is none, ``DataLossError`` where it is damaged."""
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: str) -> CheckpointReader:
    """A reader of a checkpoint, or of the latest in a folder; ``ValueError`` where a folder has none."""
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
        path = latest
    return CheckpointReader(path)


def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """The name and shape of each tensor of a checkpoint, sorted by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: str, name: str) -> np.ndarray[Any, Any]:
    """One tensor of a checkpoint; a name may end in ``:0``."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
