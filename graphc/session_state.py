"""What a session holds: the values of its variables, where its random streams are, and which steps know that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.alignment import aligned_array
from graphc.nodes import Operation
from graphc.ops.state import VariableV2
from graphc.shapes import is_compatible

Array = np.ndarray[Any, Any]


class State:
    """The values of a session's variables, and the positions of its random streams."""

    def __init__(self) -> None:
        self.arrays: dict[Operation, Array] = {}
        self.initialised: set[Operation] = set()
        self.version = 0  # grows when an array moves
        self.ways: dict[Any, Any] = {}  # through the session's gate, for steps that know where the arrays are

    def moved(self) -> None:
        """An array is elsewhere than it was."""
        self.version += 1
        self.ways.clear()

    def room(self, operation: Operation, shape: Sequence[int], keep: bool = False) -> Array:
        """The memory of a variable (or random stream), made or moved where the shape asks for it.

        With ``keep``, its elements stand at the beginning: a step reads them there before it writes others.
        """
        array = self.arrays.get(operation)
        if array is None or array.shape != tuple(shape):
            dtype = operation.outputs[0].dtype.numpy if isinstance(operation.kind, VariableV2) else np.dtype(np.int64)
            kept = array.reshape(-1) if array is not None and keep else np.empty(0, dtype)
            count = math.prod(shape)
            fresh = aligned_array([max(count, kept.size)], dtype, operation.describe)
            fresh[: kept.size] = kept
            fresh[kept.size :] = 0
            self.arrays[operation] = array = fresh[:count].reshape(tuple(shape))
            self.moved()
            if not isinstance(operation.kind, VariableV2):
                self.initialised.add(operation)
        return array

    def load(self, operation: Operation, value: Any) -> None:
        """Sets a variable from outside the graph."""
        array = np.asarray(value, operation.outputs[0].dtype.numpy)
        check_loadable(operation, array)
        self.room(operation, array.shape)[...] = array
        self.initialised.add(operation)


def check_loadable(operation: Operation, array: Array) -> None:
    """``ValueError`` unless the array has a shape that the variable can have."""
    tensor = operation.outputs[0]
    if not is_compatible(tensor.type.shape, array.shape):
        raise ValueError(f"cannot load a value of shape {array.shape} into variable '{operation.name}' {tensor.type}")


def uninitialised(missing: Sequence[Operation]) -> errors.FailedPreconditionError:
    """The error of a step that reads these, which have no value."""
    first, others = missing[0], len(missing) - 1
    return errors.FailedPreconditionError(
        first,
        first,
        f"Attempting to use uninitialized value {first.name} ({first.describe()})"
        + (f" and {others} more" if others else "")
        + "; run its initializer first, for example tf.global_variables_initializer()",
    )
