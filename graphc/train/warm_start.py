"""Variables that begin with values of a checkpoint: ``init_from_checkpoint`` and the functions of contrib.framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphc.checkpoints.reader import CheckpointReader, load_checkpoint
from graphc.nodes import Operation, Tensor
from graphc.ops.base import placeholder
from graphc.ops.host import source
from graphc.ops.state import assign, group
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType, is_compatible, shape_text
from graphc.train.saved_names import names_of_variables
from graphc.train.saver import Saver
from graphc.variable_scope import named_variables
from graphc.variables import Variable


def init_from_checkpoint(ckpt_dir_or_file: str, assignment_map: Any) -> None:
    """Lets the initializers of variables give them the values that a checkpoint has.

    ``assignment_map`` goes from names in the file to variables or their names, ``{"old/w": "new/w"}``, or from scope
    to scope, ``{"old/": "new/"}``; "/" is the whole file. ``ValueError`` where the file lacks a name, where a shape
    does not fit, or where there is no such variable.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    variables = named_variables(get_default_graph())
    for name, wanted in sorted(pairs, key=lambda pair: pair[0]):
        if isinstance(wanted, (list, tuple)) and len(wanted) == 1:
            wanted = wanted[0]
        if isinstance(wanted, Variable):
            _begin_with(reader, ckpt_dir_or_file, name, wanted)
        elif wanted in variables:
            _begin_with(reader, ckpt_dir_or_file, name, variables[wanted])
        else:
            for key, variable in _of_scope(name, wanted, variables):
                _begin_with(reader, ckpt_dir_or_file, key, variable)


def _of_scope(name: str, scope: str, variables: Mapping[str, Variable]) -> list[tuple[str, Variable]]:
    if not (name.endswith("/") and scope.endswith("/")):
        raise ValueError(
            f"Assignment map with scope only name {scope} should map to scope only {name}. Should be 'scope/': "
            f"'other_scope/'; and there is no variable '{scope}' made by tf.get_variable."
        )
    inside, prefix = scope.lstrip("/"), name.lstrip("/")
    found = [(prefix + key[len(inside) :], variable) for key, variable in variables.items() if key.startswith(inside)]
    if not found:
        raise ValueError(f"there is no variable in the scope '{scope}' that the assignment map names")
    return found


def _begin_with(reader: CheckpointReader, path: str, name: str, variable: Variable) -> None:
    if not reader.has_tensor(name):
        raise ValueError(f"Tensor {name} (for {variable.name}) is not found in {path} checkpoint")
    shape = tuple(reader.get_variable_to_shape_map()[name])
    found = reader.get_variable_to_dtype_map()[name]
    if found is not variable.dtype:
        raise ValueError(f"Tensor {name} in {path} is of type {found.name}, and {variable.name} {variable.dtype.name}")
    if not is_compatible(variable.op.outputs[0].type.shape, shape):
        raise ValueError(
            f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of tensor {name} "
            f"({shape_text(shape)}) from checkpoint reader."
        )
    with variable.graph.as_default(), variable.graph.control_dependencies(None), variable.graph.name_scope(None):
        # read when it runs: as constants, the values of a large model would swell every description of the graph
        kind, called = TensorType(variable.dtype, shape), f"checkpoint_initializer/{variable.op.name}"
        (value,) = source(lambda: reader.get_tensor(name), [kind], "RestoreV2", called)
        variable.begin_with(value)


def assign_from_checkpoint(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False
) -> tuple[Operation, dict[Any, Any]]:
    """An operation that gives variables the values in a checkpoint, and the feeds that it needs.

    ``var_list`` is as :class:`Saver` has it. ``ValueError`` where the file lacks a variable, unless these are left out.
    """
    reader = CheckpointReader(model_path)
    assignments, feeds = [], {}
    for name, place in names_of_variables(var_list).items():
        if not reader.has_tensor(name):
            if ignore_missing_vars:
                continue
            raise ValueError(f"Checkpoint is missing variable [{name}]")
        variable = place.outputs[0]
        value = _reshaped(reader.get_tensor(name), variable, name)
        fed = placeholder(variable.dtype, value.shape, name=f"{place.name}/from_checkpoint")
        assignments.append(assign(variable, fed).op)
        feeds[fed] = value
    return group(*assignments), feeds


def _reshaped(value: np.ndarray[Any, Any], variable: Tensor, name: str) -> np.ndarray[Any, Any]:
    known = variable.shape
    if not known.is_fully_defined() or known.num_elements() == value.size:
        return value.reshape(known.as_list()) if known.is_fully_defined() else value
    raise ValueError(
        f"Total size of new array must be unchanged for {name} lh_shape: [{value.shape}], rh_shape: [{known}]"
    )


def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None] | None:
    """A function of a session that gives variables the values in a checkpoint; None where all are left out."""
    wanted = names_of_variables(var_list)
    if ignore_missing_vars:
        reader = CheckpointReader(model_path)
        wanted = {name: place for name, place in wanted.items() if reader.has_tensor(name)}
    if not wanted:
        return None
    saver = Saver({name: place.outputs[0] for name, place in wanted.items()}, reshape_variables)
    return lambda session: saver.restore(session, model_path)
