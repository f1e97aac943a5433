"""``tf.summary.FileWriter``: event files, which TensorBoard reads."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from graphc import errors
from graphc.exchange.schema import message
from graphc.graph import Graph
from graphc.python_io import TFRecordWriter, tf_record_iterator

VERSION = "brain.Event:2"


class FileWriter:
    """Writes summaries into a new event file in ``logdir``::

        writer = tf.summary.FileWriter("folder", sess.graph)
        writer.add_summary(sess.run(merged), step)

    ``max_queue`` events at most, and ``flush_secs`` seconds at longest, wait before they are in the file.
    """

    def __init__(
        self, logdir: Any, graph: Any = None, max_queue: int = 10, flush_secs: float = 120, graph_def: Any = None,
        filename_suffix: str | None = None, session: Any = None,
    ):  # fmt: skip
        self._folder = os.fspath(logdir)
        self._max_queue, self._flush_secs = max_queue, flush_secs
        self._suffix = filename_suffix or ""
        self._lock = threading.RLock()
        self._file: TFRecordWriter | None = None
        self._described: set[str] = set()  # tags whose metadata is in the file
        shown = graph if graph_def is None else graph_def
        if shown is not None:
            _check_graph(shown)
        self._open()
        if shown is not None:
            self.add_graph(shown)

    def _open(self) -> None:
        event = message("Event")(wall_time=time.time(), file_version=VERSION)
        try:
            os.makedirs(self._folder, exist_ok=True)
        except OSError as error:
            raise errors.of_system(error, self._folder) from None
        stem = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        number, name = 0, stem + self._suffix
        while os.path.exists(os.path.join(self._folder, name)):  # two writers of the same second
            number += 1
            name = f"{stem}.{number}{self._suffix}"
        self._file = TFRecordWriter(os.path.join(self._folder, name))
        self._waiting, self._flushed = 0, time.monotonic()
        self._file.write(event.SerializeToString())
        self._file.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return self._folder

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a Summary, or the bytes of one."""
        if isinstance(summary, (bytes, bytearray)):
            summary = message("Summary").FromString(bytes(summary))
        # Metadata stands with the first value of a tag alone: a viewer needs it once.
        for value in summary.value:
            if value.HasField("metadata"):
                if value.tag in self._described:
                    value.ClearField("metadata")
                self._described.add(value.tag)
        self._add(global_step, summary=summary)

    def add_scalar(self, tag: str, value: float, global_step: Any = None) -> None:
        """Writes a Summary of one number."""
        self._add(global_step, summary={"value": [{"tag": tag, "simple_value": float(value)}]})

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Writes a SessionLog."""
        self._add(global_step, session_log=session_log)

    def add_start(self, global_step: Any = None) -> None:
        """Says that a session begins at this step: later steps of an earlier one are void."""
        self._add(global_step, session_log={"status": message("SessionLog").START})

    def add_checkpoint(self, path: str, global_step: Any = None) -> None:
        """Says that a checkpoint was saved."""
        log = {"status": message("SessionLog").CHECKPOINT, "checkpoint_path": path}
        self._add(global_step, session_log=log)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Writes the graph, of which a viewer shows names, operations and edges."""
        source = graph_def if graph_def is not None else graph
        _check_graph(source)
        described = source.as_graph_def(add_shapes=True) if isinstance(source, Graph) else source
        self._add(global_step, graph_def=described.SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Writes a MetaGraphDef."""
        self._add(global_step, meta_graph_def=meta_graph_def.SerializeToString())

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Accepted: a run reports nothing; ``graphc.profile`` tells where the time of a step goes."""

    def add_event(self, event: Any) -> None:
        """Writes an Event."""
        with self._lock:
            if self._file is None:
                self.reopen()
            assert self._file is not None
            self._file.write(event.SerializeToString())
            self._waiting += 1
            if self._waiting > self._max_queue or time.monotonic() > self._flushed + self._flush_secs:
                self.flush()

    def _add(self, step: Any, **what: Any) -> None:
        event = message("Event")(wall_time=time.time(), **what)
        if step is not None:
            event.step = int(step)
        self.add_event(event)

    def flush(self) -> None:
        """What was written is in the file when it returns."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
                self._waiting, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Ends the file; adding more begins another."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def reopen(self) -> None:
        """Begins another file where this one has ended."""
        with self._lock:
            if self._file is None:
                self._described = set()
                self._open()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _check_graph(graph: Any) -> None:
    if not isinstance(graph, Graph) and not hasattr(graph, "SerializeToString"):
        raise TypeError(f"The passed graph must be an instance of `Graph`, but got {type(graph)}")


class FileWriterCache:
    """The writers of folders, one for each."""

    _writers: dict[str, FileWriter] = {}  # noqa: RUF012 (one for the process, by intent)
    _lock = threading.RLock()

    @staticmethod
    def get(logdir: Any) -> FileWriter:
        """The writer of a folder, made where it has none."""
        folder = os.fspath(logdir)
        with FileWriterCache._lock:
            if folder not in FileWriterCache._writers:
                FileWriterCache._writers[folder] = FileWriter(folder)
            return FileWriterCache._writers[folder]

    @staticmethod
    def clear() -> None:
        """Closes all."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._writers.values():
                writer.close()
            FileWriterCache._writers.clear()


def summary_iterator(path: Any) -> Iterator[Any]:
    """The Events of a file in order; ``DataLossError`` where it is damaged."""
    for record in tf_record_iterator(path):
        yield message("Event").FromString(record)
