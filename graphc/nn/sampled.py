"""Losses over many classes that look at the true ones and at a few drawn ones alone.

Noise-contrastive estimation: Gutmann and Hyvarinen, AISTATS 2010; sampled softmax: Jean et al., ACL 2015.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nn.candidates import Candidates, log_uniform_candidate_sampler
from graphc.nn.classification import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from graphc.nn.lookup import embedding_lookup
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.reduction import reduce_any, reduce_sum
from graphc.ops.reshaping import broadcast_like, expand_dims, reshape
from graphc.ops.slicing import getitem


@telling_line
def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """``[batch]``: whether each class is true or was drawn, as yes or no questions.

    ``weights`` is ``[classes, dim]`` or parts of it, ``biases`` ``[classes]``, ``labels`` ``[batch, num_true]``,
    ``inputs`` ``[batch, dim]``. Classes are drawn log-uniformly unless ``sampled_values`` gives them.
    """
    with graph_of([convert_to_tensor(inputs)]).name_scope(name):
        logits, targets = _sampled_logits(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy, None,
        )  # fmt: skip
        return reduce_sum(sigmoid_cross_entropy_with_logits(labels=targets, logits=logits), 1)


@telling_line
def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """``[batch]``: the cross entropy of the true classes among them and those drawn; arguments as :func:`nce_loss`.

    It is for training; for evaluation, take the softmax over all classes.
    """
    with graph_of([convert_to_tensor(inputs)]).name_scope(name):
        logits, targets = _sampled_logits(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy, seed,
        )  # fmt: skip
        return softmax_cross_entropy_with_logits_v2(labels=e.stop_gradient(targets), logits=logits)


def _sampled_logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int,
    sampled_values: Any, remove_hits: bool, strategy: str, seed: int | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``[batch, num_true + num_sampled]`` scores less the logarithms of the expected counts, and their targets."""
    x = convert_to_tensor(inputs)
    true = e.cast(convert_to_tensor(labels), dtypes.int64)
    if true.type.rank == 1:
        true = expand_dims(true, 1)
    drawn = sampled_values or log_uniform_candidate_sampler(true, num_true, num_sampled, True, num_classes, seed)
    candidates = Candidates(*(e.stop_gradient(convert_to_tensor(value)) for value in drawn))
    sampled = e.cast(candidates.sampled_candidates, dtypes.int64)

    flat = concat([reshape(true, [-1]), sampled], 0)
    rows = embedding_lookup(weights, flat, strategy)  # [batch * num_true + num_sampled, dim]
    offsets = embedding_lookup(biases, flat, strategy)
    batch = -num_sampled or None
    true_rows = reshape(getitem(rows, slice(None, batch)), [-1, num_true, x.shape[-1].value or -1])
    true_offsets = reshape(getitem(offsets, slice(None, batch)), [-1, num_true])
    few = getitem(rows, slice(-num_sampled, None))
    true_scores = reduce_sum(expand_dims(x, 1) * true_rows, 2) + true_offsets
    scores = matmul(x, few, transpose_b=True) + getitem(offsets, slice(-num_sampled, None))

    if remove_hits:
        hit = reduce_any(e.equal(expand_dims(true, 2), sampled), 1)  # [batch, num_sampled]
        scores = e.select(hit, scores + constant(np.finfo(x.dtype.numpy).min, x.dtype), scores)
    true_scores = true_scores - e.cast(e.log(candidates.true_expected_count), x.dtype)
    scores = scores - e.cast(e.log(candidates.sampled_expected_count), x.dtype)
    ones = broadcast_like(constant(1 / num_true, x.dtype), true_scores)
    zeros = broadcast_like(constant(0, x.dtype), scores)
    return concat([true_scores, scores], 1), concat([ones, zeros], 1)
