"""``tf.train.Saver``: writes the values of variables to checkpoints, keeps the last few, and reads them back."""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.checkpoints import bundle, native
from graphc.checkpoints.reader import CheckpointReader, checkpoint_exists
from graphc.checkpoints.state import (
    files_of_checkpoint,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
    write_state,
)
from graphc.mistakes import telling_line
from graphc.nodes import Operation
from graphc.scopes import GraphKeys, get_default_graph
from graphc.shapes import is_compatible
from graphc.train.saved_names import names_of_variables

V1, V2 = 1, 2  # the numbers of SaverDef.CheckpointFormatVersion
_CHANGED = (
    "Restoring from checkpoint failed. This is most likely due to {}. Please ensure that you have not altered the "
    "graph expected based on the checkpoint. Original error:\n\n{}"
)


class Saver:
    """Keeps variables in files: ``path = saver.save(sess, "folder/model.ckpt", step)``, ``saver.restore(sess, path)``.

    ``var_list`` is a list of variables, or a dictionary from the names in the file to variables; by default all global
    variables there are when the saver is made. The files are safetensors, written whole or not at all;
    ``write_version=tf.train.SaverDef.V2`` writes TensorFlow's instead. Both, and TensorFlow's V1 files, are restored.
    The last ``max_to_keep`` checkpoints are kept (all where it is 0 or None), and beside them one every
    ``keep_checkpoint_every_n_hours``. With ``reshape`` a value may have another shape than its variable, of as many
    elements. ``sharded``, ``restore_sequentially``, ``name`` and ``filename`` are accepted: there is one device, and
    saving is no part of the graph.

    Raises ``ValueError`` for no variables (unless ``allow_empty``) or two of one name, ``TypeError`` for what is no
    variable.
    """

    @telling_line
    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int | None = None,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ):
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. "
                "Either set defer_build=False or var_list=None."
            )
        if builder is not None:
            raise NotImplementedError("a saver with a builder of its own; write such files with session.run and numpy")
        if write_version == V1:
            raise NotImplementedError("V1 checkpoints are read but not written; use write_version=tf.train.SaverDef.V2")
        self._wanted = var_list
        self._variables: dict[str, Operation] | None = None
        self._reshape, self._sharded = reshape, sharded
        self._max_to_keep, self._hours = max_to_keep or 0, keep_checkpoint_every_n_hours
        self._name, self._filename = name or "save", filename or "model"
        self._allow_empty, self._format = allow_empty, write_version
        self._pad_step_number, self._save_relative_paths = pad_step_number, save_relative_paths
        self._last: list[tuple[str, float]] = []
        self._to_delete: collections.deque[tuple[str, float]] = collections.deque()
        self._keep_after = time.time() + self._hours * 3600
        if saver_def is not None:
            self._take(saver_def)
        elif not defer_build:
            self.build()

    def build(self) -> None:
        """Settles which variables are meant: those of ``var_list``, or all that there are now."""
        if self._variables is not None:
            return
        wanted = self._wanted
        if wanted is None:
            graph = get_default_graph()
            found = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
            wanted = [*found, *graph.get_collection(GraphKeys.SAVEABLE_OBJECTS)]
        if not wanted and not self._allow_empty:
            raise ValueError("No variables to save")
        self._variables = names_of_variables(wanted)

    def _take(self, saver_def: Any) -> None:
        """Becomes the saver whose operations were read from a file together with the graph."""
        known = get_default_graph().extras.get("savers", {}).get(saver_def.restore_op_name)
        if known is None:
            raise ValueError(
                f"the default graph has no operations of a saver '{saver_def.restore_op_name}'; "
                "tf.train.import_meta_graph brings them with the graph, or give var_list"
            )
        self._variables = dict(known)
        self._max_to_keep = saver_def.max_to_keep
        self._hours = saver_def.keep_checkpoint_every_n_hours or self._hours
        self._keep_after = time.time() + self._hours * 3600

    @property
    def name(self) -> str:
        """Under which name its operations stand where a graph is written to a file."""
        return self._name

    @property
    def filename(self) -> str:
        """The path that its operations have there."""
        return self._filename

    @property
    def max_to_keep(self) -> int:
        """How many checkpoints are kept; 0 for all."""
        return self._max_to_keep

    @property
    def keep_checkpoint_every_n_hours(self) -> float:
        """How often one is kept for good."""
        return self._hours

    @property
    def variables(self) -> dict[str, Operation]:
        """The places of the variables by their names in the file; ``RuntimeError`` where build was put off."""
        if self._variables is None:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        return self._variables

    # -- saving ----------------------------------------------------------------------------------------

    def save(
        self,
        sess: Any,
        save_path: str,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Writes the values that the session holds, and returns the path for :meth:`restore`; None for no variables.

        ``global_step`` (a number, or a variable) is put at the end of the name: ``model.ckpt-20``. The file
        ``checkpoint`` beside it says which is the latest; older ones beyond ``max_to_keep`` are deleted.
        Of its folder the last part is made where it is not there. ``ValueError`` where the folder above is not there
        either, ``FailedPreconditionError`` where a variable has no value yet.
        """
        variables = self.variables
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        _check_session(sess)
        path = self._path(sess, os.fspath(save_path), global_step)
        if variables:
            _make_folder(path)
            self._write(path, dict(zip(variables, sess.variable_values(list(variables.values())), strict=True)))
        if write_meta_graph:
            self._export(sess.graph, meta_graph_filename(path, meta_graph_suffix))
        if not variables:
            return None
        if write_state:
            self._record(path)
            self._write_state(path, latest_filename)
            self._delete_old(meta_graph_suffix)
        return path

    def _path(self, sess: Any, path: str, global_step: Any) -> str:
        if global_step is None:
            if os.path.basename(path) == "checkpoint":
                raise ValueError(f"save_path '{path}' is the name of the list of checkpoints; choose another")
            return path
        step = global_step if isinstance(global_step, (int, np.integer)) else sess.run(global_step)
        return f"{path}-{int(step):08d}" if self._pad_step_number else f"{path}-{int(step)}"

    def _write(self, path: str, values: Mapping[str, np.ndarray[Any, Any]]) -> None:
        older = set(files_of_checkpoint(path))
        if self._format == V2:
            bundle.write(path, values)
            written = {path + bundle.INDEX, f"{path}.data-00000-of-00001"}
        else:
            native.write(path + native.SUFFIX, values)
            written = {path + native.SUFFIX}
        for stale in older - written:  # of another format, or of more shards: what is read must be what was written
            os.unlink(stale)

    @property
    def saver_def(self) -> Any:
        """The SaverDef of this saver, whose names are those that :meth:`export_meta_graph` gives its operations."""
        return self.to_proto()

    def as_saver_def(self) -> Any:
        """The SaverDef of this saver."""
        return self.to_proto()

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The SaverDef of this saver."""
        from graphc.exchange.saver_nodes import saver_def  # protobuf loads only when asked for

        return saver_def(self, self.name)

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """The saver that a SaverDef names, whose operations were read with the graph."""
        return Saver(saver_def=saver_def, name=import_scope)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Any = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """A MetaGraphDef of the default graph with this saver, also written to ``filename``."""
        from graphc.exchange.meta_graph import export_with_saver  # protobuf loads only when asked for

        return export_with_saver(self, get_default_graph(), filename, collection_list, as_text, clear_devices)

    def _export(self, graph: Any, filename: str) -> None:
        """Writes the description of the graph beside the values."""
        from graphc.exchange.meta_graph import export_with_saver  # protobuf loads only when asked for

        export_with_saver(self, graph, filename)

    def _record(self, path: str) -> None:
        if not self._max_to_keep:
            return
        self._last = [entry for entry in self._last if entry[0] != path]
        self._last.append((path, time.time()))
        while len(self._last) > self._max_to_keep:
            self._to_delete.append(self._last.pop(0))

    def _write_state(self, path: str, latest_filename: str) -> None:
        stamps = [stamp for _, stamp in self._last] or [time.time()]
        paths = self.last_checkpoints or [path]
        write_state(
            os.path.dirname(path),
            path,
            paths,
            latest_filename,
            self._save_relative_paths,
            stamps,
            self._keep_after - self._hours * 3600,
        )

    def _delete_old(self, meta_graph_suffix: str) -> None:
        while self._to_delete:
            path, stamp = self._to_delete.popleft()
            if stamp > self._keep_after:
                self._keep_after += self._hours * 3600
                continue
            remove_checkpoint(path, meta_graph_suffix=meta_graph_suffix)

    # -- restoring ---------------------------------------------------------------------------------------

    def restore(self, sess: Any, save_path: str) -> None:
        """Gives the variables the values in a checkpoint; those not in ``var_list`` stay as they are.

        Nothing is changed where anything fails: ``ValueError`` where there is no such checkpoint, ``NotFoundError``
        where it lacks a variable, ``InvalidArgumentError`` where shape or type differ, ``DataLossError`` for damage.
        """
        variables = self.variables
        _check_session(sess)
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        save_path = os.fspath(save_path)
        if not checkpoint_exists(save_path) and not os.path.isfile(save_path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {save_path}")
        reader = CheckpointReader(save_path)
        values = {place: self._read(reader, name, place) for name, place in variables.items()}
        sess.load_variables(values)

    def _read(self, reader: CheckpointReader, name: str, place: Operation) -> np.ndarray[Any, Any]:
        wanted = place.outputs[0].type
        try:
            value = reader.get_tensor(reader.key_of(name))
        except errors.NotFoundError as error:
            why = "a Variable name or other graph key that is missing from the checkpoint"
            raise errors.NotFoundError(place, place, _CHANGED.format(why, error)) from None
        problem = None
        if value.dtype != wanted.dtype.numpy:
            problem = f"it has values of type {value.dtype}"
        elif not is_compatible(wanted.shape, value.shape):
            known = place.outputs[0].shape
            if self._reshape and known.num_elements() == value.size:
                return value.reshape(known.as_list())
            problem = f"Assign requires shapes of both tensors to match, and it has the shape {list(value.shape)}"
        if problem is None:
            return value
        text = f"'{name}' in the checkpoint does not fit {place.describe()} of type {wanted}: {problem}"
        why = "a mismatch between the current graph and the graph from the checkpoint"
        raise errors.InvalidArgumentError(place, place, _CHANGED.format(why, text))

    # -- which checkpoints there are ----------------------------------------------------------------------

    @property
    def last_checkpoints(self) -> list[str]:
        """The paths of the checkpoints that are kept, the oldest first."""
        return [path for path, _ in self._last]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Tells which checkpoints there are, the oldest first, for :class:`Saver` to delete in time."""
        self._last = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        """The same, with the seconds since 1970 at which each was written."""
        self._last = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Goes on from checkpoints of an earlier program: those of ``checkpoint_paths`` that are still there."""
        found = [path for path in checkpoint_paths if checkpoint_exists(path)]
        self._last = list(zip(found, get_checkpoint_mtimes(found), strict=True))


def _make_folder(path: str) -> None:
    """Makes the folder of a checkpoint, but none above it: a path that is mistyped is seen before hours of training."""
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        try:
            os.mkdir(folder)
        except (FileNotFoundError, FileExistsError, NotADirectoryError):
            raise ValueError(f"Parent directory of {path} doesn't exist, can't save.") from None


def _check_session(sess: Any) -> None:
    if not hasattr(sess, "variable_values"):
        raise TypeError(f"'sess' must be a Session; {sess}")
