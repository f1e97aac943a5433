"""``tf.contrib.nn``: cross entropies with the logits first, dropout for SELU, and single order statistics."""

from __future__ import annotations

from typing import Any

from graphc.nn.classification import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.lookup import gather
from graphc.ops.random import random_uniform
from graphc.ops.reshaping import shape
from graphc.ops.sorting import sort

__all__ = [
    "alpha_dropout",
    "deprecated_flipped_sigmoid_cross_entropy_with_logits",
    "deprecated_flipped_softmax_cross_entropy_with_logits",
    "deprecated_flipped_sparse_softmax_cross_entropy_with_logits",
    "nth_element",
    "scaled_softplus",
]

_LEAST_SELU = -1.7580993408473766  # -scale * alpha of SELU: where it goes for large negative numbers


def deprecated_flipped_softmax_cross_entropy_with_logits(
    logits: Any, labels: Any, dim: int = -1, name: str | None = None
) -> Tensor:
    """As ``tf.nn.softmax_cross_entropy_with_logits``, with the logits first."""
    return softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(
    logits: Any, labels: Any, name: str | None = None
) -> Tensor:
    """As ``tf.nn.sparse_softmax_cross_entropy_with_logits``, with the logits first."""
    return sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits: Any, targets: Any, name: str | None = None) -> Tensor:
    """As ``tf.nn.sigmoid_cross_entropy_with_logits``, with the logits first."""
    return sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)


def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Tensor:
    """The element at position ``n`` of those of the last axis in order, the greatest first with ``reverse``.

    ``ValueError`` where there is no axis, or ``n`` is known and not a position on it.
    """
    x = convert_to_tensor(input)
    if x.type.rank == 0:
        raise ValueError(f"nth_element: input must have an axis, {x.op.describe()} has {x.type}")
    size = x.type.shape[-1] if x.type.shape else None
    if isinstance(n, int) and (n < 0 or (isinstance(size, int) and n >= size)):
        raise ValueError(f"nth_element: n must be in [0, {size}) for {x.type} of {x.op.describe()}, not {n}")
    with graph_of([x]).name_scope(name or "NthElement") as scope:
        return gather(sort(x, direction="DESCENDING" if reverse else "ASCENDING"), n, axis=-1, name=scope)


def alpha_dropout(
    x: Any, keep_prob: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Dropout that keeps mean and variance of what SELU gives: dropped elements take its least value.

    ``a (x m + s (1 - m)) + b`` with ``a = (p + s^2 p (1 - p))^-1/2`` and ``b = -a s (1 - p)`` (Klambauer and others,
    Self-Normalizing Neural Networks, arXiv:1706.02515, section 2).
    """
    inputs = convert_to_tensor(x)
    if isinstance(keep_prob, (int, float)) and not 0 < keep_prob <= 1:
        raise ValueError(f"keep_prob must be a scalar tensor or a float in the range (0, 1], got {keep_prob}")
    if isinstance(keep_prob, (int, float)) and keep_prob == 1:
        return inputs
    with graph_of([inputs]).name_scope(name or "alpha_dropout") as scope:
        p = convert_to_tensor(keep_prob, inputs.dtype)
        sizes = shape(inputs) if noise_shape is None else noise_shape
        mask = e.cast(p + random_uniform(sizes, seed=seed, dtype=inputs.dtype) >= 1.0, inputs.dtype)
        a = e.rsqrt(p + _LEAST_SELU**2 * p * (1 - p))
        b = -a * _LEAST_SELU * (1 - p)
        return e.add(a * (inputs * mask + _LEAST_SELU * (1 - mask)), b, name=scope)


def scaled_softplus(x: Any, alpha: Any, clip: Any = None, name: str | None = None) -> Tensor:
    """``alpha log(1 + exp(x / alpha))``, at most ``clip`` where given: smooth near 0 for small alpha."""
    inputs = convert_to_tensor(x)
    with graph_of([inputs]).name_scope(name or "scaled_softplus") as scope:
        scale = convert_to_tensor(alpha, inputs.dtype)
        result = scale * e.softplus(inputs / scale)
        return e.identity(result if clip is None else e.minimum(result, convert_to_tensor(clip, inputs.dtype)), scope)
