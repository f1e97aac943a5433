"""Operations on strings, element by element: they run on the host (see ops/host.py).

A ``tf.string`` tensor holds bytes; text that a program gives is taken in UTF-8.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import apply, check_dtype, convert_to_tensor, is_tensor_like
from graphc.ops.fingerprint import fingerprint64
from graphc.ops.host import HostOp
from graphc.records import record
from graphc.shapes import Shape, TensorType, broadcast, normalise_axis

STRING = (dtypes.string,)


def string_tensor(value: Any) -> Tensor:
    """``value`` as a tensor of strings; ``TypeError`` where it is of something else."""
    x = convert_to_tensor(value, None if is_tensor_like(value) else dtypes.string)
    if not x.dtype.is_string:
        raise TypeError(f"{x.op.describe()} has type {x.type}; wanted strings")
    return x


def each(function: Callable[..., bytes], *arrays: Any) -> Any:
    """The function of the elements at each position, with broadcasting: an array of bytes."""
    return dtypes.as_bytes(np.frompyfunc(function, len(arrays), 1)(*arrays))


class _OfOne(HostOp):
    """An op of one string tensor that gives a value for each element."""

    gives: DType = dtypes.string

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, STRING, "the input")
        return TensorType(self.gives, x.shape)

    def evaluate(self, x: Any) -> Any:
        values = np.frompyfunc(self.of, 1, 1)(x)
        return dtypes.as_bytes(values) if self.gives.is_string else np.asarray(values).astype(self.gives.numpy)

    def of(self, item: bytes) -> Any:
        """The value for one element."""
        raise NotImplementedError


@record(eq=False)
class StringToNumber(_OfOne):
    """``y[i]`` is the number that ``x[i]`` says."""

    gives: DType

    def of(self, item: bytes) -> Any:
        text = item.strip()
        try:
            if self.gives.is_integer:
                number = int(text)
                limits = np.iinfo(self.gives.numpy)
                if b"_" not in text and limits.min <= number <= limits.max:
                    return number
            elif b"_" not in text:
                is_hexadecimal = text.lower().lstrip(b"+-").startswith(b"0x")
                return float.fromhex(text.decode()) if is_hexadecimal else float(text)
        except ValueError:
            pass
        raise InvalidArgumentError(message=f"StringToNumberOp could not correctly convert string: {_text(item)}")


@record(eq=False)
class AsString(HostOp):
    """``y[i]`` is the text of ``x[i]`` by a format of C."""

    format: str

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(dtypes.string, x.shape)

    def evaluate(self, x: Any) -> Any:
        if x.dtype == np.bool_:
            return each(lambda item: b"true" if item else b"false", x)
        return each(lambda item: (self.format % item).encode(), x)


@record(eq=False)
class StringJoin(HostOp):
    """``y[i] = separator.join(x[i] for all inputs x)``; scalars are repeated."""

    separator: bytes

    def infer(self, *inputs: TensorType) -> TensorType:
        shape: Shape = ()
        for x in inputs:
            check_dtype(x, STRING, "an input")
            shape = broadcast(shape, x.shape)
        return TensorType(dtypes.string, shape)

    def evaluate(self, *inputs: Any) -> Any:
        return each(lambda *items: self.separator.join(items), *inputs)


@record(eq=False)
class Substr(HostOp):
    """``y[i] = x[i][pos[i] : pos[i] + len[i]]``, in bytes or characters; a negative position counts from the end."""

    unit: str

    def infer(self, x: TensorType, position: TensorType, length: TensorType) -> TensorType:
        check_dtype(x, STRING, "the input")
        for numbers in (position, length):
            check_dtype(numbers, (dtypes.int32, dtypes.int64), "a position or length")
        return TensorType(dtypes.string, broadcast(x.shape, broadcast(position.shape, length.shape)))

    def evaluate(self, x: Any, position: Any, length: Any) -> Any:
        x, position, length = np.broadcast_arrays(x, position, length)
        result = np.empty(x.shape, object)
        for place in np.ndindex(x.shape):
            result[place] = self._part(x[place], int(position[place]), int(length[place]), place)
        return result

    def _part(self, item: bytes, position: int, length: int, place: tuple[int, ...]) -> bytes:
        units: Any = item if self.unit == "BYTE" else item.decode()
        if not -len(units) <= position <= len(units):
            where = f" at index {', '.join(map(str, place))}" if place else ""
            message = f"pos {position} out of range for string b'{_text(item)}'{where}"
            raise InvalidArgumentError(message=message)
        start = position + len(units) if position < 0 else position
        part = units[start : start + max(length, 0)]
        return part if self.unit == "BYTE" else part.encode()


@record(eq=False)
class RegexReplace(_OfOne):
    """Every match of ``pattern`` in ``x[i]``, or the first one, replaced."""

    pattern: bytes
    rewrite: bytes
    replace_global: bool

    @cached_property
    def _compiled(self) -> Any:
        return compiled(self.pattern)

    @cached_property
    def _template(self) -> Callable[[Any], bytes]:
        parts = re.split(rb"\\([0-9\\])", self.rewrite)
        texts, groups = parts[::2], parts[1::2]

        def rewritten(match: Any) -> bytes:
            made = texts[0]
            for group, text in zip(groups, texts[1:], strict=True):
                made += (b"\\" if group == b"\\" else match.group(int(group)) or b"") + text
            return made

        return rewritten

    def of(self, item: bytes) -> bytes:
        return self._compiled.sub(self._template, item, count=0 if self.replace_global else 1)


@record(eq=False)
class RegexFullMatch(_OfOne):
    """Whether all of ``x[i]`` matches the pattern."""

    pattern: bytes
    gives = dtypes.bool

    @cached_property
    def _compiled(self) -> Any:
        return compiled(self.pattern)

    def of(self, item: bytes) -> bool:
        return self._compiled.fullmatch(item) is not None


def compiled(pattern: bytes) -> Any:
    """A regular expression; ``InvalidArgumentError`` where it is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidArgumentError(message=f"Invalid pattern: {_text(pattern)}, error: {error}") from None


@record(eq=False)
class ReduceJoin(HostOp):
    """The strings along some axes joined, the first axis given varying fastest; along all in row-major order."""

    axes: tuple[int, ...] | None
    keep_dims: bool
    separator: bytes

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, STRING, "the input")
        if x.rank is None or x.shape is None:
            return TensorType(dtypes.string, () if self.axes is None and not self.keep_dims else None)
        axes = self._places(x.rank)
        kept = [1 if axis in axes else size for axis, size in enumerate(x.shape) if self.keep_dims or axis not in axes]
        return TensorType(dtypes.string, tuple(kept))

    def _places(self, rank: int) -> list[int]:
        return list(reversed(range(rank))) if self.axes is None else [normalise_axis(axis, rank) for axis in self.axes]

    def evaluate(self, x: Any) -> Any:
        axes = self._places(x.ndim)
        others = [axis for axis in range(x.ndim) if axis not in axes]
        rows = x.transpose(*others, *reversed(axes)).reshape(*(x.shape[axis] for axis in others), -1)
        result = np.empty(rows.shape[:-1], object)
        for place in np.ndindex(result.shape):
            result[place] = self.separator.join(rows[place])
        return (
            result.reshape([1 if axis in axes else x.shape[axis] for axis in range(x.ndim)])
            if self.keep_dims
            else result
        )


@record(eq=False)
class Hashed(_OfOne):
    """``y[i] = fingerprint64(x[i]) mod buckets``."""

    buckets: int
    gives = dtypes.int64
    type = "StringToHashBucketFast"

    def of(self, item: bytes) -> int:
        return fingerprint64(item) % self.buckets


@record(eq=False)
class EncodeBase64(_OfOne):
    """Web-safe base64 of the bytes."""

    pad: bool

    def of(self, item: bytes) -> bytes:
        text = base64.urlsafe_b64encode(item)
        return text if self.pad else text.rstrip(b"=")


@record(eq=False)
class DecodeBase64(_OfOne):
    """The bytes of web-safe base64, padded or not."""

    def of(self, item: bytes) -> bytes:
        text = item.rstrip(b"=")
        if re.search(rb"[^A-Za-z0-9_-]", text):
            raise InvalidArgumentError(message="Invalid character found in base64.")
        if len(text) % 4 == 1:
            raise InvalidArgumentError(message="Base64 string length is invalid.")
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


@record(eq=False)
class Spelt(_OfOne):
    """Lower or upper case, or without white space at the ends."""

    called: str
    encoding: str = ""

    @property
    def type(self) -> str:
        return self.called

    def of(self, item: bytes) -> bytes:
        method = {"StringLower": "lower", "StringUpper": "upper", "StringStrip": "strip"}[self.called]
        return getattr(item.decode(), method)().encode() if self.encoding else getattr(item, method)()


@record(eq=False)
class StringLength(_OfOne):
    """The number of bytes, or of characters."""

    unit: str
    gives = dtypes.int32

    def of(self, item: bytes) -> int:
        return len(item) if self.unit == "BYTE" else len(item.decode(errors="replace"))


def _text(item: bytes) -> str:
    return item.decode(errors="backslashreplace")


def _encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


# -- what users call ---------------------------------------------------------------------------------------------


@telling_line
def string_to_number(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Tensor:
    """The numbers that strings say, as float32, float64, int32 or int64; ``InvalidArgumentError`` for other text."""
    value = _given(string_tensor, input, "string_to_number")
    gives = dtypes.as_dtype(out_type)
    if gives not in (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64):
        raise TypeError(f"string_to_number gives float32, float64, int32 or int64, not {gives.name}")
    return apply(StringToNumber(gives), value, name=name)


def _given(first: Any, second: Any, called: str) -> Tensor:
    if (first is None) == (second is None):
        raise ValueError(f"{called} takes one tensor of strings")
    return string_tensor(first if second is None else second)


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The text of numbers and bools: floats with six digits, or with an exponent, or with as few as say them."""
    x = convert_to_tensor(input)
    if x.dtype.is_string:
        return x
    if scientific and shortest:
        raise ValueError("Cannot select both scientific and shortest notation")
    if len(fill) > 1:
        raise ValueError(f'Fill string must be one or fewer characters, not "{fill}"')
    letter = "d" if not x.dtype.is_floating else "e" if scientific else "g" if shortest else "f"
    if letter == "d" and (scientific or shortest or precision >= 0):
        raise ValueError(f"scientific, shortest and precision are for floats, not {x.dtype.name}")
    digits = f".{precision}" if precision >= 0 else ""
    return apply(AsString(f"%{fill}{width if width >= 0 else ''}{digits}{letter}"), x, name=name)


@telling_line
def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """The strings at each position joined; scalars stand at every position."""
    return apply(StringJoin(_encoded(separator)), *(string_tensor(x) for x in inputs), name=name)


@telling_line
def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """``len`` bytes (``unit="UTF8_CHAR"``: characters) from ``pos`` on; ``InvalidArgumentError`` for one outside."""
    _check_unit(unit)
    return apply(Substr(unit), string_tensor(input), convert_to_tensor(pos), convert_to_tensor(len), name=name)


def _check_unit(unit: str) -> None:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ValueError(f"unit must be BYTE or UTF8_CHAR, not {unit!r}")


@telling_line
def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    """What matches ``pattern`` replaced by ``rewrite``, in which ``\\\\1`` is the first group and ``\\\\0`` all of it.

    Patterns are Python's: nearly all of RE2's mean the same.
    """
    _check_plain(pattern, "pattern")
    kind = RegexReplace(_encoded(pattern), _encoded(rewrite), replace_global)
    return apply(kind, string_tensor(input), name=name)


@telling_line
def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether all of each string matches the pattern."""
    _check_plain(pattern, "pattern")
    return apply(RegexFullMatch(_encoded(pattern)), string_tensor(input), name=name)


def _check_plain(value: Any, what: str) -> None:
    if not isinstance(value, (str, bytes)):
        raise NotImplementedError(
            f"a {what} must be a Python string, not {value!r}; tf.py_func takes one that is computed"
        )


@telling_line
def reduce_join(
    inputs: Any, axis: Any = None, keep_dims: Any = None, separator: str = "", name: str | None = None,
    reduction_indices: Any = None, keepdims: Any = None,
) -> Tensor:  # fmt: skip
    """The strings along ``axis`` (one or several, in that order; None: all) joined."""
    axis = reduction_indices if axis is None else axis
    axes = None if axis is None else tuple(int(a) for a in np.atleast_1d(axis))
    return apply(ReduceJoin(axes, bool(keep_dims or keepdims), _encoded(separator)), string_tensor(inputs), name=name)


@telling_line
def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """A number in ``[0, num_buckets)`` for each string, the same as TensorFlow's, by FarmHash's fingerprint."""
    if num_buckets < 1:
        raise ValueError(f"num_buckets must be at least 1, not {num_buckets}")
    return apply(Hashed(int(num_buckets)), string_tensor(input), name=name)


@telling_line
def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Web-safe base64 of each string."""
    return apply(EncodeBase64(pad), string_tensor(input), name=name)


@telling_line
def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """What web-safe base64 stands for; ``InvalidArgumentError`` where it is none."""
    return apply(DecodeBase64(), string_tensor(input), name=name)


@telling_line
def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """ASCII letters, or with ``encoding="utf-8"`` all letters, in lower case."""
    return apply(Spelt("StringLower", encoding), string_tensor(input), name=name)


@telling_line
def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """ASCII letters, or with ``encoding="utf-8"`` all letters, in upper case."""
    return apply(Spelt("StringUpper", encoding), string_tensor(input), name=name)


@telling_line
def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Without white space at either end."""
    return apply(Spelt("StringStrip"), string_tensor(input), name=name)


@telling_line
def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """The number of bytes of each string, or of characters with ``unit="UTF8_CHAR"``."""
    _check_unit(unit)
    return apply(StringLength(unit), string_tensor(input), name=name)
