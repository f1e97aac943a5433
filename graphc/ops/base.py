"""What every op stands on: constants, conversion of Python values to tensors, and declaring a node."""

from __future__ import annotations

import math
import numbers
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim
from graphc.dtypes import DType
from graphc.errors import InvalidDeclaration, brief
from graphc.graph import Graph
from graphc.mistakes import tell_line, telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import Dimension, TensorShape, TensorType, as_shape, shape_text


def declare(kind: Op, *inputs: Tensor, name: str | None = None) -> Operation:
    """The node ``kind`` of ``inputs``, added to their graph (the default graph where there are none)."""
    return graph_of(inputs).declare(kind, inputs, name)


def apply(kind: Op, *inputs: Tensor, name: str | None = None) -> Tensor:
    """The only output of the node ``kind`` of ``inputs``."""
    return graph_of(inputs).declare(kind, inputs, name).outputs[0]


def graph_of(inputs: Sequence[Tensor]) -> Graph:
    """The graph of the first tensor, or the body in it that is being declared; else the default graph."""
    return inputs[0].op.graph.current if inputs else get_default_graph()


@record(eq=False)
class Const(Op):
    """A value known while declaring. Equal bytes of equal type are the same constant."""

    value: np.ndarray[Any, Any]

    def infer(self) -> TensorType:
        return TensorType(dtypes.as_dtype(self.value.dtype), self.value.shape)

    def evaluate(self) -> Any:
        return self.value

    def attributes(self) -> dict[str, Any]:
        if self.value.size <= 8 and self.value.dtype.kind != "O":
            return {"value": np.array2string(self.value, separator=",", threshold=8).replace("\n", "")}
        return {"value": f"<{self.value.size} elements {self._digest}>"}

    @cached_property
    def _digest(self) -> str:
        # A checksum tells most constants apart at once; hashlib would load OpenSSL with `import graphc`.
        return f"{zlib.crc32(self._held()):08x}"

    def _held(self) -> bytes:
        value = np.ascontiguousarray(self.value)
        return repr(value.tolist()).encode() if value.dtype.kind == "O" else value.tobytes()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Const) or self.value.dtype != other.value.dtype:
            return False
        is_alike = self.value.shape == other.value.shape and self._digest == other._digest
        return is_alike and self._held() == other._held()

    def __hash__(self) -> int:
        return hash((self.value.dtype.char, self.value.shape, self._digest))


@record(eq=False)
class Placeholder(Op):
    """A value that is fed when the graph runs."""

    by_identity = True
    dtype: DType
    shape: Any = None

    def infer(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def attributes(self) -> dict[str, Any]:
        return {}


@record(eq=False)
class PlaceholderWithDefault(Op):
    """``input`` unless a value is fed in its place."""

    by_identity = True
    shape: Any = None

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(x.dtype, self.shape)

    def evaluate(self, x: Any) -> Any:
        return x

    def gradient(self, node: Operation, grad: Tensor) -> tuple[Tensor]:
        return (grad,)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The default: a value that is fed is an input of its own."""
        return inputs[0]


@telling_line
def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value of this type that each run must be fed; unknown sizes are None."""
    return apply(Placeholder(dtypes.as_dtype(dtype), as_shape(shape)), name=name)


@telling_line
def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input`` unless a run is fed another value; ``shape`` says which sizes may be fed."""
    value = convert_to_tensor(input)
    return apply(PlaceholderWithDefault(as_shape(shape)), value, name=name)


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const", verify_shape: bool = False
) -> Tensor:
    """A constant tensor; with ``shape``, the last value given is repeated to fill it (TensorFlow's rule)."""
    try:
        array = as_array(value, dtype)
        if shape is not None:
            array = _fill(array, as_shape(shape), verify_shape)
    except (ValueError, TypeError) as error:
        told = type(error)(f"constant '{name}': {error}" if name and name != "Const" else str(error))
        if graph_of([])._standing_for is None:
            tell_line(told)
        raise told from None
    return apply(Const(array), name=name or "Const")


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None
) -> Tensor:
    """``value`` as a tensor: a tensor or variable as it is, anything else as a constant.

    ``TypeError`` where the dtype does not fit, ``ValueError`` where there is no such array.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    converter = getattr(value, "_as_tensor", None)
    if converter is not None:
        value = converter()
    elif _convertible and isinstance(value, _convertible):
        value = _converted(value, wanted, name)
    if isinstance(value, Tensor):
        if wanted is not None and value.dtype is not wanted:
            raise ValueError(
                f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {value.dtype.name}: {value}"
            )
        return value
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        return _pack(value, wanted, name)
    hint = preferred_dtype if dtype_hint is None else dtype_hint
    if wanted is None and hint is not None:
        try:
            return constant(value, hint, name=name)
        except (TypeError, ValueError):
            pass
    return constant(value, wanted, name=name)


def convert_together(*values: Any, names: Sequence[str] = ()) -> tuple[Tensor, ...]:
    """The values as tensors of one dtype: that of the first which is a tensor already, else of the first value."""
    anchor = next((v for v in values if is_tensor_like(v)), None)
    if anchor is None:
        anchor = convert_to_tensor(values[0])
        values = (anchor, *values[1:])
    dtype = convert_to_tensor(anchor).dtype
    return tuple(v if isinstance(v, Tensor) else _convert_beside(v, dtype) for v in values)


def _convert_beside(value: Any, dtype: DType) -> Tensor:
    return convert_to_tensor(value) if is_tensor_like(value) else convert_to_tensor(value, dtype)


def is_tensor_like(value: Any) -> bool:
    """Whether ``value`` is a tensor or stands for one: a variable, or an object of a type with a conversion."""
    return isinstance(value, Tensor) or hasattr(value, "_as_tensor") or isinstance(value, _convertible)


def is_tensor(x: Any) -> bool:
    """Whether this is a tensor, a variable, or of a type whose conversion is registered."""
    return is_tensor_like(x)


def register_tensor_conversion_function(
    base_type: Any, conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """Objects of ``base_type`` become tensors by ``conversion_func(value, dtype=None, name=None, as_ref=False)``.

    Where several types fit, the smaller priority comes first, then what was registered first; a function that returns
    ``NotImplemented`` leaves the object to the next. ``TypeError`` unless these are types and a function.
    """
    global _convertible
    kinds = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(kind, type) for kind in kinds):
        raise TypeError(f"base_type must be a type or a tuple of types, not {base_type!r}")
    if not callable(conversion_func):
        raise TypeError(f"conversion_func must be callable, not {conversion_func!r}")
    _conversions.append((priority, kinds, conversion_func))
    _conversions.sort(key=lambda known: known[0])  # keeps the order of equals
    _convertible = tuple(kind for _, kinds, _ in _conversions for kind in kinds)


_conversions: list[tuple[int, tuple[type, ...], Callable[..., Any]]] = []
_convertible: tuple[type, ...] = ()


def _converted(value: Any, dtype: DType | None, name: str | None) -> Any:
    """What the registered conversions make of ``value``: a tensor, or the value itself."""
    for _, kinds, function in _conversions:
        if isinstance(value, kinds):
            found = function(value, dtype=dtype, name=name, as_ref=False)
            if found is NotImplemented:
                continue
            if not isinstance(found, Tensor):
                raise RuntimeError(f"Conversion function {function!r} for type {kinds} returned non-Tensor: {found!r}")
            return found
    return value


def as_array(value: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """``value`` as a NumPy array by TensorFlow's rules: Python floats are float32, whole numbers int32."""
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, TensorShape):
        value = value.as_list()
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            array = dtypes.as_bytes(value)
        if wanted is None:
            return _frozen(array.astype(dtypes.as_dtype(array.dtype).numpy))
        return _frozen(_cast_checked(array, wanted, value))
    array = _plain_array(value)
    if wanted is None:
        wanted = _default_dtype(array, value)
    return _frozen(_cast_checked(array, wanted, value))


def _plain_array(value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Dimension):
        value = int(value)
    elif isinstance(value, (list, tuple)) and any(isinstance(v, Dimension) for v in value):
        value = [int(v) if isinstance(v, Dimension) else v for v in value]
    try:
        array = np.array(value)
    except UnicodeDecodeError:  # bytes beside text
        return dtypes.as_bytes(value)
    except ValueError:
        raise ValueError(f"Argument must be a dense array: {brief(value)} has rows of different lengths") from None
    if array.dtype.kind in "SU":
        return dtypes.as_bytes(value)  # NumPy's own fixed widths lose zero bytes at the end
    if value is None:
        raise ValueError("None values not supported.")
    if array.dtype == object or array.dtype.kind not in "fiubc":
        raise TypeError(f"cannot make a tensor of {brief(value)} ({type(value).__name__})")
    return array


def _default_dtype(array: np.ndarray[Any, Any], value: Any) -> DType:
    holds_numpy = isinstance(value, (list, tuple)) and any(isinstance(v, (np.generic, np.ndarray)) for v in value)
    if holds_numpy:
        return dtypes.as_dtype(array.dtype)
    if array.dtype.kind == "f":
        return dtypes.float32
    if array.dtype.kind == "c":
        return dtypes.complex128
    if array.dtype.kind in "bO":
        return dtypes.bool if array.dtype.kind == "b" else dtypes.string
    limits = np.iinfo(np.int32)
    fits = array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max)
    if array.size == 0:
        return dtypes.float32
    return dtypes.int32 if fits else dtypes.int64


def _cast_checked(array: np.ndarray[Any, Any], wanted: DType, value: Any) -> np.ndarray[Any, Any]:
    """``array`` as ``wanted``; a fraction never silently becomes a whole number, nor anything a bool."""
    kind = array.dtype.kind
    loses = (
        (kind == "c" and not wanted.is_complex)
        or (wanted.is_integer and kind not in "iu")
        or (wanted.is_bool != (kind == "b"))
    )
    if array.size and (loses or wanted.is_string != (kind == "O")):
        raise TypeError(f"Expected {wanted.name}, got {brief(value)} of type '{type(value).__name__}' instead.")
    if wanted.is_integer and array.size and isinstance(value, (int, list, tuple)):
        limits = np.iinfo(wanted.numpy)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise ValueError(f"{value!r} is outside the range of {wanted.name} [{limits.min}, {limits.max}]")
    return array.astype(wanted.numpy)


def _frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = np.array(array, order="C", copy=True)
    array.flags.writeable = False
    return array


def _fill(array: np.ndarray[Any, Any], shape: Any, verify_shape: bool) -> np.ndarray[Any, Any]:
    if shape is None or any(not isinstance(size, int) for size in shape):
        raise ValueError(f"a constant needs a fully known shape, not {shape_text(shape)}")
    if verify_shape and array.shape != shape:
        raise TypeError(f"Expected Tensor's shape: {shape}, got {array.shape}.")
    count = math.prod(shape)
    if array.size > count:
        raise ValueError(
            f"Too many elements provided. Needed at most {count} for the shape {shape_text(shape)} of a constant, but "
            f"received {array.size}"
        )
    if array.size == 0 and count:
        raise ValueError(f"a constant of shape {shape} needs at least one value")
    flat = array.reshape(-1)
    try:
        padding = np.repeat(flat[-1:], count - flat.size)
        return _frozen(np.concatenate([flat, padding]).reshape(shape))
    except (MemoryError, OverflowError, ValueError):
        raise ValueError(
            f"a constant of shape {shape_text(shape)} takes {count * array.itemsize} bytes, more than there is; "
            "tf.fill makes one value's copies when the graph runs"
        ) from None


def _holds_tensors(values: Any) -> bool:
    return any(is_tensor_like(v) or (isinstance(v, (list, tuple)) and _holds_tensors(v)) for v in values)


def _pack(values: Sequence[Any], dtype: DType | None, name: str | None) -> Tensor:
    from graphc.ops.arrays import stack  # arrays stands on base

    if dtype is None:
        found = next(v for v in _leaves(values) if is_tensor_like(v))
        dtype = convert_to_tensor(found).dtype
    return stack([convert_to_tensor(v, dtype) for v in values], name=name or "packed")


def _leaves(values: Any) -> Any:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        else:
            yield value


def is_scalar_number(value: Any) -> bool:
    """Whether ``value`` is a plain Python or NumPy number."""
    return isinstance(value, numbers.Number) and not isinstance(value, Dim)


def axis_of(x: Tensor, axis: int, called: str, extra: int = 0) -> int:
    """``axis`` counted from the front, of ``x`` or of a result with ``extra`` more axes; ``ValueError`` outside."""
    assert x.type.rank is not None
    rank = x.type.rank + extra
    if not -rank <= axis < rank:
        raise ValueError(f"{called} of {x.op.describe()}: axis {axis} is not in [{-rank}, {rank}) for {x.type}")
    return axis + rank if axis < 0 else axis


def scan_axis_of(x: Tensor, axis: int, called: str) -> int:
    """``axis`` of a running sum or product counted from the front; ``InvalidDeclaration`` where it is none."""
    try:
        return axis_of(x, axis, called)
    except ValueError as error:
        rank = x.type.rank
        raise InvalidDeclaration(f"{error}: Expected scan axis in the range [-{rank}, {rank})") from None


def check_dtype(type: TensorType, allowed: Sequence[DType], what: str) -> None:
    """``TypeError`` unless the dtype is one of ``allowed``."""
    if type.dtype not in allowed:
        names = ", ".join(dtype.name for dtype in allowed)
        raise TypeError(f"{what} has type {type}; wanted one of {names}")


def check_same_dtype(types: Sequence[TensorType]) -> DType:
    """The common dtype; ``TypeError`` where they differ, naming all."""
    if any(type.dtype is not types[0].dtype for type in types):
        listed = " and ".join(str(type) for type in types)
        raise TypeError(f"inputs have different dtypes: {listed}; convert one with tf.cast")
    return types[0].dtype
