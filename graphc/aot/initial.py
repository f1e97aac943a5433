"""The entry point that sets the state: the graph's own initialisers, or values of a session kept as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import dtypes, errors
from graphc.aot.description import Field
from graphc.aot.entries import build
from graphc.capture import capture
from graphc.codegen.program import Copy, Program
from graphc.graph import Graph
from graphc.nodes import Operation
from graphc.shapes import TensorType
from graphc.step import Step
from graphc.variables import Variable

if TYPE_CHECKING:  # target loads when a step is compiled
    from graphc.codegen.target import Target


def initial_step(graph: Graph, fields: Sequence[Field]) -> Step:
    """The step that gives every variable its first value."""
    variables: Mapping[Any, Variable] = graph.extras.get("variables", {})
    initialisers = []
    for field in fields:
        if field.is_variable:
            variable = variables.get(field.operation.outputs[0])
            if variable is None:
                raise ValueError(f"{field.operation.describe()} has no initialiser")
            initialisers.append(variable.initializer)
    step = capture((), initialisers, (), fresh=True)
    for tensor in step.feeds:
        raise ValueError(
            f"the first value of a variable depends on {tensor.op.describe()}: give session= to take values from it"
        )
    for operation in step.states:
        if operation.type == "VariableV2":
            raise ValueError(
                f"the first value of a variable reads {operation.describe()}, which has no value yet: "
                "give session= to take values from it"
            )
    return step


def initial_program(graph: Graph, fields: Sequence[Field], target: Target) -> tuple[Step, Program]:
    """The step of `initial_step` as a program."""
    step = initial_step(graph, fields)
    _, program = build(step, {}, target)
    return step, program


def state_of(session: Any, fields: Sequence[Field]) -> bytes:
    """The session's values of all fields, as they stand in an instance (without the padding at the end)."""
    size = max((field.offset + field.bytes for field in fields), default=0)
    image = np.zeros(size, np.uint8)
    with session.lock:
        _copy_state(session, fields, image)
    return image.tobytes()


def _copy_state(session: Any, fields: Sequence[Field], image: np.ndarray[Any, Any]) -> None:
    for field in fields:
        array = session.state.arrays.get(field.operation)
        if field.is_variable and field.operation not in session.state.initialised:
            raise errors.FailedPreconditionError(
                field.operation,
                field.operation,
                f"Attempting to use uninitialized value {field.operation.name} ({field.operation.describe()}); "
                "run its initializer in the session first",
            )
        if array is not None and array.shape != field.type.shape:
            raise ValueError(f"{field.operation.describe()} has shape {array.shape} in the session, not {field.type}")
        if array is not None:
            image[field.offset : field.offset + field.bytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def copying_program(image: bytes) -> Program:
    """A program that copies a constant over the state."""
    type = TensorType(dtypes.uint8, (len(image),))
    program = Program()
    program.constants = [np.frombuffer(image, np.uint8)]
    source, target = program.add_slot("constant", 0, type), program.add_slot("state", 0, type)
    program.actions += [Copy(source, target, len(image))] if image else []
    return program


def temporary_states(operations: Sequence[Operation], fields: Sequence[Field]) -> list[Operation]:
    """The random streams that only initial values draw from: they need memory, but no place in the state."""
    kept = {field.operation for field in fields}
    return [operation for operation in operations if operation not in kept]
