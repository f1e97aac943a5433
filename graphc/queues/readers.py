"""Readers: records of the files whose names a queue gives, one in each run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc import dtypes, errors, python_io
from graphc.decoding.records import file_contents, fixed_length, text_lines
from graphc.nodes import Operation, Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.host import host_call, resources, source
from graphc.queues.queue import QueueBase
from graphc.shapes import TensorType

Record = tuple[bytes, bytes]  # key and value

_STRING = TensorType(dtypes.string, ())
_STRINGS = TensorType(dtypes.string, (None,))
_COUNT = TensorType(dtypes.int64, ())


class _Reading:
    """Where a reader is in a session."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.records: Iterator[Record] | None = None
        self.produced = self.completed = 0


class ReaderBase:
    """Reads records from work that a queue of strings gives; subclasses say what the records of one file are."""

    supports_serialize = False

    def __init__(self, name: str):
        self.name = name

    def _records(self, work: bytes) -> Iterator[Record]:
        """The keys and values of one file."""
        raise NotImplementedError("a reader of your own is not provided; use Dataset.from_generator")

    @property
    def reader_ref(self) -> Any:
        """The reader itself."""
        return self

    def read(self, queue: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The next key and value, strings; it waits for a file of the queue where the last one is at its end."""
        self._check(queue)

        def following() -> Any:
            (record,) = self._take(queue, 1)
            return tuple(np.array(part, object) for part in record)

        key, value = source(following, [_STRING, _STRING], "ReaderReadV2", name or "ReaderReadV2")
        return key, value

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The next keys and values, strings [n]: at most ``num_records``, and of one file."""
        self._check(queue)
        number = convert_to_tensor(num_records, None if isinstance(num_records, Tensor) else dtypes.int64)

        def following(count: Any) -> Any:
            records = self._take(queue, int(count))
            return tuple(dtypes.as_bytes(list(column)) for column in zip(*records))

        node = host_call(following, [number], [_STRINGS, _STRINGS], "ReaderReadUpToV2", name or "ReaderReadUpToV2")
        keys, values = node.outputs
        return keys, values

    def _check(self, queue: Any) -> None:
        if not isinstance(queue, QueueBase):
            raise TypeError(f"a reader takes a queue of strings, such as of string_input_producer, not {queue!r}")
        if queue.dtypes != [dtypes.string]:
            raise TypeError(f"a reader takes a queue of strings, not of {[dtype.name for dtype in queue.dtypes]}")

    def _reading(self) -> _Reading:
        return resources().setdefault(self, _Reading())

    def _take(self, queue: QueueBase, count: int) -> list[Record]:
        """Up to ``count`` records of one file, at least one."""
        reading = self._reading()
        with reading.lock:
            while True:
                if reading.records is None:
                    ((work,),) = queue.store().take(1)
                    reading.records = self._records(work[()])
                try:
                    found = [record for _, record in zip(range(count), reading.records)]
                except errors.OpError:
                    reading.records = None  # the next run goes on with the next file
                    raise
                if found:
                    reading.produced += len(found)
                    return found
                reading.records = None
                reading.completed += 1

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """How many records it has given, int64."""
        return source(lambda: self._reading().produced, [_COUNT], "ReaderNumRecordsProducedV2", name)[0]

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """How many files it has read to their ends, int64."""
        return source(lambda: self._reading().completed, [_COUNT], "ReaderNumWorkUnitsCompletedV2", name)[0]

    def reset(self, name: str | None = None) -> Operation:
        """The operation after which it is as new."""

        def reset() -> tuple[Any, ...]:
            resources().pop(self, None)
            return ()

        return host_call(reset, [], [], "ReaderResetV2", name)

    def serialize_state(self, name: str | None = None) -> Tensor:
        """Not provided."""
        raise NotImplementedError("a reader's state cannot be kept; use tf.data and skip()")

    restore_state = serialize_state


class WholeFileReader(ReaderBase):
    """The name and the contents of each file."""

    def __init__(self, name: str | None = None):
        super().__init__(name or "WholeFileReaderV2")

    def _records(self, work: bytes) -> Iterator[Record]:
        yield work, file_contents(work)


class IdentityReader(ReaderBase):
    """What the queue gives, as key and as value."""

    def __init__(self, name: str | None = None):
        super().__init__(name or "IdentityReaderV2")

    def _records(self, work: bytes) -> Iterator[Record]:
        yield work, work


class TextLineReader(ReaderBase):
    """The lines of each file but its first ``skip_header_lines``; the key is "file:number", counted from 1."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None):
        super().__init__(name or "TextLineReaderV2")
        self._skip = skip_header_lines or 0

    def _records(self, work: bytes) -> Iterator[Record]:
        for number, line in enumerate(text_lines(work), 1):
            if number > self._skip:
                yield b"%s:%d" % (work, number), line


class TFRecordReader(ReaderBase):
    """The records of TFRecord files; the key is "file:offset"."""

    def __init__(self, name: str | None = None, options: Any = None):
        super().__init__(name or "TFRecordReaderV2")
        self._options = options

    def _records(self, work: bytes) -> Iterator[Record]:
        place = 0
        for record in python_io.tf_record_iterator(work.decode(), self._options):
            yield b"%s:%d" % (work, place), record
            place += len(record) + 16


class FixedLengthRecordReader(ReaderBase):
    """Records of ``record_bytes`` bytes, ``hop_bytes`` apart where that is not 0; the key is "file:number"."""

    def __init__(
        self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
        hop_bytes: int | None = None, name: str | None = None, encoding: str | None = None,
    ):  # fmt: skip
        super().__init__(name or "FixedLengthRecordReaderV2")
        sizes = record_bytes, header_bytes or 0, footer_bytes or 0, hop_bytes or 0
        if record_bytes < 1 or min(sizes) < 0:
            raise ValueError(f"record_bytes must be positive, the other sizes not negative: {sizes}")
        self._sizes = sizes
        self._compression = (encoding or "").encode()

    def _records(self, work: bytes) -> Iterator[Record]:
        size, header, footer, hop = self._sizes
        records = fixed_length(work, size, header, footer, self._compression, hop, strict=False)
        for number, record in enumerate(records):
            yield b"%s:%d" % (work, number), record


class LMDBReader(ReaderBase):
    """Not provided."""

    def __init__(self, name: str | None = None, options: Any = None):
        raise NotImplementedError("LMDBReader is not provided; use Dataset.from_generator with the lmdb package")
