"""Element types: TensorFlow's names for NumPy's types.

Each type also has a short name (``f32``, ``i64``, ``bool``) by which printed graphs and loops call it.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from graphc.lazily import when_named
from graphc.mistakes import tell_line


class DType:
    """The type of a tensor's elements."""

    __slots__ = ("_kind", "_numpy", "enum", "name", "short", "size")

    def __init__(self, name: str, short: str, enum: int, numpy_type: Any, kind: str = "", size: int = 0):
        self.name = name
        self.short = short
        self.enum = enum
        self._numpy = None if numpy_type is None else np.dtype(numpy_type)
        self._kind = self._numpy.kind if self._numpy else kind
        self.size = self._numpy.itemsize if self._numpy else size  # bytes per element

    @property
    def as_numpy_dtype(self) -> type:
        """The NumPy scalar type, such as ``numpy.float32``."""
        return self.numpy.type

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype object; that of bfloat16 is the package ml_dtypes', ``ImportError`` where it is missing."""
        if self._numpy is None:
            try:
                from ml_dtypes import bfloat16  # not everybody has numbers of this type
            except ImportError:
                raise ImportError(f"{self.name} needs ml_dtypes: pip install 'graphc[bfloat16]'") from None
            self._numpy = np.dtype(bfloat16)
        return self._numpy

    @property
    def base_dtype(self) -> DType:
        """The type itself: graphc has no reference types."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: of real numbers, the type itself."""
        return _PARTS.get(self.enum, self)

    @property
    def as_datatype_enum(self) -> int:
        """TensorFlow's number for this type."""
        return self.enum

    @property
    def is_floating(self) -> builtins.bool:
        """Whether the type holds fractions."""
        return self._kind == "f"

    @property
    def is_integer(self) -> builtins.bool:
        """Whether the type is a whole-number type (bool is not)."""
        return self._kind in "iu"

    @property
    def is_unsigned(self) -> builtins.bool:
        """Whether the type is a whole-number type without sign."""
        return self._kind == "u"

    @property
    def is_bool(self) -> builtins.bool:
        """Whether the type is bool."""
        return self._kind == "b"

    @property
    def is_string(self) -> builtins.bool:
        """Whether the elements are byte strings, which live on the host alone."""
        return self._kind == "O"

    @property
    def is_complex(self) -> builtins.bool:
        """Whether each element is a real and an imaginary part."""
        return self._kind == "c"

    @property
    def has_slope(self) -> builtins.bool:
        """Whether gradients flow through values of this type: floats and complex numbers."""
        return self.is_floating or self.is_complex

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        """Always True."""
        return True

    @property
    def zero(self) -> Any:
        """What an array is filled with: 0, false, or an empty string."""
        return b"" if self.is_string else self.numpy.type(0)

    @property
    def min(self) -> Any:
        """The least finite value; ``TypeError`` for bool, string and complex numbers."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The greatest finite value; ``TypeError`` for bool, string and complex numbers."""
        return self._limits().max

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """Whether a tensor of type ``other`` can stand where this type is wanted: only if equal."""
        return self is as_dtype(other)

    def _limits(self) -> Any:
        if self.is_bool or self.is_string or self.is_complex:
            raise TypeError(f"{self.name} has no least or greatest value")
        if self._numpy is None or self._numpy.kind == "V":
            from ml_dtypes import finfo  # NumPy does not know the type

            return finfo(self.numpy)
        return np.finfo(self.numpy) if self.is_floating else np.iinfo(self.numpy)

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return self.enum

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"


float32 = DType("float32", "f32", 1, np.float32)
float64 = DType("float64", "f64", 2, np.float64)
float16 = DType("float16", "f16", 19, np.float16)
bfloat16 = DType("bfloat16", "bf16", 14, None, kind="f", size=2)
int32 = DType("int32", "i32", 3, np.int32)
uint8 = DType("uint8", "u8", 4, np.uint8)
int16 = DType("int16", "i16", 5, np.int16)
int8 = DType("int8", "i8", 6, np.int8)
int64 = DType("int64", "i64", 9, np.int64)
uint16 = DType("uint16", "u16", 17, np.uint16)
uint32 = DType("uint32", "u32", 22, np.uint32)
uint64 = DType("uint64", "u64", 23, np.uint64)
bool = DType("bool", "bool", 10, np.bool_)
string = DType("string", "string", 7, np.object_)
complex64 = DType("complex64", "c64", 8, np.complex64)
complex128 = DType("complex128", "c128", 18, np.complex128)
half = float16
double = float64

HALVES = (float16, bfloat16)  # stored, and computed in float32
FLOATS = (float32, float64, *HALVES)
INTEGERS = (int32, int64, uint8, int8, int16, uint16, uint32, uint64)
ALL = (*FLOATS, *INTEGERS, bool)  # what native code computes with
NUMBERS = FLOATS + INTEGERS
COMPLEX = (complex64, complex128)  # which native code sees as pairs of floats: passes/complexes.py
RING = NUMBERS + COMPLEX  # whose numbers add and multiply
FIELD = FLOATS + COMPLEX  # whose numbers divide too

KNOWN = (*ALL, string, *COMPLEX)

COMPLEX_OF = {float32: complex64, float64: complex128}  # the types of numbers with such parts
_PARTS = {complex64.enum: float32, complex128.enum: float64}

_BY_NUMPY = {dtype.numpy: dtype for dtype in KNOWN if dtype is not bfloat16}
_BY_NAME = {name: dtype for dtype in KNOWN for name in (dtype.name, dtype.short)}
_BY_NAME |= {"float": float32, "double": float64, "int": int32}  # as in TensorFlow; NumPy's are wider
_BY_PYTHON = {float: float32, int: int32, type(True): bool, str: string, bytes: string}


def as_dtype(type_value: Any) -> DType:
    """The :class:`DType` for a DType, a name, a NumPy type or a Python type; ``TypeError`` otherwise."""
    if isinstance(type_value, DType):
        return type_value
    if isinstance(type_value, str) and type_value in _BY_NAME:
        return _BY_NAME[type_value]
    if isinstance(type_value, type) and type_value in _BY_PYTHON:
        return _BY_PYTHON[type_value]
    if isinstance(type_value, int) and not isinstance(type_value, type(True)):
        for dtype in KNOWN:
            if dtype.enum == type_value:
                return dtype
    try:
        found = np.dtype(type_value)
        if found.kind == "V" and found.name == "bfloat16":
            return bfloat16
        return string if found.kind in "SU" else _BY_NUMPY[found]
    except (TypeError, KeyError):
        known = ", ".join(dtype.name for dtype in KNOWN)
        error = TypeError(f"Cannot convert type_value {type_value!r} to a TensorFlow DType; graphc has {known}")
        tell_line(error)
        raise error from None


def as_bytes(value: Any) -> np.ndarray[Any, Any]:
    """Strings as an array of Python's ``bytes``, text in UTF-8; ``TypeError`` where an element is no string."""
    if type(value) is bytes:
        return np.array(value, object)
    array = np.array(value, object, order="C")
    flat = array.reshape(-1)
    for place, item in enumerate(flat):
        if isinstance(item, str):
            flat[place] = item.encode()
        elif type(item) is not bytes:
            if not isinstance(item, (bytes, bytearray)):
                raise TypeError(f"Expected string, got {item!r} of type '{type(item).__name__}' instead.")
            flat[place] = builtins.bytes(item)
    return array


_LATER = {
    "as_string": "graphc.ops.strings:as_string",
    "cast": "graphc.ops.elementwise:cast",
    "saturate_cast": "graphc.composites:saturate_cast",
}

__getattr__ = when_named(__name__, "graphc.dtypes", _LATER)
