"""Building blocks of neural networks, under the names of TensorFlow 1."""

from graphc.lazily import when_named
from graphc.nn.activations import (
    crelu,
    elu,
    gelu,
    leaky_relu,
    log_sigmoid,
    relu6,
    relu_layer,
    selu,
    softsign,
    swish,
    xw_plus_b,
)
from graphc.nn.classification import (
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from graphc.nn.convolution import (
    atrous_conv2d,
    atrous_conv2d_transpose,
    conv1d,
    conv1d_transpose,
    convolution,
    depthwise_conv2d,
    separable_conv2d,
)
from graphc.nn.lookup import embedding_lookup, in_top_k
from graphc.nn.normalisation import (
    batch_norm_with_global_normalization,
    batch_normalization,
    bias_add,
    fused_batch_norm,
    l2_normalize,
    local_response_normalization,
    lrn,
    moments,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
)
from graphc.nn.regularisation import dropout, l2_loss, zero_fraction
from graphc.ops.convolution import (
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    conv3d,
    conv3d_backprop_filter,
    conv3d_backprop_filter_v2,
    conv3d_transpose,
)
from graphc.ops.depthwise import (
    depthwise_conv2d_native,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
)
from graphc.ops.elementwise import relu, sigmoid, softplus, tanh
from graphc.ops.pooling import avg_pool, avg_pool3d, max_pool, max_pool3d, pool
from graphc.ops.sorting import top_k

# Recurrent networks and losses over samples load when a program first names them.
_RECURRENT = "graphc.nn.recurrent"
_CANDIDATES = "graphc.nn.candidates"
_LATER = {
    "all_candidate_sampler": f"{_CANDIDATES}:all_candidate_sampler",
    "batch_to_space": "graphc.ops.spaces:batch_to_space",
    "bidirectional_dynamic_rnn": f"{_RECURRENT}.dynamic:bidirectional_dynamic_rnn",
    "depth_to_space": "graphc.ops.spaces:depth_to_space",
    "dynamic_rnn": f"{_RECURRENT}.dynamic:dynamic_rnn",
    "embedding_lookup_sparse": "graphc.nn.sparse_lookup:embedding_lookup_sparse",
    "compute_accidental_hits": f"{_CANDIDATES}:compute_accidental_hits",
    "fixed_unigram_candidate_sampler": f"{_CANDIDATES}:fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler": f"{_CANDIDATES}:learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler": f"{_CANDIDATES}:log_uniform_candidate_sampler",
    "max_pool_with_argmax": "graphc.ops.patches:max_pool_with_argmax",
    "nce_loss": "graphc.nn.sampled:nce_loss",
    "raw_rnn": f"{_RECURRENT}.raw:raw_rnn",
    "rnn_cell": "graphc.nn.rnn_cell",
    "safe_embedding_lookup_sparse": "graphc.nn.sparse_lookup:safe_embedding_lookup_sparse",
    "sampled_softmax_loss": "graphc.nn.sampled:sampled_softmax_loss",
    "space_to_batch": "graphc.ops.spaces:space_to_batch",
    "space_to_depth": "graphc.ops.spaces:space_to_depth",
    "static_bidirectional_rnn": f"{_RECURRENT}.unrolled:static_bidirectional_rnn",
    "static_rnn": f"{_RECURRENT}.unrolled:static_rnn",
    "static_state_saving_rnn": f"{_RECURRENT}.unrolled:static_state_saving_rnn",
    "uniform_candidate_sampler": f"{_CANDIDATES}:uniform_candidate_sampler",
    "avg_pool2d": "graphc.ops.pooling:avg_pool2d",
    "max_pool2d": "graphc.ops.pooling:max_pool2d",
    "log_poisson_loss": "graphc.nn.classification:log_poisson_loss",
}

__getattr__ = when_named(__name__, "graphc.nn", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "avg_pool",
    "avg_pool3d",
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "bias_add",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "conv3d",
    "conv3d_backprop_filter",
    "conv3d_backprop_filter_v2",
    "conv3d_transpose",
    "convolution",
    "crelu",
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter",
    "depthwise_conv2d_native_backprop_input",
    "dropout",
    "elu",
    "embedding_lookup",
    "fused_batch_norm",
    "gelu",
    "in_top_k",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "local_response_normalization",
    "log_sigmoid",
    "log_softmax",
    "lrn",
    "max_pool",
    "max_pool3d",
    "moments",
    "normalize_moments",
    "pool",
    "relu",
    "relu6",
    "relu_layer",
    "selu",
    "separable_conv2d",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "sufficient_statistics",
    "swish",
    "tanh",
    "top_k",
    "weighted_cross_entropy_with_logits",
    "weighted_moments",
    "xw_plus_b",
    "zero_fraction",
]
