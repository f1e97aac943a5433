"""Variables and what changes them. Their values live in the Session.

Within one run a read sees the value from before the run, unless a control dependency or the output of an
assignment puts it after a write. Capture turns these kinds into plain values passed in and out of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, convert_to_tensor, declare, is_tensor_like
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import Shape, TensorType, is_compatible, merge, shape_text


@record(eq=False)
class VariableV2(Op):
    """A place in the Session that keeps a value from run to run; as a value, what it holds before the run."""

    by_identity = True
    dtype: DType
    shape: Shape

    def infer(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def attributes(self) -> dict[str, Any]:
        return {}


@record(eq=False)
class ReadVariable(Op):
    """The value of a variable at this place in the order of effects."""

    by_identity = True
    type = "ReadVariableOp"

    def infer(self, variable: TensorType) -> TensorType:
        return variable

    def evaluate(self, variable: Any) -> Any:
        return variable

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [grad]


@record(eq=False)
class Assign(Op):
    """``variable := value``; the output is the value after the assignment."""

    by_identity = True
    has_effect = True
    validate_shape: bool = True

    def infer(self, variable: TensorType, value: TensorType) -> TensorType:
        _check_assignable(variable, value, self.validate_shape)
        if self.validate_shape:
            return TensorType(variable.dtype, merge(variable.shape, value.shape))
        return value

    def new_value(self, old: Tensor, value: Tensor) -> Tensor:
        """What the variable holds afterwards."""
        return value

    def checked(self, variable: Operation, value: Tensor) -> Tensor:
        """``value``, which has the shape that the variable was declared with."""
        shape = variable.outputs[0].type.shape
        if value.type.shape == merge(value.type.shape, shape):
            return value
        from graphc.ops.ensured import EnsureShape  # late: of few values the shape is not known

        return apply(EnsureShape(shape, variable.name, self.validate_shape), value)


@record(eq=False)
class AssignAdd(Assign):
    """``variable := variable + value``."""

    def new_value(self, old: Tensor, value: Tensor) -> Tensor:
        return old + value


@record(eq=False)
class AssignSub(Assign):
    """``variable := variable - value``."""

    def new_value(self, old: Tensor, value: Tensor) -> Tensor:
        return old - value


@record(eq=False)
class IsVariableInitialized(Op):
    """Whether the Session holds a value for the variable before the run."""

    by_identity = True

    def infer(self, variable: TensorType) -> TensorType:
        return TensorType(dtypes.bool, ())


@record(eq=False)
class InitializedValue(Op):
    """What the variable holds before the run where it is initialised, else ``first``, which its initializer gives it.

    In a run of that initializer it is ``first`` too, so that variables are set together in any order.
    """

    by_identity = True

    def infer(self, variable: TensorType, first: TensorType) -> TensorType:
        return variable


@record(eq=False)
class NoOp(Op):
    """Nothing; a node that others wait for."""

    by_identity = True
    has_effect = True

    def infer(self) -> tuple[TensorType, ...]:
        return ()

    def evaluate(self) -> tuple[np.ndarray[Any, Any], ...]:
        return ()


def _check_assignable(variable: TensorType, value: TensorType, validate_shape: bool) -> None:
    if variable.dtype is not value.dtype:
        raise TypeError(f"cannot assign {value} to a variable of type {variable}; convert it with tf.cast")
    if validate_shape and not is_compatible(variable.shape, value.shape):
        raise ValueError(f"cannot assign {value} to a variable of shape {shape_text(variable.shape)}")


def variable_node(dtype: Any, shape: Shape, name: str | None) -> Tensor:
    """The place of a new variable; ``NotImplementedError`` for strings, which no native code holds."""
    if dtypes.as_dtype(dtype).is_string:
        called = (name or "Variable").rstrip("/")
        raise NotImplementedError(
            f"variable '{called}': variables hold numbers; keep strings in a tf.constant or behind tf.py_func"
        )
    return apply(VariableV2(dtypes.as_dtype(dtype), shape), name=name or "Variable")


def read(variable: Tensor, name: str | None = None) -> Tensor:
    """The value of the variable at this place in the order of effects."""
    return apply(ReadVariable(), variable, name=name)


def handle_of(ref: Any) -> Tensor:
    """The place of a variable given as a Variable or as the output of an assignment; ``TypeError`` otherwise."""
    handle = getattr(ref, "_handle", None)
    if handle is None and isinstance(ref, Tensor):
        handle = ref
        while isinstance(handle.op.kind, Assign):
            handle = handle.op.inputs[0]
    if handle is None or not isinstance(handle.op.kind, VariableV2):
        raise TypeError(f"only a variable can be assigned to, not {ref!r}")
    return handle


def _assign(kind: Assign, ref: Any, value: Any, name: str | None) -> Tensor:
    handle = handle_of(ref)
    given = value_for(handle, value)
    if not is_compatible(handle.type.shape, given.type.shape):
        if kind.validate_shape:
            raise ValueError(f"cannot assign {given.type} to {_called(handle)}")
        raise NotImplementedError(f"cannot assign {given.type} to {_called(handle)}; {KEEPS_SHAPE}")
    return assigned(kind, ref, [given], name)


# As assign(validate_shape=False) would need it; TensorFlow gives such a variable another shape than its graph says.
KEEPS_SHAPE = "a variable takes other shapes where it is declared with validate_shape=False"


def value_for(handle: Tensor, value: Any) -> Tensor:
    """``value`` as a tensor of the variable's dtype; ``TypeError`` for a tensor of another one, as in TensorFlow."""
    try:
        given = convert_to_tensor(value, None if is_tensor_like(value) else handle.dtype)
    except (ValueError, TypeError) as error:
        raise type(error)(f"cannot assign to {_called(handle)}: {error}") from None
    if given.dtype is not handle.dtype:
        raise TypeError(f"cannot assign {given.type} to {_called(handle)}; convert it with tf.cast")
    return given


def _called(handle: Tensor) -> str:
    return f"variable '{handle.op.name}' of type {handle.type}"


def assigned(kind: Assign, ref: Any, values: Sequence[Tensor], name: str | None) -> Tensor:
    """The variable as an assignment of these values leaves it."""
    handle = handle_of(ref)
    if isinstance(ref, Tensor) and ref is not handle:
        # assigning to the output of an assignment comes after it
        with handle.graph.current.control_dependencies([ref.op]):
            return apply(kind, handle, *values, name=name)
    return apply(kind, handle, *values, name=name)


@telling_line
def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: Any = None, name: str | None = None
) -> Tensor:
    """``ref := value``; the result is the new value, of ``v[2:5]`` the whole one."""
    if isinstance(ref, Tensor) and hasattr(ref, "assign"):
        return ref.assign(value, name=name)
    return _assign(Assign(validate_shape is not False), ref, value, name)


@telling_line
def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """``ref := ref + value``; the result is the new value."""
    return _assign(AssignAdd(), ref, value, name)


@telling_line
def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """``ref := ref - value``; the result is the new value."""
    return _assign(AssignSub(), ref, value, name)


@telling_line
def is_variable_initialized(variable: Any, name: str | None = None) -> Tensor:
    """Whether the Session holds a value for the variable."""
    return apply(IsVariableInitialized(), handle_of(variable), name=name)


def initialized_value(variable: Tensor, first: Tensor, name: str | None = None) -> Tensor:
    """The value of the variable, or ``first`` where it has none."""
    return apply(InitializedValue(), variable, first, name=name)


def no_op(name: str | None = None) -> Operation:
    """A node that does nothing."""
    return declare(NoOp(), name=name)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """A node that is run when all of ``inputs`` (operations, tensors, variables, or lists of them) have run."""
    flat: list[Any] = []
    for item in inputs:
        flat.extend(item if isinstance(item, (list, tuple)) else [item])
    graph = get_default_graph()
    with graph.control_dependencies([getattr(item, "op", item) for item in flat if item is not None]):
        return graph.declare(NoOp(), (), name or "group_deps")
