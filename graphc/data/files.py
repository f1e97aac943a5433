"""Datasets of the records of files: lines, TFRecords, records of a fixed length, rows of CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, python_io
from graphc.data.dataset import Dataset
from graphc.data.sources import Fields, Files
from graphc.data.stage import whole_number
from graphc.decoding.records import fixed_length, text_lines
from graphc.nodes import Tensor
from graphc.ops.base import Const, constant, convert_to_tensor
from graphc.shapes import TensorType


def _names(filenames: Any) -> Tensor:
    if isinstance(filenames, Dataset):
        raise NotImplementedError("filenames as a dataset: use names.flat_map(TFRecordDataset)")
    tensor = convert_to_tensor(filenames, dtypes.string, name="filenames")
    if tensor.type.rank not in (None, 0, 1):
        raise TypeError(f"`filenames` must be a `tf.Tensor` of `tf.string` with at most one axis, not {tensor.type}")
    return tensor


def _compression(compression_type: Any) -> Tensor:
    return convert_to_tensor(compression_type or "", dtypes.string, name="compression_type")


class TextLineDataset(Dataset):
    """The lines of text files, one file after another, as strings without their ends."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ):
        super().__init__(Files(_names(filenames), text_lines, _compression(compression_type)))


class TFRecordDataset(Dataset):
    """The records of TFRecord files, one file after another, as strings; ``DataLossError`` where one is damaged."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ):
        super().__init__(Files(_names(filenames), _records, _compression(compression_type)))


class FixedLengthRecordDataset(Dataset):
    """Strings of ``record_bytes`` bytes each, between a header and a footer that every file has."""

    def __init__(
        self, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None,
        buffer_size: Any = None, compression_type: Any = None, num_parallel_reads: Any = None,
    ):  # fmt: skip
        sizes = [
            whole_number(0 if value is None else value, what)
            for value, what in (
                (record_bytes, "record_bytes"), (header_bytes, "header_bytes"), (footer_bytes, "footer_bytes")
            )
        ]  # fmt: skip
        super().__init__(Files(_names(filenames), fixed_length, *sizes, _compression(compression_type)))


def _records(name: bytes, compression: bytes) -> Iterator[bytes]:
    return python_io.tf_record_iterator(name.decode(), compression.decode())


class CsvDataset(Dataset):
    """The rows of CSV files as tuples of scalars.

    ``record_defaults`` has for each column its dtype (a value must stand there) or the value for an empty field;
    ``select_cols`` the numbers, in order, of the columns that are read.
    """

    def __init__(
        self, filenames: Any, record_defaults: Any, compression_type: Any = None, buffer_size: Any = None,
        header: bool = False, field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "",
        select_cols: Sequence[int] | None = None,
    ):  # fmt: skip
        columns = [_column(default) for default in record_defaults]
        if select_cols is not None and (
            len(select_cols) != len(columns) or list(select_cols) != sorted(set(select_cols))
        ):
            raise ValueError(f"select_cols {select_cols} must be increasing, one for each of {len(columns)} defaults")
        lines = Dataset(
            Files(_names(filenames), _lines_after_header, constant(bool(header)), _compression(compression_type))
        )
        types = [TensorType(dtype, ()) for _, dtype in columns]
        defaults = [default for default, _ in columns]
        stage = Fields(lines.stage, defaults, types, field_delim, use_quote_delim, na_value, select_cols)
        super().__init__(stage)


def _lines_after_header(name: bytes, header: Any, compression: bytes) -> Any:
    lines = text_lines(name, compression)
    if header:
        next(lines, None)
    return lines


def _column(default: Any) -> tuple[Any, dtypes.DType]:
    """The default of a column, None where there must be a value, and its dtype."""
    if isinstance(default, (dtypes.DType, type)):
        return None, dtypes.as_dtype(default)
    tensor = convert_to_tensor(default)
    if not isinstance(tensor.op.kind, Const):
        raise NotImplementedError("record_defaults must be known while declaring")
    value = np.ravel(tensor.op.kind.value)
    if tensor.dtype.is_bool or value.size > 1:
        raise ValueError(f"record_defaults: a column takes one number or string, not {tensor.type}")
    if value.size == 0:
        return None, tensor.dtype
    return (np.array(value[0], object) if tensor.dtype.is_string else value[0]), tensor.dtype
