"""The cross entropy of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.composites import count_nonzero, div_no_nan
from graphc.nn.classification import sparse_softmax_cross_entropy_with_logits
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape, shape
from graphc.scopes import get_default_graph


def sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The cross entropy of logits [batch, time, classes] and targets [batch, time], weighted [batch, time].

    Over both axes or one it is the mean by the weights, or the sum divided by how many weights are not 0; an axis that
    is not summed over stays.
    """
    scores, wanted, shares = convert_to_tensor(logits), convert_to_tensor(targets), convert_to_tensor(weights)
    for tensor, rank, text in (
        (scores, 3, "Logits must be a [batch_size x sequence_length x logits] tensor"),
        (wanted, 2, "Targets must be a [batch_size x sequence_length] tensor"),
        (shares, 2, "Weights must be a [batch_size x sequence_length] tensor"),
    ):
        if tensor.type.rank not in (rank, None):
            raise ValueError(f"{text}, not {tensor.type}")
    for averages, sums, axis in (
        (average_across_timesteps, sum_over_timesteps, "timesteps"), (average_across_batch, sum_over_batch, "batch"),
    ):  # fmt: skip
        if averages and sums:
            raise ValueError(f"average_across_{axis} and sum_over_{axis} cannot be set to True at same time.")
    with get_default_graph().name_scope(name or "sequence_loss"):
        classes = scores.shape[-1].value
        flat = reshape(scores, [-1, shape(scores)[2] if classes is None else classes])
        labels = reshape(wanted, [-1])
        if softmax_loss_function is None:
            losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=flat)
        else:
            losses = convert_to_tensor(softmax_loss_function(labels=labels, logits=flat))
        losses = reshape(losses, shape(scores)[0:2]) * shares
        if average_across_timesteps or average_across_batch:
            axes = _axes(average_across_batch, average_across_timesteps)
            return div_no_nan(reduce_sum(losses, axes), reduce_sum(shares, axes))
        if sum_over_timesteps or sum_over_batch:
            axes = _axes(sum_over_batch, sum_over_timesteps)
            return div_no_nan(reduce_sum(losses, axes), count_nonzero(shares, axes, dtype=losses.dtype))
        return losses


def _axes(batch: bool, timesteps: bool) -> list[int]:
    return [axis for axis, chosen in enumerate((batch, timesteps)) if chosen]
