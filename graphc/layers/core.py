"""Layers of any shape of input: dense, dropout, flatten."""

from __future__ import annotations

import math
from typing import Any

from graphc import dtypes
from graphc.initializers import Zeros
from graphc.layers.layer import Layer, activation_function, function_of, whole_number
from graphc.nn.normalisation import bias_add
from graphc.nn.regularisation import dropout as drop
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.contraction import matmul, tensordot
from graphc.ops.reshaping import as_scalar, reshape, shape, transpose
from graphc.shapes import TensorShape


class Dense(Layer):
    """``activation(inputs @ kernel + bias)`` over the last axis."""

    default_name = "dense"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **settings)
        self.units = whole_number(units, "dense: units")
        self.activation = activation_function(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint

    def build(self, input_shape: TensorShape) -> None:
        inner = input_shape[-1].value if input_shape.ndims else None
        if inner is None:
            raise ValueError(
                "The last dimension of the inputs to `Dense` should be defined. Found `None`: "
                f"{self.name!r} got {input_shape}."
            )
        self.kernel = self.add_variable(
            "kernel", [inner, self.units], initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_variable(
                "bias", [self.units], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs: Any) -> Tensor:
        if inputs.type.rank > 2:
            outputs = tensordot(inputs, self.kernel, [[inputs.type.rank - 1], [0]])
        else:
            outputs = matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


class Dropout(Layer):
    """Zeroes a share of the elements while training; otherwise the inputs as they are."""

    default_name = "dropout"

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(name=name, **settings)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        if not is_tensor_like(training):
            if not training:
                return e.identity(inputs)
            return drop(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)
        dropped = drop(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)
        return e.select(as_condition(training), dropped, inputs)


class Flatten(Layer):
    """``[batch, ...] -> [batch, elements]``"""

    default_name = "flatten"

    def __init__(self, data_format: str = "channels_last", **settings: Any):
        super().__init__(**settings)
        self.data_format = check_data_format(data_format)

    def call(self, inputs: Any) -> Tensor:
        if inputs.type.rank is None:
            raise ValueError(f"Flatten of {inputs.op.describe()} needs a known rank; give it with set_shape")
        if inputs.type.rank > 2 and self.data_format == "channels_first":
            # Channels go last, so that the elements stand in the same order in both formats.
            inputs = transpose(inputs, [0, *range(2, inputs.type.rank), 1])
        sizes = inputs.type.shape[1:]
        if all(isinstance(size, int) for size in sizes):
            return reshape(inputs, [-1, math.prod(sizes)])
        result = reshape(inputs, [shape(inputs)[0], -1])
        result.set_shape([inputs.type.shape[0], None])
        return result


def as_condition(training: Any) -> Tensor:
    """Whether to train, as a bool: whole numbers count as True where they are not 0."""
    tensor = as_scalar(convert_to_tensor(training))
    return tensor if tensor.dtype.is_bool else e.cast(tensor, dtypes.bool)


def check_data_format(data_format: str) -> str:
    """``channels_last`` or ``channels_first``; ``ValueError`` otherwise."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be channels_last or channels_first, not {data_format!r}")
    return data_format


dense = function_of(
    Dense,
    "``activation(inputs @ kernel + bias)`` over the last axis, with variables ``dense/kernel`` and ``dense/bias``.",
)


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """``inputs`` with the share ``rate`` of their elements zeroed while ``training`` (a bool or a tensor)."""
    return Dropout(rate, noise_shape, seed, name)(inputs, training=training)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """``[batch, ...] -> [batch, elements]``"""
    return Flatten(data_format, name=name)(inputs)
