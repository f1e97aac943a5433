"""Layers without windows or statistics: flatten, dropout, biases, one-hot rows, maxout..."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.framework.variables import model_variable
from graphc.contrib.layers.dense import Function, finished
from graphc.contrib.layers.utils import channel_dimension, collect_named_outputs, collections_of, variable_getter
from graphc.initializers import Zeros
from graphc.layers.core import Dropout
from graphc.layers.core import flatten as flat
from graphc.nn.classification import softmax as normalised
from graphc.nn.normalisation import bias_add as with_biases
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import axis_of, convert_to_tensor, graph_of
from graphc.ops.indexing import one_hot
from graphc.ops.reduction import reduce_max, reduce_sum
from graphc.ops.reshaping import reshape, shape
from graphc.scopes import name_scope
from graphc.variable_scope import variable_scope


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """``[batch, ...] -> [batch, elements]``; ``ValueError`` for fewer than two axes."""
    tensor = convert_to_tensor(inputs)
    if tensor.type.rank is not None and tensor.type.rank < 2:
        raise ValueError("Inputs must have a least 2 dimensions.")
    with name_scope(scope, "Flatten") as sc:
        return collect_named_outputs(outputs_collections, sc, flat(tensor))


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Tensor:
    """The share ``keep_prob`` of the elements divided by it, the others 0, while ``is_training`` (bool or tensor)."""
    with variable_scope(scope, "Dropout", custom_getter=variable_getter()) as sc:
        layer = Dropout(1 - keep_prob, noise_shape, seed, sc.name, _scope=sc)
        outputs = layer(convert_to_tensor(inputs), training=is_training)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Function = None,
    initializer: Any = Zeros,
    regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """``activation(inputs + biases)`` with a variable ``BiasAdd/biases`` [channels]."""
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    tensor = convert_to_tensor(inputs)
    with variable_scope(scope, "BiasAdd", reuse=reuse) as sc:
        biases = model_variable(
            "biases", shape=[channel_dimension(tensor.shape, data_format)], dtype=tensor.dtype, initializer=initializer,
            regularizer=regularizer, collections=collections_of(variables_collections, "biases"), trainable=trainable,
        )  # fmt: skip
        outputs = with_biases(tensor, biases, data_format=data_format)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: Any = 1.0,
    off_value: Any = 0.0,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """``[batch] -> [batch, num_classes]``: ``on_value`` at the label, ``off_value`` elsewhere."""
    with name_scope(scope, "OneHotEncoding") as sc:
        numbers = convert_to_tensor(labels)
        if numbers.dtype is dtypes.int32:
            numbers = e.cast(numbers, dtypes.int64)
        outputs = one_hot(numbers, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Tensor:
    """Softmax over the last axis."""
    with variable_scope(scope, "softmax"):
        return normalised(logits)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: str | None = None) -> Tensor:
    """``x / sqrt(epsilon + sum x^2)`` along the axis ``dim``; ``ValueError`` where there is no such axis."""
    tensor = convert_to_tensor(inputs)
    rank = tensor.type.rank
    if rank is None:
        raise ValueError("The input rank must be known.")
    if dim < 0 or dim >= rank:
        raise ValueError(f"dim must be positive but smaller than the input rank: {dim} for rank {rank}.")
    with graph_of([tensor]).name_scope(scope or "UnitNorm"):
        return tensor / e.sqrt(epsilon + reduce_sum(e.square(tensor), dim, keepdims=True))


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: str | None = None) -> Tensor:
    """The greatest of each group of channels, for ``num_units`` groups (Goodfellow et al., ICML 2013)."""
    tensor = convert_to_tensor(inputs)
    with graph_of([tensor]).name_scope(scope or "MaxOut"):
        place = axis_of(tensor, axis, "maxout")
        channels = tensor.shape[place].value
        if channels is None or channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units})")
        sizes: list[Any] = [size if isinstance(size, int) else shape(tensor)[at]
                            for at, size in enumerate(tensor.type.shape or ())]  # fmt: skip
        groups = [*sizes[:place], num_units, *sizes[place + 1 :], channels // num_units]
        return reduce_max(reshape(tensor, groups), -1)
