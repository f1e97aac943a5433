"""``tf.contrib.slim``: layers, default arguments and a training loop for models in few lines."""

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
from graphc.contrib.layers.convolution import (
    conv1d,
    conv2d,
    conv2d_in_plane,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    convolution,
    convolution1d,
    convolution2d,
    convolution2d_in_plane,
    convolution2d_transpose,
    convolution3d,
    convolution3d_transpose,
    separable_conv2d,
    separable_convolution2d,
)
from graphc.contrib.layers.dense import (
    fully_connected,
    linear,
    relu,
    relu6,
    repeat,
    stack,
)
from graphc.contrib.layers.embeddings import (
    embed_sequence,
)
from graphc.contrib.layers.initializers import (
    variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)
from graphc.contrib.layers.normalisation import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
)
from graphc.contrib.layers.pooling import (
    avg_pool2d,
    avg_pool3d,
    max_pool2d,
    max_pool3d,
    pool,
)
from graphc.contrib.layers.regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from graphc.contrib.layers.shapes import (
    bias_add,
    dropout,
    flatten,
    maxout,
    one_hot_encoding,
    softmax,
    unit_norm,
)
from graphc.lazily import when_named
from graphc.train.step_counter import (
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)

_LATER = {
    "assign_from_checkpoint": "graphc.train.warm_start:assign_from_checkpoint",
    "assign_from_checkpoint_fn": "graphc.train.warm_start:assign_from_checkpoint_fn",
    "evaluation": "graphc.contrib.slim.evaluation",
    "initializers": "graphc.contrib.layers.initializers",
    "layers": "graphc.contrib.layers",
    "learning": "graphc.contrib.slim.learning",
    "losses": "graphc.contrib.losses",
    "metrics": "graphc.contrib.metrics",
    "model_analyzer": "graphc.contrib.slim.model_analyzer",
    "nets": "graphc.contrib.slim.nets",
    "prefetch_queue": "graphc.contrib.slim.prefetch_queue",
    "python": "graphc.contrib.slim.python",
    "queues": "graphc.contrib.slim.queues",
    "regularizers": "graphc.contrib.layers.regularizers",
    "utils": "graphc.contrib.layers.utils",
    "variables": "graphc.contrib.framework.variables",
}

__getattr__ = when_named(__name__, "graphc.contrib.slim", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "add_arg_scope",
    "add_model_variable",
    "apply_regularization",
    "arg_scope",
    "arg_scoped_arguments",
    "assign_from_values",
    "assign_from_values_fn",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bias_add",
    "conv1d",
    "conv2d",
    "conv2d_in_plane",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "convolution",
    "convolution1d",
    "convolution2d",
    "convolution2d_in_plane",
    "convolution2d_transpose",
    "convolution3d",
    "convolution3d_transpose",
    "create_global_step",
    "current_arg_scope",
    "dropout",
    "embed_sequence",
    "filter_variables",
    "flatten",
    "fully_connected",
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
    "group_norm",
    "has_arg_scope",
    "instance_norm",
    "l1_l2_regularizer",
    "l1_regularizer",
    "l2_regularizer",
    "layer_norm",
    "linear",
    "local_variable",
    "max_pool2d",
    "max_pool3d",
    "maxout",
    "model_variable",
    "one_hot_encoding",
    "pool",
    "relu",
    "relu6",
    "repeat",
    "separable_conv2d",
    "separable_convolution2d",
    "softmax",
    "stack",
    "sum_regularizer",
    "unit_norm",
    "variable",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
]
