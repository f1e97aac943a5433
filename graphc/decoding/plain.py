"""Numbers from bytes, and columns from lines of comma-separated text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops.base import apply, as_array, check_dtype, convert_to_tensor, declare, is_tensor_like
from graphc.ops.host import HostOp
from graphc.ops.strings import STRING, StringToNumber, string_tensor
from graphc.records import record
from graphc.shapes import TensorType


@record(eq=False)
class DecodeRaw(HostOp):
    """``y[i]`` are the numbers whose bytes are the string ``x[i]``, one after the other."""

    out_type: DType
    little_endian: bool

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, STRING, "the input")
        return TensorType(self.out_type, None if x.shape is None else (*x.shape, None))

    def evaluate(self, x: Any) -> Any:
        size, texts = self.out_type.size, np.ravel(x)
        for place, text in enumerate(texts):
            if len(text) != len(texts[0]):
                raise InvalidArgumentError(
                    message="DecodeRaw requires input strings to all be the same size, but element "
                    f"{place} has size {len(texts[0])} != {len(text)}"
                )
            if len(text) % size:
                raise InvalidArgumentError(
                    message=f"Input to DecodeRaw has length {len(text)} that is not a multiple of {size}, the size of "
                    f"{self.out_type.name}"
                )
        kind = self.out_type.numpy.newbyteorder("<" if self.little_endian else ">")
        count = len(texts[0]) // size if len(texts) else 0
        return np.frombuffer(b"".join(texts), kind).astype(self.out_type.numpy).reshape(*x.shape, count)


def decode_raw(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Tensor:
    """The bytes of strings, all of one length, as numbers along a new last axis."""
    if out_type is None or (input_bytes is None) == (bytes is None):
        raise ValueError("decode_raw takes one tensor of strings and out_type")
    wanted = dtypes.as_dtype(out_type)
    if wanted.is_string:
        raise TypeError("decode_raw gives numbers or bools, not string")
    return apply(
        DecodeRaw(wanted, little_endian), string_tensor(bytes if input_bytes is None else input_bytes), name=name
    )


# -- comma-separated values --------------------------------------------------------------------------------------


@record(eq=False)
class DecodeCSV(HostOp):
    """The fields of each record, as a tensor for each column."""

    types: tuple[DType, ...]
    delimiter: str
    quotes: bool
    na_value: str
    columns: tuple[int, ...] | None

    def infer(self, records: TensorType, *defaults: TensorType) -> tuple[TensorType, ...]:
        check_dtype(records, STRING, "the records")
        return tuple(TensorType(dtype, records.shape) for dtype in self.types)

    def evaluate(self, records: Any, *defaults: Any) -> tuple[Any, ...]:
        results = [np.full(records.shape, dtype.zero, dtype.numpy) for dtype in self.types]
        for number, place in enumerate(np.ndindex(records.shape)):
            fields = self._fields(records[place], number)
            for column, result in enumerate(results):
                result[place] = self._value(fields[column], column, number, defaults[column])
        return tuple(results)

    def _fields(self, line: bytes, number: int) -> list[str]:
        """The texts of the wanted fields; their characters are bytes."""
        text = line.decode("latin-1")
        found = list(_split(text, self.delimiter)) if self.quotes else text.rstrip("\r\n").split(self.delimiter)
        if not text.strip("\r\n"):
            found = []
        if self.columns is not None and self.columns[-1] < len(found):
            return [found[column] for column in self.columns]
        wanted = len(self.types) if self.columns is None else self.columns[-1] + 1
        if len(found) != wanted:
            raise InvalidArgumentError(message=f"Expect {wanted} fields but have {len(found)} in record {number}")
        return found

    def _value(self, field: str, column: int, number: int, default: Any) -> Any:
        dtype = self.types[column]
        if field in ("", self.na_value):
            if default.size == 0:
                raise InvalidArgumentError(message=f"Field {column} is required but missing in record {number}!")
            return default.reshape(-1)[0]
        if dtype.is_string:
            return field.encode("latin-1")
        try:
            return StringToNumber(dtype).of(field.encode("latin-1"))
        except InvalidArgumentError:
            message = f"Field {column} in record {number} is not a valid {_NAMES.get(dtype, dtype.name)}: {field}"
            raise InvalidArgumentError(message=message) from None


_NAMES = {dtypes.float32: "float", dtypes.float64: "double"}


def _split(text: str, delimiter: str) -> Iterator[str]:
    """The fields of a record by RFC 4180: one in quotes may hold delimiters, line breaks and doubled quotes."""
    at = 0
    while True:
        if text[at : at + 1] == '"':
            field, at = _quoted(text, at + 1, delimiter)
        else:
            end = text.find(delimiter, at)
            stop = len(text) if end < 0 else end
            field, at = text[at:stop].rstrip("\r\n") if end < 0 else text[at:stop], stop
            if any(mark in field for mark in '"\r\n'):
                raise InvalidArgumentError(message="Unquoted fields cannot have quotes/CRLFs inside")
        yield field
        if text[at : at + 1] != delimiter:
            return
        at += 1


def _quoted(text: str, at: int, delimiter: str) -> tuple[str, int]:
    """The field whose opening quote stands before ``at``, and where it ends."""
    field = ""
    while True:
        end = text.find('"', at)
        if end < 0:
            raise InvalidArgumentError(message="Quoted field has to end with quote followed by delim or end")
        field += text[at:end]
        following = text[end + 1 : end + 2]
        if following != '"':
            if following not in ("", delimiter, "\r", "\n"):
                raise InvalidArgumentError(message="Quote inside a string has to be escaped by another quote")
            return field, end + 1
        field, at = field + '"', end + 2


@telling_line
def decode_csv(
    records: Any, record_defaults: Sequence[Any], field_delim: str = ",", use_quote_delim: bool = True,
    name: str | None = None, na_value: str = "", select_cols: Sequence[int] | None = None,
) -> list[Tensor]:  # fmt: skip
    """A tensor for each column of lines of comma-separated values, in the shape of ``records``.

    ``record_defaults`` gives for each column the value of an empty field, and its dtype: float32, float64, int32, int64
    or string; an empty tensor, or a dtype, says that the field is required. ``select_cols`` takes these columns alone.
    """
    given = [_default(item) for item in record_defaults]
    types = tuple(x.dtype for x in given)
    for dtype in types:
        if dtype not in _TYPES:
            raise TypeError(
                f"decode_csv: a column cannot be of {dtype.name}; wanted float32, float64, int32, int64 or string"
            )
    if len(field_delim) != 1:
        raise ValueError(f"field_delim should be only 1 char, not {field_delim!r}")
    columns = None if select_cols is None else tuple(int(column) for column in select_cols)
    if columns is not None and (len(columns) != len(types) or list(columns) != sorted(set(columns)) or columns[0] < 0):
        raise ValueError(f"select_cols must be {len(types)} rising numbers, as many as record_defaults, not {columns}")
    kind = DecodeCSV(types, field_delim, use_quote_delim, na_value, columns)
    node: Operation = declare(kind, string_tensor(records), *given, name=name)
    return list(node.outputs)


_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


def _default(item: Any) -> Tensor:
    if isinstance(item, (DType, type)):
        return convert_to_tensor(np.zeros(0, dtypes.as_dtype(item).numpy))
    x = convert_to_tensor(item) if is_tensor_like(item) else convert_to_tensor(as_array(item))
    if x.type.rank not in (None, 0, 1) or (x.type.shape and isinstance(x.type.shape[0], int) and x.type.shape[0] > 1):
        raise ValueError(f"decode_csv: a default is one value or none, not {x.type}")
    return x
