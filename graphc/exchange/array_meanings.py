"""What TensorFlow's nodes on TensorArrays and lists of tensors mean: rows of the table in ``meanings``.

Where TensorFlow passes a handle, a flow or a list from node to node, a :class:`graphc.TensorArray` is passed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.exchange.foreign import Unreadable
from graphc.exchange.meanings import Meaning
from graphc.ops import elementwise as e
from graphc.ops.arrays import tile
from graphc.ops.reshaping import expand_dims, shape
from graphc.ops.shape_values import static_sizes
from graphc.ops.state import no_op
from graphc.tensor_array import TensorArray


def _new(node: Any) -> Any:
    """A handle and a flow: both are the array."""
    array = TensorArray(
        node.attr("dtype"), node.inputs[0], node.attr("dynamic_size", False),
        element_shape=node.attr("element_shape"), name=node.name,
    )  # fmt: skip
    return [array, array]


def _reserved(node: Any) -> Any:
    element_shape, size = node.inputs
    return TensorArray(node.attr("element_dtype"), size, element_shape=_sizes(element_shape), name=node.name)


def _sizes(element_shape: Any) -> Any:
    """A shape that is given as numbers, -1 for a size that is not known."""
    known = static_sizes(element_shape)
    if known is None or (known == (-1,) and element_shape.type.shape == ()):
        return None
    return [None if size == -1 else size for size in known]


def _from_tensor(node: Any) -> Any:
    rows, element_shape = node.inputs
    array = TensorArray(rows.dtype, shape(rows)[0], element_shape=_sizes(element_shape))
    return array.unstack(rows, name=node.name)


def _array(node: Any, place: int) -> TensorArray:
    array = node.inputs[place]
    if not isinstance(array, TensorArray):
        raise Unreadable("its array does not come from a node that makes arrays")
    return array


def _scatter(node: Any) -> Any:
    _, indices, rows, _ = node.inputs
    array = _array(node, 3)
    return array.unstack(rows, name=node.name) if _is_count(indices) else array.scatter(indices, rows, name=node.name)


def _gather(node: Any) -> Any:
    indices, array = node.inputs[1], _array(node, 2)
    if _is_count(indices, array):
        return array.stack(name=node.name)
    return array.gather(indices, name=node.name)


def _is_count(indices: Any, array: TensorArray | None = None) -> bool:
    """Whether the indices are 0, 1, 2, ..., as stack and unstack ask for; with an array, to its end."""
    made = indices.op
    if made.type == "Const":
        value = made.kind.value
        whole = array is None or static_sizes(array.size()) == (value.size,)
        return whole and np.array_equal(value, np.arange(value.size))
    if made.type != "Range" or [static_sizes(made.inputs[place]) for place in (0, 2)] != [(0,), (1,)]:
        return False
    return array is None or _past_copies(made.inputs[1]) is _past_copies(array.size())


def _past_copies(tensor: Any) -> Any:
    while tensor.op.type == "Identity":
        (tensor,) = tensor.op.inputs
    return tensor


def _flow(place: int, method: str) -> Meaning:
    """A method of the array among the inputs, with those between the handle and the flow."""

    def row(node: Any) -> Any:
        return getattr(_array(node, place), method)(*node.inputs[1:place], name=node.name)

    return row


def _concat(node: Any) -> Any:
    array = _array(node, 1)
    length = e.cast(shape(array.flow)[1:2], dtypes.int64)
    return [array.concat(name=node.name), tile(length, expand_dims(array.size(), 0))]


def _sized(place: int) -> Meaning:
    def row(node: Any) -> Any:
        return _array(node, place).size()

    return row


def _set(node: Any) -> Any:
    _, index, item = node.inputs
    return _array(node, 0).write(index, item, name=node.name)


def _get(node: Any) -> Any:
    return _array(node, 0).read(node.inputs[1], name=node.name)


def _stacked(node: Any) -> Any:
    return _array(node, 0).stack(name=node.name)


def _closed(node: Any) -> Any:
    return no_op(name=node.name)


ARRAY_MEANINGS: dict[str, Meaning] = {
    "TensorArrayV3": _new,
    "TensorArrayReadV3": _flow(2, "read"),
    "TensorArrayWriteV3": _flow(3, "write"),
    "TensorArrayScatterV3": _scatter,
    "TensorArrayGatherV3": _gather,
    "TensorArrayConcatV3": _concat,
    "TensorArraySplitV3": _flow(3, "split"),
    "TensorArraySizeV3": _sized(1),
    "TensorArrayCloseV3": _closed,
    "TensorListReserve": _reserved,
    "TensorListFromTensor": _from_tensor,
    "TensorListSetItem": _set,
    "TensorListGetItem": _get,
    "TensorListStack": _stacked,
    "TensorListLength": _sized(0),
}
