"""Losses and normalisation with the second outputs that TensorFlow's operations have."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nn.classification import log_softmax
from graphc.nn.normalisation import fused_batch_norm as _fused_batch_norm
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros
from graphc.ops.base import convert_to_tensor, convert_together, graph_of
from graphc.ops.indexing import one_hot
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import expand_dims, shape


def softmax_cross_entropy_with_logits(features: Any, labels: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """``-sum(labels * log softmax(features))`` of each row, and ``softmax(features) - labels``, its derivative."""
    x, wanted = convert_together(features, labels)
    with graph_of([x]).name_scope(name or "SoftmaxCrossEntropyWithLogits"):
        logs = log_softmax(x)
        return -reduce_sum(wanted * logs, -1), e.exp(logs) - wanted


def sparse_softmax_cross_entropy_with_logits(
    features: Any, labels: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The same for labels that are class numbers; rows of a number that is no class are NaN."""
    x, classes = convert_to_tensor(features), convert_to_tensor(labels)
    with graph_of([x]).name_scope(name or "SparseSoftmaxCrossEntropyWithLogits"):
        logs = log_softmax(x)
        count = shape(x)[-1]
        there = e.logical_and(classes >= 0, classes < e.cast(count, classes.dtype))
        wanted = one_hot(classes, count, dtype=x.dtype)
        nothing = convert_to_tensor(np.nan, x.dtype)
        loss = e.select(there, -reduce_sum(wanted * logs, -1), nothing)
        return loss, e.select(expand_dims(there, -1), e.exp(logs) - wanted, nothing)


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.0001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """What is normalised, the mean, the variance, and both again, as the gradient needs them."""
    kept = (None, None) if is_training else (mean, variance)
    y, m, v = _fused_batch_norm(x, scale, offset, kept[0], kept[1], epsilon, data_format, is_training, name)
    return y, m, v, m, v


def fused_batch_norm_v3(
    x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.0001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """:func:`fused_batch_norm` with a further, empty output."""
    found = fused_batch_norm(x, scale, offset, mean, variance, epsilon, data_format, is_training, name)
    return *found, zeros([0], dtypes.float32)
