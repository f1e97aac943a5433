"""Operations that are run when a SavedModel is loaded."""

from __future__ import annotations

from graphc.nodes import Operation
from graphc.ops.state import group
from graphc.scopes import control_dependencies
from graphc.variables import global_variables_initializer, local_variables_initializer


def main_op() -> Operation:
    """Gives all variables their first values."""
    return group(global_variables_initializer(), local_variables_initializer())


def main_op_with_restore(restore_op_name: str) -> Operation:
    """Initialises local variables after the operation of this name, which restores the others."""
    with control_dependencies([main_op()]):
        return group(restore_op_name)
