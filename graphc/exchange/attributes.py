"""What stands in the messages of graphs: shapes, arrays and attribute values, from Python values and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.checkpoints.values import BFLOAT16, ENUMS, NUMPY, STRING, widened_bfloat16
from graphc.dtypes import DType
from graphc.exchange.schema import message
from graphc.shapes import Shape

Array = np.ndarray[Any, Any]
# The field of a TensorProto that holds the values of a type, where tensor_content does not.
_FIELDS = {
    1: "float_val", 2: "double_val", 3: "int_val", 4: "int_val", 5: "int_val", 6: "int_val", 8: "scomplex_val",
    9: "int64_val", 10: "bool_val", 17: "int_val", 18: "dcomplex_val", 19: "half_val", 22: "uint32_val",
    23: "uint64_val", STRING: "string_val", BFLOAT16: "half_val",
}  # fmt: skip
_LISTS = {"type": "type", "shape": "shape", "i": "i", "f": "f", "b": "b", "s": "s", "tensor": "tensor", "func": "func"}


def shape_message(shape: Shape) -> Any:
    """A TensorShapeProto: unknown sizes, also those that only have a name, are -1."""
    found = message("TensorShapeProto")()
    if shape is None:
        found.unknown_rank = True
        return found
    for size in shape:
        found.dim.add(size=size if isinstance(size, int) else -1)
    return found


def shape_from(found: Any) -> Shape:
    """The shape that a TensorShapeProto says."""
    return None if found.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in found.dim)


def dtype_number(dtype: Any) -> int:
    """TensorFlow's number of an element type."""
    return dtypes.as_dtype(dtype).as_datatype_enum


def dtype_from(number: int) -> DType:
    """The element type of this number, or of a reference to it; ``TypeError`` where graphc has it not."""
    return dtypes.as_dtype(number - 100 if number > 100 else number)


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False) -> Any:
    """A TensorProto of an array, or of what makes one; strings as bytes. ``TypeError`` for types that it has not."""
    array = np.asarray(values)
    if dtype is not None and array.dtype.kind not in "OSU":
        array = array.astype(dtypes.as_dtype(dtype).numpy)
    elif array.dtype == np.float64 and not isinstance(values, (np.ndarray, np.generic)):
        array = array.astype(np.float32)  # Python's numbers are narrow in TensorFlow
    elif array.dtype == np.int64 and not isinstance(values, (np.ndarray, np.generic)):
        array = array.astype(np.int32)
    if verify_shape and shape is not None and array.shape != tuple(shape):
        raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {array.shape}.")
    found = message("TensorProto")()
    found.tensor_shape.CopyFrom(shape_message(array.shape if shape is None else tuple(shape)))
    if array.dtype.kind in "OSU":
        found.dtype = STRING
        found.string_val.extend(item.encode() if isinstance(item, str) else bytes(item) for item in array.reshape(-1))
        return found
    if array.dtype not in ENUMS:
        raise TypeError(f"a TensorProto cannot hold values of the type {array.dtype}")
    found.dtype = ENUMS[array.dtype]
    found.tensor_content = array.astype(array.dtype.newbyteorder("<"), order="C").tobytes()
    return found


def make_ndarray(tensor: Any) -> Array:
    """The array that a TensorProto holds; strings as bytes. ``TypeError`` for types that NumPy has not."""
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    number = tensor.dtype
    if number not in _FIELDS:
        raise TypeError(f"a TensorProto of the type {number} is not read")
    if tensor.tensor_content:
        if number == BFLOAT16:
            return widened_bfloat16(tensor.tensor_content).reshape(shape)
        return np.frombuffer(tensor.tensor_content, NUMPY[number]).reshape(shape).copy()
    given = list(getattr(tensor, _FIELDS[number]))
    if number in (19, BFLOAT16):
        data = np.array(given, "<u2")
        array: Array = data.view(np.float16) if number == 19 else widened_bfloat16(data.tobytes())
    elif number in (8, 18):  # the parts one after the other
        array = np.array(given, np.float32 if number == 8 else np.float64).view(NUMPY[number])
    else:
        array = np.array(given, object if number == STRING else NUMPY[number])
    count = int(np.prod(shape))
    if len(array) < count:  # the last value given stands for all that are not
        rest = array[-1] if len(array) else (b"" if number == STRING else 0)
        array = np.concatenate([array, np.full(count - len(array), rest, array.dtype)])
    return array.reshape(shape)


def set_attribute(node: Any, key: str, value: Any) -> None:
    """Sets an attribute of a NodeDef: the Python type of the value says which sort it is."""
    found = node.attr[key]
    if isinstance(value, list):
        found.list.SetInParent()
        for item in value:
            sort, plain = _sorted_out(item)
            getattr(found.list, sort).append(plain)
        return
    sort, plain = _sorted_out(value)
    if sort in ("shape", "tensor", "func"):
        getattr(found, sort).CopyFrom(plain)
    else:
        setattr(found, sort, plain)


class Sized:
    """A shape as an attribute, which a tuple could not say of a rank that is unknown."""

    def __init__(self, shape: Shape):
        self.shape = shape


def _sorted_out(value: Any) -> tuple[str, Any]:
    """The field of an AttrValue, and the value as it stands there."""
    if isinstance(value, bool):
        return "b", value
    if isinstance(value, int):
        return "i", value
    if isinstance(value, float):
        return "f", value
    if isinstance(value, str):
        return "s", value.encode()
    if isinstance(value, bytes):
        return "s", value
    if isinstance(value, DType):
        return "type", dtype_number(value)
    if isinstance(value, Sized):
        return "shape", shape_message(value.shape)
    if isinstance(value, np.ndarray):
        return "tensor", make_tensor_proto(value)
    raise TypeError(f"an attribute cannot be {value!r}")


def attribute_value(found: Any) -> Any:
    """An AttrValue as a Python value; tensors as arrays, shapes as tuples. ``TypeError`` for types graphc has not."""
    sort = found.WhichOneof("value")
    if sort is None:
        return None
    if sort == "list":
        for name in _LISTS:
            items = getattr(found.list, name)
            if items:
                return [_plain(name, item) for item in items]
        return []
    return _plain(sort, getattr(found, sort))


def _plain(sort: str, value: Any) -> Any:
    if sort == "s":
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if sort == "shape":
        return shape_from(value)
    if sort == "type":
        return dtype_from(value)
    return make_ndarray(value) if sort == "tensor" else value
