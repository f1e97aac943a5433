"""Inputs normalised over the batch, over each example, over each channel, or over groups of channels.

Ioffe and Szegedy, ICML 2015 (batch); Ba et al., arXiv:1607.06450 (layer); Ulyanov et al., arXiv:1607.08022 (instance);
Wu and He, ECCV 2018 (group).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.framework.variables import model_variable
from graphc.contrib.layers.dense import Function, finished
from graphc.contrib.layers.utils import channel_dimension, collections_of, constant_value
from graphc.initializers import Ones, Zeros
from graphc.layers.core import as_condition
from graphc.nn.normalisation import along_channel, batch_normalization, moments, weighted_moments
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.reshaping import count, reshape, reshape_like, shape
from graphc.scopes import GraphKeys
from graphc.shapes import normalise_axis
from graphc.train.moving_averages import assign_moving_average
from graphc.variable_scope import variable_scope
from graphc.variables import Variable


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Function = None,
    param_initializers: dict[str, Any] | None = None,
    param_regularizers: dict[str, Any] | None = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: float = 0.99,
    adjustment: Any = None,
) -> Tensor:
    """Mean 0 and variance 1 for each channel, then ``gamma`` (where ``scale``) and ``beta`` (where ``center``).

    While ``is_training`` (a bool or a tensor), by the batch's own mean and variance; otherwise by their moving
    averages. The operations that move these go into ``updates_collections`` (run them with each step); where that is
    None, the outputs wait for them. Variables ``BatchNorm/{beta,gamma,moving_mean,moving_variance}``.
    """
    if renorm or adjustment is not None:
        raise NotImplementedError("batch_norm has neither renorm nor adjustment; leave them at their defaults")
    if zero_debias_moving_mean and constant_value(is_training) is None:
        raise NotImplementedError("batch_norm: zero_debias_moving_mean needs an is_training that is True or False")
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    tensor = convert_to_tensor(inputs)
    rank = tensor.type.rank
    if rank is None:
        raise ValueError(f"Inputs {tensor.name} has undefined rank")
    channel = 1 if data_format == "NCHW" and rank > 2 else rank - 1
    over = [axis for axis in range(rank) if axis != channel]
    with variable_scope(scope, "BatchNorm", reuse=reuse) as sc:
        make = _Parameters(
            channel_dimension(tensor.shape, data_format if rank > 2 else None, 2), tensor, param_initializers,
            param_regularizers, variables_collections, trainable,
        )  # fmt: skip
        # TensorFlow has two ways to make them, in two orders; collections keep the order.
        in_turn = batch_weights is None and updates_collections == GraphKeys.UPDATE_OPS and rank != 2
        gamma = make("gamma", Ones(), scale and in_turn)
        beta = make("beta", Zeros(), center)
        gamma = gamma if in_turn else make("gamma", Ones(), scale)
        moving = make("moving_mean", Zeros(), moves=True), make("moving_variance", Ones(), moves=True)
        # What TensorFlow's fused kernels keep is the unbiased variance; others keep the variance itself.
        unbiased = fused is not False and batch_weights is None and rank in (2, 4)
        tensor, mean, variance = _statistics(
            tensor, over, moving, decay, is_training, updates_collections, batch_weights, unbiased,
            zero_debias_moving_mean,
        )  # fmt: skip
        mean, variance, beta, gamma = _along_channel(tensor, channel, mean, variance, beta, gamma)
        outputs = batch_normalization(tensor, mean, variance, beta, gamma, epsilon)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)


def _statistics(
    x: Tensor,
    over: list[int],
    moving: tuple[Variable, Variable],
    decay: float,
    is_training: Any,
    collections: Any,
    batch_weights: Any,
    unbiased: bool,
    from_zero: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The inputs, and the mean and variance to normalise them by; declares what moves the averages."""
    known = constant_value(is_training)
    averages = [convert_to_tensor(average) for average in moving]
    if known is not None and not known:
        return x, averages[0], averages[1]
    if batch_weights is None:
        mean, variance = moments(x, over)
    else:
        mean, variance = weighted_moments(x, over, _weights(batch_weights, x))
    condition = None if known is not None else as_condition(is_training)
    kept = _unbiased(variance, x, over) if unbiased else variance
    updates = [_moved(moving[0], mean, decay, condition, from_zero), _moved(moving[1], kept, decay, condition)]
    if collections is None:
        with x.graph.control_dependencies(updates):
            x, mean, variance = e.identity(x), e.identity(mean), e.identity(variance)
    else:
        for update in updates:
            update.graph.add_to_collections(collections, update)
    if condition is None:
        return x, mean, variance
    return x, e.select(condition, mean, averages[0]), e.select(condition, variance, averages[1])


def _along_channel(x: Tensor, channel: int, *vectors: Any) -> list[Any]:
    """Vectors by channel as tensors that go beside ``x``; None stays."""
    return [None if vector is None else along_channel(vector, x, channel) for vector in vectors]


class _Parameters:
    """Makes the variables of one layer: each by its name, its default initialiser, and whether it is wanted."""

    def __init__(
        self,
        sizes: Any,
        inputs: Tensor,
        initializers: dict[str, Any] | None,
        regularizers: dict[str, Any] | None,
        collections: Any,
        trainable: bool,
    ):
        self.sizes = [sizes] if isinstance(sizes, int) else list(sizes)
        self.dtype = inputs.dtype
        self.initializers = initializers or {}
        self.regularizers = regularizers or {}
        self.collections = collections
        self.trainable = trainable

    def __call__(self, name: str, default: Any, wanted: bool = True, moves: bool = False) -> Any:
        if not wanted:
            return None
        return model_variable(
            name, shape=self.sizes, dtype=self.dtype, initializer=self.initializers.get(name, default),
            regularizer=self.regularizers.get(name), collections=collections_of(self.collections, name),
            trainable=self.trainable and not moves,
        )  # fmt: skip


def _weights(batch_weights: Any, x: Tensor) -> Tensor:
    """One weight for each example, as wide as the inputs."""
    weights = convert_to_tensor(batch_weights, x.dtype)
    return reshape(weights, [-1] + [1] * ((x.type.rank or 1) - 1))


def _unbiased(variance: Tensor, x: Tensor, over: Sequence[int]) -> Tensor:
    number = count(x, tuple(over), x.dtype)
    return variance * (number / e.maximum(number - 1, 1))


def _moved(average: Variable, value: Tensor, decay: float, training: Tensor | None, from_zero: bool = False) -> Tensor:
    """Moves an average towards ``value``; leaves it where ``training`` says no."""
    keep: Any = decay
    if training is not None:
        keep = e.select(training, convert_to_tensor(decay, value.dtype), 1.0)
    return assign_moving_average(average, value, keep, from_zero)


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Function = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Mean 0 and variance 1 over the axes from ``begin_norm_axis`` on, then ``LayerNorm/gamma`` and ``LayerNorm/beta``.

    The variables have the sizes of the axes from ``begin_params_axis`` on.
    """
    tensor = convert_to_tensor(inputs)
    rank = tensor.type.rank
    if rank is None:
        raise ValueError(f"Inputs {tensor.name} has undefined rank.")
    first = begin_norm_axis + rank if begin_norm_axis < 0 else begin_norm_axis
    if begin_params_axis >= rank or first >= rank:
        raise ValueError(
            f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({first}) must be < rank(inputs) ({rank})"
        )
    sizes = (tensor.type.shape or ())[begin_params_axis:]
    if not all(isinstance(size, int) for size in sizes):
        raise ValueError(
            f"Inputs {tensor.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {tensor.shape}"
        )
    with variable_scope(scope, "LayerNorm", reuse=reuse) as sc:
        make = _Parameters(sizes, tensor, None, None, variables_collections, trainable)
        beta, gamma = make("beta", Zeros(), center), make("gamma", Ones(), scale)
        mean, variance = moments(tensor, list(range(first, rank)), keep_dims=True)
        outputs = batch_normalization(tensor, mean, variance, beta, gamma, 1e-12)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function = None,
    param_initializers: dict[str, Any] | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Mean 0 and variance 1 for each channel of each picture, then ``InstanceNorm/gamma`` and ``InstanceNorm/beta``."""
    tensor = convert_to_tensor(inputs)
    rank = tensor.type.rank
    if rank is None:
        raise ValueError(f"Inputs {tensor.name} has undefined rank.")
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    channel = 1 if data_format == "NCHW" else rank - 1
    over = [axis for axis in range(1, rank) if axis != channel]
    with variable_scope(scope, "InstanceNorm", reuse=reuse) as sc:
        number = channel_dimension(tensor.shape, data_format)
        make = _Parameters(number, tensor, param_initializers, None, variables_collections, trainable)
        beta, gamma = make("beta", Zeros(), center), make("gamma", Ones(), scale)
        mean, variance = moments(tensor, over, keep_dims=True)
        beta, gamma = _along_channel(tensor, channel, beta, gamma)
        outputs = batch_normalization(tensor, mean, variance, beta, gamma, epsilon)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def group_norm(
    inputs: Any,
    groups: int = 32,
    channels_axis: int = -1,
    reduction_axes: Sequence[int] = (-3, -2),
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function = None,
    param_initializers: dict[str, Any] | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    mean_close_to_zero: bool = False,
) -> Tensor:
    """Mean 0 and variance 1 over each group of channels and the axes ``reduction_axes``, then gamma and beta."""
    tensor = convert_to_tensor(inputs)
    rank = tensor.type.rank
    if rank is None:
        raise ValueError(f"Inputs {tensor.name} has undefined rank.")
    channel = normalise_axis(channels_axis, rank)
    over = [normalise_axis(axis, rank) for axis in reduction_axes]
    if channel in over:
        raise ValueError(f"reduction_axes and channels_axis must be mutually exclusive; both have {channels_axis}")
    channels = tensor.shape[channel].value
    if channels is None:
        raise ValueError(f"Inputs {tensor.name} has undefined channel dimension: {tensor.shape}.")
    if groups > channels:
        raise ValueError(f"Invalid groups {groups} for {channels} channels.")
    if channels % groups:
        raise ValueError(f"{channels} channels is not commensurate with {groups} groups.")
    sizes: list[Any] = [size if isinstance(size, int) else shape(tensor)[at]
                        for at, size in enumerate(tensor.type.shape or ())]  # fmt: skip
    with variable_scope(scope, "GroupNorm", reuse=reuse) as sc:
        make = _Parameters(channels, tensor, param_initializers, None, variables_collections, trainable)
        beta, gamma = make("beta", Zeros(), center), make("gamma", Ones(), scale)
        # The channels become two axes [groups, channels of a group]; those behind them move by one.
        grouped = reshape(tensor, [*sizes[:channel], groups, channels // groups, *sizes[channel + 1 :]])
        behind = [axis + 1 if axis > channel else axis for axis in over]
        mean, variance = moments(grouped, [*behind, channel + 1], keep_dims=True)
        axes = [1] * (rank + 1)
        axes[channel], axes[channel + 1] = groups, channels // groups
        beta, gamma = (None if v is None else reshape(v, axes) for v in (beta, gamma))
        outputs = reshape_like(batch_normalization(grouped, mean, variance, beta, gamma, epsilon), tensor)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)
