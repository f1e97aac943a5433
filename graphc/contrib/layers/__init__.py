"""``tf.contrib.layers``: layers as functions that make their variables, under the names of models of their time."""

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
from graphc.contrib.layers.optimizers import (
    OPTIMIZER_CLS_NAMES,
    OPTIMIZER_SUMMARIES,
    adaptive_clipping_fn,
    optimize_loss,
)
from graphc.contrib.layers.pooling import (
    avg_pool2d,
    avg_pool3d,
    max_pool2d,
    max_pool3d,
    pool,
    spatial_softmax,
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

_LATER = {
    "python": "graphc.contrib.layers.python",
    "add_gradients_summaries": "graphc.contrib.layers.summaries:add_gradients_summaries",
    "safe_embedding_lookup_sparse": "graphc.nn.sparse_lookup:safe_embedding_lookup_sparse",
    "summaries": "graphc.contrib.layers.summaries",
    "summarize_activation": "graphc.contrib.layers.summaries:summarize_activation",
    "summarize_activations": "graphc.contrib.layers.summaries:summarize_activations",
    "summarize_biases": "graphc.contrib.layers.summaries:summarize_biases",
    "summarize_collection": "graphc.contrib.layers.summaries:summarize_collection",
    "summarize_tensor": "graphc.contrib.layers.summaries:summarize_tensor",
    "summarize_tensors": "graphc.contrib.layers.summaries:summarize_tensors",
    "summarize_variables": "graphc.contrib.layers.summaries:summarize_variables",
    "summarize_weights": "graphc.contrib.layers.summaries:summarize_weights",
    "utils": "graphc.contrib.layers.utils",
}

__getattr__ = when_named(__name__, "graphc.contrib.layers", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "OPTIMIZER_CLS_NAMES",
    "OPTIMIZER_SUMMARIES",
    "adaptive_clipping_fn",
    "apply_regularization",
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
    "dropout",
    "embed_sequence",
    "flatten",
    "fully_connected",
    "group_norm",
    "instance_norm",
    "l1_l2_regularizer",
    "l1_regularizer",
    "l2_regularizer",
    "layer_norm",
    "linear",
    "max_pool2d",
    "max_pool3d",
    "maxout",
    "one_hot_encoding",
    "optimize_loss",
    "pool",
    "relu",
    "relu6",
    "repeat",
    "separable_conv2d",
    "separable_convolution2d",
    "softmax",
    "spatial_softmax",
    "stack",
    "sum_regularizer",
    "unit_norm",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
]
