"""Losses of sequences that are lists of steps, and models for several lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.composites import add_n
from graphc.nn.classification import sparse_softmax_cross_entropy_with_logits
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape, shape
from graphc.scopes import get_default_graph
from graphc.variable_scope import get_variable_scope, variable_scope

TINY = 1e-12  # keeps sequences whose weights are all 0 from dividing by 0


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropy of each sequence [batch] for lists of logits [batch, classes] and targets [batch].

    Over the steps it is the mean by their weights, or without ``average_across_timesteps`` the sum.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}."
        )
    with get_default_graph().name_scope(name or "sequence_loss_by_example"):
        losses, total = [], [convert_to_tensor(weight) for weight in weights]
        for logit, target, weight in zip(logits, targets, total, strict=True):
            losses.append(_cross_entropy(softmax_loss_function, target, logit) * weight)
        result = add_n(losses)
        return e.realdiv(result, add_n(total) + TINY) if average_across_timesteps else result


def _cross_entropy(function: Callable[..., Any] | None, target: Any, logit: Any) -> Tensor:
    if function is not None:
        return convert_to_tensor(function(labels=target, logits=logit))
    return sparse_softmax_cross_entropy_with_logits(labels=reshape(target, [-1]), logits=logit)


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The sum of :func:`sequence_loss_by_example`, divided by the number of sequences if ``average_across_batch``."""
    with get_default_graph().name_scope(name or "sequence_loss"):
        each = sequence_loss_by_example(logits, targets, weights, average_across_timesteps, softmax_loss_function)
        cost = reduce_sum(each)
        return e.realdiv(cost, e.cast(shape(targets[0])[0], cost.dtype)) if average_across_batch else cost


def model_with_buckets(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    buckets: Sequence[tuple[int, int]],
    seq2seq: Callable[[Any, Any], tuple[Any, Any]],
    softmax_loss_function: Callable[..., Any] | None = None,
    per_example_loss: bool = False,
    name: str | None = None,
) -> tuple[list[Any], list[Tensor]]:
    """The outputs and the loss of one model for each pair of lengths (source, target), with shared variables."""
    longest = buckets[-1]
    for what, steps, wanted in (
        ("encoder_inputs", encoder_inputs, longest[0]), ("targets", targets, longest[1]),
        ("weights", weights, longest[1]),
    ):  # fmt: skip
        if len(steps) < wanted:
            raise ValueError(f"Length of {what} ({len(steps)}) must be at least that of last bucket ({wanted}).")
    loss_of = sequence_loss_by_example if per_example_loss else sequence_loss
    outputs, losses = [], []
    with get_default_graph().name_scope(name or "model_with_buckets"):
        for number, (source, target) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if number else None):
                found, _ = seq2seq(encoder_inputs[:source], decoder_inputs[:target])
            outputs.append(found)
            losses.append(
                loss_of(found, targets[:target], weights[:target], softmax_loss_function=softmax_loss_function)
            )
    return outputs, losses
