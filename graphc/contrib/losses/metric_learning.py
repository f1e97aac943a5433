"""``tf.contrib.losses.metric_learning``: losses by which like examples come near each other, and others do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.lazily import when_named
from graphc.nn.classification import softmax_cross_entropy_with_logits_v2
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.diagonals import matrix_set_diag
from graphc.ops.positions import where_v2
from graphc.ops.reduction import reduce_any, reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_sum
from graphc.ops.reshaping import expand_dims, matrix_transpose, reshape

__all__ = ["contrastive_loss", "lifted_struct_loss", "npairs_loss", "triplet_semihard_loss"]


__getattr__ = when_named(__name__, "graphc.contrib.losses.metric_learning", {})


def contrastive_loss(labels: Any, embeddings_anchor: Any, embeddings_positive: Any, margin: float = 1.0) -> Tensor:
    """The mean of ``y d^2 + (1 - y) max(margin - d, 0)^2``, d the distance of two embeddings, y whether they are alike.

    (Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.)
    """
    first, second = _embeddings(embeddings_anchor), _embeddings(embeddings_positive)
    with graph_of([first]).name_scope("contrastive_loss") as scope:
        distance = e.sqrt(reduce_sum(e.squared_difference(first, second), 1))
        alike = e.cast(convert_to_tensor(labels), distance.dtype)
        apart = e.square(e.maximum(margin - distance, 0))
        return reduce_mean(alike * e.square(distance) + (1 - alike) * apart, name=scope)


def triplet_semihard_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Tensor:
    """The mean over pairs i, j of one label of ``max(margin + d_ij - d_ik, 0)``, d the squared distance.

    k is the nearest example of another label that is further than j, or the furthest one where none is (Schroff and
    others, FaceNet, CVPR 2015).
    """
    x = _embeddings(embeddings)
    with graph_of([x]).name_scope("triplet_semihard_loss") as scope:
        distance = _squared_distances(x)
        alike = _alike(labels)
        other = e.logical_not(alike)
        # [i, j, k]: whether k is of another label than i and further than j
        further = e.logical_and(expand_dims(other, 1), expand_dims(distance, 1) > expand_dims(distance, 2))
        infinite = convert_to_tensor(np.inf, x.dtype)
        nearest = reduce_min(where_v2(further, expand_dims(distance, 1), infinite), 2)
        furthest = reduce_max(where_v2(other, distance, -infinite), 1, keepdims=True)
        furthest = where_v2(reduce_any(other, 1, keepdims=True), furthest, reduce_min(distance, 1, keepdims=True))
        against = where_v2(reduce_any(further, 2), nearest, furthest)
        pairs = _pairs(alike, x)
        losses = e.maximum((margin + distance - against) * pairs, 0)
        return e.realdiv(reduce_sum(losses), reduce_sum(pairs), name=scope)


def npairs_loss(
    labels: Any, embeddings_anchor: Any, embeddings_positive: Any, reg_lambda: float = 0.002, print_losses: bool = False
) -> Tensor:
    """The cross entropy of each anchor's products with all positives, and ``reg_lambda / 4`` of the mean squares.

    (Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, NIPS 2016.)
    """
    anchors, positives = _embeddings(embeddings_anchor), _embeddings(embeddings_positive)
    with graph_of([anchors]).name_scope("npairs_loss") as scope:
        squares = [reduce_mean(reduce_sum(e.square(x), 1)) for x in (anchors, positives)]
        alike = e.cast(_alike(labels), anchors.dtype)
        wanted = alike / reduce_sum(alike, 1, keepdims=True)
        products = matmul(anchors, positives, transpose_b=True)
        entropy = reduce_mean(softmax_cross_entropy_with_logits_v2(labels=wanted, logits=products))
        return e.add(0.25 * reg_lambda * (squares[0] + squares[1]), entropy, name=scope)


def lifted_struct_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Tensor:
    """``sum max(J_ij, 0)^2 / (2 pairs)`` over pairs of one label (each once), d the distance:

    ``J_ij = log(sum_k exp(margin - d_ik) + sum_l exp(margin - d_jl)) + d_ij``, where k and l are of another label than
    i and j (Song and others, Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016, equation 4).
    """
    x = _embeddings(embeddings)
    with graph_of([x]).name_scope("lifted_struct_loss") as scope:
        squared = _squared_distances(x)
        is_zero = squared <= 0
        # the root has no derivative at 0; TensorFlow gives 0 there
        distance = where_v2(is_zero, 0 * squared, e.sqrt(where_v2(is_zero, 0 * squared + 1, squared)))
        alike = _alike(labels)
        none = convert_to_tensor(-np.inf, x.dtype)
        of_others = reduce_logsumexp(where_v2(alike, none, margin - distance), 1, keepdims=True)
        first, second = of_others + 0 * distance, matrix_transpose(of_others) + 0 * distance
        greater = e.maximum(first, second)
        both = greater + e.log(e.exp(first - greater) + e.exp(second - greater))
        pairs = _pairs(alike, x)
        losses = e.square(e.maximum((both + distance) * pairs, 0))
        return e.realdiv(0.5 * reduce_sum(losses), reduce_sum(pairs), name=scope)


def _embeddings(value: Any) -> Tensor:
    x = convert_to_tensor(value)
    if x.type.rank not in (2, None):
        raise ValueError(f"embeddings must be a matrix [batch, size], {x.op.describe()} has {x.type}")
    return x


def _alike(labels: Any) -> Tensor:
    """Whether two examples have one label: [batch, batch]."""
    numbers = convert_to_tensor(labels)
    if numbers.type.rank not in (1, 2, None):
        raise ValueError(f"labels must be a vector [batch], {numbers.op.describe()} has {numbers.type}")
    column = reshape(numbers, [-1, 1])
    return e.equal(column, matrix_transpose(column))


def _pairs(alike: Tensor, like: Tensor) -> Tensor:
    """1 for two different examples of one label, else 0."""
    ones = e.cast(alike, like.dtype)
    return matrix_set_diag(ones, 0 * ones[:, 0])


def _squared_distances(x: Tensor) -> Tensor:
    """``|x_i|^2 + |x_j|^2 - 2 x_i x_j``, and 0 from each to itself: [batch, batch]."""
    squares = reduce_sum(e.square(x), 1, keepdims=True)
    found = e.maximum(squares + matrix_transpose(squares) - 2.0 * matmul(x, x, transpose_b=True), 0)
    return matrix_set_diag(found, 0 * found[:, 0])
