"""Variables by their handles: a place that is declared without a first value, and what reads and changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.nodes import Operation, Tensor
from graphc.ops import state, state_scatter
from graphc.ops.lookup import gather
from graphc.ops.reshaping import shape as _shape
from graphc.scopes import get_default_graph
from graphc.shapes import as_shape

_SHARED = "places by shared name"


def var_handle_op(
    dtype: Any, shape: Any, container: str = "", shared_name: str = "", allowed_devices: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The place of a variable; the same one wherever ``shared_name`` is given again."""
    with get_default_graph().outside() as graph:
        shared: dict[tuple[str, str], Tensor] = graph.extras.setdefault(_SHARED, {})
        key = (container, shared_name)
        if not shared_name or key not in shared:
            kind, label = dtypes.as_dtype(dtype), name or shared_name or "VarHandleOp"
            shared[key] = state.variable_node(kind, as_shape(shape), label)
        return shared[key]


def read_variable_op(resource: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The value of the variable at this place in the order of effects."""
    place = state.handle_of(resource)
    if place.dtype is not dtypes.as_dtype(dtype):
        wanted = dtypes.as_dtype(dtype).name
        raise ValueError(f"ReadVariableOp of {place.op.describe()}: its dtype is {place.dtype.name}, not {wanted}")
    return state.read(place, name=name or "ReadVariableOp")


def assign_variable_op(resource: Any, value: Any, validate_shape: bool = False, name: str | None = None) -> Operation:
    """``variable := value``."""
    return state.assign(resource, value, name=name or "AssignVariableOp").op


def assign_add_variable_op(resource: Any, value: Any, name: str | None = None) -> Operation:
    """``variable := variable + value``."""
    return state.assign_add(resource, value, name=name or "AssignAddVariableOp").op


def assign_sub_variable_op(resource: Any, value: Any, name: str | None = None) -> Operation:
    """``variable := variable - value``."""
    return state.assign_sub(resource, value, name=name or "AssignSubVariableOp").op


def var_is_initialized_op(resource: Any, name: str | None = None) -> Tensor:
    """Whether the Session holds a value for the variable."""
    return state.is_variable_initialized(resource, name=name)


def variable_shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """The shape of the variable."""
    return _shape(state.read(state.handle_of(input)), out_type=out_type, name=name or "VariableShape")


def destroy_resource_op(resource: Any, ignore_lookup_error: bool = True, name: str | None = None) -> Operation:
    """``NotImplementedError``: a variable lives as long as its Session."""
    raise NotImplementedError("DestroyResourceOp: a variable lives as long as its Session; close the Session instead")


def resource_gather(
    resource: Any, indices: Any, dtype: Any, batch_dims: int = 0, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The rows of the variable at ``indices``."""
    return gather(read_variable_op(resource, dtype), indices, batch_dims=batch_dims, name=name or "ResourceGather")


def _scatter(function: Callable[..., Tensor], called: str) -> Callable[..., Operation]:
    def change(resource: Any, indices: Any, updates: Any, name: str | None = None) -> Operation:
        return function(resource, indices, updates, name=name or called).op

    change.__doc__ = f"{function.__doc__} The result is the operation."
    return change


def _scatter_nd(function: Callable[..., Tensor], called: str) -> Callable[..., Operation]:
    def change(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Operation:
        return function(ref, indices, updates, name=name or called).op

    change.__doc__ = f"{function.__doc__} The result is the operation."
    return change


resource_scatter_add = _scatter(state_scatter.scatter_add, "ResourceScatterAdd")
resource_scatter_div = _scatter(state_scatter.scatter_div, "ResourceScatterDiv")
resource_scatter_max = _scatter(state_scatter.scatter_max, "ResourceScatterMax")
resource_scatter_min = _scatter(state_scatter.scatter_min, "ResourceScatterMin")
resource_scatter_mul = _scatter(state_scatter.scatter_mul, "ResourceScatterMul")
resource_scatter_sub = _scatter(state_scatter.scatter_sub, "ResourceScatterSub")
resource_scatter_update = _scatter(state_scatter.scatter_update, "ResourceScatterUpdate")
resource_scatter_nd_add = _scatter_nd(state_scatter.scatter_nd_add, "ResourceScatterNdAdd")
resource_scatter_nd_sub = _scatter_nd(state_scatter.scatter_nd_sub, "ResourceScatterNdSub")
resource_scatter_nd_update = _scatter_nd(state_scatter.scatter_nd_update, "ResourceScatterNdUpdate")
