"""Means and variances, and what is normalised by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.composites import squared_size
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.reduction import reduce_mean, reduce_sum, resolve_axes
from graphc.ops.reshaping import count, reshape, reshape_like, squeeze

Pair = tuple[Tensor, Tensor]


@telling_line
def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> Pair:
    """The mean and the variance of ``x`` over ``axes``."""
    tensor = convert_to_tensor(x)
    try:
        over = resolve_axes(tensor, axes)
    except ValueError as error:
        raise ValueError(f"moments of {tensor.op.describe()} of type {tensor.type}: {error}") from None
    with graph_of([tensor]).name_scope(name or "moments"):
        mean = reduce_mean(tensor, over, keepdims=True, name="mean")
        # TensorFlow stops the gradient at the mean here. The first derivative is the same either way, but the second
        # would be wrong, so graphc does not.
        variance = reduce_mean(e.squared_difference(tensor, mean), over, keepdims=True, name="variance")
        if keep_dims if keepdims is None else keepdims:
            return mean, variance
        gone = list(range(tensor.type.rank or 0)) if over is None else list(over)
        return squeeze(mean, gone), squeeze(variance, gone)


@telling_line
def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: Any = None,
    keepdims: Any = None,
) -> Pair:
    """The mean and the variance of ``x`` over ``axes``, each element counted as often as its weight says."""
    tensor = convert_to_tensor(x)
    over = resolve_axes(tensor, axes)
    keep = keep_dims if keepdims is None else keepdims
    with graph_of([tensor]).name_scope(name or "weighted_moments"):
        weights = e.cast(convert_to_tensor(frequency_weights), tensor.dtype)
        weights = weights + e.multiply(tensor, 0)  # each element has its weight
        total = reduce_sum(weights, over, keepdims=True)
        mean = reduce_sum(weights * tensor, over, keepdims=True) / total
        variance = reduce_sum(weights * e.squared_difference(tensor, mean), over, keepdims=True) / total
        if keep:
            return mean, variance
        gone = list(range(tensor.type.rank or 0)) if over is None else list(over)
        return squeeze(mean, gone), squeeze(variance, gone)


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keep_dims: Any = None, name: str | None = None, keepdims: Any = None
) -> tuple[Tensor, Tensor, Tensor, Any]:
    """How many elements, their sum, their sum of squares (both less ``shift``), and the shift."""
    tensor = convert_to_tensor(x)
    keep = keep_dims if keepdims is None else keepdims
    with graph_of([tensor]).name_scope(name or "sufficient_statistics"):
        over = resolve_axes(tensor, axes)
        shifted = tensor if shift is None else tensor - shift
        number = count(tensor, over, tensor.dtype)
        return number, reduce_sum(shifted, over, keep), reduce_sum(e.square(shifted), over, keep), shift


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None) -> Pair:
    """The mean and the variance from what :func:`sufficient_statistics` gives."""
    sums = convert_to_tensor(mean_ss)
    with graph_of([sums]).name_scope(name or "normalize"):
        shifted_mean = sums / counts
        mean = shifted_mean if shift is None else shifted_mean + shift
        variance = convert_to_tensor(variance_ss) / counts - e.square(shifted_mean)
        return mean, variance


@telling_line
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Tensor:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``; scale and offset may be None."""
    tensor = convert_to_tensor(x)
    with graph_of([tensor]).name_scope(name or "batchnorm") as scope:
        factor = e.rsqrt(convert_to_tensor(variance) + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        shift = -(mean * factor) if offset is None else offset - mean * factor
        return e.add(tensor * factor, shift, name=scope)


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """The older spelling of :func:`batch_normalization`."""
    t, m, v = (old if new is None else new for old, new in ((t, input), (m, mean), (v, variance)))
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


@telling_line
def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised pictures with the mean and variance of each channel.

    While training those are the batch's own, and the variance returned is the unbiased one (divided by n - 1), as
    TensorFlow's kernel does; otherwise ``mean`` and ``variance`` as given.
    """
    tensor = convert_to_tensor(x)
    channel = channel_axis(tensor, data_format)
    over = tuple(axis for axis in range(tensor.type.rank or 0) if axis != channel)
    if not is_training and (mean is None or variance is None):
        raise ValueError("Both 'mean' and 'variance' must be a 1D tensor when is_training is False.")
    with graph_of([tensor]).name_scope(name or "FusedBatchNorm"):
        if is_training:
            batch_mean, batch_variance = moments(tensor, over)
        else:
            batch_mean, batch_variance = (convert_to_tensor(v, tensor.dtype) for v in (mean, variance))
        given = (batch_mean, batch_variance, offset, scale)
        m, v, beta, gamma = (along_channel(vector, tensor, channel) for vector in given)
        normalised = batch_normalization(tensor, m, v, beta, gamma, epsilon)
        if is_training:
            number = count(tensor, over, tensor.dtype)
            batch_variance = batch_variance * (number / e.maximum(number - 1, 1))
        return normalised, batch_mean, batch_variance


def channel_axis(x: Tensor, data_format: str | None) -> int:
    """Where the channels of ``x`` stand: last (``NHWC``) or second (``NCHW``)."""
    if data_format not in (None, "NHWC", "NCHW", "NWC", "NCW"):
        raise ValueError(f"data_format must be NHWC or NCHW, not {data_format!r}")
    if x.type.rank is None:
        raise ValueError(f"{x.op.describe()} has no known rank; give it with set_shape")
    return 1 if data_format in ("NCHW", "NCW") else x.type.rank - 1


def along_channel(vector: Any, x: Tensor, channel: int) -> Tensor:
    """A vector of one number a channel, shaped so that it broadcasts to ``x``."""
    values = convert_to_tensor(vector, x.dtype)
    after = (x.type.rank or 0) - 1 - channel
    return values if after == 0 else reshape(values, [-1] + [1] * after)


@telling_line
def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """``value`` plus one number for each channel."""
    x = convert_to_tensor(value)
    vector = convert_to_tensor(bias, x.dtype)
    channel = channel_axis(x, data_format)
    _check_bias(x, vector, channel)
    if channel == (x.type.rank or 0) - 1:
        return e.add(x, vector, name=name or "BiasAdd")
    with graph_of([x]).name_scope(name or "BiasAdd") as scope:
        return e.add(x, along_channel(vector, x, channel), name=scope)


def _check_bias(x: Tensor, bias: Tensor, channel: int) -> None:
    if x.type.rank is not None and x.type.rank < 2:
        raise ValueError(f"bias_add to {x.op.describe()}: its type is {x.type}; wanted at least 2 axes")
    if bias.type.rank not in (None, 1):
        raise ValueError(f"bias_add: the bias {bias.op.describe()} has type {bias.type}; wanted one axis")
    sizes = (x.type.shape or (None,))[channel], (bias.type.shape or (None,))[0]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(
            f"bias_add to {x.op.describe()} of type {x.type}: the bias has type {bias.type}; "
            f"wanted {sizes[0]} elements, one for each channel"
        )


@telling_line
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """``x / sqrt(max(sum(x**2), epsilon))``, the sum over ``axis``."""
    tensor = convert_to_tensor(x)
    with graph_of([tensor]).name_scope(name or "l2_normalize") as scope:
        squares = e.cast(squared_size(tensor), tensor.dtype.real_dtype)
        total = reduce_sum(squares, dim if axis is None else axis, keepdims=True)
        return e.multiply(tensor, e.cast(e.rsqrt(e.maximum(total, epsilon)), tensor.dtype), name=scope)


@telling_line
def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """``x / (bias + alpha * sum of squares over nearby channels) ** beta`` (Krizhevsky et al., NeurIPS 2012)."""
    x = convert_to_tensor(input)
    if x.type.rank != 4 or not isinstance(x.type.shape[-1], int):  # type: ignore[index]
        raise ValueError(
            f"lrn of {x.op.describe()}: its type is {x.type}; wanted 4 axes and a known number of channels"
        )
    channels = x.type.shape[-1]  # type: ignore[index]
    with graph_of([x]).name_scope(name or "LRN") as scope:
        # A sum over a window of channels is a product with a band of ones.
        position = np.arange(channels)
        band = abs(position[:, None] - position) <= depth_radius
        squares = reshape(e.square(x), [-1, channels])
        nearby = reshape_like(matmul(squares, constant(band.astype(x.dtype.numpy))), x)
        return e.multiply(x, e.pow(nearby * float(alpha) + float(bias), -float(beta)), name=scope)


lrn = local_response_normalization
