"""``tf.contrib.framework``: default arguments for a block, variables of models, and the global step."""

from graphc import nest
from graphc.contrib.framework.arg_scope import (
    add_arg_scope,
    arg_scope,
    arg_scoped_arguments,
    current_arg_scope,
    has_arg_scope,
)
from graphc.contrib.framework.variables import (
    add_model_variable,
    assign_from_values,
    assign_from_values_fn,
    filter_variables,
    get_local_variables,
    get_model_variables,
    get_trainable_variables,
    get_unique_variable,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    global_variable,
    local_variable,
    model_variable,
    variable,
)
from graphc.lazily import when_named
from graphc.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)

_LATER = {
    "assign_from_checkpoint": "graphc.train.warm_start:assign_from_checkpoint",
    "assign_from_checkpoint_fn": "graphc.train.warm_start:assign_from_checkpoint_fn",
    "init_from_checkpoint": "graphc.train.warm_start:init_from_checkpoint",
    "list_variables": "graphc.checkpoints.reader:list_variables",
    "load_checkpoint": "graphc.checkpoints.reader:load_checkpoint",
    "load_variable": "graphc.checkpoints.reader:load_variable",
    "argsort": "graphc.ops.sorting:argsort",
    "nest": "graphc.nest",
    "sort": "graphc.ops.sorting:sort",
    "python": "graphc.contrib.framework.python",
    "deprecated": "graphc.contrib.framework.marks:deprecated",
    "deprecated_args": "graphc.contrib.framework.marks:deprecated_args",
    "deprecated_arg_values": "graphc.contrib.framework.marks:deprecated_arg_values",
    "get_name_scope": "graphc.contrib.framework.marks:get_name_scope",
    "smart_case": "graphc.contrib.framework.marks:smart_case",
    "is_tensor": "graphc.ops.base:is_tensor",
    "smart_cond": "graphc.contrib.layers.utils:smart_cond",
    "smart_constant_value": "graphc.contrib.layers.utils:constant_value",
}

__getattr__ = when_named(__name__, "graphc.contrib.framework", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "add_arg_scope",
    "add_model_variable",
    "arg_scope",
    "arg_scoped_arguments",
    "assert_global_step",
    "assign_from_values",
    "assign_from_values_fn",
    "create_global_step",
    "current_arg_scope",
    "filter_variables",
    "get_global_step",
    "get_local_variables",
    "get_model_variables",
    "get_or_create_global_step",
    "get_trainable_variables",
    "get_unique_variable",
    "get_variables",
    "get_variables_by_name",
    "get_variables_by_suffix",
    "get_variables_to_restore",
    "global_variable",
    "has_arg_scope",
    "local_variable",
    "model_variable",
    "nest",
    "variable",
]
