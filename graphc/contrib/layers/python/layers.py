"""``tensorflow.contrib.layers.python.layers``: the layers, and the modules that hold them."""

from graphc.contrib.layers import (
    batch_norm,
    conv2d,
    dropout,
    flatten,
    fully_connected,
    initializers,
    l1_regularizer,
    l2_regularizer,
    layer_norm,
    max_pool2d,
    regularizers,
    utils,
    xavier_initializer,
)

__all__ = [
    "batch_norm",
    "conv2d",
    "dropout",
    "flatten",
    "fully_connected",
    "initializers",
    "l1_regularizer",
    "l2_regularizer",
    "layer_norm",
    "max_pool2d",
    "regularizers",
    "utils",
    "xavier_initializer",
]
