"""Batch normalisation with moving averages (Ioffe and Szegedy, ICML 2015)."""

from __future__ import annotations

from typing import Any

from graphc.initializers import Ones, Zeros
from graphc.layers.core import as_condition
from graphc.layers.layer import Layer, as_function
from graphc.nn.normalisation import along_channel, moments
from graphc.nn.normalisation import batch_normalization as normalise
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import state
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.reshaping import count
from graphc.shapes import TensorShape, normalise_axis
from graphc.variables import Variable


class BatchNormalization(Layer):
    """Mean 0 and variance 1 for each channel, then ``gamma`` and ``beta``.

    While training, by the batch's own mean and variance, whose moving averages are kept: run the operations of the
    collection ``UPDATE_OPS`` with each step. Otherwise by the moving averages.
    """

    default_name = "batch_normalization"

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = Zeros,
        gamma_initializer: Any = Ones,
        moving_mean_initializer: Any = Zeros,
        moving_variance_initializer: Any = Ones,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: Any = None,
        trainable: bool = True,
        virtual_batch_size: Any = None,
        adjustment: Any = None,
        name: str | None = None,
        **settings: Any,
    ):
        if renorm or virtual_batch_size is not None or adjustment is not None:
            raise ValueError("batch_normalization does not have renorm, virtual_batch_size or adjustment")
        super().__init__(trainable, name, **settings)
        self.fused = fused
        self.axis = int(axis[0] if isinstance(axis, (list, tuple)) else axis)
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: TensorShape) -> None:
        if input_shape.ndims is None:
            raise ValueError(f"Input has undefined rank: {input_shape}")
        channels = input_shape[normalise_axis(self.axis, input_shape.ndims)].value
        if channels is None:
            raise ValueError(f"Input has undefined `axis` dimension. Input shape: {input_shape}")
        if self.scale:
            self.gamma = self.add_variable(
                "gamma", [channels], initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_variable(
                "beta", [channels], initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )  # fmt: skip
        self.moving_mean = self.add_variable(
            "moving_mean", [channels], initializer=self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_variable(
            "moving_variance", [channels], initializer=self.moving_variance_initializer, trainable=False
        )

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        channel = normalise_axis(self.axis, inputs.type.rank)
        if not is_tensor_like(training) and not training:
            mean, variance = convert_to_tensor(self.moving_mean), convert_to_tensor(self.moving_variance)
        else:
            mean, variance = self._statistics(inputs, training, channel)
        given = (mean, variance, self.beta, self.gamma)
        m, v, beta, gamma = (None if vector is None else along_channel(vector, inputs, channel) for vector in given)
        return normalise(inputs, m, v, beta, gamma, self.epsilon)

    def _statistics(self, inputs: Tensor, training: Any, channel: int) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance, or the moving ones where a tensor says that this is no training."""
        over = [axis for axis in range(inputs.type.rank or 0) if axis != channel]
        mean, variance = moments(inputs, over)
        kept = variance
        if inputs.type.rank == 4 and self.fused is not False:
            # What TensorFlow's fused kernel for pictures keeps is the unbiased variance.
            number = count(inputs, tuple(over), inputs.dtype)
            kept = variance * (number / e.maximum(number - 1, 1))
        rest: Any = 1.0 - self.momentum
        if is_tensor_like(training):
            condition = as_condition(training)
            rest = e.select(condition, convert_to_tensor(rest, mean.dtype), 0)
        self.add_update([_moved(self.moving_mean, mean, rest), _moved(self.moving_variance, kept, rest)])
        if not is_tensor_like(training):
            return mean, variance
        return e.select(condition, mean, self.moving_mean), e.select(condition, variance, self.moving_variance)


def _moved(average: Variable, value: Tensor, rest: Any) -> Tensor:
    """Moves an average towards ``value`` by the share ``rest``."""
    with average.graph.name_scope("AssignMovingAvg") as scope, average.graph.in_role("update"):
        return state.assign_sub(average, (average.read_value() - value) * rest, name=scope)


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = Zeros,
    gamma_initializer: Any = Ones,
    moving_mean_initializer: Any = Zeros,
    moving_variance_initializer: Any = Ones,
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: Any = None,
    virtual_batch_size: Any = None,
    adjustment: Any = None,
) -> Tensor:
    """Inputs normalised over the batch while ``training`` (a bool or a tensor), else by the moving averages."""
    layer = BatchNormalization(
        axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
        moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint,
        renorm, renorm_clipping, renorm_momentum, fused, trainable, virtual_batch_size, adjustment, name, _reuse=reuse,
    )  # fmt: skip
    return as_function(layer)(inputs, training=training)
