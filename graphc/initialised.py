"""``tf.report_uninitialized_variables`` and its kin: which variables hold no value yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Operation, Tensor
from graphc.ops.base import constant
from graphc.ops.host import host_call
from graphc.ops.state import group, is_variable_initialized
from graphc.scopes import name_scope
from graphc.shapes import TensorType
from graphc.variables import global_variables, local_variables


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Tensor:
    """The names of those of ``var_list`` that hold no value: strings [n]. By default of all global and local ones."""
    variables = list([*global_variables(), *local_variables()] if var_list is None else var_list)
    names = np.array([variable.op.name.encode() for variable in variables], object)
    with name_scope(name):
        if not variables:
            return constant([], dtypes.string, name="none")
        flags = [is_variable_initialized(variable) for variable in variables]
        found = host_call(
            lambda *known: names[~np.array(known, bool)], flags, [TensorType(dtypes.string, (None,))], "BooleanMask"
        )
        return found.outputs[0]


def assert_variables_initialized(var_list: Any = None) -> Operation | None:
    """Fails with ``errors.FailedPreconditionError`` where a variable holds no value; None for none."""
    variables = list([*global_variables(), *local_variables()] if var_list is None else var_list)
    return group(*(variable.read_value() for variable in variables)) if variables else None
