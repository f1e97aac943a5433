"""``slim.parallel_reader``: records of many files, read by several readers into one queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc import dtypes
from graphc.frame import gfile
from graphc.nodes import Tensor
from graphc.queues.producers import note_fullness, string_input_producer
from graphc.queues.queue import FIFOQueue, QueueBase, RandomShuffleQueue
from graphc.queues.runner import QueueRunner, add_queue_runner
from graphc.scopes import name_scope

__all__ = ["ParallelReader", "get_data_files", "parallel_read", "single_pass_read"]


class ParallelReader:
    """Several readers of one class, whose records stand in ``common_queue``; queue runners move them there."""

    def __init__(
        self, reader_class: Any, common_queue: QueueBase, num_readers: int = 4,
        reader_kwargs: Mapping[str, Any] | None = None,
    ):  # fmt: skip
        if len(common_queue.dtypes) != 2 or common_queue.dtypes[1] != dtypes.string:
            raise TypeError(f"common_queue must be of keys and strings, not {[d.name for d in common_queue.dtypes]}")
        self._readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        self._common = common_queue

    @property
    def common_queue(self) -> QueueBase:
        """Where records stand when they have been read."""
        return self._common

    def read(self, queue: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The key and the value of the next record of the files that ``queue`` names."""
        self._run_readers(queue)
        key, value = self._common.dequeue(name=name)
        return key, value

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The keys and values of at most ``num_records`` records."""
        self._run_readers(queue)
        keys, values = self._common.dequeue_up_to(num_records, name=name)
        return keys, values

    def _run_readers(self, queue: Any) -> None:
        enqueued = [self._common.enqueue(list(reader.read(queue))) for reader in self._readers]
        add_queue_runner(QueueRunner(self._common, enqueued))


def parallel_read(
    data_sources: Any, reader_class: Any, num_epochs: int | None = None, num_readers: int = 4,
    reader_kwargs: Mapping[str, Any] | None = None, shuffle: bool = True, dtypes: Sequence[Any] | None = None,
    capacity: int = 256, min_after_dequeue: int = 128, seed: int | None = None, scope: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The key and the value of a record of the files, shuffled unless asked otherwise; file names may be patterns."""
    with name_scope(scope, "parallel_read"):
        files = string_input_producer(get_data_files(data_sources), num_epochs, shuffle, seed, name="filenames")
        types = list(dtypes or [_STRING, _STRING])
        if shuffle:
            common: QueueBase = RandomShuffleQueue(capacity, min_after_dequeue, types, seed=seed, name="common_queue")
        else:
            common = FIFOQueue(capacity, types, name="common_queue")
        note_fullness(common, capacity)
        return ParallelReader(reader_class, common, num_readers, reader_kwargs).read(files)


_STRING = dtypes.string


def single_pass_read(
    data_sources: Any, reader_class: Any, reader_kwargs: Mapping[str, Any] | None = None, scope: str | None = None
) -> tuple[Tensor, Tensor]:
    """The key and the value of each record of the files, once and in order."""
    with name_scope(scope, "single_pass_read"):
        files = string_input_producer(get_data_files(data_sources), 1, shuffle=False, capacity=1, name="filenames")
        key, value = reader_class(**(reader_kwargs or {})).read(files)
        return key, value


def get_data_files(data_sources: Any) -> list[str]:
    """The files that names or patterns stand for; ``ValueError`` where there is none."""
    names = [data_sources] if isinstance(data_sources, str) else list(data_sources)
    files = [path for name in names for path in (gfile.Glob(name) if set(name) & set("*?[") else [name])]
    if not files:
        raise ValueError(f"No data files found in {data_sources}")
    return files
