"""Arrays that loops write, by handle and flow; both are the array's ``flow``."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.tensor_array import TensorArray


def _array(flow: Any, dtype: Any) -> TensorArray:
    tensor = convert_to_tensor(flow)
    wanted = dtypes.as_dtype(dtype)
    if tensor.dtype is not wanted:
        raise InvalidArgumentError(
            message=f"TensorArray dtype is {tensor.dtype.name} but Op requested dtype {wanted.name}: "
            + tensor.op.describe()
        )
    return TensorArray(wanted, flow=tensor)


def tensor_array_read(handle: Any, index: Any, flow_in: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The element at ``index``."""
    return _array(flow_in, dtype).read(index, name=name)


def tensor_array_write(handle: Any, index: Any, value: Any, flow_in: Any, name: str | None = None) -> Tensor:
    """The flow of the array with ``value`` at ``index``."""
    return _array(flow_in, convert_to_tensor(value).dtype).write(index, value, name=name).flow


def tensor_array_size(handle: Any, flow_in: Any, name: str | None = None) -> Tensor:
    """The number of elements."""
    flow = convert_to_tensor(flow_in)
    return TensorArray(flow.dtype, flow=flow).size(name=name)
